package bolt_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
)

func TestAnUpdateInsideTheClosureOfAnUpdatePanicsAndHarmsNobodyElse(t *testing.T) {
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(key string) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(key, []byte("x")) })
	}
	var others sync.WaitGroup
	panicked := func() (v any) {
		defer func() { v = recover() }()
		return s.Update(context.Background(), func(tx store.Tx) error {
			others.Go(func() { // waits longer than it takes to look, and is in no closure
				if err := put("a/other"); err != nil {
					t.Errorf("an Update beside the nested one: %v", err)
				}
			})
			if err := tx.Put("a/outer", []byte("x")); err != nil {
				return err
			}
			return put("a/inner")
		})
	}()
	if panicked != "bolt: Update inside the closure of an Update" {
		t.Fatalf("got %v, want the panic that says so", panicked)
	}
	others.Wait()
	if err := put("a/after"); err != nil {
		t.Fatal(err)
	}
	err = s.View(context.Background(), func(snap store.Snapshot) error {
		for key, want := range map[string]bool{"a/outer": false, "a/inner": false, "a/other": true, "a/after": true} {
			if _, err := snap.Get(key); (err == nil) != want {
				t.Errorf("%s: got %v, want stored %v", key, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
