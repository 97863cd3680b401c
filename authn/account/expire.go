package account

import (
	"context"

	"barillet/store"
)

// DeleteExpired deletes expired links and the memberships of deleted groups.
func (s *Service) DeleteExpired(ctx context.Context) error {
	now := s.Now()
	if err := store.DeleteExpired(ctx, s.Store, s.links, func(l Link) bool { return !now.Before(l.Expires) }); err != nil {
		return err
	}
	return s.emptyDeletedGroups(ctx)
}
