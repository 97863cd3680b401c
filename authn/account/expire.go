package account

import (
	"context"

	"barillet/store"
)

// Sweeps returns the sweeps of expired links, of the memberships of deleted groups, and of unused limits and failure counters.
func (s *Service) Sweeps() []store.TableSweep {
	groups := store.NewSweep(s.groups, func(g Group) bool { return !g.Deleted.IsZero() && !g.Emptied })
	groups.Delete = func(ctx context.Context, _ store.Store, ids []string, pause func()) error {
		for _, id := range ids {
			if err := s.EmptyGroup(ctx, GroupID(id), 0, pause); err != nil {
				return err
			}
		}
		return nil
	}
	return []store.TableSweep{
		store.NewSweep(s.links, func(l Link) bool { return !s.Now().Before(l.Expires) }),
		groups, s.Limiter.Sweep(s.Now), s.Failures.Sweep(s.Now),
	}
}
