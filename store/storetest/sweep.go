package storetest

import (
	"context"

	"barillet/store"
)

// Sweep runs sweeps to the end of their tables.
func Sweep(ctx context.Context, s store.Store, sweeps ...store.TableSweep) error {
	w := store.Sweeper{Store: s, Sweeps: sweeps, Reads: 1 << 30, Deletes: 1 << 30}
	_, err := w.Run(ctx)
	return err
}
