package audit_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"
)

// number gives the events numbers, as the tree does, unless they have one.
func number(t testing.TB, s store.Store, log audit.Log, ids []string) {
	t.Helper()
	for part := range slices.Chunk(ids, 20) {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for i, id := range part {
				if _, err := log.Number(tx, id, int64(i)); err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestSweeps_RemoveEachLaneAfterItsTimeAndKeepTheLeaves(t *testing.T) {
	s, log := open(t)
	var ids []string
	var events []audit.Event
	for i := range 300 { // one of each lane each day
		at := start.AddDate(0, 0, i)
		change, routine, refused := event("u1"), event("u2"), event("u3")
		change.Action, refused.Outcome = audit.FactorsReset, audit.Failure
		for _, e := range []audit.Event{change, routine, refused} {
			ids, events = append(ids, audit.NewID(at)), append(events, e)
		}
	}
	add(t, s, log, ids, events...)
	number(t, s, log, ids)
	now := start.AddDate(0, 0, 300)
	sweeper := store.Sweeper{Store: s, Reads: 200, Deletes: 50, Sweeps: log.Sweeps(func() time.Time { return now },
		map[audit.Lane]time.Duration{audit.LaneSecurity: 200 * 24 * time.Hour, audit.LaneRoutine: 100 * 24 * time.Hour, audit.LaneNoise: 30 * 24 * time.Hour})}
	for minutes := 0; ; minutes++ {
		done, err := sweeper.Run(t.Context())
		if err != nil || done.Read > 200 || done.Deleted > 50 || minutes > 30 {
			t.Fatalf("minute %d: got %+v, %v", minutes, done, err)
		}
		if done.Deleted == 0 && minutes > 0 {
			break
		}
	}
	count := func(subject string) int { return len(all(t, s, log, audit.Query{Subjects: []string{subject}})) }
	if a, b, c := count("u1"), count("u2"), count("u3"); a != 200 || b != 100 || c != 30 {
		t.Errorf("got %d changes, %d routine events and %d refusals, want 200, 100 and 30", a, b, c)
	}
	stated := map[audit.Lane]int{}
	err := s.View(context.Background(), func(snap store.Snapshot) error {
		for table, want := range map[string]int{store.AuditLeaves.Prefix: 570} {
			n := 0
			if err := snap.Scan(table, "", 0, func(string, []byte) error { n++; return nil }); err != nil || n != want {
				t.Errorf("%s: got %d records, %v, want %d", table, n, err, want)
			}
		}
		entries, _, err := log.Scan(snap, audit.Query{Actions: []string{audit.EventsRemoved}, Limit: 1000})
		for _, e := range entries {
			if lane, before, ok := e.Removed(); ok && before.Before(now) {
				stated[lane]++
			}
		}
		return err
	})
	if err != nil || stated[audit.LaneSecurity] == 0 || stated[audit.LaneRoutine] == 0 || stated[audit.LaneNoise] == 0 {
		t.Errorf("got statements %v, %v, want some for each lane", stated, err)
	}
	if err := storetest.Sweep(t.Context(), s, sweeper.Sweeps...); err != nil {
		t.Fatal(err)
	}
}

// Without a number an event has no leaf yet.
func TestSweeps_KeepAnEventWithoutANumber(t *testing.T) {
	s, log := open(t)
	id := audit.NewID(start)
	add(t, s, log, []string{id}, event("u1"))
	err := storetest.Sweep(t.Context(), s, log.Sweeps(func() time.Time { return start.AddDate(1, 0, 0) }, map[audit.Lane]time.Duration{})...)
	if err != nil {
		t.Fatal(err)
	}
	if got := all(t, s, log, audit.Query{Subjects: []string{"u1"}}); len(got) != 1 {
		t.Errorf("got %v, want the event", got)
	}
}

// Changes are kept for a shorter time than refusals. Without its statement, a removed refusal would count as hidden.
func TestSweeps_KeepStatementsAsLongAsAnyLane(t *testing.T) {
	s, log := open(t)
	refused := event("u1")
	refused.Outcome = audit.Failure
	ids := []string{audit.NewID(start), audit.NewID(start.AddDate(0, 0, 111))}
	add(t, s, log, ids, refused, audit.Erasure("u2", 3))
	number(t, s, log, ids)
	for _, day := range []int{110, 160, 220} {
		now := start.AddDate(0, 0, day)
		err := storetest.Sweep(t.Context(), s, log.Sweeps(func() time.Time { return now },
			map[audit.Lane]time.Duration{audit.LaneSecurity: 30 * 24 * time.Hour, audit.LaneNoise: 100 * 24 * time.Hour, audit.LaneRoutine: 30 * 24 * time.Hour})...)
		if err != nil {
			t.Fatal(err)
		}
		number(t, s, log, all(t, s, log, audit.Query{}))
		removed := len(all(t, s, log, audit.Query{Actions: []string{audit.EventsRemoved}})) > 0
		erased := len(all(t, s, log, audit.Query{Actions: []string{audit.EventsErased}})) > 0
		if day < 220 && (!removed || !erased) || day == 220 && erased {
			t.Errorf("day %d: got statements of removal: %v, of erasure: %v; want both until day 212", day, removed, erased)
		}
	}
}
