package session

import (
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// Sweeps returns the sweeps of sessions, known browsers and forward-auth sessions that have expired. A session is kept
// for one hour after its idle limit. A session that began more than an hour after now is not kept: it would be open again
// when the clock arrives there.
func (s *Service) Sweeps() []store.TableSweep {
	return []store.TableSweep{
		store.NewSweep(s.sessions, func(x account.Session) bool {
			now, policy := s.Accounts.Now(), &s.Accounts.Policy
			return now.Before(x.Created.Add(-time.Hour)) || !now.Before(x.Created.Add(policy.SessionMax)) ||
				!now.Before(x.LastSeen.Add(policy.SessionIdle+time.Hour))
		}),
		store.NewSweep(s.browsers, func(b Browser) bool {
			return !s.Accounts.Now().Before(b.Since.Add(2 * account.KnownBrowserTTL))
		}),
		store.NewSweep(s.forwards, func(g ForwardSession) bool {
			return !s.Accounts.Now().Before(g.Expires)
		}),
	}
}
