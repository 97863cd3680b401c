package store

import (
	"cmp"
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
	// Once means that Find stays at the end of the expired records, so that no later round reads a record again.
	Once bool
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
	return TableSweep{Table: t.kind, Find: t.findExpired(expired), Delete: t.deleteEach(expired, announce)}
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
			v, err := t.get(tx, id)
			if exists, err := Found(err); !exists {
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

// Sweeper sweeps all tables. Its cost does not depend on their size: Run reads and deletes at most as many records as the two limits,
// and reads at most Idle while few of them have expired. A Sweeper is not safe for concurrent use.
type Sweeper struct {
	Store          Store
	Sweeps         []TableSweep
	Reads, Deletes int           // limits of one Run
	Idle           int           // records of one Run that are read although few have expired; 0 means Reads
	Pause          time.Duration // after each View and each Update, so that a sign-in waits for at most one

	cursors []string
	runs    int
}

// Swept is what one Run of a Sweeper did.
type Swept struct{ Read, Deleted int }

// worthwhile reports whether so many of the records that were read had expired, one of 50, that a further part of the table is read.
func (s Swept) worthwhile() bool { return s.Deleted > 0 && s.Deleted*50 >= s.Read }

// deleteBatch is the number of records that one Update of a sweep deletes. Each may use three keys.
const deleteBatch = 24

// sweepPart is the maximum of records that one View of a sweep reads.
const sweepPart = 2000

// Run reads an equal part of each table, from where the one before stopped or, after its end, from the beginning, so a short table is
// read in each Run. The oldest records of an appended table are read in each Run too, first. Then Run goes on in turn: with all tables
// while it has read fewer records than Idle, and after that with those whose last part was worthwhile. What is read only once does not
// count for Idle. An error of one table does not stop the others.
func (w *Sweeper) Run(ctx context.Context) (total Swept, err error) {
	if len(w.Sweeps) == 0 {
		return total, nil
	}
	if w.cursors == nil {
		w.cursors = make([]string, len(w.Sweeps))
	}
	idle := cmp.Or(w.Idle, w.Reads)
	share := min(sweepPart, max(1, idle/len(w.Sweeps)))
	last := make([]Swept, len(w.Sweeps)) // part of each table
	var turn []int                       // the next one first; each Run begins with another
	for i := range w.Sweeps {
		turn = append(turn, (w.runs+i)%len(w.Sweeps))
	}
	w.runs++
	var failures []error
	for _, i := range turn {
		if w.Sweeps[i].Table.Appended && w.cursors[i] != "" && !w.Sweeps[i].Once {
			read, err := w.oldest(ctx, i, max(1, share/4), &total)
			if idle -= read; err != nil {
				failures = append(failures, fmt.Errorf("sweeping %s: %w", w.Sweeps[i].Table.Prefix, err))
			}
		}
	}
	for len(turn) > 0 && ctx.Err() == nil && total.Read < w.Reads && total.Deleted < w.Deletes {
		i, part := turn[0], 0
		turn = turn[1:]
		once := w.Sweeps[i].Once
		switch {
		case once, idle <= 0 && last[i].worthwhile():
			part = sweepPart
		case idle <= 0:
			continue
		default:
			part = min(share, idle)
		}
		one, end, err := w.step(ctx, i, min(part, w.Reads-total.Read), w.Deletes-total.Deleted)
		total.Read, total.Deleted = total.Read+one.Read, total.Deleted+one.Deleted
		if !once {
			idle -= one.Read
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("sweeping %s: %w", w.Sweeps[i].Table.Prefix, err))
		} else if last[i] = one; !end {
			turn = append(turn, i)
		}
	}
	return total, errors.Join(failures...)
}

// oldest reads the first records of a table in the order of time, which mostly expire first, and goes on while its parts are worthwhile.
// The round continues where it was. read is the number of records of the first part.
func (w *Sweeper) oldest(ctx context.Context, i, part int, total *Swept) (read int, err error) {
	at, limit := w.cursors[i], total.Deleted+w.Deletes/4
	w.cursors[i] = ""
	for end, first := false, true; err == nil && !end && ctx.Err() == nil && total.Read < w.Reads && total.Deleted < min(limit, w.Deletes); first = false {
		var one Swept
		one, end, err = w.step(ctx, i, min(part, w.Reads-total.Read), min(limit, w.Deletes)-total.Deleted)
		total.Read, total.Deleted = total.Read+one.Read, total.Deleted+one.Deleted
		if first {
			read = one.Read
		}
		end, part = end || !one.worthwhile(), min(2*part, sweepPart)
	}
	w.cursors[i] = max(at, w.cursors[i])
	return read, err
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
