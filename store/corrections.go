package store

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxCorrections limits the corrections that wait. Others are found again when their record is read again.
const maxCorrections = 10_000

// corrections are the records that were read with times of a wrong clock and are not corrected in the store yet.
type corrections struct {
	mu      sync.Mutex
	waiting map[string]func(Tx) error // by key
}

func (c *corrections) add(key string, correct func(Tx) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting == nil {
		c.waiting = map[string]func(Tx) error{}
	}
	if len(c.waiting) < maxCorrections {
		c.waiting[key] = correct
	}
}

func (c *corrections) take() []func(Tx) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil
	}
	out := slices.Collect(maps.Values(c.waiting))
	c.waiting = nil
	return out
}

// correcting is a store that corrects the times of the records that its callers read.
type correcting struct {
	Store
	ring *Keyring
}

// CorrectTimes makes the tables of the keyring correct the times of a record when it is read, by the clock now (protocol rule
// 34). After a View or an Update, the returned store stores the corrections of the records that it read, also if the
// Update failed: a refusal is then the last one that depends on a wrong time. Call CorrectTimes once, before the tables
// are used.
func (r *Keyring) CorrectTimes(s Store, now func() time.Time) Store {
	r.now = now
	return &correcting{s, r}
}

func (c *correcting) View(ctx context.Context, fn func(Snapshot) error) error {
	defer c.store(ctx)
	return c.Store.View(ctx, fn)
}

func (c *correcting) Update(ctx context.Context, fn func(Tx) error) error {
	defer c.ring.updates.begin()()
	defer c.store(ctx)
	return c.Store.Update(ctx, fn)
}

// store stores the waiting corrections. After a failure, for example of a full disk, a later reader finds them again.
func (c *correcting) store(ctx context.Context) {
	corrections := c.ring.corrections.take()
	if len(corrections) == 0 {
		return
	}
	defer c.ring.updates.begin()()
	for part := range slices.Chunk(corrections, deleteBatch) {
		_ = c.Store.Update(ctx, func(tx Tx) error {
			for _, correct := range part {
				if err := correct(tx); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// CorrectAll corrects the times of every record of every table of the keyring, also those that are seldom read. s is the store
// that CorrectTimes returned.
func (r *Keyring) CorrectAll(ctx context.Context, s Store) error {
	r.walking.Lock()
	walks := slices.Collect(maps.Values(r.walks))
	r.walking.Unlock()
	for _, walk := range walks {
		if err := walk(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
