package storetest

import (
	"context"
	"errors"

	"barillet/store"
)

// Rerun is a store that finds closures with side effects. It runs the closure of each Update in a transaction that it
// rolls back, then Between, then the closure again (protocol rule 31).
type Rerun struct {
	store.Store
	// Between, if it is not nil, runs between the two runs of each Update. It may change the underlying store, but not
	// through this wrapper.
	Between func()
}

// RunTwice returns a store that runs the closure of each Update twice. The first run has no effect.
func RunTwice(s store.Store) store.Store { return &Rerun{Store: s} }

var errRolledBack = errors.New("rolled back by storetest")

// Update runs fn twice. It ignores the error of the first run, as after a conflict. A panic of either run reaches the
// caller.
func (r *Rerun) Update(ctx context.Context, fn func(store.Tx) error) error {
	err := r.Store.Update(ctx, func(tx store.Tx) error {
		fn(tx)
		return errRolledBack
	})
	if !errors.Is(err, errRolledBack) {
		return err
	}
	if r.Between != nil {
		r.Between()
	}
	return r.Store.Update(ctx, fn)
}
