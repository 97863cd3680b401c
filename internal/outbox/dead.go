package outbox

import (
	"time"

	"barillet/store"
)

// SweepDead returns the sweep of the dead letters of a table that were given up before a time. announce is that of
// store.NewAnnouncedSweep.
func SweepDead[R Job[R]](t store.Table[R], before func() time.Time, announce func(ids []string) func(store.Tx) error) store.TableSweep {
	return store.NewAnnouncedSweep(t, func(job R) bool { a := job.Attempts(); return a.Dead && a.Died.Before(before()) }, announce)
}
