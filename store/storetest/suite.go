// Package storetest tests implementations of store.Store: each back-end must pass its suite. It also has wrappers and
// golden files for tests of packages that use a store. It does not import a back-end.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"barillet/store"
)

// Opener opens the store in a directory and creates it if necessary. The suite closes it.
type Opener func(t *testing.T, dir string) store.Store

// Run tests that a back-end implements store.Store.
func Run(t *testing.T, open func(t *testing.T, dir string) store.Store) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s store.Store)
	}{
		{"a missing key is not found, and deleting it is no error", missing},
		{"an error rolls everything back", rollback},
		{"a panic rolls everything back and reaches its caller only", panics},
		{"an update reads its own writes", ownWrites},
		{"concurrent increments are all counted", increments},
		{"one of several concurrent creations succeeds", createOnce},
		{"a failing closure does not affect a concurrent one", neighbours},
		{"a scan is in bytewise order and within its prefix", order},
		{"a scan resumes after a key, stops at its limit and at ErrStop", resume},
		{"a scan backwards resumes before a key, stops at its limit and at ErrStop", resumeBack},
		{"scans in both orders pass from page to page", manyPages},
		{"a snapshot does not change", stable},
		{"a closure run twice has one effect", twice},
		{"the caller may change bytes that it passed and keep those that it received", ownBytes},
		{"limits of keys and values are exact", limitsOfRecords},
		{"limits of an update are exact, and an ignored error fails it", limitsOfUpdates},
		{"a cancelled context has no effect", cancelled},
		{"a closure runs again if a value that it read has changed, and the result is of that run", repeats},
		{"concurrent updates have the effect of one after another", serial},
		{"a watch gets the keys of each commit before its update returns", watched},
		{"a watch misses no commit beside others", watchedBesideOthers},
		{"an honest update ends beside a flood of refused ones", floodOfRefusals},
		{"an honest update ends beside a flood of updates that it causes to be refused", floodOfConflicts},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			t.Cleanup(func() { s.Close() })
			c.test(t, s)
		})
	}
	t.Run("records survive closing and opening", func(t *testing.T) { reopen(t, open) })
	t.Run("a closed store returns ErrClosed", func(t *testing.T) { closed(t, open) })
}

var background = context.Background()

func put(t *testing.T, s store.Store, key, value string) {
	t.Helper()
	if err := s.Update(background, func(tx store.Tx) error { return tx.Put(key, []byte(value)) }); err != nil {
		t.Fatalf("putting %q: %v", key, err)
	}
}

// get returns the value, or "" for a missing key.
func get(t *testing.T, s store.Store, key string) string {
	t.Helper()
	var value []byte
	err := s.View(background, func(snap store.Snapshot) (err error) {
		value, err = snap.Get(key)
		return err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("getting %q: %v", key, err)
	}
	return string(value)
}

func expect(t *testing.T, s store.Store, key, want string) {
	t.Helper()
	if got := get(t, s, key); got != want {
		t.Errorf("%q holds %q, want %q", key, got, want)
	}
}

func missing(t *testing.T, s store.Store) {
	err := s.View(background, func(snap store.Snapshot) error {
		_, err := snap.Get("a/none")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("View: got %v, want ErrNotFound", err)
	}
	err = s.Update(background, func(tx store.Tx) error {
		if err := tx.Delete("a/none"); err != nil {
			t.Errorf("Delete: got %v, want nil", err)
		}
		_, err := tx.Get("a/none")
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Update: got %v, want ErrNotFound", err)
	}
}

func rollback(t *testing.T, s store.Store) {
	put(t, s, "a/1", "before")
	wrong := errors.New("rolled back")
	err := s.Update(background, func(tx store.Tx) error {
		return errors.Join(tx.Put("a/1", []byte("after")), tx.Put("a/2", []byte("new")), wrong)
	})
	if !errors.Is(err, wrong) {
		t.Errorf("got %v, want the closure's error", err)
	}
	expect(t, s, "a/1", "before")
	expect(t, s, "a/2", "")
}

func panics(t *testing.T, s store.Store) {
	met := func() (met any) {
		defer func() { met = recover() }()
		s.Update(background, func(tx store.Tx) error {
			tx.Put("a/1", []byte("half"))
			panic("in the closure")
		})
		return nil
	}()
	if met != "in the closure" {
		t.Errorf("got panic %v, want the closure's", met)
	}
	expect(t, s, "a/1", "")
	put(t, s, "a/1", "afterwards")
	expect(t, s, "a/1", "afterwards")
}

func ownWrites(t *testing.T, s store.Store) {
	put(t, s, "a/1", "old")
	err := s.Update(background, func(tx store.Tx) error {
		if err := tx.Put("a/1", []byte("new")); err != nil {
			return err
		}
		if got, err := tx.Get("a/1"); string(got) != "new" || err != nil {
			t.Errorf("after Put: got %q, %v", got, err)
		}
		if err := tx.Delete("a/1"); err != nil {
			return err
		}
		if got, err := tx.Get("a/1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after Delete: got %q, %v", got, err)
		}
		return tx.Put("a/1", []byte("last"))
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s, "a/1", "last")
}

func increment(s store.Store, key string) error {
	return s.Update(background, func(tx store.Tx) error {
		raw, err := tx.Get(key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, _ := strconv.Atoi(string(raw))
		return tx.Put(key, []byte(strconv.Itoa(n+1)))
	})
}

func increments(t *testing.T, s store.Store) {
	const writers, each = 8, 25
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for range each {
				if err := increment(s, "a/counter"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	expect(t, s, "a/counter", strconv.Itoa(writers*each))
}

func createOnce(t *testing.T, s store.Store) {
	taken := errors.New("taken")
	var winners atomic.Int32
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			err := s.Update(background, func(tx store.Tx) error {
				if _, err := tx.Get("a/once"); !errors.Is(err, store.ErrNotFound) {
					return errors.Join(taken, err)
				}
				return tx.Put("a/once", []byte(strconv.Itoa(i)))
			})
			if err == nil {
				winners.Add(1)
			} else if !errors.Is(err, taken) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := winners.Load(); got != 1 {
		t.Errorf("got %d winners, want 1", got)
	}
}

func neighbours(t *testing.T, s store.Store) {
	wrong := errors.New("wrong")
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			defer func() {
				if met := recover(); (met != nil) != (i%3 == 2) {
					t.Errorf("update %d: panic %v", i, met)
				}
			}()
			err := s.Update(background, func(tx store.Tx) error {
				if err := tx.Put(fmt.Sprintf("a/%02d", i), []byte("x")); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return wrong
				case 2:
					panic("wrong")
				}
				return nil
			})
			if errors.Is(err, wrong) != (i%3 == 1) || err != nil && i%3 == 0 {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	all.Wait()
	for i := range 60 {
		want := ""
		if i%3 == 0 {
			want = "x"
		}
		expect(t, s, fmt.Sprintf("a/%02d", i), want)
	}
}

func keys(t *testing.T, s store.Store, prefix, after string, limit int) []string {
	t.Helper()
	return visited(t, s, func(snap store.Snapshot, fn func(string, []byte) error) error {
		return snap.Scan(prefix, after, limit, fn)
	})
}

// visited returns the keys that a scan calls its function with.
func visited(t *testing.T, s store.Store, scan func(snap store.Snapshot, fn func(string, []byte) error) error) (got []string) {
	t.Helper()
	err := s.View(background, func(snap store.Snapshot) error {
		got = nil
		return scan(snap, func(key string, value []byte) error {
			if string(value) != "v"+key {
				t.Errorf("%q holds %q", key, value)
			}
			got = append(got, key)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func fill(t *testing.T, s store.Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		put(t, s, key, "v"+key)
	}
}

func order(t *testing.T, s store.Store) {
	in := []string{"b/~", "b/a", "b/B", "b/a/2", "b/a!", "b/10", "b/9", "a/z", "b0", "b", "c/1", "b/" + strings.Repeat("x", 300)}
	fill(t, s, in...)
	var want []string
	for _, key := range in {
		if strings.HasPrefix(key, "b/") {
			want = append(want, key)
		}
	}
	slices.Sort(want)
	if got := keys(t, s, "b/", "", 0); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	slices.Sort(in)
	if got := keys(t, s, "", "", 0); !slices.Equal(got, in) {
		t.Errorf("all keys: got %q, want %q", got, in)
	}
	slices.Reverse(want)
	if got := keysBack(t, s, "b/", "", 0); !slices.Equal(got, want) {
		t.Errorf("backwards: got %q, want %q", got, want)
	}
	slices.Reverse(in)
	if got := keysBack(t, s, "", "", 0); !slices.Equal(got, in) {
		t.Errorf("all keys backwards: got %q, want %q", got, in)
	}
}

func resume(t *testing.T, s store.Store) {
	fill(t, s, "a/9", "b/1", "b/2", "b/3", "b/4", "c/1")
	for _, c := range []struct {
		prefix, after string
		limit         int
		want          []string
	}{
		{"b/", "", 2, []string{"b/1", "b/2"}},
		{"b/", "b/2", 2, []string{"b/3", "b/4"}},
		{"b/", "b/2x", 0, []string{"b/3", "b/4"}},
		{"b/", "b/4", 0, nil},
		{"b/", "a/9", 0, []string{"b/1", "b/2", "b/3", "b/4"}},
		{"b/", "c/1", 0, nil},
		{"d/", "", 0, nil},
	} {
		if got := keys(t, s, c.prefix, c.after, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("prefix %q after %q limit %d: got %q, want %q", c.prefix, c.after, c.limit, got, c.want)
		}
	}
	seen := 0
	wrong := errors.New("wrong")
	for _, end := range []error{store.ErrStop, fmt.Errorf("enough: %w", store.ErrStop), wrong} {
		seen = 0
		err := s.View(background, func(snap store.Snapshot) error {
			return snap.Scan("b/", "", 0, func(string, []byte) error { seen++; return end })
		})
		if errors.Is(end, store.ErrStop) && err != nil || end == wrong && !errors.Is(err, wrong) || seen != 1 {
			t.Errorf("ended by %v: got %v after %d keys", end, err, seen)
		}
	}
}
