package session

import (
	"context"
	"errors"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// DeleteExpired deletes sessions, known browsers and forward-auth sessions that have expired. A session is kept
// for one hour after its idle limit. A session that began more than an hour after now is not kept: it would be open again
// when the clock arrives there.
func (s *Service) DeleteExpired(ctx context.Context) error {
	now := s.Accounts.Now()
	s.ages.deleteExpired(s.uptime(), s.Accounts.Policy)
	return errors.Join(
		store.DeleteExpired(ctx, s.Accounts.Store, s.sessions, func(x account.Session) bool {
			return now.Before(x.Created.Add(-time.Hour)) || !now.Before(x.Created.Add(s.Accounts.Policy.SessionMax)) || !now.Before(x.LastSeen.Add(s.Accounts.Policy.SessionIdle+time.Hour))
		}),
		store.DeleteExpired(ctx, s.Accounts.Store, s.browsers, func(b Browser) bool { return !now.Before(b.Since.Add(2 * account.KnownBrowserTTL)) }),
		store.DeleteExpired(ctx, s.Accounts.Store, s.forwards, func(g ForwardSession) bool { return !now.Before(g.Expires) }))
}
