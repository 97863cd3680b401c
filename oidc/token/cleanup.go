package token

import (
	"context"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/oidc/client"
	"barillet/store"
)

// outliveWindow is how long before the end of a session EndRevokedGrants looks at it. A session that expired cannot always be
// distinguished from one that was ended.
const outliveWindow = 5 * time.Minute

// EndRevokedGrants deletes the grants that are revoked, and queues the logout tokens of their clients. It marks the offline
// grants whose session is about to expire.
func (s *Service) EndRevokedGrants(ctx context.Context) error {
	outlives := func(status grantStatus, g *Grant, now time.Time) bool {
		return status == active && g.Offline && !g.OutlivesSession && !now.Before(g.Until.Add(-outliveWindow))
	}
	return store.Walk(ctx, s.Store, s.grants, func(r store.Reader, _ string, g Grant) (bool, error) {
		now := s.now()
		status, err := s.status(r, now, &g)
		return status == revoked || outlives(status, &g, now), err
	}, func(tx store.Tx, key string) error {
		now := s.now()
		g, err := s.grants.Get(tx, key)
		if there, err := store.Found(err); !there {
			return err
		}
		switch status, err := s.status(tx, now, &g); {
		case err != nil:
			return err
		case status == revoked:
			return s.endGrant(tx, now, key, &g)
		case outlives(status, &g, now):
			g.OutlivesSession = true
			return s.grants.Put(tx, key, g)
		}
		return nil
	})
}

// Sweeps returns the sweeps of expired codes, tokens and grants, and of the consents of users or clients that no longer exist.
func (s *Service) Sweeps() []store.TableSweep {
	return []store.TableSweep{
		store.NewSweep(s.codes, func(c AuthorizationCode) bool { return !s.now().Before(c.Expires) }),
		store.NewSweep(s.accesses, func(t AccessToken) bool { return !s.now().Before(t.Expires) }),
		store.NewSweep(s.refreshes, func(t RefreshToken) bool { return !s.now().Before(t.Expires) }),
		store.NewSweep(s.grants, func(g Grant) bool { return !s.now().Before(g.Expires) }),
		store.NewDependentSweep(s.consents, s.isOrphaned),
	}
}

// isOrphaned reports whether the user or the client of a consent no longer exists.
func (s *Service) isOrphaned(r store.Reader, id string, _ Consent) (bool, error) {
	user, app, _ := strings.Cut(id, "/")
	if _, err := s.Accounts.Reader(r).Summary(account.UserID(user)); isGone(err) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	c, err := s.Clients.Get(r, client.ID(app))
	return err == nil && c == nil, err
}
