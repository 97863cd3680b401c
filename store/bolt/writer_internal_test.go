package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barillet/store"
	"barillet/store/storetest"
)

// counted opens a store that reports how many changes each group of the writer took.
func counted(t *testing.T) (s *Store, groups func() []int) {
	t.Helper()
	s, err := Open(filepath.Join(storetest.Dir(t), "barillet.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var mu sync.Mutex
	var sizes []int
	s.testingOnlyGroup = func(taken int) {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, taken)
	}
	return s, func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sizes)
	}
}

func mustPut(t *testing.T, s *Store, key string, value []byte) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(key, value) }); err != nil {
		t.Error(err)
	}
}

var errRefused = errors.New("refused")

func TestUpdate_ARefusalOrNoChangeDoesNotMeetTheWriter(t *testing.T) {
	s, groups := counted(t)
	mustPut(t, s, "a/1", []byte("x"))
	before := len(groups())
	for name, fn := range map[string]func(store.Tx) error{
		"refused": func(tx store.Tx) error {
			_, err := tx.Get("a/1")
			return errors.Join(err, tx.Put("a/1", []byte("y")), errRefused)
		},
		"panics":                       func(tx store.Tx) error { tx.Put("a/1", []byte("y")); panic("refused") },
		"over a limit":                 func(tx store.Tx) error { tx.Put("a/1", nil); return nil },
		"reads only":                   func(tx store.Tx) error { _, err := tx.Get("a/1"); return err },
		"reads nothing":                func(tx store.Tx) error { return nil },
		"finds nothing":                func(tx store.Tx) error { _, err := tx.Get("a/2"); return err },
		"deletes what it did not find": func(tx store.Tx) error { tx.Get("a/2"); return tx.Delete("a/2") },
	} {
		func() {
			defer func() { recover() }()
			s.Update(t.Context(), fn)
		}()
		if got := len(groups()); got != before {
			t.Errorf("%s: it took %d groups of the writer, want 0", name, got-before)
		}
	}
	mustPut(t, s, "a/1", []byte("y"))
	if got := groups()[before:]; len(got) != 1 || got[0] != 1 {
		t.Errorf("one change: got groups %v, want one of 1", got)
	}
}

// A commit is visible before its sync ends. What reads it may only be answered after that.
func TestUpdate_WithoutChangeWaitsForTheCommitThatItRead(t *testing.T) {
	s, groups := counted(t)
	mustPut(t, s, "a/1", []byte("x"))
	s.synced.Add(-1) // as if the sync of the last commit had not ended
	before := len(groups())
	read := func(tx store.Tx) error { _, err := tx.Get("a/1"); return err }
	if err := s.Update(t.Context(), read); err != nil {
		t.Error(err)
	}
	if got := len(groups()) - before; got != 1 {
		t.Errorf("it took %d groups of the writer, want to wait for 1", got)
	}
	mustPut(t, s, "a/1", []byte("y"))
	before = len(groups())
	if err := s.Update(t.Context(), read); err != nil || len(groups()) != before {
		t.Errorf("after the sync: got %v and %d groups, want none", err, len(groups())-before)
	}
}

// crowd makes n Updates wait for the writer: it is busy with a closure that runs again because its value changed. Each of
// them calls fn, the repeated run of which begins after the change that it met. It returns the sizes of all groups since.
func crowd(t *testing.T, n int, fn func(tx store.Tx, i, run int) error) []int {
	s, groups := counted(t)
	mustPut(t, s, "a/hot", []byte("0"))
	entered, leave := make(chan bool), make(chan bool)
	busy, changed := make(chan error), make(chan bool)
	go func() {
		run := 0
		busy <- s.Update(t.Context(), func(tx store.Tx) error {
			run++
			_, err := tx.Get("a/hot")
			if run == 1 {
				entered <- true
				<-changed
			} else {
				entered <- true
				<-leave
			}
			return errors.Join(err, tx.Put("a/hot", []byte(fmt.Sprint("busy", run))))
		})
	}()
	<-entered
	mustPut(t, s, "a/hot", []byte("1"))
	before := len(groups())
	changed <- true
	<-entered // the writer is in the repeated run
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			run := 0
			err := s.Update(t.Context(), func(tx store.Tx) error { run++; return fn(tx, i, run) })
			if err != nil && !errors.Is(err, errRefused) {
				t.Error(err)
			}
		})
	}
	synctest.Wait() // all of them wait for the writer
	leave <- true
	if err := <-busy; err != nil {
		t.Error(err)
	}
	all.Wait()
	synctest.Wait()
	return groups()[before:]
}

func sum(of []int) (n int) {
	for _, v := range of {
		n += v
	}
	return n
}

func TestGroup_EndsAfterAsManyChangesAlsoIfAllAreRefused(t *testing.T) {
	for name, meets := range map[string]bool{"refused in the writer": true, "stored": false} {
		synctest.Test(t, func(t *testing.T) {
			const n = 3 * maxGroup
			got := crowd(t, n, func(tx store.Tx, i, run int) error {
				if meets {
					if _, err := tx.Get("a/hot"); err != nil || run > 1 {
						return errors.Join(err, errRefused)
					}
				}
				return tx.Put(fmt.Sprintf("a/%d", i), []byte("x"))
			})
			if slices.Max(got) != maxGroup || got[0] != maxGroup {
				t.Errorf("%s: got groups %v, want at most %d in one", name, got, maxGroup)
			}
		})
	}
}

func TestGroup_EndsAfterItsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = store.MaxValue * 8
		got := crowd(t, 3*groupBytes/each, func(tx store.Tx, i, _ int) error {
			for j := range each / store.MaxValue {
				if err := tx.Put(fmt.Sprintf("a/%d-%d", i, j), make([]byte, store.MaxValue)); err != nil {
					return err
				}
			}
			return nil
		})
		if most := groupBytes/each + 1; slices.Max(got) > most || sum(got) != 3*groupBytes/each+1 {
			t.Errorf("got groups %v, want at most %d in one", got, most)
		}
	})
}

func TestGroup_EndsAfterItsTimeOfRepeatedClosures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = groupTime / 4
		got := crowd(t, 40, func(tx store.Tx, i, run int) error {
			if _, err := tx.Get("a/hot"); err != nil {
				return err
			}
			if run > 1 {
				time.Sleep(each)
			}
			return tx.Put(fmt.Sprintf("a/%d", i), []byte("x"))
		})
		if want := int(groupTime/each) + 1; got[0] != want || slices.Max(got) > want {
			t.Errorf("got groups %v, want %d in the first and at most as many in another", got, want)
		}
	})
}

// The changes of closures that run at once share a sync, as if the writer had run them. A closure that is refused, or that
// takes longer, delays the others by no more.
func TestGroup_WaitsForClosuresThatRunNow(t *testing.T) {
	for name, c := range map[string]struct {
		takes time.Duration // of the other closure
		err   error
		waits time.Duration
		sizes []int
	}{
		"another that is stored":  {groupWait / 2, nil, groupWait / 2, []int{2}},
		"another that is refused": {groupWait / 2, errRefused, groupWait / 2, []int{1}},
		"another that is slow":    {groupWait * 50, nil, groupWait, []int{1, 1}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, groups := counted(t)
			mustPut(t, s, "a/1", []byte("x"))
			before := len(groups())
			other := make(chan error)
			go func() {
				other <- s.Update(t.Context(), func(tx store.Tx) error {
					time.Sleep(c.takes)
					return errors.Join(c.err, tx.Put("a/2", []byte("x")))
				})
			}()
			synctest.Wait() // the other closure runs
			start := time.Now()
			mustPut(t, s, "a/3", []byte("x"))
			if got := time.Since(start); got != c.waits {
				t.Errorf("%s: waited %v, want %v", name, got, c.waits)
			}
			if err := <-other; !errors.Is(err, c.err) {
				t.Errorf("%s: got %v, want %v", name, err, c.err)
			}
			synctest.Wait()
			if got := groups()[before:]; !slices.Equal(got, c.sizes) {
				t.Errorf("%s: got groups %v, want %v", name, got, c.sizes)
			}
		})
	}
}

// A change that was judged on a snapshot is judged again if another one changed what it read.
func TestUpdate_RunsAgainIfAValueChanged(t *testing.T) {
	for name, c := range map[string]struct{ before, between, want string }{
		"another value": {"1", "2", "12"},
		"a new record":  {"", "2", "2"},
		"a deleted one": {"1", "", "1"},
		"the same":      {"1", "1", "1"},
	} {
		s, _ := counted(t)
		write := func(value string) {
			t.Helper()
			err := s.Update(t.Context(), func(tx store.Tx) error {
				if value == "" {
					return tx.Delete("a/1")
				}
				return tx.Put("a/1", []byte(value))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		write(c.before)
		seen, runs, done := "", 0, make(chan bool)
		err := s.Update(t.Context(), func(tx store.Tx) error {
			value, err := tx.Get("a/1")
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if seen += string(value); runs == 0 {
				runs++
				go func() {
					defer close(done)
					write(c.between)
				}()
				<-done
			}
			return tx.Put("a/2", []byte("x"))
		})
		if err != nil || seen != c.want {
			t.Errorf("%s: the closure saw %q, %v, want %q", name, seen, err, c.want)
		}
	}
}
