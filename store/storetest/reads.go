package storetest

import (
	"context"
	"sync/atomic"

	"barillet/store"
)

// Reads is a store that counts the records that its closures read, by Get and by Scan, also in a repeated run.
type Reads struct {
	store.Store
	n atomic.Int64
}

// CountReads returns a store that counts the reads of s.
func CountReads(s store.Store) *Reads { return &Reads{Store: s} }

// Take returns the number of reads since the last call.
func (r *Reads) Take() int { return int(r.n.Swap(0)) }

// View calls fn with a snapshot whose reads count.
func (r *Reads) View(ctx context.Context, fn func(store.Snapshot) error) error {
	return r.Store.View(ctx, func(s store.Snapshot) error { return fn(readSnapshot{s, &r.n}) })
}

// Update calls fn with a transaction whose reads count.
func (r *Reads) Update(ctx context.Context, fn func(store.Tx) error) error {
	return r.Store.Update(ctx, func(tx store.Tx) error { return fn(readTx{tx, &r.n}) })
}

type readSnapshot struct {
	store.Snapshot
	n *atomic.Int64
}

func (s readSnapshot) Get(key string) ([]byte, error) {
	s.n.Add(1)
	return s.Snapshot.Get(key)
}

func (s readSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	return s.Snapshot.Scan(prefix, after, limit, func(key string, value []byte) error {
		s.n.Add(1)
		return fn(key, value)
	})
}

type readTx struct {
	store.Tx
	n *atomic.Int64
}

func (t readTx) Get(key string) ([]byte, error) {
	t.n.Add(1)
	return t.Tx.Get(key)
}
