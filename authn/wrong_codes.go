package authn

import (
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/notice"
	"barillet/internal/throttle"
)

// noticeAt and noticeEach decide when the user is notified of wrong codes after a correct password: after the third in a
// row, and after each ten more (promise A10). Transactions share the count, because an attacker can begin a new one for
// every two attempts.
const noticeAt, noticeEach = 3, 10

// recordWrong counts a wrong answer in the counters f of the user, and draws the consequences of protocol rule 17. changed
// reports whether it changed the user, whom the caller then saves.
func (s *Service) recordWrong(tx *account.Tx, u *account.User, a deviceAttempt, f throttle.Failures) (changed bool, err error) {
	class := failureClass(a.input)
	wrong, exposed := f.WithFailure(tx.Op.Now, class, a.known), false
	if class == throttle.Code && !a.password.IsZero() {
		wrong, exposed = wrong.WithWrongAfterPassword(tx.Op.Now)
	}
	if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, s.Accounts.FailureID(u.ID), wrong); err != nil {
		return false, err
	}
	if class == throttle.Code && !a.byAdmin() && wrong.Streak%noticeEach == noticeAt {
		tx.AddFailedActivity(u, audit.FactorProven)
		if err := tx.NotifyLimited(u, notice.WrongCodes{Context: tx.About(u), Count: wrong.Streak}); err != nil {
			return false, err
		}
		changed = true
	}
	if wrong.Stopped() && !f.Stopped() {
		if err := s.recordStop(tx, u, wrong.Streak); err != nil {
			return false, err
		}
		changed = true
	}
	if exposed && u.Password.MustChange == "" {
		return true, s.requireNewPassword(tx, u, len(wrong.WrongAfterPassword))
	}
	return changed, nil
}

// recordStop records and announces that codes from unknown browsers are refused from now on. It happens once: the next
// stop needs a success or a new password before.
func (s *Service) recordStop(tx *account.Tx, u *account.User, count int) error {
	tx.AddAdminActivity(u, audit.CodesStopped, "")
	if err := s.auditSystem(tx, u, audit.CodesStopped, "wrong codes in a row", count); err != nil {
		return err
	}
	return tx.Notify(u, notice.CodesStopped{Context: tx.About(u), Count: count}, time.Time{})
}

// requireNewPassword makes the user choose another password at the next complete sign-in (protocol rule 1), because
// another person knows this one.
func (s *Service) requireNewPassword(tx *account.Tx, u *account.User, count int) error {
	u.Password.MustChange = account.ChangeExposed
	tx.AddAdminActivity(u, audit.PasswordExpired, "")
	if err := s.auditSystem(tx, u, audit.PasswordExpired, "wrong codes after the right password", count); err != nil {
		return err
	}
	return tx.Notify(u, notice.PasswordExposed{Context: tx.About(u), Count: count}, time.Time{})
}

// auditSystem appends an event about a decision of the service itself. Who sent the codes is not known.
func (s *Service) auditSystem(tx *account.Tx, u *account.User, action, reason string, count int) error {
	return tx.Audit(audit.Event{Actor: audit.System, Subject: string(u.ID), SubjectName: u.Login,
		Action: action, Outcome: audit.Success, Reason: reason, Detail: map[string]string{"codes": fmt.Sprint(count)}})
}

// forgetOldPassword ends the stop of codes and the count of wrong codes after the old password.
func (s *Service) forgetOldPassword(tx *account.Tx, u *account.User) error {
	id := s.Accounts.FailureID(u.ID)
	f, err := s.Accounts.Failures.Get(tx.Raw, id)
	if err != nil || f.Streak == 0 && len(f.WrongAfterPassword) == 0 {
		return err
	}
	return s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, id, f.WithNewPassword())
}

// proven returns when the transaction proved the password of the user; zero if it chose a new one by a link, or proved it in
// a known browser.
func (tr *Transaction) proven() time.Time {
	if tr.NewPassword != nil || tr.KnownBrowser {
		return time.Time{}
	}
	return tr.Started
}

// failureClass returns the failure counter of an input (protocol rule 17). The input decides, not the devices that
// the user has.
func failureClass(input factors.Input) throttle.Class {
	switch input {
	case factors.InputAssertion:
		return throttle.Key
	case factors.InputBackup:
		return throttle.Recovery
	}
	return throttle.Code
}
