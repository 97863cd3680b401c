package throttle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// FailureStore keeps one Guess for each person, and for the names that nobody has one for each of 65,536 buckets,
// so that guessing at many names fills no disk. Whose it is, the store knows by an HMAC only.
type FailureStore struct {
	table  store.Table[Failures]
	pepper store.Pepper
}

// NewFailureStore returns the counters kept under store.Guesses.
func NewFailureStore(ring *store.Keyring, pepper store.Pepper) FailureStore {
	return FailureStore{table: store.NewTable[Failures](ring, store.Failures), pepper: pepper}
}

// UserID is the id of a person's counters, by their user id.
func (g FailureStore) UserID(user string) string {
	return "user-" + hex.EncodeToString(g.pepper.MAC("failures", []byte("user"), []byte(user)))
}

// UnknownLoginID is the id of the bucket that a name falls into which nobody has. It is given as normalised.
func (g FailureStore) UnknownLoginID(login string) string {
	return UnknownLoginID(g.pepper.MAC("failures", []byte("unknown"), []byte(login)))
}

// UnknownLoginID is the bucket of a MAC of at least two bytes: one of 65,536.
func UnknownLoginID(mac []byte) string {
	return "unknown-" + hex.EncodeToString(mac[:2])
}

// Get returns the counters with this id; those of somebody who never answered wrongly are zero.
func (g FailureStore) Get(r store.Reader, id string) (Failures, error) {
	guess, err := g.table.Get(r, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Failures{}, fmt.Errorf("loading guessing counters: %w", err)
	}
	return guess, nil
}

// Put stores the counters, or deletes them if at this time they say no more than none would.
func (g FailureStore) Put(tx store.Tx, now time.Time, id string, guess Failures) error {
	var err error
	if guess.Expired(now) {
		err = g.table.Delete(tx, id)
	} else {
		err = g.table.Put(tx, id, guess)
	}
	if err != nil {
		return fmt.Errorf("storing guessing counters: %w", err)
	}
	return nil
}

// Expired returns the ids, after the given one and at most limit of them, of counters that say nothing any
// more. The second result is where to go on; empty at the end.
func (g FailureStore) Expired(s store.Snapshot, now time.Time, after string, limit int) (ids []string, next string, err error) {
	return sweepable(s, g.table, after, limit, func(guess Failures) bool { return guess.Expired(now) })
}

// Forget deletes those of the ids that are still quiet. It touches as many keys as there are ids.
func (g FailureStore) Forget(tx store.Tx, now time.Time, ids []string) error {
	return forget(tx, g.table, ids, func(guess Failures) bool { return guess.Expired(now) })
}
