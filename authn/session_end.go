package authn

import (
	"context"
	"fmt"
	"slices"

	"barillet/internal/audit"
)

// SignOut ends the session; ending one that is gone is no error.
func (s *Service) SignOut(ctx context.Context, from Origin, secret Secret) error {
	a := s.NewAct(from)
	_, err := Do(ctx, s, a, func(w *Work) (struct{}, error) {
		_, u, err := w.session(secret, a.Now)
		if err != nil {
			if CodeOf(err) == CodeNoSession {
				err = nil
			}
			return struct{}{}, err
		}
		hash := secret.Hash()
		u.Sessions = slices.DeleteFunc(slices.Clone(u.Sessions), func(r SessionRef) bool { return r.Hash == hash })
		if err := w.s.sessions.Delete(w.Tx, hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		if err := w.AuditUser(&u, audit.SessionEnd, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}

// EndSession ends another session of the same person by its public name; ending one that is gone is no error.
func (s *Service) EndSession(ctx context.Context, from Origin, secret Secret, id string) error {
	a := s.NewAct(from)
	_, err := Do(ctx, s, a, func(w *Work) (struct{}, error) {
		_, u, err := w.session(secret, a.Now)
		if err != nil {
			return struct{}{}, err
		}
		i := slices.IndexFunc(u.Sessions, func(ref SessionRef) bool { return sessionID(ref.Hash) == id })
		if i < 0 {
			return struct{}{}, nil
		}
		if err := w.s.sessions.Delete(w.Tx, u.Sessions[i].Hash); err != nil {
			return struct{}{}, fmt.Errorf("ending a session: %w", err)
		}
		u.Sessions = slices.Delete(slices.Clone(u.Sessions), i, i+1)
		w.Remember(&u, audit.SessionEnd, "")
		if err := w.AuditUser(&u, audit.SessionEnd, audit.Success, "by the person, elsewhere"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}

// EndOthers is "sign out everywhere": every session of the person but this one ends, and by the Epoch whatever
// else stands on it, logins and enrolments under way included; this one is re-issued (PROTOCOL 2).
func (s *Service) EndOthers(ctx context.Context, from Origin, secret Secret) (Issued, error) {
	a := s.NewAct(from)
	return Do(ctx, s, a, func(w *Work) (Issued, error) {
		ses, u, err := w.session(secret, a.Now)
		if err != nil {
			return Issued{}, err
		}
		u.Epoch++
		w.Remember(&u, audit.SessionsCleared, "")
		if err := w.AuditUser(&u, audit.SessionsCleared, audit.Success, ""); err != nil {
			return Issued{}, err
		}
		issued, err := w.reissue(&u, ses)
		if err != nil {
			return Issued{}, err
		}
		return issued, w.Save(&u)
	})
}
