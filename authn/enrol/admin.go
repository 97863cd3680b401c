package enrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// AdminCall is an operator who does something about a person's devices. What the operator may is judged by Find.
type AdminCall struct {
	ID    string
	Owner string
	Name  string
	Actor audit.Actor
	Find  func(account.Reader) (account.User, error) // the person, judged anew in every run
}

// AdminEnrolmentSecret is an offer as it was begun, with what is to be shown to the person, this once.
type AdminEnrolmentSecret struct {
	User   account.User
	Device factors.Device
	Secret factors.ManualEntry
}

// AdminEnrolmentResult is what the Update comes to that ends an offer: the person and their new device.
type AdminEnrolmentResult struct {
	User   account.User
	Device factors.Device
}

// adminTarget reads the person of a call, who is to be active: anybody else signs in nowhere.
func (s *Service) adminTarget(r account.Reader, c AdminCall) (account.User, error) {
	u, err := c.Find(r)
	if err == nil && u.Status != account.StatusActive {
		err = errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	return u, err
}

// BeginByAdmin begins to enrol a device for somebody else and gives what is to be shown to them, this once. TooMany;
// Invalid with ReasonBrowserOnly for a kind that no program can enrol; WrongState for whoever is not active.
func (s *Service) BeginByAdmin(ctx context.Context, req account.RequestInfo, c AdminCall, want Request) (_ AdminEnrolmentSecret, err error) {
	if want.Name, err = account.DeviceName(want.Name, true); err != nil {
		return AdminEnrolmentSecret{}, err
	}
	f, ok := s.Accounts.Factor(want.Kind).(factors.AdminEnroller)
	if !ok {
		return AdminEnrolmentSecret{}, errcode.InvalidField("factorType", errcode.ReasonBrowserOnly)
	}
	if _, ok := f.(factors.SeedEnroller); want.Seed != nil && !ok {
		return AdminEnrolmentSecret{}, errcode.InvalidField("sharedSecret", "unsupported")
	}
	op := s.Accounts.NewOperation(req)
	var u account.User
	if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = s.adminTarget(r, c)
		return err
	}); err != nil {
		return AdminEnrolmentSecret{}, err
	}
	who := s.Accounts.Subject(&u)
	who.App, who.Device = want.App, want.Name
	pending, err := s.beginSecret(op.Now, want, who, u.Devices)
	if err != nil {
		return AdminEnrolmentSecret{}, err
	}
	secret, err := f.ManualEntry(pending)
	if err != nil {
		return AdminEnrolmentSecret{}, fmt.Errorf("telling of a pending %s: %w", want.Kind, err)
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (AdminEnrolmentSecret, error) {
		u, err := s.adminTarget(tx.Reader, c)
		if err != nil {
			return AdminEnrolmentSecret{}, err
		}
		u.AdminEnrolment = &account.AdminEnrolment{ID: factors.DeviceID(op.ID("device")), Kind: want.Kind, App: want.App, Name: want.Name, By: c.ID, Provenance: c.Owner,
			ByName: c.Name, Epoch: u.Epoch, Pending: pending, At: op.Now, Expires: op.Now.Add(account.EnrolmentTTL)}
		d, _ := u.PendingDevice(op.Now)
		tx.AddAdminActivity(&u, audit.FactorOffered, d.Name)
		if err := s.auditAdminEnrolment(tx, c, &u, audit.FactorOffered, d); err != nil {
			return AdminEnrolmentSecret{}, err
		}
		err = tx.Save(&u)
		return AdminEnrolmentSecret{u, d, secret}, err
	})
}

// beginSecret opens the enrolment of an offer, with a new secret or with the seed that the caller supplied.
func (s *Service) beginSecret(now time.Time, want Request, who factors.Subject, devices []factors.Device) (pending factors.Pending, err error) {
	if !s.Accounts.CanAdd(want.Kind, devices) {
		return nil, errcode.New(errcode.TooMany)
	}
	f := s.Accounts.Factor(want.Kind)
	if want.Seed == nil {
		_, pending, err = f.BeginEnrol(now, who, devices)
	} else {
		pending, err = f.(factors.SeedEnroller).BeginEnrolSeed(now, who, devices, *want.Seed)
	}
	if refused, ok := errors.AsType[factors.ImportError](err); ok {
		return nil, errcode.InvalidField("sharedSecret", string(refused))
	}
	return pending, tooMany(err)
}

// auditAdminEnrolment writes down what an operator did about a device of somebody else.
func (s *Service) auditAdminEnrolment(tx *account.Tx, c AdminCall, u *account.User, action string, d factors.Device) error {
	return tx.Audit(audit.Event{Actor: c.Actor, Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}}, Detail: map[string]string{"kind": string(d.Kind), "hand": d.SecretSeenBy}})
}

// AdminQR is the QR code of an offer as PNG, for as long as it is pending and for whoever made it.
func (s *Service) AdminQR(ctx context.Context, c AdminCall, id factors.DeviceID) ([]byte, error) {
	var u account.User
	var o account.AdminEnrolment
	if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = s.adminTarget(r, c); err != nil {
			return err
		}
		found, err := adminEnrolmentOf(&u, c, id, s.Accounts.Now())
		if err == nil {
			o = *found
		}
		return err
	}); err != nil {
		return nil, err
	}
	f, ok := s.Accounts.Factor(o.Kind).(factors.AdminEnroller)
	if !ok {
		return nil, errcode.New(errcode.NotFound)
	}
	picture, err := f.QRCodePNG(s.Accounts.Subject(&u), o.Pending)
	if err != nil {
		return nil, fmt.Errorf("drawing a pending %s: %w", o.Kind, err)
	}
	return picture, nil
}

// ConfirmByAdmin judges the first code of an offered device. For a person who has no device that counts it is born by the
// operator's hand (PROTOCOL 8); for anybody else it waits for that person's word. A wrong code changes nothing: the
// caller knows the secret, and nothing is guessed.
func (s *Service) ConfirmByAdmin(ctx context.Context, req account.RequestInfo, c AdminCall, id factors.DeviceID, answer []byte) (u account.User, d factors.Device, j authn.Verification, err error) {
	err = authn.RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		var read account.User
		var o *account.AdminEnrolment
		if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
			if read, err = s.adminTarget(r, c); err == nil {
				o, err = adminEnrolmentOf(&read, c, id, op.Now)
			}
			return err
		}); err != nil {
			return false, err
		}
		f := s.Accounts.Factor(o.Kind)
		if f == nil {
			return false, errcode.New(errcode.NotFound)
		}
		out, err := f.FinishEnrol(op.Now, s.Accounts.Subject(&read), o.Pending, answer)
		if err != nil {
			return false, fmt.Errorf("enrolling %s: %w", o.Kind, err)
		}
		if j = (authn.Verification{Kind: o.Kind, Rejected: out.Rejected, ClockOff: out.ClockOff}); !j.Accepted() {
			return true, nil
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*AdminEnrolmentResult, error) {
			u, err := s.adminTarget(tx.Reader, c)
			if err != nil {
				return nil, err
			}
			held, err := adminEnrolmentOf(&u, c, id, op.Now)
			if err != nil {
				return nil, err
			}
			if u.Revision != read.Revision || !bytes.Equal(held.Pending, o.Pending) {
				return nil, nil
			}
			d, err := s.activatePending(tx, c, &u, held, out.Device)
			tx.SetResult(AdminEnrolmentResult{u, d})
			return &AdminEnrolmentResult{u, d}, err
		})
		if err != nil || done == nil {
			return false, err
		}
		u, d = done.User, done.Device
		return true, nil
	})
	return u, d, j, err
}

// activatePending puts a confirmed offer among the person's devices, tells of it and saves the person.
func (s *Service) activatePending(tx *account.Tx, c AdminCall, u *account.User, o *account.AdminEnrolment, d factors.Device) (factors.Device, error) {
	if !s.Accounts.CanAdd(o.Kind, u.Devices) {
		return factors.Device{}, errcode.New(errcode.TooMany) // others were enrolled meanwhile
	}
	if d.Unique != "" {
		d.Unique = s.Accounts.UniqueSecret(d.Unique)
		if err := tx.ReserveUnique(u.ID, d.Unique); err != nil {
			return d, err
		}
	}
	d.ID, d.Added, d.Name, d.App, d.SecretSeenBy, d.EnrolledBy = o.ID, tx.Op.Now, o.Name, o.App, o.Provenance, o.ByName
	if s.Accounts.CountPrimary(u) > 0 {
		d.Disabled = factors.DisabledUnconfirmed
	}
	u.AdminEnrolment = nil
	u.EverHadDevice = u.EverHadDevice || !d.Unconfirmed() // beside a key of another house that nobody has used it proves nothing (PROTOCOL 23)
	u.Devices = append(u.Devices[:len(u.Devices):len(u.Devices)], d)
	if s.Accounts.CountPrimary(u) > 0 && !d.Unconfirmed() {
		// The ticket would lead nowhere now. Beside a password of the same hand the device counts for nothing, and a
		// ticket that came another way stays the way in.
		if err := s.SignIn.SpendTickets(tx, u); err != nil {
			return d, err
		}
	}
	tx.AddAdminActivity(u, audit.FactorActivated, d.Name)
	if err := s.auditAdminEnrolment(tx, c, u, audit.FactorActivated, d); err != nil {
		return d, err
	}
	about := notice.Context{Name: u.DisplayName(), At: tx.Op.Now} // nothing of the operator's own browser and address
	if err := tx.Notify(u, notice.DeviceEnrolledByAdmin{Context: about, Device: d.Name, By: d.EnrolledBy, Waits: d.Unconfirmed()}, time.Time{}); err != nil {
		return d, err
	}
	return d, tx.Save(u)
}

// CancelByAdmin ends an offer before its first code; NotFound without one. The caller saves the person.
func (s *Service) CancelByAdmin(tx *account.Tx, c AdminCall, u *account.User, id factors.DeviceID) error {
	d, ok := u.PendingDevice(tx.Op.Now)
	if !ok || d.ID != id {
		return errcode.New(errcode.NotFound)
	}
	u.AdminEnrolment = nil
	return s.auditAdminEnrolment(tx, c, u, audit.FactorRemoved, d)
}

// VerifyFor judges a code of one of the person's devices that a program was given. It spends the same steps and moves
// the same counters as a page (PROTOCOL 17, 22). WrongState: the device serves for nothing now.
func (s *Service) VerifyFor(ctx context.Context, req account.RequestInfo, c AdminCall, id factors.DeviceID, answer []byte) (authn.Verification, error) {
	var out authn.Verification
	err := authn.RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		var u account.User
		if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
			u, err = s.adminTarget(r, c)
			return err
		}); err != nil {
			return false, err
		}
		d := u.Device(id)
		switch {
		case d == nil:
			return false, errcode.New(errcode.NotFound)
		case len(s.SignIn.TypedDevice([]factors.Device{*d})) == 0:
			return false, errcode.InvalidField("factorType", errcode.ReasonBrowserOnly)
		case !s.Accounts.CanUse(&u, *d):
			return false, errcode.WrongStateFor(errcode.ReasonUnusable)
		}
		if wait, err := s.SignIn.WaitBefore(ctx, op, &u, s.Accounts.Method(d.Kind).Input, false); err != nil || wait > 0 {
			out = authn.Verification{Wait: wait}
			return true, err
		}
		t, err := s.SignIn.VerifyAnswer(op, &u, []factors.Device{*d}, u.AdminVerification, s.Accounts.Method(d.Kind).Input, false, answer)
		if err != nil {
			return false, err
		}
		t.By = c.Actor
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*authn.Verification, error) { return s.storeVerifiedFor(tx, c, t) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// storeVerifiedFor stores what a program's code came to; nil when the record is not the one that was judged.
func (s *Service) storeVerifiedFor(tx *account.Tx, c AdminCall, t authn.DeviceAttempt) (*authn.Verification, error) {
	u, err := s.adminTarget(tx.Reader, c)
	if err != nil {
		return nil, err
	}
	if u.Revision != t.Revision {
		return nil, nil
	}
	j, err := s.SignIn.Count(tx, &u, t)
	if err != nil || j.Wait > 0 {
		return &j, err
	}
	u.AdminVerification = s.SignIn.Remember(tx.Op.Now, u.AdminVerification, t)
	if len(u.AdminVerification.Pending) == 0 {
		u.AdminVerification = nil
	}
	if j.Accepted() {
		if err := s.SignIn.AuditAnswer(tx, &u, t, audit.Success, string(t.Kind)); err != nil {
			return nil, err
		}
	}
	return &j, tx.Save(&u)
}

// ConfirmDevice takes a person's word for a device that an operator enrolled for them: a fresh proof by a device that
// counts, and a code of this one. StepUpRequired, NotFound.
func (s *Service) ConfirmDevice(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID, answer []byte) (authn.Verification, error) {
	return s.SignIn.AnswerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (authn.DeviceQuestion, error) {
		if !ses.StepUp.Fresh(op.Now) || ses.StepUp.EnrolOnly {
			return authn.DeviceQuestion{}, errcode.New(errcode.StepUpRequired)
		}
		d, f := u.Device(id), factors.Factor(nil)
		if d != nil {
			f = s.Accounts.Factor(d.Kind)
		}
		if f == nil || !d.Unconfirmed() {
			return authn.DeviceQuestion{}, errcode.New(errcode.NotFound)
		}
		judged := *d
		judged.Disabled = ""
		return s.SignIn.VerifyDevice(u, judged, func() (factors.Outcome, error) {
			out, err := f.FinishVerify(op.Now, s.Accounts.Subject(u), []factors.Device{judged}, ses.Ceremony.PendingFor(d.Kind, op.Now), answer)
			if out.Device.ID != "" && !out.Accepted() {
				out.Device.Disabled = factors.DisabledUnconfirmed // a burnt step is kept, and nothing counts
			}
			return out, err
		}), nil
	}, func(tx *account.Tx, ses *account.Session, u *account.User) error {
		d := u.Device(id)
		if d == nil || !ses.StepUp.Fresh(tx.Op.Now) || ses.StepUp.EnrolOnly {
			return errcode.New(errcode.StepUpRequired)
		}
		tx.AddActivity(u, audit.FactorConfirmed, d.Name)
		if err := tx.AuditDevice(u, audit.FactorConfirmed, *d); err != nil {
			return err
		}
		return tx.Notify(u, notice.DeviceAdded{Context: tx.About(u), Device: d.Name}, time.Time{})
	})
}

// adminEnrolmentOf is the offer of that id, which only the caller who made it may go on with.
func adminEnrolmentOf(u *account.User, c AdminCall, id factors.DeviceID, now time.Time) (*account.AdminEnrolment, error) {
	d, ok := u.PendingDevice(now)
	switch {
	case !ok || d.ID != id:
		return nil, errcode.New(errcode.NotFound)
	case u.AdminEnrolment.By != c.ID:
		return nil, errcode.New(errcode.Forbidden)
	}
	return u.AdminEnrolment, nil
}
