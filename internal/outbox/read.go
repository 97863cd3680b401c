package outbox

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/store"
)

// maxClockStep is how far the clock may be set back before the times in the index are read again: the store corrects them
// (protocol rule 34).
const maxClockStep = time.Second

// read makes the index equal to the table.
func (w *Worker[R]) read(ctx context.Context, now time.Time) error {
	ix := &w.index
	if !ix.watched {
		w.Table.Watch(w.Store, w.changes.Add) // before the scan, which cannot see a later commit
		ix.watched = true
	}
	if now.Before(ix.clock.Add(-maxClockStep)) {
		ix.scanned, ix.clock = false, now
		w.limitReached(now)
	} else if now.After(ix.clock) {
		ix.clock = now
	}
	if !ix.scanned {
		if err := w.scan(ctx, now); err != nil {
			return err
		}
		ix.scanned = true
	}
	return w.readChanges(ctx, now)
}

// scan reads the whole table in short Views: while one is open, the store cannot reuse free pages.
func (w *Worker[R]) scan(ctx context.Context, now time.Time) error {
	for after, more := "", true; more; {
		err := w.Store.View(ctx, func(snap store.Snapshot) error {
			more = false
			seen := 0
			return w.Table.Scan(snap, "", after, readSize, func(id string, job R) error {
				after, seen = id, seen+1
				more = seen == readSize
				w.mu.Lock()
				defer w.mu.Unlock()
				w.set(now, id, job)
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("reading waiting jobs (%s): %w", w.What, err)
		}
	}
	return nil
}

// readChanges reads the jobs that changed. After a failure, the next call reads them again.
func (w *Worker[R]) readChanges(ctx context.Context, now time.Time) error {
	ids := w.changes.Take()
	for part := range slices.Chunk(ids, readSize) {
		err := w.Store.View(ctx, func(snap store.Snapshot) error {
			for _, id := range part {
				job, err := w.Table.Get(snap, id)
				there, err := store.Found(err)
				if err != nil {
					return err
				}
				w.mu.Lock()
				if old := w.index.jobs[id]; there {
					w.set(now, id, job)
				} else {
					delete(w.dead, id)
					if old != nil && !old.busy {
						w.remove(old)
					}
				}
				w.mu.Unlock()
			}
			return nil
		})
		if err != nil {
			w.changes.Note(ids)
			return fmt.Errorf("reading changed jobs (%s): %w", w.What, err)
		}
	}
	return nil
}

// load returns a job that is due.
func (w *Worker[R]) load(ctx context.Context, id string) (job R, due bool, err error) {
	err = w.Store.View(ctx, func(snap store.Snapshot) (err error) {
		job, err = w.Table.Get(snap, id)
		due, err = store.Found(err)
		return err
	})
	if err != nil {
		return job, false, fmt.Errorf("loading %s %q: %w", w.What, id, err)
	}
	if !due {
		return job, false, nil
	}
	now, t := w.now(), job.Attempts()
	return job, !t.expired(now) && t.due(now, w.reachedAt(job.Destination())), nil
}
