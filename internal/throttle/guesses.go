package throttle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// FailureStore stores one Guess for each user. Unknown logins share 65,536 buckets, so that requests for many logins do not
// fill the disk. The ids are HMACs, so that the store does not reveal whose counters they are.
type FailureStore struct {
	table  store.Table[Failures]
	pepper store.Pepper
}

// NewFailureStore returns the counters in the table store.Guesses.
func NewFailureStore(ring *store.Keyring, pepper store.Pepper) FailureStore {
	return FailureStore{table: store.NewTable[Failures](ring, store.Failures), pepper: pepper}
}

// FailureID names counters: those of a user, or a bucket of unknown logins.
type FailureID struct{ key, user string }

// String returns the key of the counters in their table.
func (id FailureID) String() string { return id.key }

// userKeys is the start of the keys of users.
const userKeys = "user-"

// UserID returns the id of the counters of a user.
func (g FailureStore) UserID(user string) FailureID {
	return FailureID{userKeys + hex.EncodeToString(g.pepper.MAC("failures", []byte("user"), []byte(user))), user}
}

// UnknownLoginID returns the id of the bucket of an unknown login. The login is normalized.
func (g FailureStore) UnknownLoginID(login string) FailureID {
	return UnknownLoginID(g.pepper.MAC("failures", []byte("unknown"), []byte(login)))
}

// UnknownLoginID returns the id of the bucket for a MAC of at least two bytes: one of 65,536.
func UnknownLoginID(mac []byte) FailureID {
	return FailureID{key: "unknown-" + hex.EncodeToString(mac[:2])}
}

// Get returns the counters with an id. Without a record they are zero.
func (g FailureStore) Get(r store.Reader, id FailureID) (Failures, error) {
	guess, err := g.table.Get(r, id.key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Failures{}, fmt.Errorf("loading failure counters: %w", err)
	}
	return guess, nil
}

// Put stores counters, or deletes their record if they have the same effect as the zero value.
func (g FailureStore) Put(tx store.Tx, now time.Time, id FailureID, guess Failures) error {
	var err error
	if guess.User = id.user; guess.Expired(now) {
		err = g.table.Delete(tx, id.key)
	} else {
		err = g.table.Put(tx, id.key, guess)
	}
	if err != nil {
		return fmt.Errorf("storing failure counters: %w", err)
	}
	return nil
}

// ScanUsers calls fn for the counters of each user, in the order of their keys, after the key after.
func (g FailureStore) ScanUsers(s store.Snapshot, after string, fn func(key, user string, f Failures) error) error {
	return g.table.Scan(s, userKeys, after, 0, func(key string, f Failures) error { return fn(key, f.User, f) })
}

// Sweep returns the sweep of counters that have the same effect as none.
func (g FailureStore) Sweep(now func() time.Time) store.TableSweep {
	return store.NewSweep(g.table, func(f Failures) bool { return f.Expired(now()) })
}
