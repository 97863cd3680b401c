package outbox

import (
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

func newWorker(t testing.TB) *Worker[letter] {
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

// The jobs of a group end in any order, and none of them leaves the group behind.
func TestIndex_RemovesEachJobOfALargeGroup(t *testing.T) {
	w := groupedWorker(t)
	const jobs = 1000
	fill(w, jobs)
	for i := range jobs {
		e := w.index.jobs[strconv.Itoa(i*7%jobs)] // 7 and 1,000 have no common divisor
		w.remove(e)
		if got := len(w.index.groups[e.group]); got != jobs-1-i {
			t.Fatalf("got %d jobs in the group after %d ended, want %d", got, i+1, jobs-1-i)
		}
	}
	if len(w.index.groups) != 0 {
		t.Errorf("got %d groups, want none", len(w.index.groups))
	}
}

// BenchmarkIndexRemove is the end of one job of a group of few and of many.
func BenchmarkIndexRemove(b *testing.B) {
	for _, jobs := range []int{1_000, 40_000} {
		b.Run(strconv.Itoa(jobs), func(b *testing.B) {
			w := groupedWorker(b)
			for i := 0; b.Loop(); i++ {
				if i%jobs == 0 {
					b.StopTimer()
					fill(w, jobs)
					b.StartTimer()
				}
				w.remove(w.index.jobs[strconv.Itoa(jobs-1-i%jobs)])
			}
		})
	}
}

// groupedWorker returns a worker whose jobs are of one group.
func groupedWorker(t testing.TB) *Worker[letter] {
	w := newWorker(t)
	w.Group, w.Holds = func(letter) string { return "all" }, func(letter) bool { return false }
	return w
}

func fill(w *Worker[letter], jobs int) {
	for i := range jobs {
		w.set(guardsTime, strconv.Itoa(i), letter{})
	}
}
