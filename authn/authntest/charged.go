package authntest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"barillet/internal/throttle"
	"barillet/store"
	"barillet/web/reply"
)

// chargedStore fails the test if a request writes whose operation was not charged against a budget (promise S8).
type chargedStore struct {
	store.Store
	t testing.TB
}

func requireCharge(t testing.TB, s store.Store) store.Store { return chargedStore{s, t} }

func (s chargedStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if reply.RequestFrom(ctx).ID == "" || throttle.IsCharged(ctx) {
		return s.Store.Update(ctx, fn)
	}
	var written atomic.Value
	err := s.Store.Update(ctx, func(tx store.Tx) error { return fn(&writeWatch{tx, &written}) })
	key, _ := written.Load().(string)
	if err == nil && key != "" && !strings.HasPrefix(key, "signkey/") { // made once, by the first request that needs them
		s.t.Errorf("a request writes %v without a budget", key)
	}
	return err
}

// writeWatch keeps the first key that a transaction writes.
type writeWatch struct {
	store.Tx
	key *atomic.Value
}

func (w *writeWatch) Put(key string, value []byte) error {
	w.key.CompareAndSwap(nil, key)
	return w.Tx.Put(key, value)
}

func (w *writeWatch) Delete(key string) error {
	w.key.CompareAndSwap(nil, key)
	return w.Tx.Delete(key)
}
