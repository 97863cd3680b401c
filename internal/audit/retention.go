package audit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"barillet/store"
)

// day is the step of a retention policy: what is older is removed once a day, so that a policy causes few events.
const day = 24 * time.Hour

// Cutoff returns the time before which records that are kept for a time are removed.
func Cutoff(now time.Time, keep time.Duration) time.Time { return now.UTC().Add(-keep).Truncate(day) }

// Sweeps returns the sweeps that remove the events of each lane after the time for which the lane is kept. Leaves stay, and an event
// that states a removal or an erasure stays as long as any lane: verification needs it for the events that it states.
func (l Log) Sweeps(now func() time.Time, keep map[Lane]time.Duration) (out []store.TableSweep) {
	longest := time.Duration(0)
	for _, d := range keep {
		longest = max(longest, d)
	}
	for _, lane := range Lanes() {
		out = append(out, store.TableSweep{Table: store.Audit, Once: true,
			Find: func(s store.Snapshot, after string, reads, limit int) (store.Expired, error) {
				return l.findOld(s, lane, Cutoff(now(), keep[lane]), Cutoff(now(), longest), after, reads, limit)
			},
			Delete: func(ctx context.Context, s store.Store, ids []string, pause func()) error {
				at := now()
				statement, id := Removal(lane, Cutoff(at, keep[lane]), len(ids)), NewID(at)
				return l.removeAll(ctx, s, ids, pause, func(tx store.Tx) error { return l.Append(tx, id, statement) })
			}})
	}
	return out
}

const (
	maxEventKeys = 22 // of one event: itself, its leaf, and its entries in the index
	appendKeys   = 3  // of Append, with Watch
)

// removeAll removes events, as many in each Update as fit into it. state is called in the first one.
func (l Log) removeAll(ctx context.Context, s store.Store, ids []string, pause func(), state func(tx store.Tx) error) error {
	for first := true; len(ids) > 0; first = false {
		done, err := store.Do(ctx, s, func(tx store.Tx) (n int, err error) {
			if first {
				err = state(tx)
			}
			for used := appendKeys; err == nil && n < len(ids) && used+maxEventKeys <= store.MaxUpdateKeys; n++ {
				var keys int
				keys, err = l.remove(tx, ids[n])
				used += keys
			}
			return n, err
		})
		if err != nil {
			return err
		}
		ids = ids[done:]
		pause()
	}
	return nil
}

// findOld returns the events of a lane before end, and statements before oldest. Its cursor stays where it is at the end of a round, because the older events of
// the lane are gone. A restart reads those of the other lanes once more.
func (l Log) findOld(s store.Snapshot, lane Lane, end, oldest time.Time, after string, reads, limit int) (out store.Expired, err error) {
	out.Next, out.End = after, true
	err = l.table.Scan(s, "", after, 0, func(id string, r Record) error {
		if id >= bound(end) {
			return store.ErrStop
		}
		if out.Reads == reads || len(out.IDs) == limit {
			out.End = false
			return store.ErrStop
		}
		out.Reads, out.Next = out.Reads+1, id
		if e, err := r.Event(id); err == nil && e.Lane() == lane && (!e.states() || e.At.Before(oldest)) {
			out.IDs = append(out.IDs, id)
		}
		return nil
	})
	return out, err
}

// states reports whether the event states what happened to others of the log.
func (e *Event) states() bool { return e.Action == EventsRemoved || e.Action == EventsErased }

// remove is DropBody for an event that may be gone. It returns the number of keys that it used.
func (l Log) remove(tx store.Tx, id string) (keys int, err error) {
	r, err := l.table.Get(tx, id)
	if exists, err := store.Found(err); !exists {
		return 1, err
	}
	return 2 + len(r.entries(id)), l.DropBody(tx, id)
}

// AnnounceRemoval returns the announcement of a sweep that removes records of a table by a policy (store.NewAnnouncedSweep): an
// event with their number and the time before which they are removed.
func (l Log) AnnounceRemoval(now func() time.Time, table store.TableDef, keep time.Duration) func(ids []string) func(store.Tx) error {
	return func(ids []string) func(store.Tx) error {
		at := now()
		id, e := NewID(at), Event{Actor: System, Action: RecordsRemoved, Outcome: Success, Detail: map[string]string{
			"table": strings.TrimSuffix(table.Prefix, "/"), "before": Cutoff(at, keep).Format(time.RFC3339), "records": strconv.Itoa(len(ids))}}
		return func(tx store.Tx) error { return l.Append(tx, id, e) }
	}
}

// SubjectIDs returns at most limit ids of events about a user, from the one after a cursor. An empty subject is no user.
func (l Log) SubjectIDs(s store.Snapshot, subject, after string, limit int) (ids []string, err error) {
	if subject == "" {
		return nil, nil
	}
	err = l.pending.Scan(s, "", after, 0, func(id string, p Pending) error {
		if p.Record.Subject == packed(subject) {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sub := entriesOf(subject, classSubject)
	if after != "" {
		after = sub + after
	}
	err = l.entities.Scan(s, sub, after, limit, func(entry string) error {
		ids = append(ids, entry[len(sub):])
		return nil
	})
	slices.Sort(ids)
	return ids[:min(len(ids), limit)], err
}
