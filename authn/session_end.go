package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/internal/audit"
)

// SignOut ends the session; ending one that is gone is no error.
func (s *Service) SignOut(ctx context.Context, from RequestInfo, secret Secret) error {
	a := s.NewOperation(from)
	_, err := Update(ctx, s, a, func(w *Tx) (struct{}, error) {
		_, u, err := w.session(secret, a.Now)
		if err != nil {
			if CodeOf(err) == CodeNoSession {
				err = nil
			}
			return struct{}{}, err
		}
		hash := secret.Hash()
		u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r SessionRef) bool { return r.Hash == hash })
		if err := w.s.sessions.Delete(w.Raw, hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		if err := w.AuditUser(&u, audit.SessionEnd, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}

// RevokeSession ends another session of the same person by its public name; ending one that is gone is no error.
func (s *Service) RevokeSession(ctx context.Context, from RequestInfo, secret Secret, id string) error {
	a := s.NewOperation(from)
	_, err := Update(ctx, s, a, func(w *Tx) (struct{}, error) {
		_, u, err := w.session(secret, a.Now)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(u.Sessions, func(ref SessionRef) bool { return sessionID(ref.Hash) == id })
		if i < 0 {
			return struct{}{}, nil
		}
		if err := w.s.sessions.Delete(w.Raw, u.Sessions[i].Hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		u.Sessions = slices.Delete(slices.Clone(u.Sessions), i, i+1)
		w.AddActivity(&u, audit.SessionEnd, "")
		if err := w.AuditUser(&u, audit.SessionEnd, audit.Success, "by the person, elsewhere"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}

// RevokeOthers is "sign out everywhere": every session of the person but this one ends, and by the Epoch whatever
// else stands on it, logins and enrolments under way included; this one is re-issued (PROTOCOL 2).
func (s *Service) RevokeOthers(ctx context.Context, from RequestInfo, secret Secret) (Credentials, error) {
	a := s.NewOperation(from)
	return Update(ctx, s, a, func(w *Tx) (Credentials, error) {
		ses, u, err := w.session(secret, a.Now)
		if err != nil {
			return Credentials{}, err
		}
		u.Epoch++
		w.AddActivity(&u, audit.SessionsCleared, "")
		if err := w.AuditUser(&u, audit.SessionsCleared, audit.Success, ""); err != nil {
			return Credentials{}, err
		}
		issued, err := w.rotate(&u, ses)
		if err != nil {
			return Credentials{}, err
		}
		return issued, w.Save(&u)
	})
}
