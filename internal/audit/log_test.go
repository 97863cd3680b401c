package audit_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func open(t testing.TB) (store.Store, audit.Log) {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ring, err := store.OpenKeyring(context.Background(), s, store.NewRootKeys(), start)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.RunTwice(storetest.RejectNesting(t, s)), audit.NewLog(ring)
}

func event(subject string) audit.Event {
	return audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: subject}
}

func add(t rapid.TB, s store.Store, log audit.Log, ids []string, events ...audit.Event) {
	t.Helper()
	for part := range slices.Chunk(ids, 30) {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for _, id := range part {
				e := events[0]
				if len(events) > 1 {
					e = events[slices.Index(ids, id)]
				}
				if err := log.Append(tx, id, e); err != nil {
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

// all returns the ids of every page of a query.
func all(t rapid.TB, s store.Store, log audit.Log, q audit.Query) (ids []string) {
	t.Helper()
	for page := 0; page == 0 || q.After != ""; page++ {
		err := s.View(context.Background(), func(snap store.Snapshot) error {
			entries, next, err := log.Scan(snap, q)
			for _, e := range entries {
				ids = append(ids, e.ID)
			}
			q.After = next
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if page > 2000 {
			t.Fatal("got more than 2000 pages")
		}
	}
	return ids
}

func TestAppend_StoresTheEventAtTheTimeOfItsID(t *testing.T) {
	s, log := open(t)
	id := audit.NewID(start)
	e := event("u1")
	e.Actor, e.Detail = audit.Actor{Type: audit.TypeUser, ID: "u1", Name: "Inès"}, map[string]string{"device": "téléphone"}
	add(t, s, log, []string{id}, e)
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		got, err := log.Get(snap, id)
		if err == nil && (!got.At.Equal(start) || got.Actor.Name != "Inès" || got.Detail["device"] != "téléphone") {
			t.Errorf("got %+v, want what was appended", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAppend_RejectsExistingOrInvalidID(t *testing.T) {
	s, log := open(t)
	id := audit.NewID(start)
	add(t, s, log, []string{id}, event("u1"))
	if err := s.Update(t.Context(), func(tx store.Tx) error { return log.Append(tx, id, event("u2")) }); err == nil {
		t.Error("no error for an existing id")
	}
	for _, id := range []string{"", "x", id[:26], id + "/", "user/" + id, strings.ToUpper(id)} {
		err := s.Update(t.Context(), func(tx store.Tx) error { return log.Append(tx, id, event("u2")) })
		if !errors.Is(err, audit.ErrID) {
			t.Errorf("id %q: got %v, want ErrID", id, err)
		}
	}
}

func TestAppend_CutsAndCleansText(t *testing.T) {
	s, log := open(t)
	id := audit.NewID(start)
	e := event("u1")
	e.Agent = "Mozilla\r\n2026 user.session.start SUCCESS admin\u2028\u202e\x1b[2J" + strings.Repeat("é", 5000)
	e.Reason = "\xff\xfe"
	e.Detail = map[string]string{}
	for i := range 100 {
		e.Detail[fmt.Sprintf("key\n%d", i)] = strings.Repeat("x", 10_000)
	}
	for range 100 {
		e.Targets = append(e.Targets, audit.Actor{Name: strings.Repeat("n", 10_000)})
	}
	add(t, s, log, []string{id}, e)
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		got, err := log.Get(snap, id)
		if strings.ContainsAny(got.Agent, "\r\n\x1b\u2028\u202e") || len(got.Agent) > 512 || !utf8.ValidString(got.Agent+got.Reason) {
			t.Errorf("got agent %q, reason %q, want one short valid line", got.Agent, got.Reason)
		}
		if len(got.Detail) > 16 || len(got.Targets) > 16 || len(got.Targets[0].Name) > 320 {
			t.Errorf("got %d details and %d targets, want at most 16 each", len(got.Detail), len(got.Targets))
		}
		for key, value := range got.Detail {
			if strings.Contains(key, "\n") || len(value) > 512 {
				t.Errorf("detail %q of %d bytes", key, len(value))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The events are at irregular times, some in the same nanosecond. The pages have random sizes, in both orders.
func TestScan_ReturnsTheSameEntriesForEveryOrderAndPageSize(t *testing.T) {
	s, log := open(t)
	var ids []string
	now := start
	rng := []time.Duration{0, 1, time.Microsecond, time.Second, time.Minute, 7 * time.Hour, 40 * 24 * time.Hour}
	for i := range 300 {
		now = now.Add(rng[(i*i+i/7)%len(rng)])
		ids = append(ids, audit.NewID(now))
	}
	slices.Sort(ids)
	add(t, s, log, ids, event("u1"))
	number(t, s, log, everySecond(ids))
	rapid.Check(t, func(t *rapid.T) {
		q := audit.Query{Limit: rapid.IntRange(1, 400).Draw(t, "limit"), Descending: rapid.Bool().Draw(t, "descending")}
		if rapid.Bool().Draw(t, "since") {
			q.Since = start.Add(time.Duration(rapid.Int64Range(0, int64(now.Sub(start))).Draw(t, "from")))
		}
		if rapid.Bool().Draw(t, "until") {
			q.Until = start.Add(time.Duration(rapid.Int64Range(0, 2*int64(now.Sub(start))).Draw(t, "to")))
		}
		var want []string
		for _, id := range ids {
			at, err := time.Parse(store.TimeLayout, id[:26])
			if err != nil {
				t.Fatal(err)
			}
			if !at.Before(q.Since) && (q.Until.IsZero() || at.Before(q.Until)) {
				want = append(want, id)
			}
		}
		if q.Descending {
			slices.Reverse(want)
		}
		if got := all(t, s, log, q); !slices.Equal(got, want) {
			t.Fatalf("%+v: got %d entries, want %d, in order", q, len(got), len(want))
		}
	})
}

func TestScan_ReadsManyEventsOfAMinuteNewestFirst(t *testing.T) {
	s, log := open(t)
	var ids []string
	for i := range 3000 {
		ids = append(ids, audit.NewID(start.Add(time.Duration(i)*10*time.Millisecond)))
	}
	add(t, s, log, ids, event("u1"))
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		entries, next, err := log.Scan(snap, audit.Query{Limit: 2, Descending: true})
		if err == nil && (len(entries) != 2 || entries[0].ID != ids[2999] || entries[1].ID != ids[2998] || next != ids[2998]) {
			t.Errorf("got %v, next %q, want the last two", entries, next)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ids)
	if got := all(t, s, log, audit.Query{Limit: 700, Descending: true}); !slices.Equal(got, ids) {
		t.Errorf("got %d entries, want all 3000, newest first", len(got))
	}
}

func TestScan_SelectsByEachField(t *testing.T) {
	s, log := open(t)
	ids := []string{audit.NewID(start), audit.NewID(start.Add(1)), audit.NewID(start.Add(2))}
	a, b, c := event("u1"), event("u2"), event("u1")
	b.Outcome, b.Actor, b.Session = audit.Failure, audit.Actor{ID: "admin"}, "s1"
	c.Action, c.Request, c.Detail = audit.FactorsReset, "r1", map[string]string{"device": "YubiKey Bleue"}
	add(t, s, log, ids, a, b, c)
	number(t, s, log, ids[1:])
	for name, test := range map[string]struct {
		q    audit.Query
		want []string
	}{
		"everything":            {audit.Query{}, ids},
		"by subject":            {audit.Query{Subjects: []string{"u1"}}, []string{ids[0], ids[2]}},
		"by actions":            {audit.Query{Actions: []string{audit.FactorsReset, audit.TokenCreated}}, ids[2:]},
		"by a text":             {audit.Query{Contains: "yubikey"}, ids[2:]},
		"by a condition":        {audit.Query{Subjects: []string{"u1"}, Keep: func(e audit.Entry) bool { return e.ID != ids[0] }}, ids[2:]},
		"by an unknown subject": {audit.Query{Subjects: []string{"u3"}}, nil},
		"by the actor":          {audit.Query{Entities: []string{"Admin"}}, ids[1:2]},
		"by entities":           {audit.Query{Entities: []string{"admin", "u1"}}, ids},
	} {
		if got := all(t, s, log, test.q); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func FuzzScan_Cursor(f *testing.F) {
	s, log := open(f)
	id := audit.NewID(start)
	add(f, s, log, []string{id}, event("u1"))
	f.Add(id, true)
	f.Add(id[:26], false)
	f.Add("20260302T080000.000000000Z-\n", true)
	f.Fuzz(func(t *testing.T, cursor string, descending bool) {
		err := s.View(context.Background(), func(snap store.Snapshot) error {
			_, _, err := log.Scan(snap, audit.Query{After: cursor, Descending: descending})
			return err
		})
		if err != nil && !errors.Is(err, audit.ErrID) {
			t.Errorf("cursor %q: got %v, want no error or ErrID", cursor, err)
		}
	})
}

func TestErasure_Golden(t *testing.T) {
	storetest.Golden(t, store.Erasures, nil, audit.ErasureRecord{Deleted: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), By: audit.Actor{Type: audit.TypeOperator, ID: "operator:0", Name: "root"}, Covered: "20260302T080000.000000000Z-b",
		After: "20260302T080000.000000000Z-a"})
}

func TestRecord_Golden(t *testing.T) {
	storetest.Golden(t, store.Audit, nil, audit.NewRecord(audit.Event{
		At: start, Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "Inès"}, Subject: "u2", SubjectName: "paul@garage.test",
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: "d1", Name: "téléphone"}}, Action: audit.FactorsReset, Outcome: audit.Success,
		Reason: "lost", Address: "203.0.113.7", Agent: "Mozilla/5.0", Session: "s1", Request: "r1",
		Detail: map[string]string{"devices": "2"}, Salt: []byte{1, 2, 3},
		Erased: map[string]tlog.Hash{"agent": {1, 2, 3}},
	}, audit.Leaf{Number: 7, Lane: audit.LaneRoutine}))
}

// An event is read as it was appended, however it is stored.
func TestRecord_KeepsTheEvent(t *testing.T) {
	id := audit.NewID(start)
	for name, e := range map[string]audit.Event{
		"of a user about themself":      {Actor: audit.Actor{Type: audit.TypeUser, ID: "u1", Name: "zoe"}, Subject: "u1", SubjectName: "zoe"},
		"of another user":               {Actor: audit.Actor{Type: audit.TypeUser, ID: "u2", Name: "zoe"}, Subject: "u1", SubjectName: "zoe"},
		"of a user with another name":   {Actor: audit.Actor{Type: audit.TypeUser, ID: "u1", Name: "ines"}, Subject: "u1", SubjectName: "zoe"},
		"of a token with the user's id": {Actor: audit.Actor{Type: audit.TypeToken, ID: "u1", Name: "zoe"}, Subject: "u1", SubjectName: "zoe"},
		"of a user about nobody":        {Actor: audit.Actor{Type: audit.TypeUser}},
		"of nobody":                     {Targets: []audit.Actor{{}, {Type: audit.TypeGroup, ID: "g1"}}},
		"that was erased":               {Erased: map[string]tlog.Hash{}},
	} {
		e.At, e.Action, e.Outcome = start, audit.SessionStart, audit.Success
		raw, err := store.Encode(audit.NewRecord(e, audit.Leaf{}))
		var r audit.Record
		if err := errors.Join(err, store.Decode(raw, &r)); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Event(id); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, e)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s, log := open(b)
	b.ReportAllocs()
	for b.Loop() {
		add(b, s, log, []string{audit.NewID(start)}, event("u1"))
	}
}
