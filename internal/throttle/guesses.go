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

// UserID returns the id of the counters of a user.
func (g FailureStore) UserID(user string) string {
	return "user-" + hex.EncodeToString(g.pepper.MAC("failures", []byte("user"), []byte(user)))
}

// UnknownLoginID returns the id of the bucket of an unknown login. The login is normalized.
func (g FailureStore) UnknownLoginID(login string) string {
	return UnknownLoginID(g.pepper.MAC("failures", []byte("unknown"), []byte(login)))
}

// UnknownLoginID returns the id of the bucket for a MAC of at least two bytes: one of 65,536.
func UnknownLoginID(mac []byte) string {
	return "unknown-" + hex.EncodeToString(mac[:2])
}

// Get returns the counters with an id. Without a record they are zero.
func (g FailureStore) Get(r store.Reader, id string) (Failures, error) {
	guess, err := g.table.Get(r, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Failures{}, fmt.Errorf("loading failure counters: %w", err)
	}
	return guess, nil
}

// Put stores counters, or deletes their record if they have the same effect as the zero value.
func (g FailureStore) Put(tx store.Tx, now time.Time, id string, guess Failures) error {
	var err error
	if guess.Expired(now) {
		err = g.table.Delete(tx, id)
	} else {
		err = g.table.Put(tx, id, guess)
	}
	if err != nil {
		return fmt.Errorf("storing failure counters: %w", err)
	}
	return nil
}

// Sweep returns the sweep of counters that have the same effect as none.
func (g FailureStore) Sweep(now func() time.Time) store.TableSweep {
	return store.NewSweep(g.table, func(f Failures) bool { return f.Expired(now()) })
}
