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

// EndSession ends another session of the same person by its public name; EndOthers ends all but this one.
func (s *Service) EndSession(ctx context.Context, from Origin, secret Secret, id string) error {
	return s.endSome(ctx, from, secret, false, func(ref SessionRef) bool { return sessionID(ref.Hash) == id })
}

// EndOthers is "sign out everywhere": every session of the person but this one ends, and by the Epoch whatever
// else stands on it, logins under way included (PROTOCOL 2).
func (s *Service) EndOthers(ctx context.Context, from Origin, secret Secret) error {
	return s.endSome(ctx, from, secret, true, func(ref SessionRef) bool { return ref.Hash != secret.Hash() })
}

func (s *Service) endSome(ctx context.Context, from Origin, secret Secret, everywhere bool, which func(SessionRef) bool) error {
	a := s.NewAct(from)
	_, err := Do(ctx, s, a, func(w *Work) (struct{}, error) {
		ses, u, err := w.session(secret, a.Now)
		if err != nil {
			return struct{}{}, err
		}
		before := len(u.Sessions)
		var left []SessionRef
		for _, ref := range u.Sessions {
			if !which(ref) {
				left = append(left, ref)
				continue
			}
			if err := w.s.sessions.Delete(w.Tx, ref.Hash); err != nil {
				return struct{}{}, fmt.Errorf("ending a session: %w", err)
			}
		}
		if len(left) == before && !everywhere {
			return struct{}{}, nil
		}
		u.Sessions = left
		if everywhere {
			u.Epoch++
			ses.Epoch = u.Epoch
			if err := w.keepSession(secret, ses); err != nil {
				return struct{}{}, err
			}
		}
		w.Remember(&u, audit.SessionsCleared, "")
		if err := w.AuditUser(&u, audit.SessionEnd, audit.Success, "by the person, elsewhere"); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, w.Save(&u)
	})
	return err
}
