package session

import (
	"context"
	"errors"
	"fmt"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// Recognizes reports whether one of the secrets is that of an active session, of a known browser, or of a forward-auth
// session on any host. It authenticates nothing: it decides only who is served first. It reads at most four records.
func (s *Service) Recognizes(ctx context.Context, session, browser, forward secret.Value) (known bool, err error) {
	if session.IsZero() && browser.IsZero() && forward.IsZero() {
		return false, nil
	}
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		now := s.Accounts.Now()
		if !browser.IsZero() {
			_, err := s.browsers.Get(r.Raw, browser.Hash())
			if known = err == nil; known || !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		key := session.Hash()
		if session.IsZero() {
			f, err := s.forwards.Get(r.Raw, forward.Hash())
			if errors.Is(err, store.ErrNotFound) || err == nil && f.State != "" { // a return code
				return nil
			}
			if err != nil {
				return fmt.Errorf("loading a forward-auth session: %w", err)
			}
			key = f.Session
		}
		_, err := s.Lookup(r.Raw, key, now)
		known = err == nil
		if errcode.Of(err) == errcode.NoSession {
			return nil
		}
		return err
	})
	return known, err
}
