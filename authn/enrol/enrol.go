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
)

// Service runs enrolments in a sign-in transaction or a session.
type Service struct {
	Accounts *account.Service
	Sessions *session.Service
	SignIn   *authn.Service
}

// Request is a device to enrol.
type Request struct {
	Kind     factors.Kind
	App      string           // "OKTA", "GOOGLE" or ""
	Name     string           // name of the device; FinishEnrol can change it
	Replace  factors.DeviceID // the device whose secret is replaced (protocol rule 15); "": a new device
	LostCopy string           // with Replace: ID of the lost copy; "": none
	Seed     *factors.Seed    // with BeginByAdmin: secret of a programmed device; nil: a new secret
}

// BeginEnrol opens an enrolment and returns its prompt. It replaces one that is pending in the same flow.
func (s *Service) BeginEnrol(ctx context.Context, req account.RequestInfo, flow Flow, want Request) (account.Prompt, error) {
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
		st, err = s.loadNewFlow(r, flow, op.Now, want.Replace != "")
		return err
	}); err != nil {
		return account.Prompt{}, err
	}
	if st.transaction != nil && !s.Accounts.Method(want.Kind).Primary {
		// A transaction ends with a device, and recovery codes are none (protocol rule 6).
		return account.Prompt{}, errcode.New(errcode.Forbidden)
	}
	devices, err := s.otherDevices(&st.user, want)
	if err != nil {
		return account.Prompt{}, err
	}
	if !s.Accounts.CanAdd(want.Kind, devices) {
		return account.Prompt{}, errcode.New(errcode.TooMany)
	}
	subject := s.Accounts.Subject(&st.user)
	subject.App, subject.Device = want.App, want.Name
	p, pending, err := f.BeginEnrol(op.Now, subject, devices)
	if errors.Is(err, factors.ErrTooMany) {
		return account.Prompt{}, errcode.New(errcode.TooMany)
	}
	if err != nil {
		return account.Prompt{}, fmt.Errorf("beginning to enrol %s: %w", want.Kind, err)
	}
	prompt, err := account.NewPrompt(p)
	if err != nil {
		return account.Prompt{}, fmt.Errorf("encoding a prompt of %s: %w", want.Kind, err)
	}
	if s.Accounts.Method(want.Kind).Input == factors.InputBackup {
		return s.showRecoveryCodes(ctx, op, flow, want, subject, pending, prompt)
	}
	e := &account.PendingEnrolment{Kind: want.Kind, App: want.App, Name: want.Name, Replace: want.Replace, Lost: want.LostCopy,
		Pending: pending, Prompt: prompt, Expires: op.Now.Add(account.EnrolmentTTL)}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		st, err := s.loadNewFlow(tx.Reader, flow, op.Now, want.Replace != "")
		if err != nil {
			return account.Prompt{}, err
		}
		if st.pending = e; st.transaction != nil {
			st.transaction.Extend(op.Now)
		}
		return prompt, s.storeFlow(tx, st, flow)
	})
}

// otherDevices returns the devices that remain beside the new one: without the device that it replaces, and without
// backup devices of its kind, because new recovery codes replace the old ones.
func (s *Service) otherDevices(u *account.User, want Request) ([]factors.Device, error) {
	if d := u.Device(want.Replace); want.Replace != "" && (d == nil || d.Kind != want.Kind) {
		return nil, errcode.New(errcode.NotFound)
	}
	return slices.DeleteFunc(slices.Clone(u.Devices), func(d factors.Device) bool {
		return d.ID == want.Replace || d.Kind == want.Kind && s.Accounts.IsBackup(d)
	}), nil
}

// Result is the result of an enrolment: the device, or the rejection.
type Result struct {
	authn.Verification
	authn.Completed                // with First; or Credentials of a rotated session
	Device          factors.Device // without Data
	First           bool           // the enrolment was the second step of a transaction
	PrimaryDevices  int            // usable primary devices
}

// FinishEnrol verifies the answer of the new device. If name is "", the device keeps the name given at the
// beginning. Recovery codes have FinishRecoveryCodes instead.
func (s *Service) FinishEnrol(ctx context.Context, req account.RequestInfo, flow Flow, name string,
	answer []byte) (Result, error) {
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
			st, err = s.loadPendingFlow(r, flow, op.Now)
			return err
		}); err != nil {
			return false, err
		}
		f := s.Accounts.Factor(st.pending.Kind)
		if f == nil || st.pending.Shown != "" {
			return false, errcode.New(errcode.Expired)
		}
		o, err := f.FinishEnrol(op.Now, s.Accounts.Subject(&st.user), st.pending.Pending, answer)
		if err != nil {
			return false, fmt.Errorf("enrolling %s: %w", st.pending.Kind, err)
		}
		if !o.Accepted() {
			out = Result{Verification: authn.Verification{Kind: st.pending.Kind, Rejected: o.Rejected, ClockOff: o.ClockOff}}
			return true, s.dropChallenge(ctx, op, flow, st.pending)
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Result, error) { return s.storeEnrolled(tx, flow, st, name, o) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// storeEnrolled stores a confirmed device. It returns nil if the user record or the pending enrolment is not the one
// on which the answer was verified.
func (s *Service) storeEnrolled(tx *account.Tx, flow Flow, verified flowState, name string, o factors.Outcome) (*Result, error) {
	now := tx.Op.Now
	st, err := s.loadPendingFlow(tx.Reader, flow, now)
	if err != nil {
		return nil, err
	}
	u, e := &st.user, st.pending
	tx.AdoptLocale(u) // before any email
	if u.Revision != verified.user.Revision || !bytes.Equal(e.Pending, verified.pending.Pending) {
		return nil, nil
	}
	devices, err := s.otherDevices(u, Request{Kind: e.Kind, Replace: e.Replace})
	if err != nil {
		return nil, errcode.New(errcode.Expired) // the device to replace no longer exists
	}
	if !s.Accounts.CanAdd(e.Kind, devices) {
		return nil, errcode.New(errcode.TooMany) // other devices were enrolled meanwhile
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
	if s.Accounts.Method(d.Kind).Primary {
		u.EverHadDevice = true
	}
	if err := s.placeDevice(tx, u, e, &d); err != nil {
		return nil, err
	}
	st.pending = nil
	out := &Result{Device: authn.DisplayDevices([]factors.Device{d})[0]}
	switch {
	case st.transaction != nil:
		out.First = true
		out.Completed, err = s.SignIn.CompleteByEnrolment(tx, flow.Transaction, *st.transaction, u, o.AMR)
	case e.Replace != "":
		st.session.Enrol, st.session.Copying = nil, nil
		u.Epoch++ // the old secret has ended (protocol rules 2 and 15)
		out.Credentials, err = s.Sessions.Rotate(tx, u, *st.session)
	default:
		if !st.session.StepUp.Fresh(now) && s.Accounts.Method(d.Kind).Primary {
			st.session.StepUp = account.StepUp{At: now, EnrolOnly: true}
		}
		err = s.storeFlow(tx, st, flow)
	}
	if err != nil {
		return nil, err
	}
	out.PrimaryDevices = s.Accounts.CountPrimary(u)
	return out, tx.Save(u)
}

// placeDevice adds the confirmed device to the user, or replaces the old one, and notifies the user.
func (s *Service) placeDevice(tx *account.Tx, u *account.User, e *account.PendingEnrolment, d *factors.Device) error {
	action := audit.FactorActivated
	var m notice.Notice = notice.DeviceAdded{Context: tx.About(u), Device: d.Name}
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
	default:
		u.Devices = append(slices.Clone(u.Devices), *d)
	}
	tx.AddActivity(u, action, d.Name)
	if err := tx.AuditDevice(u, action, *d); err != nil {
		return err
	}
	return tx.Notify(u, m, time.Time{})
}

// dropChallenge ends an enrolment after a wrong answer to its challenge, which is valid for one answer (promise A6).
// A code of a phone may be typed again, because the secret is on the page and cannot be guessed.
func (s *Service) dropChallenge(ctx context.Context, op *account.Operation, flow Flow, e *account.PendingEnrolment) error {
	if s.Accounts.Method(e.Kind).Input != factors.InputAssertion {
		return nil
	}
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		st, err := s.loadPendingFlow(tx.Reader, flow, op.Now)
		if err != nil || !bytes.Equal(st.pending.Pending, e.Pending) {
			if errcode.Of(err) == errcode.Expired {
				err = nil
			}
			return struct{}{}, err
		}
		st.pending = nil
		return struct{}{}, s.storeFlow(tx, st, flow)
	})
	return err
}
