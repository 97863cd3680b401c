package bolt_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
)

func TestUsage_CountsTheFileAndItsFreePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.db")
	s, err := bolt.Open(path, bolt.Options{Statistics: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	change := func(fn func(tx store.Tx, key string) error) {
		t.Helper()
		for i := range 20 {
			if err := s.Update(t.Context(), func(tx store.Tx) error { return fn(tx, fmt.Sprintf("a/%02d", i)) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	change(func(tx store.Tx, key string) error { return tx.Put(key, make([]byte, store.MaxValue)) })
	full, err := s.Usage()
	if err != nil || full.Size != size(t, path) || full.Size < 20*store.MaxValue {
		t.Fatalf("got %+v, %v, want the size %d", full, err, size(t, path))
	}
	change(func(tx store.Tx, key string) error { return tx.Delete(key) })
	if empty, err := s.Usage(); err != nil || empty.Free < full.Free+15*store.MaxValue || empty.Free >= empty.Size {
		t.Errorf("after 20 large records were deleted: got %+v, %v, before %+v", empty, err, full)
	}
}

func TestObserveCommits_SeesEachCommitAndItsChanges(t *testing.T) {
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var began, changes int
	s.ObserveCommits(func() func(int, error) {
		began++
		return func(n int, err error) {
			if err != nil {
				t.Error(err)
			}
			changes += n
		}
	})
	refused := errors.New("refused")
	for i := range 5 {
		if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(fmt.Sprintf("a/%d", i), []byte("x")) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), func(tx store.Tx) error { return errors.Join(tx.Put("a/x", []byte("x")), refused) }); !errors.Is(err, refused) {
			t.Fatal(err)
		}
	}
	if began != 5 || changes != 5 {
		t.Errorf("got %d commits with %d changes, want 5 with 5", began, changes)
	}
}
