package store_test

import (
	"fmt"
	"testing"

	"barillet/store"
)

// walkRecords is more than one View or one Update of Walk takes.
const walkRecords = 1203

func TestWalk_UpdatesWhatItPicks(t *testing.T) {
	s := open(t)
	table := store.NewTable[int](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	id := func(n int) string { return fmt.Sprintf("%04d", n) }
	for from := 0; from < walkRecords; from += 90 {
		err := s.Update(background, func(tx store.Tx) error {
			for n := from; n < min(from+90, walkRecords); n++ {
				if err := table.Put(tx, id(n), n); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := store.Walk(background, s, table, func(_ store.Reader, _ string, n int) (bool, error) {
		return n%3 != 1, nil
	}, func(tx store.Tx, id string) error { return table.Put(tx, id, -1) })
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = s.View(background, func(snap store.Snapshot) error {
		return table.Scan(snap, "", "", 0, func(got string, v int) error {
			want := -1
			if seen%3 == 1 {
				want = seen
			}
			if got != id(seen) || v != want {
				t.Errorf("record %s: got %d, want %d", got, v, want)
			}
			seen++
			return nil
		})
	})
	if err != nil || seen != walkRecords {
		t.Errorf("got %d records, %v", seen, err)
	}
}
