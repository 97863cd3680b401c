package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// Sweep removes what is dead: logins, links, sessions, browsers and gates whose time is over, and memberships of deleted
// garages. It takes small bites, so that no sign-in waits for it.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Now()
	s.ages.forget(s.uptime(), s.Policy)
	for _, sweep := range []func() error{
		func() error {
			return sweep(ctx, s.Store, s.transactions, func(l Transaction) bool { return !now.Before(l.Expires) })
		},
		func() error { return sweep(ctx, s.Store, s.links, func(l Link) bool { return !now.Before(l.Expires) }) },
		func() error {
			return sweep(ctx, s.Store, s.sessions, func(x Session) bool {
				return !now.Before(x.Created.Add(s.Policy.SessionMax)) || !now.Before(x.LastSeen.Add(s.Policy.SessionIdle+time.Hour))
			})
		},
		func() error {
			return sweep(ctx, s.Store, s.browsers, func(b Browser) bool { return !now.Before(b.Since.Add(2 * KnownBrowserTTL)) })
		},
		func() error {
			return sweep(ctx, s.Store, s.forwards, func(g ForwardSession) bool { return !now.Before(g.Expires) })
		},
		func() error { return s.emptyDeletedGroups(ctx) },
	} {
		if err := sweep(); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes the dead records of one table, 32 an Update, judging each again in it.
func sweep[T any](ctx context.Context, st store.Store, table store.Table[T], dead func(T) bool) error {
	for after, done := "", false; !done; {
		var ids []string
		err := st.View(ctx, func(snap store.Snapshot) error {
			ids, done = nil, true
			seen := 0
			return table.Scan(snap, "", after, 0, func(id string, v T) error {
				if seen++; seen > 500 || len(ids) == 32 {
					done = false
					return store.ErrStop
				}
				if after = id; dead(v) {
					ids = append(ids, id)
				}
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("looking for dead records: %w", err)
		}
		if len(ids) == 0 {
			continue
		}
		err = st.Update(ctx, func(tx store.Tx) error {
			for _, id := range ids {
				v, err := table.Get(tx, id)
				if errors.Is(err, store.ErrNotFound) || err == nil && !dead(v) {
					continue
				}
				if err != nil {
					return err
				}
				if err := table.Delete(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("deleting dead records: %w", err)
		}
	}
	return nil
}
