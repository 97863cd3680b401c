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

// sharer finds the device and its kind's ability to be shown again: the one place that asks for factors.Copier.
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

// CanCopy tells whether the device's QR code could be shown again.
func (s *Service) CanCopy(d factors.Device) bool {
	_, ok := s.Accounts.Factor(d.Kind).(factors.Sharer)
	return ok && d.Usable() && s.Accounts.Policy.AllowCopies
}

// ShowQR shows a device's QR code to another phone, after an answer given for this act alone. The secret is
// out when it is shown: the showing is recorded, audited and mailed, even if nobody confirms (PROTOCOL 14).
// copyID "" makes a new copy of that name; else the phone that scans again is named.
func (s *Service) ShowQR(ctx context.Context, req account.RequestInfo, session secret.Value, id factors.DeviceID, copyID, name string,
	input factors.Input, answer []byte) (authn.Verification, error) {
	name, err := account.DeviceName(name, copyID != "")
	if err != nil {
		return authn.Verification{}, err
	}
	var prompt account.Prompt
	prepare := func(op *account.Operation, ses *account.Session, u *account.User) error {
		d, c, err := s.sharer(u, id)
		if err != nil {
			return err
		}
		if err := checkShowing(op.Now, ses, u, d, copyID); err != nil {
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

// checkShowing tells whether the device may be shown at all. It is asked before an answer is judged: a right code
// that is told to be right without being spent would serve at another door.
func checkShowing(now time.Time, ses *account.Session, u *account.User, d factors.Device, copyID string) error {
	known := slices.ContainsFunc(d.Copies, func(c factors.Copy) bool { return c.ID == copyID })
	switch {
	case ses.Shared:
		return errcode.New(errcode.Forbidden)
	case len(account.LastDay(u.Showings, now)) >= account.MaxShowings:
		return errcode.New(errcode.QRLimit)
	case copyID == "" && len(d.Copies) >= account.MaxCopies:
		return errcode.New(errcode.TooMany)
	case copyID != "" && !known:
		return errcode.New(errcode.NotFound)
	}
	return nil
}

// recordShowing records a showing within the Update that takes the answer.
func (s *Service) recordShowing(tx *account.Tx, ses *account.Session, u *account.User, c account.PendingCopy) error {
	held := u.Device(c.Device)
	if held == nil {
		return errcode.New(errcode.NotFound)
	}
	d := *held
	if err := checkShowing(tx.Op.Now, ses, u, d, c.Copy); err != nil {
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

func tooMany(err error) error {
	if errors.Is(err, factors.ErrTooMany) {
		return errcode.New(errcode.TooMany)
	}
	return err
}

// PendingCopy gives the QR code that is being shown in the session, for its page; Expired without one.
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

// ConfirmCopy judges a code of the phone that scanned the QR code again. It must be of a later step than any
// used, so that it proves that the code was read.
func (s *Service) ConfirmCopy(ctx context.Context, req account.RequestInfo, session secret.Value, answer []byte) (authn.Verification, error) {
	return s.SignIn.AnswerInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (authn.DeviceQuestion, error) {
		if ses.Copying == nil || !op.Now.Before(ses.Copying.Expires) {
			return authn.DeviceQuestion{}, errcode.New(errcode.Expired)
		}
		d, c, err := s.sharer(u, ses.Copying.Device)
		return s.SignIn.VerifyDevice(u, d, func() (factors.Outcome, error) { return c.FinishCopy(op.Now, s.Accounts.Subject(u), d, answer) }), err
	}, func(tx *account.Tx, ses *account.Session, u *account.User) error { return s.confirmCopy(tx, ses, u) })
}

// confirmCopy marks the copy confirmed within the Update that takes its code.
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

// markForRescan is the list of copies after their secret was replaced: without the lost one, all to scan again.
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

// DisabledScanAgain is why a device is not usable whose secret died with a lost copy.
const DisabledScanAgain = "scan_again"

// RemoveCopy takes a phone off a shared QR code (PROTOCOL 15). With another proven device left the old secret
// dies at once and the other phones must scan again. Without one, replace is true: nothing has changed yet, the
// old secret works until an enrolment with Enrolling.Replace and Lost is confirmed.
func (s *Service) RemoveCopy(ctx context.Context, req account.RequestInfo, sess secret.Value, id factors.DeviceID, copyID string) (replace bool, issued session.Credentials, err error) {
	op := s.Accounts.NewOperation(req)
	type result struct {
		replace bool
		issued  session.Credentials
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
		issued, err := s.Sessions.Rotate(tx, &u, ses)
		if err != nil {
			return result{}, err
		}
		return result{issued: issued}, tx.Save(&u)
	})
	return out.replace, out.issued, err
}
