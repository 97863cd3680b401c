package session

import (
	"slices"
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
		store.NewDependentSweep(s.browsers, s.uselessBrowser),
		store.NewSweep(s.forwards, func(g ForwardSession) bool {
			return !s.Accounts.Now().Before(g.Expires)
		}),
	}
}

// uselessBrowser reports whether the browser with a hash is too old, or its only user does not know it any more: they were deleted,
// or an administrator made them forget it (protocol rule 4). How many users know a shared browser is counted.
func (s *Service) uselessBrowser(r store.Reader, hash string, b Browser) (bool, error) {
	if !s.Accounts.Now().Before(b.Since.Add(2 * account.KnownBrowserTTL)) {
		return true, nil
	}
	if b.Shared {
		return false, nil
	}
	u, err := s.Accounts.Reader(r).User(b.User)
	if err != nil {
		return account.IsDeleted(err)
	}
	return !slices.ContainsFunc(u.Browsers, func(ref account.BrowserRef) bool { return ref.Hash == hash }), nil
}
