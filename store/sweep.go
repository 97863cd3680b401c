package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// TableSweep deletes the expired records of one table, in small steps. NewSweep returns one; a table with an order of its own sets
// Find and Delete itself.
type TableSweep struct {
	Table TableDef
	// Find returns expired records after a cursor. It reads at most reads records and returns at most limit ids.
	Find func(s Snapshot, after string, reads, limit int) (Expired, error)
	// Delete judges the records again and deletes them in small Updates. It calls pause after each.
	Delete func(ctx context.Context, s Store, ids []string, pause func()) error
}

// Expired is the result of Find.
type Expired struct {
	IDs   []string
	Reads int    // records read
	Next  string // the cursor for the next call
	End   bool   // nothing is left in this round, and Next begins another one
}

// NewSweep returns the sweep of the records for which expired returns true. expired is called again in the Update that deletes a
// record. It must not change its argument.
func NewSweep[T any](t Table[T], expired func(v T) bool) TableSweep {
	return t.newSweep(judgeAlone(expired), nil)
}

// NewDependentSweep is NewSweep for records that expire with others. expired may read two of them.
func NewDependentSweep[T any](t Table[T], expired func(r Reader, id string, v T) (bool, error)) TableSweep {
	return t.newSweep(func(r Reader, id string, v any) (bool, error) { return expired(r, id, *v.(*T)) }, nil)
}

// NewAnnouncedSweep is NewSweep for records that a policy deletes. announce is called with the ids of some before the first of them
// is deleted, and its result in that Update. It may use 16 keys.
func NewAnnouncedSweep[T any](t Table[T], expired func(v T) bool, announce func(ids []string) func(Tx) error) TableSweep {
	return t.newSweep(judgeAlone(expired), announce)
}

// judge reports whether the record that v points to has expired.
type judge func(r Reader, id string, v any) (bool, error)

func judgeAlone[T any](expired func(v T) bool) judge {
	return func(_ Reader, _ string, v any) (bool, error) { return expired(*v.(*T)), nil }
}

func (t *table) newSweep(expired judge, announce func(ids []string) func(Tx) error) TableSweep {
	return TableSweep{t.kind, t.findExpired(expired), t.deleteEach(expired, announce)}
}

func (t *table) findExpired(expired judge) func(Snapshot, string, int, int) (Expired, error) {
	return func(s Snapshot, after string, reads, limit int) (out Expired, err error) {
		out.Next, out.End = after, true
		err = t.scan(s, "", after, 0, func(id string, v any) error {
			if out.Reads == reads || len(out.IDs) == limit {
				out.End = false
				return ErrStop
			}
			out.Reads, out.Next = out.Reads+1, id
			is, err := expired(s, id, v)
			switch {
			case errors.Is(err, ErrUnreadable): // it depends on a record that is reported
			case err != nil:
				return err
			case is:
				out.IDs = append(out.IDs, id)
			}
			return nil
		})
		if out.End {
			out.Next = ""
		}
		return out, err
	}
}

func (t *table) deleteEach(expired judge, announce func([]string) func(Tx) error) func(context.Context, Store, []string, func()) error {
	return func(ctx context.Context, s Store, ids []string, pause func()) error {
		first := func(Tx) error { return nil }
		if announce != nil {
			first = announce(ids)
		}
		return InBatches(ctx, s, ids, pause, first, func(tx Tx, id string) error {
			v := t.newRecord()
			if exists, err := Found(t.get(tx, id, v)); !exists {
				return err
			}
			if is, err := expired(tx, id, v); err != nil || !is {
				return err
			}
			return t.Delete(tx, id)
		})
	}
}

// InBatches calls remove for each id, in Updates of 24 ids, and pause after each Update. first is called in the first Update. It may
// use 16 keys, and remove three.
func InBatches(ctx context.Context, s Store, ids []string, pause func(), first func(Tx) error, remove func(tx Tx, id string) error) error {
	for i, part := range slices.Collect(slices.Chunk(ids, deleteBatch)) {
		err := s.Update(ctx, func(tx Tx) error {
			if i == 0 {
				if err := first(tx); err != nil {
					return err
				}
			}
			for _, id := range part {
				if err := remove(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		pause()
	}
	return nil
}

// Sweeper sweeps all tables in turn. Its cost does not depend on their size: Run reads and deletes at most as many records as
// the two limits. A Sweeper is not safe for concurrent use.
type Sweeper struct {
	Store          Store
	Sweeps         []TableSweep
	Reads, Deletes int           // limits of one Run
	Pause          time.Duration // after each View and each Update, so that a sign-in waits for at most one

	cursors []string
	round   []int // the sweeps that have not ended in this round, the next one first
}

// Swept is what one Run of a Sweeper did.
type Swept struct{ Read, Deleted int }

// deleteBatch is the number of records that one Update of a sweep deletes. Each may use three keys.
const deleteBatch = 24

// sweepPart is the maximum of records that one View of a sweep reads.
const sweepPart = 2000

// Run continues the present round, or begins one: it reads a part of each table in turn, until all have ended. So each record is
// read once in a round, and a round takes as many Runs as the number of all records divided by Reads, or as the number of expired
// ones divided by Deletes. An error of one table does not stop the others.
func (w *Sweeper) Run(ctx context.Context) (total Swept, err error) {
	if w.cursors == nil {
		w.cursors = make([]string, len(w.Sweeps))
	}
	if len(w.round) == 0 {
		for i := range w.Sweeps {
			w.round = append(w.round, i)
		}
	}
	var failures []error
	for len(w.round) > 0 && ctx.Err() == nil && total.Read < w.Reads && total.Deleted < w.Deletes {
		i := w.round[0]
		w.round = w.round[1:]
		one, end, err := w.step(ctx, i, min(sweepPart, w.Reads-total.Read), w.Deletes-total.Deleted)
		total.Read, total.Deleted = total.Read+one.Read, total.Deleted+one.Deleted
		if err != nil {
			failures = append(failures, fmt.Errorf("sweeping %s: %w", w.Sweeps[i].Table.Prefix, err))
		} else if !end {
			w.round = append(w.round, i)
		}
	}
	return total, errors.Join(failures...)
}

// step makes one step of a sweep. end reports whether its round has ended.
func (w *Sweeper) step(ctx context.Context, i, reads, deletes int) (done Swept, end bool, err error) {
	sweep, found := w.Sweeps[i], Expired{}
	err = w.Store.View(ctx, func(s Snapshot) (err error) {
		found, err = sweep.Find(s, w.cursors[i], reads, deletes)
		return err
	})
	if err != nil {
		return Swept{}, true, err
	}
	done.Read = found.Reads
	pause(ctx, w.Pause)
	if len(found.IDs) > 0 {
		if err := sweep.Delete(ctx, w.Store, found.IDs, func() { pause(ctx, w.Pause) }); err != nil {
			return done, true, err
		}
	}
	done.Deleted, w.cursors[i] = len(found.IDs), found.Next
	return done, found.End, nil
}

// pause waits until d is over or ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
