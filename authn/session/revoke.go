package session

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// SignOut ends the session; ending one that is gone is no error.
func (s *Service) SignOut(ctx context.Context, req account.RequestInfo, secret secret.Value) error {
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Load(tx.Reader, secret, op.Now)
		if err != nil {
			if errcode.Of(err) == errcode.NoSession {
				err = nil
			}
			return struct{}{}, err
		}
		hash := secret.Hash()
		u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r account.SessionRef) bool { return r.Hash == hash })
		if err := s.sessions.Delete(tx.Raw, hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		if err := tx.AuditUser(&u, audit.SessionEnd, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RevokeSession ends another session of the same person by its public name; ending one that is gone is no error.
func (s *Service) RevokeSession(ctx context.Context, req account.RequestInfo, secret secret.Value, id string) error {
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		_, u, err := s.Load(tx.Reader, secret, op.Now)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(u.Sessions, func(ref account.SessionRef) bool { return account.SessionID(ref.Hash) == id })
		if i < 0 {
			return struct{}{}, nil
		}
		if err := s.sessions.Delete(tx.Raw, u.Sessions[i].Hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		u.Sessions = slices.Delete(slices.Clone(u.Sessions), i, i+1)
		tx.AddActivity(&u, audit.SessionEnd, "")
		if err := tx.AuditUser(&u, audit.SessionEnd, audit.Success, "by the person, elsewhere"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RevokeOthers is "sign out everywhere": every session of the person but this one ends, and by the Epoch whatever
// else stands on it, logins and enrolments under way included; this one is re-issued (PROTOCOL 2).
func (s *Service) RevokeOthers(ctx context.Context, req account.RequestInfo, secret secret.Value) (Credentials, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Credentials, error) {
		ses, u, err := s.Load(tx.Reader, secret, op.Now)
		if err != nil {
			return Credentials{}, err
		}
		u.Epoch++
		tx.AddActivity(&u, audit.SessionsCleared, "")
		if err := tx.AuditUser(&u, audit.SessionsCleared, audit.Success, ""); err != nil {
			return Credentials{}, err
		}
		issued, err := s.Rotate(tx, &u, ses)
		if err != nil {
			return Credentials{}, err
		}
		return issued, tx.Save(&u)
	})
}
