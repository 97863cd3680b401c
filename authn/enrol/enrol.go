package enrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// Service runs enrolments in a sign-in transaction or a session.
type Service struct {
	Accounts *account.Service
	Sessions *session.Service
	SignIn   *authn.Service
}

// Flow is where an enrolment takes place: in a login that bears an invitation or ticket, or in a session with
// a fresh proof. Exactly one of them is set.
type Flow struct {
	Transaction secret.Value
	Session     secret.Value
}

// Request is what somebody wants to enrol.
type Request struct {
	Kind     factors.Kind
	App      string           // "OKTA", "GOOGLE" or ""
	Name     string           // of the device; may be given or changed at the end
	Replace  factors.DeviceID // the device whose secret is to be replaced (PROTOCOL 15); "": a new one
	LostCopy string           // with Replace: the id of the copy that is gone; "": none
	Seed     *factors.Seed    // Offer: the secret of a device that was programmed elsewhere; nil: a new one
}

// flowState is a seat as it was read in one run.
type flowState struct {
	login   *authn.Transaction
	session *account.Session
	user    account.User
	enrol   *account.PendingEnrolment
}

// flowState loads where somebody sits and judges whether they may enrol this there. StepUpRequired asks for a proof.
func (s *Service) flowState(r account.Reader, seat Flow, now time.Time, replaces bool) (flowState, error) {
	if seat.Session.IsZero() {
		l, u, step, err := s.SignIn.LoadTransaction(r, seat.Transaction, now)
		if err != nil {
			return flowState{}, err
		}
		if step != authn.StepEnrol || replaces {
			return flowState{}, errcode.New(errcode.Forbidden)
		}
		return flowState{login: &l, user: u, enrol: l.Enrol}, nil
	}
	ses, u, err := s.Sessions.Load(r, seat.Session, now)
	if err != nil {
		return flowState{}, err
	}
	// A pending enrolment carries the proof that opened it: it is finished within its own ten minutes.
	pending := ses.Enrol != nil && now.Before(ses.Enrol.Expires) && (ses.Enrol.Replace != "") == replaces
	if !pending && (!ses.StepUp.Fresh(now) || replaces && ses.StepUp.EnrolOnly) {
		return flowState{}, errcode.New(errcode.StepUpRequired)
	}
	return flowState{session: &ses, user: u, enrol: ses.Enrol}, nil
}

// storeFlow stores the changed enrolment of a flow.
func (s *Service) storeFlow(tx *account.Tx, st flowState, seat Flow) error {
	if st.login != nil {
		st.login.Enrol = st.enrol
		return s.SignIn.PutTransaction(tx, seat.Transaction, *st.login)
	}
	st.session.Enrol = st.enrol
	return s.Sessions.Put(tx, seat.Session, *st.session)
}

// CheckAllowed tells whether the seat is one to enrol in; StepUpRequired, Forbidden, Expired or NoSession.
func (s *Service) CheckAllowed(ctx context.Context, seat Flow) error {
	return s.Accounts.View(ctx, func(r account.Reader) error {
		_, err := s.flowState(r, seat, s.Accounts.Now(), false)
		return err
	})
}

// BeginEnrol opens an enrolment and tells what to show. It takes the place of one that is pending there.
func (s *Service) BeginEnrol(ctx context.Context, req account.RequestInfo, seat Flow, want Request) (account.Prompt, error) {
	op := s.Accounts.NewOperation(req)
	f := s.Accounts.Factor(want.Kind)
	if f == nil {
		return account.Prompt{}, errcode.New(errcode.NotFound)
	}
	name, err := account.DeviceName(want.Name, true)
	if err != nil {
		return account.Prompt{}, err
	}
	want.Name = name
	var st flowState
	if err := s.Accounts.View(ctx, func(r account.Reader) error {
		var err error
		st, err = s.freshFlowState(r, seat, op.Now, want.Replace != "")
		return err
	}); err != nil {
		return account.Prompt{}, err
	}
	if st.login != nil && !s.Accounts.Method(want.Kind).Primary {
		return account.Prompt{}, errcode.New(errcode.Forbidden) // PROTOCOL 6: recovery codes are no device, and a login ends with one
	}
	have, err := s.otherDevices(&st.user, want)
	if err != nil {
		return account.Prompt{}, err
	}
	if !s.Accounts.CanAdd(want.Kind, have) {
		return account.Prompt{}, errcode.New(errcode.TooMany)
	}
	who := s.Accounts.Subject(&st.user)
	who.App, who.Device = want.App, want.Name
	p, pending, err := f.BeginEnrol(op.Now, who, have)
	if errors.Is(err, factors.ErrTooMany) {
		return account.Prompt{}, errcode.New(errcode.TooMany)
	}
	if err != nil {
		return account.Prompt{}, fmt.Errorf("beginning to enrol %s: %w", want.Kind, err)
	}
	prompt, err := account.NewPrompt(p)
	if err != nil {
		return account.Prompt{}, fmt.Errorf("keeping a prompt of %s: %w", want.Kind, err)
	}
	e := &account.PendingEnrolment{Kind: want.Kind, App: want.App, Name: want.Name, Replace: want.Replace, Lost: want.LostCopy,
		Pending: pending, Prompt: prompt, Expires: op.Now.Add(account.EnrolmentTTL)}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		st, err := s.freshFlowState(tx.Reader, seat, op.Now, want.Replace != "")
		if err != nil {
			return account.Prompt{}, err
		}
		if st.enrol = e; st.login != nil {
			st.login.Extend(op.Now)
		}
		return prompt, s.storeFlow(tx, st, seat)
	})
}

// freshFlowState is seat for a new enrolment: one that is pending does not lend its proof to another.
func (s *Service) freshFlowState(r account.Reader, seat Flow, now time.Time, replaces bool) (flowState, error) {
	st, err := s.flowState(r, seat, now, replaces)
	if err == nil && st.session != nil && (!st.session.StepUp.Fresh(now) || replaces && st.session.StepUp.EnrolOnly) {
		err = errcode.New(errcode.StepUpRequired)
	}
	return st, err
}

// otherDevices are the devices that a new one will stand beside: without the one it replaces, and without the spare
// ones of its kind, since a new set of recovery codes takes the place of the old.
func (s *Service) otherDevices(u *account.User, want Request) ([]factors.Device, error) {
	if d := u.Device(want.Replace); want.Replace != "" && (d == nil || d.Kind != want.Kind) {
		return nil, errcode.New(errcode.NotFound)
	}
	return slices.DeleteFunc(slices.Clone(u.Devices), func(d factors.Device) bool {
		return d.ID == want.Replace || d.Kind == want.Kind && s.Accounts.IsBackup(d)
	}), nil
}

// Pending gives the enrolment that is pending in the seat, to show its page again; Expired without one.
func (s *Service) Pending(ctx context.Context, seat Flow) (account.PendingEnrolment, error) {
	now := s.Accounts.Now()
	var out account.PendingEnrolment
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		st, err := s.pendingFlowState(r, seat, now)
		if err != nil {
			return err
		}
		out = *st.enrol.ForDisplay(now)
		return nil
	})
	return out, err
}

// pendingFlowState is the seat with an enrolment that is pending in it.
func (s *Service) pendingFlowState(r account.Reader, seat Flow, now time.Time) (flowState, error) {
	st, err := s.flowState(r, seat, now, false)
	if err != nil && !seat.Session.IsZero() {
		st, err = s.flowState(r, seat, now, true)
	}
	if err == nil && st.enrol.ForDisplay(now) == nil {
		err = errcode.New(errcode.Expired)
	}
	return st, err
}

// Result is the end of an enrolment: the device, or why not.
type Result struct {
	authn.Verification
	authn.Completed                // with First; or Issued of a session that was re-issued
	Device          factors.Device // without Data
	First           bool           // the second step of a login is done now
	Counted         int            // usable devices that count
}

// FinishEnrol judges the answer of the new device. name "" keeps the one given at the beginning.
func (s *Service) FinishEnrol(ctx context.Context, req account.RequestInfo, seat Flow, name string, answer []byte) (Result, error) {
	name, err := account.DeviceName(name, true)
	if err != nil {
		return Result{}, err
	}
	var out Result
	err = authn.RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		var st flowState
		if err := s.Accounts.View(ctx, func(r account.Reader) error {
			var err error
			st, err = s.pendingFlowState(r, seat, op.Now)
			return err
		}); err != nil {
			return false, err
		}
		f := s.Accounts.Factor(st.enrol.Kind)
		if f == nil {
			return false, errcode.New(errcode.Expired)
		}
		o, err := f.FinishEnrol(op.Now, s.Accounts.Subject(&st.user), st.enrol.Pending, answer)
		if err != nil {
			return false, fmt.Errorf("enrolling %s: %w", st.enrol.Kind, err)
		}
		if !o.Accepted() {
			out = Result{Verification: authn.Verification{Kind: st.enrol.Kind, Rejected: o.Rejected, ClockOff: o.ClockOff}}
			return true, s.dropChallenge(ctx, op, seat, st.enrol)
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Result, error) { return s.storeEnrolled(tx, seat, st, name, o) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// storeEnrolled stores a confirmed device; nil when seat or person are not those that were judged.
func (s *Service) storeEnrolled(tx *account.Tx, seat Flow, judged flowState, name string, o factors.Outcome) (*Result, error) {
	now := tx.Op.Now
	st, err := s.pendingFlowState(tx.Reader, seat, now)
	if err != nil {
		return nil, err
	}
	u, e := &st.user, st.enrol
	if u.Revision != judged.user.Revision || !bytes.Equal(e.Pending, judged.enrol.Pending) {
		return nil, nil
	}
	have, err := s.otherDevices(u, Request{Kind: e.Kind, Replace: e.Replace})
	if err != nil {
		return nil, errcode.New(errcode.Expired) // the device that was to be replaced is gone
	}
	if !s.Accounts.CanAdd(e.Kind, have) {
		return nil, errcode.New(errcode.TooMany) // others were enrolled meanwhile
	}
	d := o.Device
	d.ID, d.Added = factors.DeviceID(tx.Op.ID("device")), now
	if d.Name = e.Name; name != "" {
		d.Name = name
	}
	if d.App == "" {
		d.App = e.App
	}
	if err := tx.ReserveUnique(u.ID, d.Unique); err != nil {
		return nil, err
	}
	if err := s.placeDevice(tx, u, e, &d); err != nil {
		return nil, err
	}
	if s.Accounts.Method(d.Kind).Primary {
		u.EverHadDevice = true
	}
	st.enrol = nil
	out := &Result{Device: authn.DisplayDevices([]factors.Device{d})[0]}
	switch {
	case st.login != nil:
		err = s.completeByEnrolment(tx, seat, &st, out, o)
	case e.Replace != "":
		st.session.Enrol, st.session.Copying = nil, nil
		u.Epoch++ // the old secret is gone: PROTOCOL 2 and 15
		out.Credentials, err = s.Sessions.Rotate(tx, u, *st.session)
	default:
		if !st.session.StepUp.Fresh(now) && s.Accounts.Method(d.Kind).Primary {
			st.session.StepUp = account.StepUp{At: now, EnrolOnly: true}
		}
		err = s.storeFlow(tx, st, seat)
	}
	if err != nil {
		return nil, err
	}
	out.Counted = s.Accounts.CountPrimary(u)
	return out, tx.Save(u)
}

// placeDevice puts the confirmed device among the others, and tells of it.
func (s *Service) placeDevice(tx *account.Tx, u *account.User, e *account.PendingEnrolment, d *factors.Device) error {
	action := audit.FactorActivated
	var m notice.Notice = notice.DeviceAdded{Context: tx.About(u), Device: d.Name}
	spare := s.Accounts.IsBackup(*d)
	renewed := spare && slices.ContainsFunc(u.Devices, func(x factors.Device) bool { return x.Kind == d.Kind })
	switch old := u.Device(e.Replace); {
	case e.Replace != "" && old == nil:
		return errcode.New(errcode.Expired)
	case e.Replace != "":
		if err := tx.ReleaseUnique(*old); err != nil {
			return err
		}
		d.ID, d.Name, d.Copies = old.ID, old.Name, markForRescan(old.Copies, e.Lost)
		u.Devices = authn.ReplaceDevice(u.Devices, *d)
		action = audit.FactorUpdated
	case spare:
		u.Devices = slices.DeleteFunc(slices.Clone(u.Devices), func(x factors.Device) bool { return x.Kind == d.Kind })
		u.Devices = append(u.Devices, *d)
		action, m = audit.RecoveryCodesMade, nil
		if renewed {
			m = notice.RecoveryRenewed{Context: tx.About(u)}
		}
	default:
		u.Devices = append(slices.Clone(u.Devices), *d)
	}
	tx.AddActivity(u, action, d.Name)
	if err := tx.AuditDevice(u, action, *d); err != nil || m == nil {
		return err
	}
	return tx.Notify(u, m, time.Time{})
}

// completeByEnrolment completes a login whose invitation or ticket brought the person to this device: both are
// spent here, by the Update that stores the device (PROTOCOL 7).
func (s *Service) completeByEnrolment(tx *account.Tx, seat Flow, st *flowState, out *Result, o factors.Outcome) error {
	u := &st.user
	if err := s.SignIn.SpendTickets(tx, u); err != nil {
		return err
	}
	if u.Password.ConfirmProvenance(); st.login.Ticket == authn.TicketInvitation {
		u.Password.Provenance = account.ProvenanceUser // chosen by whoever accepted it, and by nobody who had it in hand before
		u.ConfirmEmail()
	}
	out.First = true
	var err error
	out.Completed, err = s.SignIn.Complete(tx, seat.Transaction, *st.login, u, authn.SecondFactor{AMR: account.JoinAMR(true, o.AMR), Enrolled: true})
	return err
}
