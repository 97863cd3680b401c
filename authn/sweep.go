package authn

import (
	"context"

	"barillet/store"
)

// DeleteExpired deletes sign-in transactions that have expired.
func (s *Service) DeleteExpired(ctx context.Context) error {
	now := s.Accounts.Now()
	return store.DeleteExpired(ctx, s.Accounts.Store, s.transactions, func(tr Transaction) bool { return !now.Before(tr.Expires) })
}
