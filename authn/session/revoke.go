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

// SignOut ends the session of a secret. It is not an error if there is no such session.
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
		hash := secret.Key()
		u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r account.SessionRef) bool { return r.Hash == hash })
		if err := s.sessions.Delete(tx.Raw, hash); err != nil {
			return struct{}{}, fmt.Errorf("deleting a session: %w", err)
		}
		if err := tx.AuditUser(&u, audit.SessionEnd, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RevokeSession ends another session of the same user by its public id. It is not an error if there is no such session.
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
			return struct{}{}, fmt.Errorf("deleting a session: %w", err)
		}
		u.Sessions = slices.Delete(slices.Clone(u.Sessions), i, i+1)
		tx.AddActivity(&u, audit.SessionEnd, "")
		if err := tx.AuditUser(&u, audit.SessionEnd, audit.Success, "by the user, in another session"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// RevokeOthers ends every other session of the user and raises the epoch, which ends grants, transactions and enrolments too. It
// returns new credentials for this session (protocol rule 2).
func (s *Service) RevokeOthers(ctx context.Context, req account.RequestInfo, secret secret.Value) (Credentials, error) {
	op := s.Accounts.NewOperation(req)
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (Credentials, error) {
		ses, u, err := s.Load(tx.Reader, secret, op.Now)
		if err != nil {
			return Credentials{}, err
		}
		u.Epoch++
		tx.AddActivity(&u, audit.SessionsCleared, "")
		reason := ""
		if len(u.Sessions) < 2 {
			reason = audit.NothingLeft
		}
		if err := tx.AuditUser(&u, audit.SessionsCleared, audit.Success, reason); err != nil {
			return Credentials{}, err
		}
		credentials, err := s.Rotate(tx, &u, ses)
		if err != nil {
			return Credentials{}, err
		}
		return credentials, tx.Save(&u)
	})
}
