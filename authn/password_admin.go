package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// PasswordChange is a change of a user's password by an API client of an administrator, who then knows the new
// password.
type PasswordChange struct {
	Find            func(account.Reader) (account.User, error) // finds the user and checks the permission, in each attempt
	Provenance      string                                     // ID of the administrator, for the new password (protocol rule 8)
	Current, Chosen string
	OnChange        func(tx *account.Tx, u *account.User, changed bool) error // audits the result and notifies the user of a change
}

// ChangePasswordByAdmin verifies the current password and sets the new one, and ends every session. The limits and
// counters are those of a sign-in from an unknown browser (protocol rule 22). It returns Invalid for an unacceptable
// new password; Invalid with the field "current" for a wrong current one, which was counted; RateLimited; or
// WrongState if the user is not active.
func (s *Service) ChangePasswordByAdmin(ctx context.Context, req account.RequestInfo, p PasswordChange) error {
	var out passwordResult
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		a, err := s.newAdminAttempt(ctx, op, p)
		if err != nil {
			return false, err
		}
		if a.wait > 0 {
			out = passwordResult{wait: a.wait}
			return true, nil
		}
		right, _, err := s.Accounts.Hasher.Verify(ctx, false, a.user.Password.Hash, p.Current)
		if errcode.Of(err) == errcode.Invalid { // longer than any stored password
			return false, errcode.InvalidField("current", "too_long")
		}
		if err != nil {
			return false, fmt.Errorf("verifying a password: %w", err)
		}
		hash := ""
		if right {
			if hash, err = s.Accounts.Hasher.Hash(ctx, false, p.Chosen); err != nil {
				return false, fmt.Errorf("hashing a password: %w", err)
			}
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*passwordResult, error) { return s.storeAdminChange(tx, p, a, hash) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	switch {
	case err != nil:
		return err
	case out.code != "":
		return errcode.InvalidField("current", "wrong")
	}
	return out.err()
}

// newAdminAttempt finds the user and the wait before a password may be verified. It returns the errors that need no
// verification.
func (s *Service) newAdminAttempt(ctx context.Context, op *account.Operation, p PasswordChange) (passwordAttempt, error) {
	var a passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		u, err := p.Find(r)
		if err != nil {
			return err
		}
		if u.Status != account.StatusActive {
			return errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		a = passwordAttempt{user: u, found: true, failureID: s.Accounts.FailureID(u.ID)}
		a.wait, err = s.passwordWait(r.Raw, op, a)
		return err
	})
	if err == nil {
		err = s.Accounts.Hasher.Validate(p.Chosen, s.forbiddenWords(&a.user))
	}
	return a, err
}

// storeAdminChange stores the change, or a wrong password if hash is "". It returns nil if the password is no longer
// the verified one (protocol rule 32).
func (s *Service) storeAdminChange(tx *account.Tx, p PasswordChange, a passwordAttempt, hash string) (*passwordResult, error) {
	u, err := p.Find(tx.Reader)
	if err != nil {
		return nil, err
	}
	if u.Password.Hash != a.user.Password.Hash {
		return nil, nil
	}
	wait, err := s.passwordWait(tx.Raw, tx.Op, a)
	if err != nil || wait > 0 {
		return &passwordResult{wait: wait}, err
	}
	if err := s.recordPassword(tx, a, hash != ""); err != nil {
		return nil, err
	}
	if hash == "" {
		return &passwordResult{code: errcode.SignInFailed}, p.OnChange(tx, &u, false)
	}
	if err := s.SetPassword(tx, &u, hash, p.Provenance, ""); err != nil {
		return nil, err
	}
	if err := p.OnChange(tx, &u, true); err != nil {
		return nil, err
	}
	return &passwordResult{}, tx.Save(&u)
}

// ExpirePassword requires another password at the next sign-in of an active user. Sessions stay. The caller audits,
// notifies and saves. WrongState means that the user is not active or has no password.
func (s *Service) ExpirePassword(tx *account.Tx, u *account.User) error {
	switch {
	case u.Status != account.StatusActive:
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	case u.Password.Hash == "":
		return errcode.WrongStateFor(errcode.ReasonNoPassword)
	case u.Password.MustChange == "":
		u.Password.MustChange = account.ChangeExpired
	}
	return nil
}

// SetPassword sets a password that an administrator supplied for an active user. It ends the sessions and
// transactions that depend on the old one. Open tickets stay: together with a ticket of other provenance the
// password signs the user in. The caller audits, notifies and saves. It returns WrongState if the user is not
// active, and SameProvenance if the only device was imported by an administrator and never used (protocol rule 8).
func (s *Service) SetPassword(tx *account.Tx, u *account.User, hash, provenance string, reason account.ChangeReason) error {
	if u.Status != account.StatusActive {
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	if u.HasOnlyImportedDevice() {
		return errcode.New(errcode.SameProvenance)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Password = account.Password{Hash: hash, Provenance: provenance, Set: tx.Op.Now, MustChange: reason}
	u.Epoch++
	u.PasswordEpoch++
	tx.AddAdminActivity(u, audit.PasswordUpdated, "")
	return s.forgetOldPassword(tx, u)
}
