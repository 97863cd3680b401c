package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// PasswordChange is a change of somebody's password by a program of an operator, who then knows the new one.
type PasswordChange struct {
	Find            func(account.Reader) (account.User, error) // finds the person and judges the operator, in each run
	Provenance      string                                     // the operator's id: the new password came by it (PROTOCOL 8)
	Current, Chosen string
	OnChange        func(w *account.Tx, u *account.User, changed bool) error // audits, and tells the person of what was changed
}

// ChangePasswordByAdmin judges the present password as a sign-in from an unknown browser does, with the same limits and
// counters over all doors (PROTOCOL 22), and sets the new one. Every session ends. Invalid: what was chosen may not
// be a password, or the present one ("current") is wrong, which was counted; RateLimited; WrongState: not active.
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
		if errcode.Of(err) == errcode.Invalid { // nobody has such a password
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

// newAdminAttempt finds the person and whether an attempt may be judged, after what can be told without one.
func (s *Service) newAdminAttempt(ctx context.Context, op *account.Operation, p PasswordChange) (passwordAttempt, error) {
	var a passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		u, err := p.Find(r)
		if err != nil {
			return err
		}
		if u.Status != account.StatusActive {
			return account.WrongState(errcode.ReasonNotActive)
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

// storeAdminChange stores the change, or with phc "" a wrong password; nil when the password is no longer the one that
// was judged (PROTOCOL 32).
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

// ExpirePassword marks the password of an active person, so that their next complete sign-in asks for another. Those
// who are signed in stay so. The caller audits, tells and saves. WrongState: not active, or without a password.
func (s *Service) ExpirePassword(tx *account.Tx, u *account.User) error {
	switch {
	case u.Status != account.StatusActive:
		return account.WrongState(errcode.ReasonNotActive)
	case u.Password.Hash == "":
		return account.WrongState(errcode.ReasonNoPassword)
	case u.Password.MustChange == "":
		u.Password.MustChange = account.ChangeExpired
	}
	return nil
}

// SetPassword gives an active person a password that came by an operator's hand, and ends whatever stood on the one
// before but open tickets: with one that went another way it lets the person in. The caller audits, tells and saves.
// WrongState: not active. SameProvenance: the person's one device was brought by an operator and never used (PROTOCOL 8).
func (s *Service) SetPassword(tx *account.Tx, u *account.User, hash, provenance string, mark account.ChangeReason) error {
	if u.Status != account.StatusActive {
		return account.WrongState(errcode.ReasonNotActive)
	}
	if u.HasOnlyImportedDevice() {
		return errcode.New(errcode.SameProvenance)
	}
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Password = account.Password{Hash: hash, Provenance: provenance, Set: tx.Op.Now, MustChange: mark}
	u.Epoch++
	u.PasswordEpoch++
	tx.AddAdminActivity(u, audit.PasswordUpdated, "")
	return nil
}
