package throttle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// Guesses keeps one Guess for each person, and for the names that nobody has one for each of 65,536 buckets,
// so that guessing at many names fills no disk. Whose it is, the store knows by an HMAC only.
type Guesses struct {
	table  store.Table[Guess]
	pepper store.Pepper
}

// NewGuesses returns the counters kept under store.Guesses.
func NewGuesses(ring *store.Keyring, pepper store.Pepper) Guesses {
	return Guesses{table: store.NewTable[Guess](ring, store.Guesses), pepper: pepper}
}

// PersonID is the id of a person's counters, by their user id.
func (g Guesses) PersonID(user string) string {
	return "person-" + hex.EncodeToString(g.pepper.MAC("guess", []byte("person"), []byte(user)))
}

// GhostID is the id of the bucket that a name falls into which nobody has. It is given as normalised.
func (g Guesses) GhostID(login string) string {
	return GhostID(g.pepper.MAC("guess", []byte("ghost"), []byte(login)))
}

// GhostID is the bucket of a MAC of at least two bytes: one of 65,536.
func GhostID(mac []byte) string {
	return "ghost-" + hex.EncodeToString(mac[:2])
}

// Get returns the counters with this id; those of somebody who never answered wrongly are zero.
func (g Guesses) Get(r store.Reader, id string) (Guess, error) {
	guess, err := g.table.Get(r, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Guess{}, fmt.Errorf("loading guessing counters: %w", err)
	}
	return guess, nil
}

// Put stores the counters, or deletes them if at this time they say no more than none would.
func (g Guesses) Put(tx store.Tx, now time.Time, id string, guess Guess) error {
	var err error
	if guess.Quiet(now) {
		err = g.table.Delete(tx, id)
	} else {
		err = g.table.Put(tx, id, guess)
	}
	if err != nil {
		return fmt.Errorf("storing guessing counters: %w", err)
	}
	return nil
}

// Quiet returns the ids, after the given one and at most limit of them, of counters that say nothing any
// more. The second result is where to go on; empty at the end.
func (g Guesses) Quiet(s store.Snapshot, now time.Time, after string, limit int) (ids []string, next string, err error) {
	return sweepable(s, g.table, after, limit, func(guess Guess) bool { return guess.Quiet(now) })
}

// Forget deletes those of the ids that are still quiet. It touches as many keys as there are ids.
func (g Guesses) Forget(tx store.Tx, now time.Time, ids []string) error {
	return forget(tx, g.table, ids, func(guess Guess) bool { return guess.Quiet(now) })
}
