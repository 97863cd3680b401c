package store_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/store"
)

// More records than one snapshot or one Update of Walk takes.
const walkRecords = 1203

func TestDeleteExpired_DeletesExactlyTheExpired(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	for first := 0; first < walkRecords; first += 50 {
		err := s.Update(background, func(tx store.Tx) error {
			for i := first; i < min(first+50, walkRecords); i++ {
				if err := table.Put(tx, fmt.Sprintf("%05d", i), now.Add(time.Duration(i%3-1)*time.Minute)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.DeleteExpired(background, s, table, func(at time.Time) bool { return !now.Before(at) }); err != nil {
		t.Fatal(err)
	}
	left := 0
	err := s.View(background, func(snap store.Snapshot) error {
		return table.Scan(snap, "", "", 0, func(id string, at time.Time) error {
			if left++; !at.After(now) {
				t.Errorf("record %s has expired and exists", id)
			}
			return nil
		})
	})
	if err != nil || left != walkRecords/3 {
		t.Errorf("got %d records, %v, want %d", left, err, walkRecords/3)
	}
}

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
