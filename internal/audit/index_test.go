package audit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"

	"pgregory.net/rapid"
)

// fill appends events about the users u0 to u9, each about one of them, in n seconds. It returns their ids and subjects.
func fill(t testing.TB, s store.Store, log audit.Log, n int) (ids []string, subjects map[string]string) {
	t.Helper()
	subjects = map[string]string{}
	var events []audit.Event
	for i := range n {
		id := audit.NewID(start.Add(time.Duration(i*i%n) * time.Second))
		ids = append(ids, id)
		events = append(events, event(fmt.Sprintf("u%d", i%7)))
		subjects[id] = events[i].Subject
	}
	add(t, s, log, ids, events...)
	slices.Sort(ids)
	return ids, subjects
}

// everySecond returns the ids of events that get a number while the others wait.
func everySecond(ids []string) (out []string) {
	for i := 0; i < len(ids); i += 2 {
		out = append(out, ids[i])
	}
	return out
}

func TestScan_OfUsersEqualsAScanOfTheWholeLog(t *testing.T) {
	s, log := open(t)
	ids, subjects := fill(t, s, log, 400)
	number(t, s, log, everySecond(ids))
	rapid.Check(t, func(t *rapid.T) {
		of := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"u0", "u1", "u2", "u3", "u4", "u9"}), rapid.ID[string]).Draw(t, "subjects")
		if of == nil {
			of = []string{}
		}
		q := audit.Query{Subjects: of, Limit: rapid.IntRange(1, 60).Draw(t, "limit"), Descending: rapid.Bool().Draw(t, "descending")}
		if rapid.Bool().Draw(t, "span") {
			q.Since = start.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "since")) * time.Second)
			q.Until = q.Since.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "length")) * time.Second)
		}
		if rapid.Bool().Draw(t, "hidden") {
			q.Visible = func(subject string) (bool, error) { return subject != "u1", nil }
		}
		var want []string
		for _, id := range ids {
			at, _ := time.Parse(store.TimeLayout, id[:26])
			if slices.Contains(of, subjects[id]) && (q.Visible == nil || subjects[id] != "u1") && !at.Before(q.Since) && (q.Until.IsZero() || at.Before(q.Until)) {
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

// Attack 6 of the white-box test read all events for a page of one, and for a token that may read none.
func TestScan_CostsWhatItReturns(t *testing.T) {
	reads := map[string][]int64{}
	for _, size := range []int{1500, 6000} {
		s, log := open(t)
		ids, _ := fill(t, s, log, size)
		rare := event("quiet")
		rare.Action, rare.Actor = audit.FactorsReset, audit.Actor{Type: audit.TypeToken, ID: "token:1"}
		rare.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: "d1"}}
		one := audit.NewID(start.Add(time.Minute))
		add(t, s, log, []string{one}, rare)
		number(t, s, log, append(ids[:size-10], one))
		for name, test := range map[string]struct {
			q    audit.Query
			want int
		}{
			"of no user":                  {audit.Query{Subjects: []string{}, Limit: 1}, 0},
			"of a user with one":          {audit.Query{Subjects: []string{"quiet"}}, 1},
			"of a user without any":       {audit.Query{Subjects: []string{"nobody"}, Descending: true}, 0},
			"of one who is hidden":        {audit.Query{Subjects: []string{"u1"}, Visible: func(string) (bool, error) { return false, nil }}, 0},
			"of a user with many":         {audit.Query{Subjects: []string{"u1", "u2"}, Limit: 5, Descending: true}, 5},
			"of a token":                  {audit.Query{Entities: []string{"token:1"}}, 1},
			"of a device":                 {audit.Query{Entities: []string{"d1"}, Descending: true}, 1},
			"of a rare action":            {audit.Query{Actions: []string{audit.FactorsReset}}, 1},
			"the newest of the log":       {audit.Query{Limit: 1, Descending: true}, 1},
			"a page in the middle":        {audit.Query{Limit: 20, Descending: true, Until: start.Add(500 * time.Second)}, 20},
			"a page after another":        {audit.Query{Limit: 20, After: ids[500]}, 20},
			"a poll at the end":           {audit.Query{Limit: 20, Since: start.Add(time.Duration(size) * time.Second)}, 0},
			"of a user since a late time": {audit.Query{Subjects: []string{"u1"}, Since: start.Add(time.Duration(size) * time.Second)}, 0},
		} {
			counter := storetest.CountReads(s, "")
			err := counter.View(context.Background(), func(snap store.Snapshot) error {
				cost := 0
				test.q.Cost = &cost
				entries, _, err := log.Scan(snap, test.q)
				n := counter.Records()
				if len(entries) != test.want || n > int64(20*cost+20) {
					t.Errorf("%s: got %d events with %d reads and a cost of %d, want %d", name, len(entries), n, cost, test.want)
				}
				reads[name] = append(reads[name], n)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, n := range reads {
		if n[1] > n[0]+8 || n[0] > 120 { // the events of several users differ in their order
			t.Errorf("%s: got %d reads, and %d with four times as many events, want the same few", name, n[0], n[1])
		}
	}
}

// A rare event is found by several calls, each of which reads a part.
func TestScan_OfARareTextGoesOnAtItsCursor(t *testing.T) {
	s, log := open(t)
	fill(t, s, log, 2200)
	rare := event("u1")
	rare.Reason = "rare"
	last := audit.NewID(start.Add(2199 * time.Second))
	add(t, s, log, []string{last}, rare)
	for _, q := range []audit.Query{{}, {Descending: true, Until: start.Add(3000 * time.Second)}, {Subjects: []string{"u0", "u1", "u2", "u3", "u4", "u5", "u6"}}} {
		q.Contains, q.Budget = "rare", 1000
		if got := all(t, s, log, q); !slices.Equal(got, []string{last}) {
			t.Errorf("%+v: got %v, want the event", q, got)
		}
	}
	empty := 0
	q := audit.Query{Contains: "no event has it", Budget: 1000}
	for page := 0; page == 0 || q.After != ""; page++ {
		counter := storetest.CountReads(s, "")
		err := counter.View(context.Background(), func(snap store.Snapshot) (err error) {
			_, q.After, err = log.Scan(snap, q)
			return err
		})
		if empty++; counter.Records() > 1500 {
			t.Errorf("got %d reads, want at most 1,000 events, and what was read at once", counter.Records())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if empty != 3 {
		t.Errorf("got %d pages for 2,201 events, want 3", empty)
	}
}
