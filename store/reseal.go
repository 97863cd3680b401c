package store

import (
	"context"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SnapshotTTL is the longest time that a client keeps what SealRecord returned, or a reader keeps a snapshot. A replaced data key is
// removed so long after the last record that it sealed.
const SnapshotTTL = 2 * time.Minute

const (
	progressKey   = "meta/reseal"
	resealKeys    = 64        // records of one Update
	resealBytes   = 512 << 10 // of them
	resealReads   = 2000      // records of one View
	progressReads = 100_000   // records between two positions that are stored although nothing was sealed
)

// Progress is how far a Resealer is. It is the record meta/reseal.
type Progress struct {
	For    string    `json:"for"`            // id of the data key that was active when the pass began
	After  string    `json:"after"`          // the last key that was read
	Ended  time.Time `json:"ended,omitzero"` // when no record was left
	Read   int64     `json:"read"`
	Sealed int64     `json:"sealed"`
}

func readProgress(r Reader) (p Progress, err error) {
	raw, err := r.Get(progressKey)
	if errors.Is(err, ErrNotFound) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &p)
	}
	return p, err
}

func (p Progress) put(tx Tx) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.Put(progressKey, raw)
}

// Resealer seals the records of replaced data keys again with the active one, and then removes those keys. A kill continues where
// it was. It is not safe for concurrent use.
type Resealer struct {
	Ring  *Keyring
	Store Store         // that CorrectTimes returned
	Pause time.Duration // after each Update, so that others wait for at most one
	// Remove, if it is not nil, makes the Update that removes data keys, in which it calls change.
	Remove func(ctx context.Context, ids []string, p Progress, change func(tx Tx) error) error

	progress Progress
	unstored int64 // records read since the position was stored
}

// Wanted reports whether there are replaced data keys.
func (r *Resealer) Wanted() bool { return len(r.Ring.keys.Load().aeads) > 1 }

// Run ends the replaced data keys, if there are any. It returns false if they must be kept longer, because clients and readers may have
// records that they seal.
func (r *Resealer) Run(ctx context.Context, now time.Time) (done bool, err error) {
	for r.Wanted() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		keys := r.Ring.keys.Load()
		if active := hex.EncodeToString(keys.active[:]); r.progress.For != active {
			if err := r.begin(ctx); err != nil {
				return false, err
			}
			continue
		}
		if !r.progress.Ended.IsZero() {
			return r.end(ctx, now)
		}
		if err := r.step(ctx, keys, now); err != nil {
			return false, fmt.Errorf("sealing records with the new data key: %w", err)
		}
	}
	return true, nil
}

// begin begins a pass, or continues that of an earlier process. It waits for a rotation that runs, and so for the Updates that seal
// with the replaced key.
func (r *Resealer) begin(ctx context.Context) error {
	r.Ring.changes.Lock()
	keys := r.Ring.keys.Load()
	r.Ring.changes.Unlock()
	active := hex.EncodeToString(keys.active[:])
	return r.Store.View(ctx, func(s Snapshot) (err error) {
		r.progress, r.unstored = Progress{For: active}, 0
		if stored, err := readProgress(s); err != nil || stored.For == active {
			r.progress = stored
			return err
		}
		return nil
	})
}

// step reads some records and seals those of another key.
func (r *Resealer) step(ctx context.Context, keys *dataKeys, now time.Time) error {
	var next Progress
	var found []string
	err := r.Store.View(ctx, func(s Snapshot) (err error) {
		next = r.progress
		found, err = next.find(s, keys, now)
		return err
	})
	if err != nil {
		return err
	}
	unstored := r.unstored + next.Read - r.progress.Read
	if len(found) == 0 && unstored < progressReads && next.Ended.IsZero() {
		r.progress, r.unstored = next, unstored
		return nil
	}
	err = r.Store.Update(ctx, func(tx Tx) error {
		next.Sealed = r.progress.Sealed
		for _, key := range found {
			sealed, err := r.Ring.reseal(tx, key)
			if err != nil {
				return err
			}
			if sealed {
				next.Sealed++
			}
		}
		return next.put(tx)
	})
	if err != nil {
		return err
	}
	r.progress, r.unstored = next, 0
	pause(ctx, r.Pause)
	return nil
}

// find moves the position on, and returns the keys of records that another data key seals.
func (p *Progress) find(s Snapshot, keys *dataKeys, now time.Time) (found []string, err error) {
	size, reads, full := 0, 0, false
	for _, prefix := range sealedPrefixes {
		end := prefix + "\x7f" // sorts after every key with the prefix
		if p.After >= end {
			continue
		}
		after := ""
		if strings.HasPrefix(p.After, prefix) {
			after = p.After
		}
		err := s.Scan(prefix, after, 0, func(key string, value []byte) error {
			if full = reads == resealReads || len(found) == resealKeys || size >= resealBytes; full {
				return ErrStop
			}
			reads++
			p.After, p.Read = key, p.Read+1
			if sealedBy(value) != keys.active {
				found, size = append(found, key), size+len(key)+len(value)
			}
			return nil
		})
		if err != nil || full {
			return found, err
		}
		p.After = end
	}
	p.Ended = now.UTC()
	return found, nil
}

// reseal seals the same bytes of a record with the active data key. It leaves a record that cannot be opened: no key opens it, and
// its readers report it.
func (r *Keyring) reseal(tx Tx, key string) (bool, error) {
	sealed, err := tx.Get(key)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	opened, again := scratches.Get().(*scratch), scratches.Get().(*scratch)
	defer scratches.Put(opened)
	defer scratches.Put(again)
	if sealedBy(sealed) == r.keys.Load().active {
		return false, nil
	}
	version, plain, err := r.open(opened, key, sealed)
	if err != nil {
		return false, nil
	}
	again.plain.Reset()
	again.plain.Write(plain)
	return true, tx.Put(key, r.seal(again, key, version))
}

// end removes the replaced data keys after a complete pass, unless it is too early.
func (r *Resealer) end(ctx context.Context, now time.Time) (bool, error) {
	r.Ring.changes.Lock()
	defer r.Ring.changes.Unlock()
	keys := r.Ring.keys.Load()
	if hex.EncodeToString(keys.active[:]) != r.progress.For {
		return false, nil // a further rotation: the next Run begins again
	}
	var names []string
	for id := range keys.aeads {
		if id != keys.active {
			names = append(names, hex.EncodeToString(id[:]))
		}
	}
	if age := now.Sub(r.progress.Ended); age >= 0 && age < SnapshotTTL { // negative if the clock was set back
		return false, nil
	}
	slices.Sort(names)
	remove := func(tx Tx) error {
		for _, name := range names {
			if err := tx.Delete(dataPrefix + name); err != nil {
				return err
			}
		}
		return tx.Delete(progressKey)
	}
	var err error
	if r.Remove != nil {
		err = r.Remove(ctx, names, r.progress, remove)
	} else {
		err = r.Store.Update(ctx, remove)
	}
	if err != nil {
		return false, fmt.Errorf("removing data keys: %w", err)
	}
	r.Ring.keys.Store(&dataKeys{keys.active, map[dataKeyID]cipher.AEAD{keys.active: keys.aeads[keys.active]}})
	r.progress = Progress{}
	return true, nil
}

// sealedPrefixes are the prefixes of the sealed tables, in order.
var sealedPrefixes = func() (out []string) {
	for _, kind := range TableDefs() {
		if kind.Sealed {
			out = append(out, kind.Prefix)
		}
	}
	slices.Sort(out)
	return out
}()
