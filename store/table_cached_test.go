package store_test

import (
	"errors"
	"testing"

	"barillet/store"
)

// openings is a record that counts in opened how often one is decoded.
type openings struct{ Name string }

var opened int

func (o *openings) UnmarshalText(text []byte) error {
	opened++
	o.Name = string(text)
	return nil
}

func (o openings) MarshalText() ([]byte, error) { return []byte(o.Name), nil }

func TestGetCached_DecryptsOnlyAfterAWrite(t *testing.T) {
	s := open(t)
	table := store.NewTable[openings](openKeyring(t, s, store.NewRootKeys()), store.Uniques)
	var kept store.Cached[openings]
	opened = 0
	write := func(id, name string) {
		t.Helper()
		if err := s.Update(background, func(tx store.Tx) error { return table.Put(tx, id, openings{name}) }); err != nil {
			t.Fatal(err)
		}
	}
	read := func(id, want string, times int) {
		t.Helper()
		err := s.View(background, func(snap store.Snapshot) error {
			got, err := store.GetCached(table, snap, id, &kept)
			if err != nil || got.Name != want || opened != times {
				t.Errorf("reading %s: got %q, %v, opened %d times; want %q, %d times", id, got.Name, err, opened, want, times)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	write("a", "one")
	write("b", "one")
	read("a", "one", 1)
	read("a", "one", 1)
	write("a", "one") // the same text, another write
	read("a", "one", 2)
	write("a", "two")
	read("a", "two", 3)
	read("b", "one", 4)
	read("a", "two", 5)
	err := s.Update(background, func(tx store.Tx) error {
		if err := table.Delete(tx, "a"); err != nil {
			return err
		}
		_, err := store.GetCached(table, tx, "a", &kept)
		return err
	})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a deleted record: got %v, want ErrNotFound", err)
	}
	read("a", "two", 5) // the Update was rolled back
}

func TestGetCached_RejectsRecordMovedToAnotherKey(t *testing.T) {
	s := open(t)
	table := store.NewTable[openings](openKeyring(t, s, store.NewRootKeys()), store.Uniques)
	var kept store.Cached[openings]
	err := s.Update(background, func(tx store.Tx) error {
		if err := table.Put(tx, "a", openings{"one"}); err != nil {
			return err
		}
		if _, err := store.GetCached(table, tx, "a", &kept); err != nil {
			return err
		}
		raw, err := tx.Get(table.Key("a"))
		if err != nil {
			return err
		}
		if err := tx.Put(table.Key("b"), raw); err != nil {
			return err
		}
		_, err = store.GetCached(table, tx, "b", &kept)
		return err
	})
	if !errors.Is(err, store.ErrDecrypt) {
		t.Errorf("got %v, want ErrSealed", err)
	}
}
