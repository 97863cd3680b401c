package outbox

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/bolt"
)

type letter struct {
	State Attempts `json:"state"`
}

func (l letter) Destination() string                { return "server" }
func (l letter) Lane() audit.Lane                   { return audit.LaneSecurity }
func (l letter) Attempts() Attempts                 { return l.State }
func (l letter) WithAttempts(state Attempts) letter { return letter{state} }

var guardsTime = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func newWorker(t *testing.T) *Worker[letter] {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ring, err := store.OpenKeyring(t.Context(), s, store.NewRootKeys(), guardsTime)
	if err != nil {
		t.Fatal(err)
	}
	return &Worker[letter]{What: "letter", Store: s, Table: store.NewTable[letter](ring, store.Logouts), Now: func() time.Time { return guardsTime }}
}

// An attempt that runs is not begun again when its job changes.
func TestIndex_KeepsAJobThatIsTried(t *testing.T) {
	w := newWorker(t)
	w.set(guardsTime, "a", letter{})
	e := w.index.jobs["a"]
	w.take(e)
	e.busy = true
	w.set(guardsTime, "a", letter{})
	if w.index.jobs["a"] != e || e.ready != 0 {
		t.Errorf("got %+v, want the entry of the attempt", w.index.jobs["a"])
	}
}

func TestIndex_HasNoDeadLetter(t *testing.T) {
	w := newWorker(t)
	w.set(guardsTime, "a", letter{})
	w.set(guardsTime, "a", letter{Attempts{Dead: true}})
	if len(w.index.jobs) != 0 || len(w.waiting()) != 0 {
		t.Errorf("got %v, want no job", w.index.jobs)
	}
}

// A job can change between the pass that chose it and its attempt.
func TestLoad_RefusesWhatIsNoLongerDue(t *testing.T) {
	w := newWorker(t)
	for name, test := range map[string]struct {
		state Attempts
		due   bool
	}{
		"due":       {Attempts{Queued: guardsTime, NotBefore: guardsTime}, true},
		"postponed": {Attempts{Queued: guardsTime, NotBefore: guardsTime.Add(time.Hour)}, false},
		"expired":   {Attempts{Queued: guardsTime, NotBefore: guardsTime, ExpiresAt: guardsTime}, false},
	} {
		if err := w.Store.Update(t.Context(), func(tx store.Tx) error { return w.Table.Put(tx, name, letter{test.state}) }); err != nil {
			t.Fatal(err)
		}
		if _, due, err := w.load(t.Context(), name); due != test.due || err != nil {
			t.Errorf("%s: got due %t, %v, want %t", name, due, err, test.due)
		}
	}
	if _, due, err := w.load(t.Context(), "deleted"); due || err != nil {
		t.Errorf("a deleted job: got due %t, %v", due, err)
	}
}

// The end of one of many jobs that can be joined costs the same as that of one of few.
func TestIndex_RemovesAJobOfALargeGroupAtOnce(t *testing.T) {
	perJob := func(n int) time.Duration {
		w := newWorker(t)
		w.Group, w.Holds = func(letter) string { return "all" }, func(letter) bool { return false }
		best := time.Duration(math.MaxInt64)
		for range 5 {
			for i := range n {
				w.set(guardsTime, strconv.Itoa(i), letter{})
			}
			began := time.Now()
			for i := range n {
				w.remove(w.index.jobs[strconv.Itoa(n-1-i)])
			}
			best = min(best, time.Since(began)/time.Duration(n))
		}
		if len(w.index.groups) != 0 {
			t.Errorf("got %d groups, want none", len(w.index.groups))
		}
		return best
	}
	if few, many := perJob(1_000), perJob(40_000); many > 8*few {
		t.Errorf("got %v for one of 40,000 jobs and %v for one of 1,000", many, few)
	}
}
