// Package store owns how Barillet remembers: a small ordered key-value interface that every back-end
// offers in the same way, typed and sealed records on top of it, the layout of all keys, and the keys of
// the house. It knows no user, device or session: what a record means belongs to the package that keeps it.
package store

import (
	"context"
	"errors"
)

// The limits of every back-end, so that nothing works on one machine and breaks on a cluster.
const (
	MaxKey        = 512      // bytes of a key, each within 0x21–0x7E
	MaxValue      = 64 << 10 // bytes of a value; at least one
	MaxUpdateKeys = 64       // distinct keys that one Update touches, read or written
	MaxUpdateSize = 1 << 20  // bytes of keys and values that one Update writes
)

var (
	// ErrNotFound is the answer of Get for a key that is not there.
	ErrNotFound = errors.New("record not found")
	// ErrLimit wraps every refusal of a key, value or transaction beyond the limits above.
	ErrLimit = errors.New("beyond the limits of the store")
	// ErrClosed is the answer of every call after Close.
	ErrClosed = errors.New("store is closed")
	// ErrConflict is given up with when an Update met a rival too many times.
	ErrConflict = errors.New("too many rival updates")
	// ErrUnavailable wraps a failure to make a change durable (disk full, read-only, quorum lost): nothing
	// of the Update happened and it may be tried later.
	ErrUnavailable = errors.New("store cannot write now")
)

// Reader reads by exact key. The returned bytes are the caller's own.
type Reader interface {
	Get(key string) ([]byte, error)
}

// Snapshot is one unchanging view of the whole store.
type Snapshot interface {
	Reader
	// Scan calls fn for the keys with the given prefix that sort after the given key (bytewise; empty:
	// from the first), at most limit of them (0: all), until fn errs. ErrStop ends it without an error.
	Scan(prefix, after string, limit int, fn func(key string, value []byte) error) error
}

// ErrStop, returned by the function given to Scan, ends the scan; Scan then returns nil.
var ErrStop = errors.New("stop scanning")

// Tx is one change under way: it reads its own writes, and all of it is stored or nothing.
type Tx interface {
	Reader
	Put(key string, value []byte) error
	Delete(key string) error // of a missing key: no error
}

// Store is what a back-end offers. Neither View nor Update may be called from inside the other.
type Store interface {
	View(ctx context.Context, fn func(Snapshot) error) error
	// Update runs fn, perhaps more than once, and makes the changes of its last run durable before it
	// returns nil. fn has no effect besides its Tx: see Do for results. An error or a panic of fn leaves
	// nothing behind and harms no other Update.
	Update(ctx context.Context, fn func(Tx) error) error
	Close() error
}

// Do is Update for a function with a result: it returns the result of the run that was committed, so an
// outcome never leaves the store before it is durable, nor from a run that was thrown away.
func Do[T any](ctx context.Context, s Store, fn func(Tx) (T, error)) (T, error) {
	var out T
	err := s.Update(ctx, func(tx Tx) error {
		v, err := fn(tx)
		if err != nil {
			return err
		}
		out = v
		return nil
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}
