package storetest

import (
	"context"
	"errors"
	"sync"

	"barillet/store"
)

// Crash says where in an Update a process ends.
type Crash int

// The places where a process can end.
const (
	BeforeUpdate Crash = iota // its closure never runs
	BeforeCommit              // its closure has run, and nothing is stored
	BeforeAnswer              // all is stored, and the caller never learns it
)

// String implements fmt.Stringer.
func (c Crash) String() string {
	return [...]string{"before the update", "before the commit", "before the answer"}[c]
}

// ErrCrashed is the error of every Update from the crash on.
var ErrCrashed = errors.New("the process has ended")

// Crasher is the store of a process that ends in one of its Updates. It is safe for concurrent use.
type Crasher struct {
	store.Store
	At  int // the Update that crashes, from 0; negative: none
	How Crash

	mu      sync.Mutex
	updates int
}

// Updates returns the number of Updates that were called.
func (c *Crasher) Updates() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.updates
}

// Update implements store.Store. An Update that fails by itself does so before any crash.
func (c *Crasher) Update(ctx context.Context, fn func(store.Tx) error) error {
	c.mu.Lock()
	now := c.updates
	c.updates++
	c.mu.Unlock()
	switch {
	case c.At < 0 || now < c.At:
		return c.Store.Update(ctx, fn)
	case now > c.At || c.How == BeforeUpdate:
		return ErrCrashed
	case c.How == BeforeCommit:
		return c.Store.Update(ctx, func(tx store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return ErrCrashed
		})
	}
	if err := c.Store.Update(ctx, fn); err != nil {
		return err
	}
	return ErrCrashed
}
