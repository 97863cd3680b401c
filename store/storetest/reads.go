package storetest

import (
	"context"
	"strings"
	"sync/atomic"

	"barillet/store"
)

// Reads is a store that counts its Views and what its Views and Updates read: each record of a Scan, each Get (also of a missing
// record), and the bytes of their keys and values. A request that reads more than it returns shows here, also on a fast machine.
type Reads struct {
	store.Store
	prefix                string
	views, records, bytes atomic.Int64
}

// CountReads returns a store that counts. It counts only the records whose keys begin with prefix; "" means all.
func CountReads(s store.Store, prefix string) *Reads { return &Reads{Store: s, prefix: prefix} }

// Total returns the numbers since CountReads or the last Reset.
func (r *Reads) Total() (records, bytes int64) { return r.records.Load(), r.bytes.Load() }

// Records returns the number of records since CountReads or the last Reset.
func (r *Reads) Records() int64 { return r.records.Load() }

// Views returns the number of Views since CountReads or the last Reset.
func (r *Reads) Views() int64 { return r.views.Load() }

// Reset sets all numbers to zero.
func (r *Reads) Reset() {
	r.views.Store(0)
	r.records.Store(0)
	r.bytes.Store(0)
}

func (r *Reads) count(key string, value []byte) {
	if strings.HasPrefix(key, r.prefix) {
		r.records.Add(1)
		r.bytes.Add(int64(len(key) + len(value)))
	}
}

// counting returns fn for a scan whose records count.
func (r *Reads) counting(fn func(key string, value []byte) error) func(key string, value []byte) error {
	return func(key string, value []byte) error {
		r.count(key, value)
		return fn(key, value)
	}
}

// View implements store.Store.
func (r *Reads) View(ctx context.Context, fn func(store.Snapshot) error) error {
	r.views.Add(1)
	return r.Store.View(ctx, func(s store.Snapshot) error { return fn(countedSnapshot{s, r}) })
}

// Update implements store.Store.
func (r *Reads) Update(ctx context.Context, fn func(store.Tx) error) error {
	return r.Store.Update(ctx, func(tx store.Tx) error { return fn(countedTx{tx, r}) })
}

type countedSnapshot struct {
	store.Snapshot
	r *Reads
}

func (s countedSnapshot) Get(key string) ([]byte, error) {
	value, err := s.Snapshot.Get(key)
	s.r.count(key, value)
	return value, err
}

func (s countedSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	return s.Snapshot.Scan(prefix, after, limit, s.r.counting(fn))
}

func (s countedSnapshot) ScanBack(prefix, before string, limit int, fn func(key string, value []byte) error) error {
	return s.Snapshot.ScanBack(prefix, before, limit, s.r.counting(fn))
}

type countedTx struct {
	store.Tx
	r *Reads
}

func (t countedTx) Get(key string) ([]byte, error) {
	value, err := t.Tx.Get(key)
	t.r.count(key, value)
	return value, err
}
