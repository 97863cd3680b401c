package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"barillet/store"
)

func stable(t *testing.T, s store.Store) {
	fill(t, s, "a/1", "a/2")
	err := s.View(background, func(snap store.Snapshot) error {
		wrote := make(chan error, 1)
		go func() {
			wrote <- s.Update(background, func(tx store.Tx) error {
				return errors.Join(tx.Put("a/1", []byte("changed")), tx.Delete("a/2"), tx.Put("a/3", []byte("new")))
			})
		}()
		if err := <-wrote; err != nil {
			return err
		}
		if got, err := snap.Get("a/1"); string(got) != "va/1" || err != nil {
			t.Errorf("Get: got %q, %v", got, err)
		}
		var got []string
		err := snap.Scan("a/", "", 0, func(key string, _ []byte) error { got = append(got, key); return nil })
		if strings.Join(got, " ") != "a/1 a/2" {
			t.Errorf("Scan: got %q", got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s, "a/1", "changed")
	expect(t, s, "a/2", "")
}

func twice(t *testing.T, s store.Store) {
	rerun := &Rerun{Store: s, Between: func() { put(t, s, "a/2", "rival") }}
	runs := 0
	got, err := store.Do(background, rerun, func(tx store.Tx) (string, error) {
		runs++
		seen, err := tx.Get("a/2")
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return "", err
		}
		return string(seen), tx.Put(fmt.Sprintf("a/run%d", runs), []byte("x"))
	})
	if err != nil || runs != 2 {
		t.Fatalf("ran %d times: %v", runs, err)
	}
	if got != "rival" {
		t.Errorf("got result %q, want that of the committed run", got)
	}
	expect(t, s, "a/run1", "")
	expect(t, s, "a/run2", "x")
	if err := increment(RunTwice(s), "a/counter"); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "a/counter", "1")
}

func ownBytes(t *testing.T, s store.Store) {
	var kept [][]byte
	keep := func(value []byte, err error) error {
		kept = append(kept, value)
		return err
	}
	err := s.Update(background, func(tx store.Tx) error {
		kept = nil
		value := []byte("one")
		if err := tx.Put("a/1", value); err != nil {
			return err
		}
		copy(value, "xxx")
		return keep(tx.Get("a/1"))
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, s, "a/1", "one")
	err = s.View(background, func(snap store.Snapshot) error {
		if err := keep(snap.Get("a/1")); err != nil {
			return err
		}
		return snap.Scan("a/", "", 0, func(_ string, value []byte) error { return keep(value, nil) })
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(background, func(tx store.Tx) error {
		return errors.Join(keep(tx.Get("a/1")), tx.Put("a/1", []byte("two")))
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 50 { // a back-end writes over the places of the old record
		put(t, s, "a/1", "two")
	}
	for _, value := range kept {
		if string(value) != "one" {
			t.Errorf("bytes kept after the transaction are now %q", value)
		}
	}
	expect(t, s, "a/1", "two")
}

func limitsOfRecords(t *testing.T, s store.Store) {
	long := strings.Repeat("k", store.MaxKey)
	for _, c := range []struct {
		name, key string
		size      int
		ok        bool
	}{
		{"longest key and value", long, store.MaxValue, true},
		{"shortest key and value", "!", 1, true},
		{"a key of ~", "~", 1, true},
		{"an empty key", "", 1, false},
		{"a key one too long", long + "k", 1, false},
		{"a space", "a b", 1, false},
		{"a control byte", "a\x7f", 1, false},
		{"a byte beyond ASCII", "é", 1, false},
		{"an empty value", "a", 0, false},
		{"a value one too long", "a", store.MaxValue + 1, false},
	} {
		err := s.Update(background, func(tx store.Tx) error { return tx.Put(c.key, make([]byte, c.size)) })
		if c.ok && err != nil || !c.ok && !errors.Is(err, store.ErrLimit) {
			t.Errorf("%s: Put: got %v", c.name, err)
		}
		if c.size == 0 || c.size > store.MaxValue {
			continue
		}
		err = s.View(background, func(snap store.Snapshot) error { _, err := snap.Get(c.key); return err })
		if c.ok && err != nil || !c.ok && !errors.Is(err, store.ErrLimit) {
			t.Errorf("%s: Get: got %v", c.name, err)
		}
	}
}

func limitsOfUpdates(t *testing.T, s store.Store) {
	touch := func(reads, writes int) error {
		return s.Update(background, func(tx store.Tx) error {
			for i := range reads {
				if _, err := tx.Get(fmt.Sprintf("r/%03d", i)); err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
			}
			for range 2 { // a second write of a key does not count
				for i := range writes {
					if err := tx.Put(fmt.Sprintf("w/%03d", i), []byte("x")); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := touch(store.MaxUpdateKeys/2, store.MaxUpdateKeys/2); err != nil {
		t.Errorf("maximum of keys: %v", err)
	}
	if err := touch(store.MaxUpdateKeys, 1); !errors.Is(err, store.ErrLimit) {
		t.Errorf("one key more: got %v, want ErrLimit", err)
	}
	const each = store.MaxUpdateSize / 16 // bytes of key and value together: 16 of them fill an Update
	write := func(last int) error {
		return s.Update(background, func(tx store.Tx) error {
			for i := range 16 {
				if err := tx.Put(fmt.Sprintf("big/%02d", i), make([]byte, each-6)); err != nil {
					return err
				}
			}
			if last > 0 {
				return tx.Put("last", make([]byte, last))
			}
			return nil
		})
	}
	if err := write(0); err != nil {
		t.Errorf("maximum of bytes: %v", err)
	}
	if err := write(1); !errors.Is(err, store.ErrLimit) {
		t.Errorf("more bytes: got %v, want ErrLimit", err)
	}
	err := s.Update(background, func(tx store.Tx) error {
		tx.Put("ignored", nil)
		return tx.Put("beside", []byte("x"))
	})
	if !errors.Is(err, store.ErrLimit) {
		t.Errorf("an ignored error: got %v, want ErrLimit", err)
	}
	expect(t, s, "beside", "")
}

func cancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(background)
	err := s.Update(ctx, func(tx store.Tx) error {
		cancel()
		return tx.Put("a/1", []byte("x"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled during an update: got %v", err)
	}
	ran := false
	err = s.Update(ctx, func(tx store.Tx) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("cancelled before an update: got %v, ran %v", err, ran)
	}
	err = s.View(ctx, func(store.Snapshot) error { ran = true; return nil })
	if !errors.Is(err, context.Canceled) || ran {
		t.Errorf("cancelled before a view: got %v, ran %v", err, ran)
	}
	expect(t, s, "a/1", "")
	fill(t, s, "b/1", "b/2")
	ctx, cancel = context.WithCancel(background)
	seen := 0
	err = s.View(ctx, func(snap store.Snapshot) error {
		return snap.Scan("b/", "", 0, func(string, []byte) error { seen++; cancel(); return nil })
	})
	if !errors.Is(err, context.Canceled) || seen != 1 {
		t.Errorf("cancelled during a scan: got %v after %d keys", err, seen)
	}
}

func reopen(t *testing.T, open Opener) {
	dir := t.TempDir()
	s := open(t, dir)
	fill(t, s, "a/1", "a/2")
	if err := s.Close(); err != nil {
		t.Fatalf("closing: %v", err)
	}
	s = open(t, dir)
	defer s.Close()
	if got := keys(t, s, "", "", 0); strings.Join(got, " ") != "a/1 a/2" {
		t.Errorf("got %q", got)
	}
}

func closed(t *testing.T, open Opener) {
	s := open(t, t.TempDir())
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("closing: %v", err)
		}
	}
	if err := s.View(background, func(store.Snapshot) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("View: got %v, want ErrClosed", err)
	}
	if err := s.Update(background, func(store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("Update: got %v, want ErrClosed", err)
	}
}
