package throttle_test

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/internal/throttle"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

func open(t *testing.T, dir string, keys store.RootKeys) (store.Store, *store.Keyring) {
	t.Helper()
	s, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ring, err := store.OpenKeyring(t.Context(), s, keys, start)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.RunTwice(storetest.RejectNesting(t, s)), ring
}

func take(t *testing.T, s store.Store, l throttle.Limiter, now time.Time, subject string) throttle.Verdict {
	t.Helper()
	v, err := store.Do(t.Context(), s, func(tx store.Tx) (throttle.Verdict, error) {
		return l.Take(tx, now, throttle.HelpMails, subject)
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLimiter_SurvivesARestartAndDeletesUnusedLimits(t *testing.T) {
	dir, keys := t.TempDir(), store.NewRootKeys()
	s, ring := open(t, dir, keys)
	l := throttle.NewLimiter(ring, keys.Pepper)
	for i := range 5 {
		if v := take(t, s, l, start, "ines@garage.test"); !v.OK || v.Remaining != 4-i {
			t.Fatalf("take %d: got %+v, want allowed with %d left", i+1, v, 4-i)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, ring = open(t, dir, keys)
	l = throttle.NewLimiter(ring, keys.Pepper)
	if v := take(t, s, l, start, "ines@garage.test"); v.OK || v.Retry != 12*time.Minute {
		t.Errorf("after a restart: got %+v, want a wait of 12m", v)
	}
	if v := take(t, s, l, start, "paul@garage.test"); !v.OK {
		t.Errorf("another address: got %+v, want allowed", v)
	}
	deleteFull := func(now time.Time) (n int) {
		err := s.View(t.Context(), func(snap store.Snapshot) (err error) {
			if v, err := l.Peek(snap, now, throttle.HelpMails, "ines@garage.test"); err != nil || v.OK != now.After(start) {
				t.Errorf("peek at %v: got %+v, %v", now, v, err)
			}
			err = snap.Scan(store.Throttles.Prefix, "", 0, func(key string, _ []byte) error {
				if strings.Contains(key, "ines") {
					t.Errorf("the key %s contains the address", key)
				}
				return nil
			})
			return err
		})
		if err == nil {
			n, err = sweep(t, s, l.Sweep(func() time.Time { return now }))
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := deleteFull(start); got != 0 {
		t.Errorf("deleted %d limits in use, want 0", got)
	}
	if got := deleteFull(start.Add(time.Hour)); got != 2 {
		t.Errorf("deleted %d unused limits, want 2", got)
	}
	if got := deleteFull(start.Add(time.Hour)); got != 0 {
		t.Errorf("found %d unused limits after the deletion, want 0", got)
	}
}

func TestFailureStore_CountsConcurrentFailures(t *testing.T) {
	keys := store.NewRootKeys()
	s, ring := open(t, t.TempDir(), keys)
	guesses := throttle.NewFailureStore(ring, keys.Pepper)
	id := guesses.UserID("u1")
	checked := make(chan bool)
	for range 24 {
		go func() {
			ok, err := store.Do(t.Context(), s, func(tx store.Tx) (bool, error) {
				f, err := guesses.Get(tx, id)
				if err != nil {
					return false, err
				}
				if ok, _ := f.Allowed(start, throttle.Code, false); !ok {
					return false, nil
				}
				return true, guesses.Put(tx, start, id, f.WithFailure(start, throttle.Code, false))
			})
			if err != nil {
				t.Error(err)
			}
			checked <- ok
		}()
	}
	n := 0
	for range 24 {
		if <-checked {
			n++
		}
	}
	if n != 5 {
		t.Errorf("checked %d of 24 concurrent codes, want 5", n)
	}
}

// sweep runs a sweep and returns how many records it deleted.
func sweep(t *testing.T, s store.Store, one store.TableSweep) (deleted int, err error) {
	w := store.Sweeper{Store: s, Sweeps: []store.TableSweep{one}, Reads: 1000, Deletes: 1000}
	done, err := w.Run(t.Context())
	return done.Deleted, err
}

func TestFailureStore_DeletesExpiredCounters(t *testing.T) {
	keys := store.NewRootKeys()
	s, ring := open(t, t.TempDir(), keys)
	guesses := throttle.NewFailureStore(ring, keys.Pepper)
	id := guesses.UnknownLoginID("nobody@garage.test")
	put := func(now time.Time, f throttle.Failures) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx store.Tx) error { return guesses.Put(tx, now, id, f) }); err != nil {
			t.Fatal(err)
		}
	}
	count := func(now time.Time) (n int) {
		t.Helper()
		err := s.View(t.Context(), func(snap store.Snapshot) error {
			return snap.Scan(store.Failures.Prefix, "", 0, func(string, []byte) error { n++; return nil })
		})
		if err == nil {
			_, err = sweep(t, s, guesses.Sweep(func() time.Time { return now }))
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	put(start, throttle.Failures{}.WithFailure(start, throttle.Password, false))
	if a, b, c := count(start.Add(time.Hour)), count(start.Add(25*time.Hour)), count(start.Add(25*time.Hour)); a != 1 || b != 1 || c != 0 {
		t.Errorf("got %d, %d, %d records, want 1, 1 and after the deletion 0", a, b, c)
	}
	put(start, throttle.Failures{})
	if got := count(start); got != 0 {
		t.Errorf("got %d records for zero counters, want 0", got)
	}
}

func TestUnknownLoginID_HasOneOf65536Buckets(t *testing.T) {
	keys := store.NewRootKeys()
	_, ring := open(t, t.TempDir(), keys)
	guesses := throttle.NewFailureStore(ring, keys.Pepper)
	seen := map[string]bool{}
	for i := range 1000 {
		id := guesses.UnknownLoginID(fmt.Sprintf("nobody%d@garage.test", i))
		if raw, err := hex.DecodeString(strings.TrimPrefix(id.String(), "unknown-")); err != nil || len(raw) != 2 {
			t.Fatalf("got bucket %q, want one of 65536", id)
		}
		seen[id.String()] = true
	}
	if len(seen) < 900 {
		t.Errorf("got %d buckets for 1000 names, want at least 900", len(seen))
	}
	reopened := throttle.NewFailureStore(ring, keys.Pepper)
	if guesses.UnknownLoginID("a") != reopened.UnknownLoginID("a") || guesses.UserID("a") == guesses.UserID("b") {
		t.Error("the bucket of a login changed, or two users have the same id")
	}
}

func TestRecords_Golden(t *testing.T) {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	budget := throttle.Budget{
		Codes:     throttle.Counter{Streak: 5, Times: []time.Time{at(0), at(1)}, WaitUntil: at(2)},
		Passwords: throttle.Counter{Streak: 1, Times: []time.Time{at(3)}},
		Recovery:  []time.Time{at(4)}, Ticket: []time.Time{at(5)},
	}
	storetest.Golden(t, store.Failures, nil, throttle.Failures{User: "u1", Unknown: budget, Known: budget, Streak: 6, WrongAfterPassword: []time.Time{at(6)}})
	storetest.Golden(t, store.Throttles, nil, throttle.Arrival{At: at(0), TAT: at(1)})
}
