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
	defer s.logoutWorker.Wake()
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

// DeleteExpired deletes expired codes, tokens and grants, and the consents of users or clients that no longer exist.
func (s *Service) DeleteExpired(ctx context.Context) error {
	now := s.now()
	for _, remove := range []func() error{
		func() error {
			return store.DeleteExpired(ctx, s.Store, s.codes, func(c AuthorizationCode) bool { return !now.Before(c.Expires) })
		},
		func() error {
			return store.DeleteExpired(ctx, s.Store, s.accesses, func(t AccessToken) bool { return !now.Before(t.Expires) })
		},
		func() error {
			return store.DeleteExpired(ctx, s.Store, s.refreshes, func(t RefreshToken) bool { return !now.Before(t.Expires) })
		},
		func() error {
			return store.DeleteExpired(ctx, s.Store, s.grants, func(g Grant) bool { return !now.Before(g.Expires) })
		},
		func() error { return s.deleteOrphanedConsents(ctx) },
	} {
		if err := remove(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) deleteOrphanedConsents(ctx context.Context) error {
	orphaned := func(r store.Reader, id string) (bool, error) {
		user, app, _ := strings.Cut(id, "/")
		if _, err := s.Accounts.Reader(r).Summary(account.UserID(user)); isGone(err) {
			return true, nil
		} else if err != nil {
			return false, err
		}
		c, err := s.Clients.Get(r, client.ID(app))
		return err == nil && c == nil, err
	}
	return store.Walk(ctx, s.Store, s.consents, func(r store.Reader, id string, _ Consent) (bool, error) {
		return orphaned(r, id)
	}, func(tx store.Tx, id string) error {
		if is, err := orphaned(tx, id); err != nil || !is {
			return err
		}
		return s.consents.Delete(tx, id)
	})
}
