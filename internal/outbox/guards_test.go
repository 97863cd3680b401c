package outbox

import (
	"path/filepath"
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
