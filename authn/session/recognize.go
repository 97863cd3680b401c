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

// Recognizes returns the user of one of the secrets: of an active session, of a known browser, or of a forward-auth session on any
// host; "" if there is none. It authenticates nothing: it decides only who is served first. It reads at most four records.
func (s *Service) Recognizes(ctx context.Context, session, browser, forward secret.Value) (user account.UserID, err error) {
	if session.IsZero() && browser.IsZero() && forward.IsZero() {
		return "", nil
	}
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		user = ""
		now := s.Accounts.Now()
		if !browser.IsZero() {
			b, err := store.GetShared(s.browsers, r.Raw, browser.Key())
			if user = b.User; err == nil || !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		key := session.Key()
		if session.IsZero() {
			f, err := store.GetShared(s.forwards, r.Raw, forward.Key())
			if errors.Is(err, store.ErrNotFound) || err == nil && f.State != "" { // a return code
				return nil
			}
			if err != nil {
				return fmt.Errorf("loading a forward-auth session: %w", err)
			}
			key = f.Session
		}
		info, err := s.Lookup(r.Raw, key, now)
		if errcode.Of(err) == errcode.NoSession {
			return nil
		}
		if err == nil {
			user = info.User
		}
		return err
	})
	return user, err
}
