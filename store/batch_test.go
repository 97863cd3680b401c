package store_test

import (
	"testing"

	"barillet/store"
)

// More records than one snapshot or one Update of Walk takes.
const walkRecords = 1203

func TestWalk_UpdatesWhatItPicks(t *testing.T) {
	s := open(t)
	table := store.NewTable[int](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	for _, id := range []string{"a", "b", "c"} {
		if err := s.Update(background, func(tx store.Tx) error { return table.Put(tx, id, 1) }); err != nil {
			t.Fatal(err)
		}
	}
	err := store.Walk(background, s, table, func(_ store.Reader, id string, _ int) (bool, error) {
		return id != "b", nil
	}, func(tx store.Tx, id string) error { return table.Put(tx, id, 2) })
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(background, func(snap store.Snapshot) error {
		return table.Scan(snap, "", "", 0, func(id string, v int) error {
			if want := map[string]int{"a": 2, "b": 1, "c": 2}[id]; v != want {
				t.Errorf("record %s: got %d, want %d", id, v, want)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
