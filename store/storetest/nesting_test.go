package storetest_test

import (
	"path/filepath"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// recorder is a testing.TB that counts the errors instead of failing.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Error(...any) { r.errors++ }

func TestRejectNesting_FailsOnACallInsideAClosure(t *testing.T) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got := &recorder{TB: t}
	s := storetest.RejectNesting(got, file)
	view := func() error { return s.View(t.Context(), func(store.Snapshot) error { return nil }) }
	update := func() error {
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a/1", []byte("x")) })
	}
	inView := func(call func() error) error {
		return s.View(t.Context(), func(store.Snapshot) error { return call() })
	}
	inUpdate := func(call func() error) error {
		return s.Update(t.Context(), func(store.Tx) error { return call() })
	}
	for name, nest := range map[string]func() error{
		"View in View":     func() error { return inView(view) },
		"Update in View":   func() error { return inView(update) },
		"View in Update":   func() error { return inUpdate(view) },
		"Update in Update": func() error { return inUpdate(update) },
	} {
		got.errors = 0
		panicked := func() (v any) {
			defer func() { v = recover() }()
			return nest()
		}()
		if got.errors != 1 || panicked == nil {
			t.Errorf("%s: got %d errors, panic %v, want one of each", name, got.errors, panicked)
		}
		if err := update(); err != nil || got.errors != 1 {
			t.Errorf("an Update after %s: %v, %d errors", name, err, got.errors)
		}
	}
}

func TestRejectNesting_AllowsACallOfAnotherGoroutine(t *testing.T) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := storetest.RejectNesting(t, file)
	err = s.View(t.Context(), func(store.Snapshot) error {
		stored := make(chan error)
		go func() {
			stored <- s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a/1", []byte("x")) })
		}()
		return <-stored
	})
	if err != nil {
		t.Error(err)
	}
}
