package storetest

import (
	"context"
	"errors"

	"barillet/store"
)

// Rerun is a store that proves closures pure: it runs each Update's closure in a transaction that is thrown
// away, then the rival, then the closure once more for good.
type Rerun struct {
	store.Store
	// Between, where set, is the rival: it runs after the throw-away run of each Update and may change the
	// underlying store (through it, not through this wrapper). Nil: no rival.
	Between func()
}

// RunTwice wraps a store so that every Update closure runs twice, the first time for nothing.
func RunTwice(s store.Store) store.Store { return &Rerun{Store: s} }

var errThrownAway = errors.New("thrown away by storetest")

// Update runs fn twice. What the first run answers counts for nothing, as with a rival that came between;
// its panic is fn's own.
func (r *Rerun) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := r.Store.Update(ctx, func(tx store.Tx) error {
		fn(tx)
		return errThrownAway
	})
	if !errors.Is(err, errThrownAway) {
		return err
	}
	if r.Between != nil {
		r.Between()
	}
	return r.Store.Update(ctx, fn)
}
