package authn

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// ChangePassword verifies the current password and sets a new one, after a step-up. The user's other sessions end.
func (s *Service) ChangePassword(ctx context.Context, req account.RequestInfo, sess secret.Value, current,
	chosen string) (session.Credentials, error) {
	op := s.Accounts.NewOperation(req)
	ses, u, err := s.loadSession(ctx, op, sess)
	if err != nil {
		return session.Credentials{}, err
	}
	if !ses.StepUp.Fresh(op.Now) || ses.StepUp.EnrolOnly {
		return session.Credentials{}, errcode.New(errcode.StepUpRequired)
	}
	if err := s.Accounts.Hasher.Validate(chosen, s.forbiddenWords(&u)); err != nil {
		return session.Credentials{}, err
	}
	known := u.KnowsBrowser(req.Browser, op.Now)
	a := passwordAttempt{user: u, found: true, knownBrowser: known, failureID: s.Accounts.FailureID(u.ID)}
	right, _, err := s.Accounts.Hasher.Verify(ctx, known, u.Password.Hash, current)
	if err != nil {
		return session.Credentials{}, fmt.Errorf("verifying a password: %w", err)
	}
	hash := ""
	if right {
		if hash, err = s.Accounts.Hasher.Hash(ctx, known, chosen); err != nil {
			return session.Credentials{}, fmt.Errorf("hashing a password: %w", err)
		}
	}
	type result struct {
		credentials session.Credentials
		err         error
	}
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (result, error) {
		credentials, rejected, err := s.storePasswordChange(tx, sess, a, right, hash)
		return result{credentials, rejected}, err
	})
	if err == nil {
		err = out.err
	}
	return out.credentials, err
}

// storePasswordChange stores a change of password, or counts the wrong one. rejected is the error to return after
// the counter is stored.
func (s *Service) storePasswordChange(tx *account.Tx, sess secret.Value, a passwordAttempt, right bool,
	hash string) (credentials session.Credentials, rejected, err error) {
	ses, u, err := s.RequireStepUp(tx, sess)
	if err != nil {
		return session.Credentials{}, nil, err
	}
	f, err := s.Accounts.Failures.Get(tx.Raw, a.failureID)
	if err != nil {
		return session.Credentials{}, nil, fmt.Errorf("reading failures: %w", err)
	}
	if ok, until := f.Allowed(tx.Op.Now, throttle.Password, a.knownBrowser); !ok {
		return session.Credentials{}, errcode.RateLimit(until.Sub(tx.Op.Now)), nil
	}
	if !right || u.Password.Hash != a.user.Password.Hash {
		if err := s.Accounts.Failures.Put(tx.Raw, tx.Op.Now, a.failureID, f.WithFailure(tx.Op.Now, throttle.Password, a.knownBrowser)); err != nil {
			return session.Credentials{}, nil, fmt.Errorf("counting a wrong password: %w", err)
		}
		return session.Credentials{}, errcode.InvalidField("current", "wrong"), tx.AuditUser(&u, audit.PasswordUpdated, audit.Failure, audit.WrongPassword)
	}
	u.Password = account.Password{Hash: hash, Provenance: account.ProvenanceUser, Set: tx.Op.Now}
	if err := s.recordPasswordChange(tx, &u); err != nil {
		return session.Credentials{}, nil, err
	}
	if credentials, err = s.Sessions.Rotate(tx, &u, ses); err != nil {
		return session.Credentials{}, nil, err
	}
	return credentials, nil, tx.Save(&u)
}

// recordPasswordChange raises the epochs and notifies the user. The caller ends or rotates sessions.
func (s *Service) recordPasswordChange(tx *account.Tx, u *account.User) error {
	u.Epoch++
	u.PasswordEpoch++
	u.Tickets = nil
	if err := s.forgetOldPassword(tx, u); err != nil {
		return err
	}
	tx.AddActivity(u, audit.PasswordUpdated, "")
	if err := tx.AuditUser(u, audit.PasswordUpdated, audit.Success, ""); err != nil {
		return err
	}
	return tx.Notify(u, notice.PasswordChanged{Context: tx.About(u)}, time.Time{})
}

// newPassword validates and hashes a password for the user that find returns.
func (s *Service) newPassword(ctx context.Context, password string,
	find func(account.Reader) (account.User, error)) (string, error) {
	var u account.User
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		var err error
		u, err = find(r)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := s.Accounts.Hasher.Validate(password, s.forbiddenWords(&u)); err != nil {
		return "", err
	}
	hash, err := s.Accounts.Hasher.Hash(ctx, false, password)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return hash, nil
}

// forbiddenWords returns the words from which a user's password must not be made.
func (s *Service) forbiddenWords(u *account.User) []string {
	return []string{u.Login, u.Email, u.SecondEmail, u.FirstName, u.LastName, s.Accounts.Policy.Issuer}
}
