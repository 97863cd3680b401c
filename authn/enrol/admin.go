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
)

// AdminEnrolmentSecret is an admin enrolment that has begun, with the secret that is shown once.
type AdminEnrolmentSecret struct {
	User   account.User
	Device factors.Device
	Secret factors.ManualEntry
}

// AdminEnrolmentResult is the result of the Update that confirms an admin enrolment.
type AdminEnrolmentResult struct {
	User   account.User
	Device factors.Device
}

// BeginByAdmin begins to enrol a device for another user and returns the secret, which is shown once. It returns
// TooMany; Invalid with ReasonBrowserOnly for a kind that only a browser can enrol; or WrongState if the user is not
// active.
func (s *Service) BeginByAdmin(ctx context.Context, req account.RequestInfo, c authn.AdminCall,
	want Request) (_ AdminEnrolmentSecret, err error) {
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
		u, err = c.ActiveUser(r)
		return err
	}); err != nil {
		return AdminEnrolmentSecret{}, err
	}
	subject := s.Accounts.Subject(&u)
	subject.App, subject.Device = want.App, want.Name
	pending, err := s.beginSecret(op.Now, want, subject, u.Devices)
	if err != nil {
		return AdminEnrolmentSecret{}, err
	}
	secret, err := f.ManualEntry(pending)
	if err != nil {
		return AdminEnrolmentSecret{}, fmt.Errorf("reading the secret of a pending %s: %w", want.Kind, err)
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (AdminEnrolmentSecret, error) {
		u, err := c.ActiveUser(tx.Reader)
		if err != nil {
			return AdminEnrolmentSecret{}, err
		}
		u.AdminEnrolment = &account.AdminEnrolment{ID: factors.DeviceID(op.ID("device")), Kind: want.Kind, App: want.App, Name: want.Name, By: c.ID, Provenance: c.Owner,
			ByName: c.Name, Epoch: u.Epoch, Pending: pending, At: op.Now, Expires: op.Now.Add(account.EnrolmentTTL)}
		u.Sponsors = u.Sponsors.Add(c.Owner, op.Now)
		d, _ := u.PendingDevice(op.Now)
		tx.AddAdminActivity(&u, audit.FactorAdminEnrolled, d.Name)
		if err := s.auditAdminEnrolment(tx, c, &u, audit.FactorAdminEnrolled, d); err != nil {
			return AdminEnrolmentSecret{}, err
		}
		err = tx.Save(&u)
		return AdminEnrolmentSecret{u, d, secret}, err
	})
}

// beginSecret opens an enrolment with a new secret or with the seed that the caller supplied.
func (s *Service) beginSecret(now time.Time, want Request, subject factors.Subject,
	devices []factors.Device) (pending factors.Pending, err error) {
	if !s.Accounts.CanAdd(want.Kind, devices) {
		return nil, errcode.New(errcode.TooMany)
	}
	f := s.Accounts.Factor(want.Kind)
	if want.Seed == nil {
		_, pending, err = f.BeginEnrol(now, subject, devices)
	} else {
		pending, err = f.(factors.SeedEnroller).BeginEnrolSeed(now, subject, devices, *want.Seed)
	}
	if refused, ok := errors.AsType[factors.ImportError](err); ok {
		return nil, errcode.InvalidField("sharedSecret", string(refused))
	}
	return pending, tooMany(err)
}

// auditAdminEnrolment records an operation of a principal on a device of the user.
func (s *Service) auditAdminEnrolment(tx *account.Tx, c authn.AdminCall, u *account.User, action string, d factors.Device) error {
	return tx.Audit(audit.Event{Actor: c.Actor, Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}}, Detail: map[string]string{"kind": string(d.Kind), "provenance": d.SecretSeenBy}})
}

// AdminQR returns the QR code of a pending admin enrolment as PNG. Only the principal that began it may read it.
func (s *Service) AdminQR(ctx context.Context, c authn.AdminCall, id factors.DeviceID) ([]byte, error) {
	var u account.User
	var o account.AdminEnrolment
	if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = c.ActiveUser(r); err != nil {
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
	png, err := f.QRCodePNG(s.Accounts.Subject(&u), o.Pending)
	if err != nil {
		return nil, fmt.Errorf("drawing the QR code of a pending %s: %w", o.Kind, err)
	}
	return png, nil
}

// ConfirmByAdmin verifies the first code of an admin enrolment. If the user has no usable or frozen primary device, the new
// device is usable at once and has the provenance of the administrator (protocol rule 8). Otherwise it stays
// unconfirmed until the user confirms it. A wrong code is not counted, because the caller knows the secret.
func (s *Service) ConfirmByAdmin(ctx context.Context, req account.RequestInfo, c authn.AdminCall, id factors.DeviceID,
	answer []byte) (u account.User, d factors.Device, v authn.Verification, err error) {
	err = authn.RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		var verified account.User
		var o *account.AdminEnrolment
		if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
			if verified, err = c.ActiveUser(r); err == nil {
				o, err = adminEnrolmentOf(&verified, c, id, op.Now)
			}
			return err
		}); err != nil {
			return false, err
		}
		f := s.Accounts.Factor(o.Kind)
		if f == nil {
			return false, errcode.New(errcode.NotFound)
		}
		out, err := f.FinishEnrol(op.Now, s.Accounts.Subject(&verified), o.Pending, answer)
		if err != nil {
			return false, fmt.Errorf("enrolling %s: %w", o.Kind, err)
		}
		if v = (authn.Verification{Kind: o.Kind, Rejected: out.Rejected, ClockOff: out.ClockOff}); !v.Accepted() {
			return true, nil
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*AdminEnrolmentResult, error) {
			u, err := c.ActiveUser(tx.Reader)
			if err != nil {
				return nil, err
			}
			pending, err := adminEnrolmentOf(&u, c, id, op.Now)
			if err != nil {
				return nil, err
			}
			if u.Revision != verified.Revision || !bytes.Equal(pending.Pending, o.Pending) {
				return nil, nil
			}
			d, err := s.activatePending(tx, c, &u, pending, out.Device)
			tx.SetResult(AdminEnrolmentResult{u, d})
			return &AdminEnrolmentResult{u, d}, err
		})
		if err != nil || done == nil {
			return false, err
		}
		u, d = done.User, done.Device
		return true, nil
	})
	return u, d, v, err
}

// activatePending adds a confirmed device to the user, notifies the user and saves the record.
func (s *Service) activatePending(tx *account.Tx, c authn.AdminCall, u *account.User, o *account.AdminEnrolment,
	d factors.Device) (factors.Device, error) {
	if !s.Accounts.CanAdd(o.Kind, u.Devices) {
		return factors.Device{}, errcode.New(errcode.TooMany) // other devices were enrolled meanwhile
	}
	if d.Unique != "" {
		d.Unique = s.Accounts.UniqueSecret(d.Unique)
		if err := tx.ReserveUnique(u.ID, d.Unique); err != nil {
			return d, err
		}
	}
	d.ID, d.Added, d.Name, d.App, d.SecretSeenBy, d.EnrolledBy = o.ID, tx.Op.Now, o.Name, o.App, o.Provenance, o.ByName
	if s.Accounts.CountPrimary(u) > 0 || s.Accounts.HasFrozen(u) {
		d.Disabled = factors.DisabledUnconfirmed
	}
	u.AdminEnrolment = nil
	replaced := u.EverHadDevice
	u.EverHadDevice = u.EverHadDevice || !d.Unconfirmed() // an unconfirmed device is not yet the user's (protocol rule 23)
	u.Devices = append(u.Devices[:len(u.Devices):len(u.Devices)], d)
	if s.Accounts.CountPrimary(u) > 0 && !d.Unconfirmed() {
		// A ticket is useless beside a usable device. If the password has the provenance of the device, the device is
		// not usable, and a ticket of other provenance remains valid.
		if replaced {
			u.ReenrolledAt = tx.Op.Now // a removal and this enrolment together are a reset (protocol rule 11)
		}
		if err := s.SignIn.SpendTickets(tx, u); err != nil {
			return d, err
		}
	}
	tx.AddAdminActivity(u, audit.FactorActivated, d.Name)
	if err := s.auditAdminEnrolment(tx, c, u, audit.FactorActivated, d); err != nil {
		return d, err
	}
	about := tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now}) // without the browser and address of the administrator
	if err := tx.Notify(u, notice.DeviceEnrolledByAdmin{Context: about, Device: d.Name, By: d.EnrolledBy, Unconfirmed: d.Unconfirmed()}, time.Time{}); err != nil {
		return d, err
	}
	return d, tx.Save(u)
}

// CancelByAdmin ends an admin enrolment before its first code. It returns NotFound if there is none. The caller
// saves the user.
func (s *Service) CancelByAdmin(tx *account.Tx, c authn.AdminCall, u *account.User, id factors.DeviceID) error {
	d, ok := u.PendingDevice(tx.Op.Now)
	if !ok || d.ID != id {
		return errcode.New(errcode.NotFound)
	}
	u.AdminEnrolment = nil
	return s.auditAdminEnrolment(tx, c, u, audit.FactorRemoved, d)
}

// adminEnrolmentOf returns the pending admin enrolment with this ID. It returns Forbidden if another principal began
// it.
func adminEnrolmentOf(u *account.User, c authn.AdminCall, id factors.DeviceID, now time.Time) (*account.AdminEnrolment, error) {
	d, ok := u.PendingDevice(now)
	switch {
	case !ok || d.ID != id:
		return nil, errcode.New(errcode.NotFound)
	case u.AdminEnrolment.By != c.ID:
		return nil, errcode.ForbiddenFor(errcode.ReasonOtherPrincipal)
	}
	return u.AdminEnrolment, nil
}
