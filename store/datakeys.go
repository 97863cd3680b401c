package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// ErrRotating is the error of a rotation while there are so many replaced data keys that another one needs too long.
var ErrRotating = errors.New("earlier data keys still seal records")

// maxReplaced limits the data keys that are not removed yet: an Update must wrap all of them.
const maxReplaced = 8

// runningUpdates counts the Updates that may seal records with a data key that was active when they began.
type runningUpdates struct {
	mu      sync.Mutex
	current *sync.WaitGroup
}

// begin counts an Update until end is called.
func (u *runningUpdates) begin() (end func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.current == nil {
		u.current = new(sync.WaitGroup)
	}
	u.current.Add(1)
	return u.current.Done
}

// wait waits for the Updates that began before.
func (u *runningUpdates) wait() {
	u.mu.Lock()
	before := u.current
	u.current = nil
	u.mu.Unlock()
	if before != nil {
		before.Wait()
	}
}

// RotateDataKey makes a new data key active. It first stores the key and then, in the Update that update makes, the switch; update
// must call change in it. A kill between leaves a key that seals nothing. s is the store that CorrectTimes returned, and keys are
// those that it was opened with, or newer. The records that the earlier keys seal are sealed again by a Resealer.
func (r *Keyring) RotateDataKey(ctx context.Context, s Store, keys RootKeys, now time.Time, update func(change func(Tx) error) error) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	before := r.keys.Load()
	if len(before.aeads) > maxReplaced {
		return ErrRotating
	}
	var id dataKeyID
	var data [32]byte
	rand.Read(id[:])
	rand.Read(data[:])
	name := hex.EncodeToString(id[:])
	aead, err := newAEAD(data[:])
	if err != nil {
		return err
	}
	err = s.Update(ctx, func(tx Tx) error {
		head, err := readHeader(tx)
		if err != nil {
			return err
		}
		wrapped, err := wrap(keys.MasterOf(head.Master), name, data[:])
		if err != nil {
			return err
		}
		return tx.Put(dataPrefix+name, wrapped)
	})
	if err != nil {
		return fmt.Errorf("storing a new data key: %w", err)
	}
	after := &dataKeys{before.active, maps.Clone(before.aeads)}
	after.aeads[id] = aead
	r.keys.Store(after) // before the switch, so that every reader knows the key
	err = update(func(tx Tx) error {
		head, err := readHeader(tx)
		if err != nil {
			return err
		}
		head.Active, head.Since = name, now.UTC()
		return head.put(tx)
	})
	if err != nil {
		return fmt.Errorf("making a new data key active: %w", err)
	}
	r.keys.Store(&dataKeys{id, after.aeads})
	r.updates.wait()
	return nil
}

// Outdated are the keys of the key file that the store does not follow yet.
type Outdated struct{ Master, Passwords bool }

// OutdatedKeys compares a store with the key file.
func OutdatedKeys(r Reader, keys RootKeys) (Outdated, error) {
	head, err := readHeader(r)
	return Outdated{head.Master != keys.Master.ID(), cmp.Or(head.Passwords, head.Pepper) != keys.PasswordPeppers()[0].ID()}, err
}

// Follow makes the store follow the key file: it wraps all data keys with the first master key, and notes the first pepper for passwords.
// It does so in the Update that update makes; update must call change in it. The present wrapping is by any of the keys.
func (r *Keyring) Follow(keys RootKeys, now time.Time, update func(change func(Tx) error) error) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	ids := slices.Collect(maps.Keys(r.keys.Load().aeads))
	err := update(func(tx Tx) error {
		head, err := readHeader(tx)
		if err != nil {
			return err
		}
		head.Passwords = keys.PasswordPeppers()[0].ID()
		if head.Master == keys.Master.ID() {
			return head.put(tx)
		}
		present := keys.MasterOf(head.Master)
		if present.IsZero() {
			return fmt.Errorf("store has master key %s: %w", head.Master, ErrWrongKey)
		}
		for _, id := range ids {
			if err := wrapAgain(tx, hex.EncodeToString(id[:]), present, keys.Master); err != nil {
				return err
			}
		}
		head.Master, head.Wrapped = keys.Master.ID(), now.UTC()
		return head.put(tx)
	})
	if err != nil {
		return fmt.Errorf("following the key file: %w", err)
	}
	return nil
}

func wrapAgain(tx Tx, name string, present, next MasterKey) error {
	wrapped, err := tx.Get(dataPrefix + name)
	if err != nil {
		return err
	}
	data, err := unwrap(present, name, wrapped)
	if err != nil {
		return err
	}
	if wrapped, err = wrap(next, name, data); err != nil {
		return err
	}
	return tx.Put(dataPrefix+name, wrapped)
}

// KeyState describes the keys of a store, without the keys.
type KeyState struct {
	Created  time.Time // of the store
	Master   string    // id of the key that wraps the data keys
	Wrapped  time.Time // since when
	Active   string    // id of the data key that seals records
	Since    time.Time // since when
	Replaced []string  // ids of the others
	Sealing  *Progress // of the pass that removes them; nil: there is none
}

// KeyState returns the state of the keys.
func (r *Keyring) KeyState(snap Snapshot) (KeyState, error) {
	head, err := readHeader(snap)
	if err != nil {
		return KeyState{}, err
	}
	out := KeyState{Created: head.Created, Master: head.Master, Wrapped: head.Wrapped, Active: head.Active, Since: head.Since}
	if out.Wrapped.IsZero() {
		out.Wrapped = head.Created
	}
	if out.Since.IsZero() {
		out.Since = head.Created
	}
	err = scanIDs(snap.Scan, dataPrefix, "", "", 0, func(name string) error {
		if name != head.Active {
			out.Replaced = append(out.Replaced, name)
		}
		return nil
	})
	if err == nil && len(out.Replaced) > 0 {
		var progress Progress
		if progress, err = readProgress(snap); err == nil && progress.For == head.Active {
			out.Sealing = &progress
		}
	}
	return out, err
}
