package store_test

import (
	"testing"
	"time"

	"barillet/store"
)

func TestGeneration_IsZeroUntilAStoreIsRestored(t *testing.T) {
	s, want := open(t), store.Generation{Number: 2, At: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	generation := func() (g store.Generation) {
		err := s.View(t.Context(), func(snap store.Snapshot) (err error) {
			g, err = store.GenerationOf(snap)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if got := generation(); got != (store.Generation{}) {
		t.Errorf("generation of a new store = %v, want none", got)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return store.SetGeneration(tx, want) }); err != nil {
		t.Fatal(err)
	}
	if got := generation(); got != want {
		t.Errorf("generation = %v, want %v", got, want)
	}
}
