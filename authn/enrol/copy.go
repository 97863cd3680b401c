package enrol

import (
	"context"
	"errors"
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

// sharer returns the device and the factors.Sharer of its kind. It returns CopiesDisabled if the configuration
// forbids copies.
func (s *Service) sharer(u *account.User, id factors.DeviceID) (factors.Device, factors.Sharer, error) {
	d := u.Device(id)
	if d == nil || !d.Usable() {
		return factors.Device{}, nil, errcode.New(errcode.NotFound)
	}
	c, ok := s.Accounts.Factor(d.Kind).(factors.Sharer)
	switch {
	case !ok:
		return factors.Device{}, nil, errcode.New(errcode.NotFound)
	case !s.Accounts.Policy.AllowCopies:
		return factors.Device{}, nil, errcode.New(errcode.CopiesDisabled)
	}
	return *d, c, nil
}

// CanCopy reports whether the QR code of the device can be shown again.
func (s *Service) CanCopy(d factors.Device) bool {
	_, ok := s.Accounts.Factor(d.Kind).(factors.Sharer)
	return ok && d.Usable() && s.Accounts.Policy.AllowCopies
}

// ShowQR shows the QR code of a device to another phone, after a step-up for this operation alone. The showing is
// recorded, audited and notified even if no copy is confirmed, because the secret has left the service
// (protocol rule 14). If copyID is "", ShowQR adds a copy with this name; otherwise it names the copy that scans
// again.
func (s *Service) ShowQR(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID,
	copyID, name string, input factors.Input, answer []byte) (authn.Verification, error) {
	name, err := account.DeviceName(name, copyID != "")
	if err != nil {
		return authn.Verification{}, err
	}
	var prompt account.Prompt
	prepare := func(op *account.Operation, _ *account.Session, u *account.User) error {
		d, c, err := s.sharer(u, id)
		if err != nil {
			return err
		}
		if err := checkShowing(op.Now, u, d, copyID); err != nil {
			return err
		}
		p, err := c.ShowAgain(op.Now, s.Accounts.Subject(u), d)
		if err != nil {
			return tooMany(err)
		}
		prompt, err = account.NewPrompt(p)
		return err
	}
	return s.SignIn.StepUpFor(ctx, req, session, input, answer, prepare, func(tx *account.Tx, ses *account.Session, u *account.User) error {
		return s.recordShowing(tx, ses, u, account.PendingCopy{Device: id, Copy: copyID, Name: name, Prompt: prompt, Expires: tx.Op.Now.Add(account.EnrolmentTTL)})
	})
}

// checkShowing returns an error if the QR code must not be shown. It runs before the answer is verified: a correct
// answer that is reported but not consumed could be used at another endpoint.
func checkShowing(now time.Time, u *account.User, d factors.Device, copyID string) error {
	known := slices.ContainsFunc(d.Copies, func(c factors.Copy) bool { return c.ID == copyID })
	switch {
	case len(account.LastDay(u.Showings, now)) >= account.MaxShowings:
		return errcode.New(errcode.QRLimit)
	case copyID == "" && len(d.Copies) >= account.MaxCopies:
		return errcode.New(errcode.TooMany)
	case copyID != "" && !known:
		return errcode.New(errcode.NotFound)
	}
	return nil
}

// recordShowing records a showing in the Update that stores the answer.
func (s *Service) recordShowing(tx *account.Tx, ses *account.Session, u *account.User, c account.PendingCopy) error {
	held := u.Device(c.Device)
	if held == nil {
		return errcode.New(errcode.NotFound)
	}
	d := *held
	if err := checkShowing(tx.Op.Now, u, d, c.Copy); err != nil {
		return err
	}
	u.Showings = append(account.LastDay(u.Showings, tx.Op.Now), tx.Op.Now)
	if c.Copy == "" {
		c.Copy = tx.Op.ID("copy")
		d.Copies = append(slices.Clone(d.Copies), factors.Copy{ID: c.Copy, Name: c.Name, Shown: tx.Op.Now})
	} else {
		i := slices.IndexFunc(d.Copies, func(x factors.Copy) bool { return x.ID == c.Copy })
		d.Copies = slices.Clone(d.Copies)
		d.Copies[i].Shown, c.Name = tx.Op.Now, d.Copies[i].Name
	}
	u.Devices = authn.ReplaceDevice(u.Devices, d)
	ses.Copying = &c
	tx.AddActivity(u, audit.SecretShown, d.Name)
	if err := tx.AuditDevice(u, audit.SecretShown, d); err != nil {
		return err
	}
	return tx.Notify(u, notice.QRShown{Context: tx.About(u), Device: d.Name}, time.Time{})
}

// tooMany converts factors.ErrTooMany to TooMany.
func tooMany(err error) error {
	if errors.Is(err, factors.ErrTooMany) {
		return errcode.New(errcode.TooMany)
	}
	return err
}

// PendingCopy returns the QR code that is being shown in the session. It returns Expired if there is none.
func (s *Service) PendingCopy(ctx context.Context, session secret.Value) (account.PendingCopy, error) {
	now := s.Accounts.Now()
	var out account.PendingCopy
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		ses, _, err := s.Sessions.Load(r, session, now)
		if err != nil {
			return err
		}
		if ses.Copying == nil || !now.Before(ses.Copying.Expires) {
			return errcode.New(errcode.Expired)
		}
		out = *ses.Copying
		return nil
	})
	return out, err
}

// ConfirmCopy verifies a code of the phone that scanned the QR code. The code must belong to a later time step than
// any used one, so that it proves the scan.
func (s *Service) ConfirmCopy(ctx context.Context, req account.RequestInfo, session secret.Value,
	answer []byte) (authn.Verification, error) {
	return s.SignIn.VerifyInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (authn.DeviceCheck, error) {
		if ses.Copying == nil || !op.Now.Before(ses.Copying.Expires) {
			return authn.DeviceCheck{}, errcode.New(errcode.Expired)
		}
		d, c, err := s.sharer(u, ses.Copying.Device)
		return authn.DeviceCheck{Device: d, Verify: func() (factors.Outcome, error) { return c.FinishCopy(op.Now, s.Accounts.Subject(u), d, answer) }}, err
	}, s.confirmCopy)
}

// confirmCopy marks the copy as confirmed in the Update that stores its code.
func (s *Service) confirmCopy(tx *account.Tx, ses *account.Session, u *account.User) error {
	c := ses.Copying
	if c == nil {
		return errcode.New(errcode.Expired)
	}
	d := u.Device(c.Device)
	if d == nil {
		return errcode.New(errcode.Expired)
	}
	changed := *d
	changed.Copies = slices.Clone(d.Copies)
	for i := range changed.Copies {
		if changed.Copies[i].ID == c.Copy {
			changed.Copies[i].Confirmed, changed.Copies[i].ScanAgain = tx.Op.Now, false
		}
	}
	u.Devices = authn.ReplaceDevice(u.Devices, changed)
	ses.Copying = nil
	tx.AddActivity(u, audit.CopyConfirmed, c.Name)
	if err := tx.AuditDevice(u, audit.CopyConfirmed, changed); err != nil {
		return err
	}
	return tx.Notify(u, notice.CopyConfirmed{Context: tx.About(u), Device: changed.Name, Copy: c.Name}, time.Time{})
}

// markForRescan returns the copies after their secret was replaced: without the lost one, and all others marked to
// scan again.
func markForRescan(copies []factors.Copy, lost string) []factors.Copy {
	var out []factors.Copy
	for _, c := range copies {
		if c.ID != lost {
			c.ScanAgain, c.Confirmed = true, time.Time{}
			out = append(out, c)
		}
	}
	return out
}

// DisabledScanAgain is the reason of a device whose secret ended with a lost copy.
const DisabledScanAgain = "scan_again"

// RemoveCopy removes a phone from a shared QR code (protocol rule 15). If another usable primary device remains, the
// old secret ends at once and the other phones must scan again. Otherwise replace is true and nothing has changed:
// the old secret stays valid until an enrolment with Request.Replace and Request.LostCopy is confirmed.
func (s *Service) RemoveCopy(ctx context.Context, req account.RequestInfo, sess secret.Value, id factors.DeviceID,
	copyID string) (replace bool, credentials session.Credentials, err error) {
	op := s.Accounts.NewOperation(req)
	type result struct {
		replace     bool
		credentials session.Credentials
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (result, error) {
		ses, u, err := s.SignIn.RequireStepUp(tx, sess)
		if err != nil {
			return result{}, err
		}
		d := u.Device(id)
		if d == nil {
			return result{}, errcode.New(errcode.NotFound)
		}
		i := slices.IndexFunc(d.Copies, func(c factors.Copy) bool { return c.ID == copyID })
		if i < 0 {
			return result{}, errcode.New(errcode.NotFound)
		}
		changed, lost := *d, d.Copies[i].Name
		if left := s.Accounts.CountPrimary(&u); d.Usable() && left <= 1 {
			return result{replace: true}, nil
		}
		changed.Copies, changed.Disabled = markForRescan(d.Copies, copyID), DisabledScanAgain
		u.Devices = authn.ReplaceDevice(u.Devices, changed)
		u.Epoch++
		tx.AddActivity(&u, audit.CopyRemoved, lost)
		if err := tx.AuditDevice(&u, audit.CopyRemoved, changed); err != nil {
			return result{}, err
		}
		if err := tx.Notify(&u, notice.DeviceRemoved{Context: tx.About(&u), Device: changed.Name}, time.Time{}); err != nil {
			return result{}, err
		}
		credentials, err := s.Sessions.Rotate(tx, &u, ses)
		if err != nil {
			return result{}, err
		}
		return result{credentials: credentials}, tx.Save(&u)
	})
	return out.replace, out.credentials, err
}
