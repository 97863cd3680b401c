package authn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// TransactionState is what the pages of a login need to know; it holds no secret.
type TransactionState struct {
	Step            Step
	User            account.UserID
	Login           string
	Name            string
	Locale          string
	Devices         []factors.Device // that this login may be completed with, the one used last first; without Data
	RecoveryCodes   int              // recovery codes left that it may be completed with
	ReturnTo        string
	CodeWait        time.Duration             // six-digit codes are not judged for so long
	ChangeReason    account.ChangeReason      // with StepChangePassword: why
	CanResendTicket bool                      // with StepTicket: another ticket may be mailed (PROTOCOL 10)
	Invited         bool                      // with StepBlocked: an invitation is waiting in the mailbox
	Enrolment       *account.PendingEnrolment // the one that is pending, without its Pending
	AllDevices      []factors.Device
}

// Transaction tells where a login stands; Expired when it is gone.
func (s *Service) Transaction(ctx context.Context, secret secret.Value) (TransactionState, error) {
	now := s.Accounts.Now()
	var out TransactionState
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		l, u, step, err := s.LoadTransaction(r, secret, now)
		if err != nil {
			return err
		}
		out = TransactionState{Step: step, User: u.ID, Login: u.Login, Name: u.DisplayName(), Locale: s.Accounts.Locale(&u),
			Devices: DisplayDevices(s.verifiable(&l, &u)), AllDevices: DisplayDevices(u.Devices), ReturnTo: l.ReturnTo}
		for _, d := range s.verifiable(&l, &u) { // the devices listed above are without what tells it
			out.RecoveryCodes += s.Accounts.Status(d).Remaining
		}
		out.Invited = step == StepBlocked && u.Invited.Link != "" && now.Before(u.Invited.Expires)
		out.Enrolment = l.Enrol.ForDisplay(now)
		if step == StepChangePassword {
			out.ChangeReason = u.Password.MustChange
		}
		if step == StepTicket {
			out.CanResendTicket = u.MayResendTicket(now)
		}
		out.CodeWait, _, err = s.deviceWait(r, now, &u, throttle.Code, l.KnownBrowser)
		return err
	})
	return out, err
}

// DisplayDevices is a list of devices to show, the one used last first, without what must not be shown.
func DisplayDevices(devices []factors.Device) []factors.Device {
	out := slices.Clone(devices)
	for i := range out {
		out[i].Data = nil
	}
	slices.SortStableFunc(out, func(a, b factors.Device) int { return lastUse(b).Compare(lastUse(a)) })
	return out
}

func lastUse(d factors.Device) time.Time {
	if d.LastUsed.IsZero() {
		return d.Added
	}
	return d.LastUsed
}

// BeginVerify opens the second step by one input and returns what to show.
func (s *Service) BeginVerify(ctx context.Context, req account.RequestInfo, secret secret.Value, input factors.Input) (account.Prompt, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		l, u, step, err := s.LoadTransaction(tx.Reader, secret, op.Now)
		if err != nil {
			return account.Prompt{}, err
		}
		if step != StepVerify {
			return account.Prompt{}, errcode.New(errcode.WrongState)
		}
		prompt, c, err := s.beginVerify(op.Now, &u, s.verifiable(&l, &u), l.Ceremony, input)
		if err != nil {
			return account.Prompt{}, err
		}
		l.Ceremony = c
		return prompt, s.PutTransaction(tx, secret, l)
	})
}

// Result is the end of a second step: signed in, what else is asked for first, or why not.
type Result struct {
	Verification
	Completed
	Enrol    bool // by recovery code: straight to enrolment (PROTOCOL 6)
	First    bool // a first device was enrolled in this login: the advice to add a second is due
	ReturnTo string
}

// Verify judges the second step of a login. A refused answer is an outcome: it has been counted and audited.
func (s *Service) Verify(ctx context.Context, req account.RequestInfo, secret secret.Value, input factors.Input, answer []byte) (Result, error) {
	return s.verify(ctx, req, secret, input, answer, func(factors.Device) bool { return true })
}

// verify is Verify by these devices alone.
func (s *Service) verify(ctx context.Context, req account.RequestInfo, secret secret.Value, input factors.Input, answer []byte, by func(factors.Device) bool) (Result, error) {
	var out Result
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		kept := transactionCache{apiToken: req.APIToken}
		l, u, wait, err := s.prepareVerify(ctx, op, secret, input, &kept)
		if err != nil {
			return false, err
		}
		if wait > 0 {
			out = Result{Verification: Verification{Wait: wait}, Completed: Completed{Step: StepVerify}}
			return true, nil
		}
		have := slices.DeleteFunc(s.verifiable(&l, &u), func(d factors.Device) bool { return !by(d) })
		t, err := s.VerifyAnswer(op, &u, have, l.Ceremony, input, l.KnownBrowser, answer)
		if err != nil {
			return false, err
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Result, error) { return s.storeVerification(tx, secret, t, &kept) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// prepareVerify reads a login that is at its second step, and looks whether an answer of the input may be judged at all,
// before work is spent on it.
func (s *Service) prepareVerify(ctx context.Context, op *account.Operation, secret secret.Value, input factors.Input, kept *transactionCache) (l Transaction, u account.User, wait time.Duration, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		var step Step
		if l, u, step, err = s.loadCached(r, secret, op.Now, kept); err != nil {
			return err
		}
		if step != StepVerify {
			return errcode.New(errcode.WrongState)
		}
		wait, _, err = s.deviceWait(r, op.Now, &u, failureClass(input), l.KnownBrowser)
		return err
	})
	return l, u, wait, err
}

// WaitBefore looks whether an answer of the input may be judged at all, before work is spent on it.
func (s *Service) WaitBefore(ctx context.Context, op *account.Operation, u *account.User, input factors.Input, known bool) (time.Duration, error) {
	var wait time.Duration
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		var err error
		wait, _, err = s.deviceWait(s.Accounts.Reader(snap), op.Now, u, failureClass(input), known)
		return err
	})
	return wait, err
}

// storeVerification stores what the second step came to; nil when the record is not the one that was judged.
func (s *Service) storeVerification(tx *account.Tx, secret secret.Value, t DeviceAttempt, kept *transactionCache) (*Result, error) {
	l, u, step, err := s.loadCached(tx.Reader, secret, tx.Op.Now, kept)
	if err != nil {
		return nil, err
	}
	if step != StepVerify || u.Revision != t.Revision {
		return nil, nil
	}
	j, err := s.Count(tx, &u, t)
	if err != nil {
		return nil, err
	}
	if !j.Accepted() {
		return &Result{Verification: j, Completed: Completed{Step: s.Next(&l, &u, tx.Op.Now)}}, s.storeRejected(tx, secret, l, &u, t, j)
	}
	out := Result{Verification: j, ReturnTo: l.ReturnTo}
	if err := tx.AuditUser(&u, audit.FactorProven, audit.Success, string(t.Kind)); err != nil {
		return nil, err
	}
	if err := s.applyNewPassword(tx, &u, &l); err != nil {
		return nil, err
	}
	if out.Enrol = t.input == factors.InputBackup; !out.Enrol {
		u.Password.ConfirmProvenance() // proven together with a device, which a code on paper is not
		u.EverHadDevice = true         // also of one from another house, which is the person's from now on (PROTOCOL 23)
	} else if err := s.recordRecoveryCode(tx, &u, j.CodesLeft); err != nil {
		return nil, err
	}
	if out.Completed, err = s.Complete(tx, secret, l, &u, SecondFactor{AMR: account.JoinAMR(true, t.outcome.AMR), Spare: out.Enrol}); err != nil {
		return nil, err
	}
	return &out, tx.Save(&u)
}

// storeRejected keeps what a refused answer leaves behind: its count in the login, a burnt step, a clone's mark.
func (s *Service) storeRejected(tx *account.Tx, secret secret.Value, l Transaction, u *account.User, t DeviceAttempt, j Verification) error {
	if j.Wait > 0 {
		return nil
	}
	changed := len(t.devices()) > 0 || j.notified
	l.Ceremony = s.Remember(tx.Op.Now, l.Ceremony, t)
	if err := s.PutTransaction(tx, secret, l); err != nil || !changed {
		return err
	}
	return tx.Save(u)
}

// afterStepUp is what a second step settles: a password chosen by a link takes effect now.
func (s *Service) applyNewPassword(tx *account.Tx, u *account.User, l *Transaction) error {
	if n := l.NewPassword; n != nil {
		if err := tx.DeleteLink(n.Link); err != nil {
			return fmt.Errorf("ending a password link: %w", err)
		}
		u.Password = account.Password{Hash: n.PHC, Provenance: l.provenance(u), Set: tx.Op.Now}
		if err := s.recordPasswordChange(tx, u); err != nil {
			return err
		}
		if _, err := tx.RevokeSessions(u, ""); err != nil {
			return err
		}
	}
	return nil
}

// recordPasswordChange raises the epochs and tells the person; the caller ends or re-issues sessions.
func (s *Service) recordPasswordChange(tx *account.Tx, u *account.User) error {
	u.Epoch++
	u.PasswordEpoch++
	u.Tickets = nil
	tx.AddActivity(u, audit.PasswordUpdated, "")
	if err := tx.AuditUser(u, audit.PasswordUpdated, audit.Success, ""); err != nil {
		return err
	}
	return tx.Notify(u, notice.PasswordChanged{Context: tx.About(u)}, time.Time{})
}

// recordRecoveryCode tells that a recovery code was taken.
func (s *Service) recordRecoveryCode(tx *account.Tx, u *account.User, left int) error {
	tx.AddActivity(u, audit.RecoveryCodeSpent, "")
	if err := tx.AuditUser(u, audit.RecoveryCodeSpent, audit.Success, ""); err != nil {
		return err
	}
	return tx.Notify(u, notice.RecoveryUsed{Context: tx.About(u), Left: left}, time.Time{})
}
