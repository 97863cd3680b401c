package authn

import (
	"context"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
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
		c, err := s.newAdminAttempt(ctx, op, p)
		if err != nil {
			return false, err
		}
		if c.wait > 0 {
			out = passwordResult{wait: c.wait}
			return true, nil
		}
		right, _, err := s.Accounts.Hasher.Verify(ctx, false, c.user.Password.Hash, p.Current)
		if errcode.Of(err) == errcode.Invalid { // nobody has such a password
			return false, errcode.InvalidField("current", "too_long")
		}
		if err != nil {
			return false, fmt.Errorf("verifying a password: %w", err)
		}
		phc := ""
		if right {
			if phc, err = s.Accounts.Hasher.Hash(ctx, false, p.Chosen); err != nil {
				return false, fmt.Errorf("hashing a password: %w", err)
			}
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*passwordResult, error) { return s.storeAdminChange(tx, p, c, phc) })
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
	var c passwordAttempt
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		u, err := p.Find(r)
		if err != nil {
			return err
		}
		if u.Status != account.StatusActive {
			return errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		c = passwordAttempt{user: u, found: true, failureID: s.Accounts.FailureID(u.ID)}
		c.wait, err = s.passwordWait(r.Raw, op, c)
		return err
	})
	if err == nil {
		err = s.Accounts.Hasher.Validate(p.Chosen, s.forbiddenWords(&c.user))
	}
	return c, err
}

// storeAdminChange stores the change, or with phc "" a wrong password; nil when the password is no longer the one that
// was judged (PROTOCOL 32).
func (s *Service) storeAdminChange(tx *account.Tx, p PasswordChange, c passwordAttempt, phc string) (*passwordResult, error) {
	u, err := p.Find(tx.Reader)
	if err != nil {
		return nil, err
	}
	if u.Password.Hash != c.user.Password.Hash {
		return nil, nil
	}
	wait, err := s.passwordWait(tx.Raw, tx.Op, c)
	if err != nil || wait > 0 {
		return &passwordResult{wait: wait}, err
	}
	if err := s.recordPassword(tx, c, phc != ""); err != nil {
		return nil, err
	}
	if phc == "" {
		return &passwordResult{code: errcode.SignInFailed}, p.OnChange(tx, &u, false)
	}
	if err := s.SetPassword(tx, &u, phc, p.Provenance, ""); err != nil {
		return nil, err
	}
	if err := p.OnChange(tx, &u, true); err != nil {
		return nil, err
	}
	return &passwordResult{}, tx.Save(&u)
}

// recordPassword counts a password that was judged: a right one ends the row of wrong ones, a wrong one is counted for
// the person or ghost and where it came from. The one place for every door that a stranger may knock at.
func (s *Service) recordPassword(tx *account.Tx, c passwordAttempt, right bool) error {
	f, err := s.Accounts.Failures.Get(tx.Raw, c.failureID)
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	count := f.WithFailure
	if right {
		count = f.WithSuccess
	}
	if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, c.failureID, count(tx.Op.Now, throttle.Password, c.knownBrowser)); err != nil {
		return fmt.Errorf("counting a password: %w", err)
	}
	if right {
		return nil
	}
	return s.countFailure(tx, c.knownBrowser)
}
