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

// TransactionState is what the sign-in pages show of a transaction. It contains no secret.
type TransactionState struct {
	Step            Step
	User            account.UserID
	Login           string
	Name            string
	Locale          string
	Devices         []factors.Device          // devices that can complete the transaction, the last used one first; without Data
	RecoveryCodes   int                       // remaining recovery codes that can complete it
	CodeWait        time.Duration             // time until a code is verified again
	ChangeReason    account.ChangeReason      // with StepChangePassword: why
	CanResendTicket bool                      // with StepTicket: another ticket may be sent (protocol rule 10)
	Invited         bool                      // with StepBlocked: the user has a valid invitation
	Enrolment       *account.PendingEnrolment // the pending enrolment, without Pending
	AllDevices      []factors.Device
}

// Transaction returns the state of a transaction. It returns Expired if there is none.
func (s *Service) Transaction(ctx context.Context, transaction secret.Value) (TransactionState, error) {
	now := s.Accounts.Now()
	var out TransactionState
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		tr, u, step, err := s.loadCached(r, transaction, now, cacheFor(ctx, ""))
		if err != nil {
			return err
		}
		out = TransactionState{Step: step, User: u.ID, Login: u.AsGiven().Login, Name: u.DisplayName(), Locale: s.Accounts.Locale(&u),
			Devices: DisplayDevices(s.verifiable(&tr, &u)), AllDevices: DisplayDevices(u.Devices)}
		for _, d := range s.verifiable(&tr, &u) { // Status needs Data, which out.Devices lacks
			out.RecoveryCodes += s.Accounts.Status(d).Remaining
		}
		out.Invited = step == StepBlocked && u.Invited.Link != "" && now.Before(u.Invited.Expires)
		out.Enrolment = tr.Enrol.ForDisplay(now)
		if step == StepChangePassword {
			out.ChangeReason = u.Password.MustChange
		}
		if step == StepTicket {
			out.CanResendTicket = u.MayResendTicket(now)
		}
		out.CodeWait, _, err = s.deviceWait(r, now, &u, throttle.Code, tr.KnownBrowser)
		return err
	})
	return out, err
}

// BeginVerify opens the second step by one input and returns its prompt.
func (s *Service) BeginVerify(ctx context.Context, req account.RequestInfo, transaction secret.Value,
	input factors.Input) (account.Prompt, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		tr, u, step, err := s.loadCached(tx.Reader, transaction, op.Now, cacheFor(ctx, "").take())
		if err != nil {
			return account.Prompt{}, err
		}
		if step != StepVerify {
			return account.Prompt{}, errcode.New(errcode.WrongState)
		}
		prompt, c, err := s.beginVerify(op.Now, &u, s.verifiable(&tr, &u), tr.Ceremony, input)
		if err != nil {
			return account.Prompt{}, err
		}
		tr.Ceremony = c
		return prompt, s.PutTransaction(tx, transaction, tr)
	})
}

// Result is the result of a second step: signed in, another step, or a rejection.
type Result struct {
	Verification
	Completed
	Enrol bool // a recovery code was used: enrol a device next (protocol rule 6)
	First bool // a device was enrolled in this transaction: recommend a second one
}

// Verify verifies the second step of a transaction. A rejected answer is an outcome: it has been counted and
// audited.
func (s *Service) Verify(ctx context.Context, req account.RequestInfo, transaction secret.Value, input factors.Input,
	answer []byte) (Result, error) {
	return s.verify(ctx, req, transaction, input, answer, func(factors.Device) bool { return true })
}

// verify is Verify with the devices for which allowed returns true.
func (s *Service) verify(ctx context.Context, req account.RequestInfo, transaction secret.Value, input factors.Input,
	answer []byte, allowed func(factors.Device) bool) (Result, error) {
	var out Result
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		cache := cacheFor(ctx, req.APIToken)
		tr, u, wait, err := s.prepareVerify(ctx, op, transaction, input, cache)
		if err != nil {
			return false, err
		}
		if wait > 0 {
			out = Result{Verification: Verification{Wait: wait}, Completed: Completed{Step: StepVerify}}
			return true, nil
		}
		devices := slices.DeleteFunc(s.verifiable(&tr, &u), func(d factors.Device) bool { return !allowed(d) })
		a, err := s.verifyAnswer(op, &u, devices, tr.Ceremony, input, tr.KnownBrowser, answer)
		if err != nil {
			return false, err
		}
		a.password = tr.proven()
		if a.storesNothing(op.Now, tr.Ceremony) {
			out.Completed = Completed{Step: StepVerify}
			out.Verification, err = s.refuse(ctx, op, &u, a)
			return true, err
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Result, error) { return s.storeVerification(tx, transaction, a, cache) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// prepareVerify reads a transaction at its second step, and the wait before an answer of this input may be verified.
func (s *Service) prepareVerify(ctx context.Context, op *account.Operation, transaction secret.Value,
	input factors.Input, cache *transactionCache) (tr Transaction, u account.User, wait time.Duration, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		var step Step
		if tr, u, step, err = s.loadCached(r, transaction, op.Now, cache); err != nil {
			return err
		}
		if step != StepVerify {
			return errcode.New(errcode.WrongState)
		}
		wait, _, err = s.deviceWait(r, op.Now, &u, failureClass(input), tr.KnownBrowser)
		return err
	})
	return tr, u, wait, err
}

// waitFor returns how long the user must wait before an answer of this input is verified.
func (s *Service) waitFor(ctx context.Context, op *account.Operation, u *account.User, input factors.Input,
	known bool) (time.Duration, error) {
	var wait time.Duration
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		var err error
		wait, _, err = s.deviceWait(s.Accounts.Reader(snap), op.Now, u, failureClass(input), known)
		return err
	})
	return wait, err
}

// storeVerification stores the result of the second step. It returns nil if the user record is not the one on which
// the answer was verified.
func (s *Service) storeVerification(tx *account.Tx, transaction secret.Value, a deviceAttempt,
	cache *transactionCache) (*Result, error) {
	tr, u, step, err := s.loadCached(tx.Reader, transaction, tx.Op.Now, cache.take())
	if err != nil {
		return nil, err
	}
	if step != StepVerify || u.Revision != a.revision {
		return nil, nil
	}
	v, err := s.recordAttempt(tx, &u, a)
	if err != nil {
		return nil, err
	}
	if !v.Accepted() {
		return &Result{Verification: v, Completed: Completed{Step: s.Next(&tr, &u, tx.Op.Now)}}, s.storeRejected(tx, transaction, tr, &u, a, v)
	}
	out := Result{Verification: v}
	tx.AdoptLocale(&u) // before any email
	if err := tx.AuditUser(&u, audit.FactorProven, audit.Success, string(a.kind)); err != nil {
		return nil, err
	}
	if err := s.applyNewPassword(tx, &u, &tr); err != nil {
		return nil, err
	}
	if out.Enrol = a.input == factors.InputBackup; !out.Enrol {
		u.Password.ConfirmProvenance() // verified together with a device; recovery codes are not a device
		u.EverHadDevice = true         // also an imported one, which the user has now used (protocol rule 23)
	} else if out.CodesLeft, err = s.recordRecoveryCode(tx, &u, a.outcome.Device.ID); err != nil {
		return nil, err
	}
	second := SecondFactor{AMR: joinAMR(true, a.outcome.AMR), Backup: out.Enrol}
	if a.input == factors.InputAssertion || a.input == factors.InputCode && tr.KnownBrowser { // protocol rule 5
		second.StepUpAt = tx.Op.Now
	}
	if out.Completed, err = s.complete(tx, transaction, tr, &u, second); err != nil {
		return nil, err
	}
	return &out, tx.Save(&u)
}

// storeRejected stores the effects of a rejected answer: the ceremony of the transaction, and the user if a device
// or the activity list changed.
func (s *Service) storeRejected(tx *account.Tx, transaction secret.Value, tr Transaction, u *account.User,
	a deviceAttempt, v Verification) error {
	if v.Wait > 0 {
		return nil
	}
	changed := len(a.devices()) > 0 || v.notified
	tr.Ceremony = s.updateCeremony(tx.Op.Now, tr.Ceremony, a)
	if err := s.PutTransaction(tx, transaction, tr); err != nil || !changed {
		return err
	}
	return tx.Save(u)
}

// applyNewPassword makes a password that was chosen by a link the user's password, after the second step.
func (s *Service) applyNewPassword(tx *account.Tx, u *account.User, tr *Transaction) error {
	if n := tr.NewPassword; n != nil {
		if err := tx.DeleteLink(n.Link); err != nil {
			return fmt.Errorf("deleting a password link: %w", err)
		}
		u.Password = account.Password{Hash: n.Hash, Provenance: tr.provenance(u), Set: tx.Op.Now}
		if err := s.recordPasswordChange(tx, u); err != nil {
			return err
		}
		if _, err := tx.RevokeSessions(u, ""); err != nil {
			return err
		}
	}
	return nil
}

// recordRecoveryCode records the use of a code of a list, notifies the user, and returns how many codes are left.
func (s *Service) recordRecoveryCode(tx *account.Tx, u *account.User, list factors.DeviceID) (left int, err error) {
	tx.AddActivity(u, audit.RecoveryCodeSpent, "")
	if err := tx.AuditUser(u, audit.RecoveryCodeSpent, audit.Success, ""); err != nil {
		return 0, err
	}
	if err := s.EndOlderRecoveryLists(tx, u, list); err != nil {
		return 0, err
	}
	for _, d := range s.Accounts.RecoveryLists(u) {
		left += s.Accounts.Status(d).Remaining
	}
	return left, tx.Notify(u, notice.RecoveryUsed{Context: tx.About(u), Remaining: left}, time.Time{})
}

// EndOlderRecoveryLists removes the lists of recovery codes that are older than the list with this id, if it is the newest.
// The caller saves the user.
func (s *Service) EndOlderRecoveryLists(tx *account.Tx, u *account.User, id factors.DeviceID) error {
	for _, d := range s.Accounts.EndOlderRecoveryLists(u, id) {
		if err := tx.AuditDevice(u, audit.FactorRemoved, d); err != nil {
			return err
		}
	}
	return nil
}

// joinAMR returns the authentication methods of a sign-in with a second factor, with "mfa" (RFC 8176 §2).
func joinAMR(password bool, methods []string) []string {
	out := []string{}
	if password {
		out = append(out, "pwd")
	}
	for _, m := range append(methods, "mfa") {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
