package audit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"

	"pgregory.net/rapid"
)

// history is a log that grows, and a plain list of what it must contain.
type history struct {
	t     *rapid.T
	s     store.Store
	log   audit.Log
	clock time.Time
	want  map[string]audit.Event
	n     int64
}

var (
	historyUsers   = []string{"u0", "u1", "u2", "u3", "U4"}
	historyOthers  = []string{"token:1", "d1", "d2", "g 1/é", "u0", "u1", "operator:0", ""}
	historyActions = []string{audit.SessionStart, audit.FactorsReset, audit.GroupMemberAdded}
)

func (h *history) update(fn func(tx store.Tx) error) {
	h.t.Helper()
	if err := h.s.Update(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// append appends random events.
func (h *history) append(n int) {
	events := map[string]audit.Event{}
	for range n {
		id, e := h.draw()
		events[id] = e
	}
	h.update(func(tx store.Tx) error {
		for id, e := range events {
			if err := h.log.Append(tx, id, e); err != nil {
				return err
			}
		}
		return nil
	})
	maps.Copy(h.want, events)
}

func (h *history) draw() (string, audit.Event) {
	h.clock = h.clock.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(h.t, "pause")))
	e := audit.Event{Action: rapid.SampledFrom(historyActions).Draw(h.t, "action"), Outcome: audit.Success,
		Subject: rapid.SampledFrom(append(historyUsers, "")).Draw(h.t, "subject"), SubjectName: "zoe",
		Actor: audit.Actor{Type: audit.TypeUser, ID: rapid.SampledFrom(historyOthers).Draw(h.t, "actor"), Name: "zoe"}}
	for _, id := range rapid.SliceOfN(rapid.SampledFrom(historyOthers), 0, 16).Draw(h.t, "targets") {
		e.Targets = append(e.Targets, audit.Actor{Type: audit.TypeDevice, ID: id})
	}
	return audit.NewID(h.clock), e
}

// pending returns the ids of the events without a number.
func (h *history) pending() (ids []string) {
	h.view(func(s store.Snapshot) error {
		return s.Scan(store.AuditPending.Prefix, "", 0, func(key string, _ []byte) error {
			ids = append(ids, strings.TrimPrefix(key, store.AuditPending.Prefix))
			return nil
		})
	})
	return ids
}

func (h *history) view(fn func(s store.Snapshot) error) {
	h.t.Helper()
	if err := h.s.View(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *history) numberSome() {
	ids := slices.DeleteFunc(h.pending(), func(string) bool { return rapid.Bool().Draw(h.t, "waits") })
	for part := range slices.Chunk(ids, 4) { // of 21 keys each
		h.update(func(tx store.Tx) (err error) {
			for i, id := range part {
				_, failed := h.log.Number(tx, id, h.n+int64(i))
				err = errors.Join(err, failed)
			}
			return err
		})
		h.n += int64(len(part))
	}
}

func (h *history) removeOld() {
	before := slices.Sorted(maps.Keys(h.want))
	now := func() time.Time { return h.clock }
	keep := map[audit.Lane]time.Duration{audit.LaneSecurity: 20 * 24 * time.Hour, audit.LaneRoutine: 10 * 24 * time.Hour}
	if err := storetest.Sweep(context.Background(), h.s, h.log.Sweeps(now, keep)...); err != nil {
		h.t.Fatal(err)
	}
	waits := h.pending()
	for _, id := range before {
		e := h.want[id]
		at, _ := audit.TimeOf(id)
		if at.Before(audit.Cutoff(h.clock, keep[e.Lane()])) && !slices.Contains(waits, id) {
			delete(h.want, id)
		}
	}
}

func (h *history) eraseOne() {
	user := rapid.SampledFrom(historyUsers).Draw(h.t, "erased")
	for id, e := range h.want {
		if e.Subject == user {
			h.update(func(tx store.Tx) error { return h.log.Erase(tx, id) })
		}
	}
}

// damage deletes entries of the index and adds wrong ones. It returns how many.
func (h *history) damage() (n int) {
	var keys []string
	h.view(func(s store.Snapshot) error {
		return s.Scan(store.AuditEntities.Prefix, "", 0, func(key string, _ []byte) error { keys = append(keys, key); return nil })
	})
	h.update(func(tx store.Tx) error {
		n = 0
		for _, key := range keys[:min(len(keys), 30)] {
			if len(key)%3 != 0 {
				continue
			}
			n++
			if err := tx.Delete(key); err != nil {
				return err
			}
		}
		for i, key := range []string{"x", "u0/s", "u0/s" + audit.NewID(start), "nobody/o" + audit.NewID(start)} {
			n++
			if err := tx.Put(store.AuditEntities.Prefix+key+strings.Repeat("0", i), []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
	return n
}

func names(e audit.Event, id string) bool {
	return e.Subject == id || e.Actor.ID == id || slices.ContainsFunc(e.Targets, func(t audit.Actor) bool { return t.ID == id })
}

// check compares queries by the index with the plain list.
func (h *history) check() {
	h.t.Helper()
	for _, id := range append(historyUsers, historyOthers...) {
		if id == "" {
			continue
		}
		h.compare("subject "+id, audit.Query{Subjects: []string{id}}, func(e audit.Event) bool { return e.Subject == id })
		h.compare("entity "+id, audit.Query{Entities: []string{id}}, func(e audit.Event) bool { return names(e, id) })
		h.compare("entities", audit.Query{Entities: []string{id, "d1"}, Descending: true}, func(e audit.Event) bool { return names(e, id) || names(e, "d1") })
	}
	for _, action := range historyActions {
		h.compare(action, audit.Query{Actions: []string{action}, Descending: true}, func(e audit.Event) bool { return e.Action == action })
	}
}

func (h *history) compare(name string, q audit.Query, is func(e audit.Event) bool) {
	h.t.Helper()
	var want []string
	for id, e := range h.want {
		if is(e) {
			want = append(want, id)
		}
	}
	if slices.Sort(want); q.Descending {
		slices.Reverse(want)
	}
	q.Limit = rapid.IntRange(1, 30).Draw(h.t, "limit")
	if got := all(h.t, h.s, h.log, q); !slices.Equal(got, want) {
		h.t.Fatalf("%s: got %d events, want %d", name, len(got), len(want))
	}
}

// An event is found by what it names, whatever became of it and of others, and the index can always be made anew.
func TestIndex_EqualsTheLogAfterEachHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, log := open(t)
		h := &history{t: rt, s: s, log: log, clock: start, want: map[string]audit.Event{}}
		for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
			h.append(rapid.IntRange(0, 12).Draw(rt, "events"))
			for _, step := range []func(){h.numberSome, h.removeOld, h.eraseOne} {
				if rapid.Bool().Draw(rt, "step") {
					step()
				}
			}
		}
		h.check()
		if r, err := log.CheckIndex(context.Background(), s, true); r.Missing+r.Wrong != 0 || err != nil {
			rt.Fatalf("got %+v, %v in a good index", r, err)
		}
		n := h.damage()
		if r, err := log.CheckIndex(context.Background(), s, true); r.Missing+r.Wrong != n || err != nil {
			rt.Fatalf("got %+v, %v, want the %d changes that were made", r, err, n)
		}
		h.check()
	})
}

// The index has more entries than one View or one Update of CheckIndex takes.
func TestCheckIndex_RestoresALostIndex(t *testing.T) {
	s, log := open(t)
	ids, _ := fill(t, s, log, 2500)
	number(t, s, log, ids)
	for {
		var keys []string
		if err := s.View(t.Context(), func(snap store.Snapshot) error {
			return snap.Scan(store.AuditEntities.Prefix, "", 90, func(key string, _ []byte) error { keys = append(keys, key); return nil })
		}); err != nil || len(keys) == 0 {
			break
		}
		if err := s.Update(t.Context(), func(tx store.Tx) (err error) {
			for _, key := range keys {
				err = tx.Delete(key)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := all(t, s, log, audit.Query{Subjects: []string{"u1"}}); len(got) != 0 {
		t.Fatalf("got %d events without an index", len(got))
	}
	if r, err := log.CheckIndex(t.Context(), s, true); r.Missing != 2500 || r.Wrong != 0 || err != nil {
		t.Errorf("got %+v, %v, want 2500 missing entries", r, err)
	}
	total := 0
	for i := range 7 {
		total += len(all(t, s, log, audit.Query{Subjects: []string{fmt.Sprintf("u%d", i)}}))
	}
	if total != 2500 {
		t.Errorf("got %d events by user, want 2500", total)
	}
}
