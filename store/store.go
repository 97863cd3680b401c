// Package store defines an ordered key-value store with transactions, and typed, encrypted records on top of it. It owns
// the prefixes of all keys and the root keys. It does not know what a record means: that belongs to the package that
// owns the table. Package store/bolt implements the store.
package store

import (
	"context"
	"errors"
)

// The limits of every back-end. They are those of the strictest one, so that a change of the back-end breaks nothing.
const (
	MaxKey        = 512      // bytes of a key, each within 0x21–0x7E
	MaxValue      = 64 << 10 // bytes of a value; at least one
	MaxUpdateKeys = 96       // distinct keys that one Update touches, read or written
	MaxUpdateSize = 1 << 20  // bytes of keys and values that one Update writes
)

// PageReads is the maximum of records that one call reads for a page of a list. It then returns what it found, with a cursor: a page
// can be short or empty although another one follows. So many records take some 30 ms.
const PageReads = 3_000

var (
	// ErrNotFound is the error of Get for a key that does not exist.
	ErrNotFound = errors.New("record not found")
	// ErrLimit is wrapped by the error for a key, a value or a transaction that exceeds the limits above.
	ErrLimit = errors.New("store limit exceeded")
	// ErrClosed is the error of every call after Close.
	ErrClosed = errors.New("store is closed")
	// ErrConflict is the error of an Update that conflicted with others too many times.
	ErrConflict = errors.New("too many conflicting updates")
	// ErrUnavailable is wrapped by the error for a change that cannot be made durable, for example because the disk is
	// full. The Update has no effect and may be tried later.
	ErrUnavailable = errors.New("store cannot write now")
)

// Reader reads by exact key. The caller must not change the returned bytes, and may keep them.
type Reader interface {
	Get(key string) ([]byte, error)
}

// Snapshot is a consistent view of the whole store. Later changes do not appear in it.
type Snapshot interface {
	Reader
	// Scan calls fn for each key with the prefix that sorts after the key after, in bytewise order. An empty after means
	// from the first key. Scan stops after limit keys (0: no limit), or at an error of fn, which it returns.
	Scan(prefix, after string, limit int, fn func(key string, value []byte) error) error
	// ScanBack is Scan in the opposite order: for the keys that sort before the key before, the last one first. An empty before
	// means from the last key.
	ScanBack(prefix, before string, limit int, fn func(key string, value []byte) error) error
}

// ErrStop, if the function given to Scan or ScanBack returns it, ends the scan, which then returns nil.
var ErrStop = errors.New("stop scanning")

// Tx is a transaction that reads its own writes. All of its writes are stored, or none.
type Tx interface {
	Reader
	Put(key string, value []byte) error // copies the value
	Delete(key string) error            // a missing key is no error
}

// Store is implemented by a back-end. A closure of View or Update must not call View or Update.
type Store interface {
	View(ctx context.Context, fn func(Snapshot) error) error
	// Update runs fn, possibly more than once and beside the fn of other Updates, and makes the writes of its last run
	// durable before it returns nil. What that run read is unchanged when its writes are applied. fn must have no effect
	// besides its Tx; Do returns a result. If fn fails or panics, Update has no effect, and other Updates do not wait for it
	// (protocol rule 31).
	Update(ctx context.Context, fn func(Tx) error) error
	// Watch makes the store call fn after each commit that wrote or deleted keys with the prefix, with those keys, before their
	// Updates return. A key is in the list of each commit that changed it, in the order of the commits. fn must not block and must
	// not call the store: it notes what to read.
	Watch(prefix string, fn func(keys []string))
	Close() error
}

// Do calls Update with a function that has a result. It returns the result of the run that was committed, after it is
// durable.
func Do[T any](ctx context.Context, s Store, fn func(Tx) (T, error)) (T, error) {
	var out T
	err := s.Update(ctx, func(tx Tx) (err error) {
		out, err = fn(tx)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}
