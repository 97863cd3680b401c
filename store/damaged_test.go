package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/store"
)

func TestTable_LeavesOutARecordThatCannotBeRead(t *testing.T) {
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	var reported []string
	ring.OnDamagedRecord(func(record string, err error) { reported = append(reported, record) })
	users, sessions := store.NewTable[step](ring, store.Users), store.NewTable[step](ring, store.Sessions)
	const count = 1100 // more than one View of Walk
	for start := 0; start < count; start += 50 {
		err := s.Update(background, func(tx store.Tx) error {
			for i := start; i < start+50; i++ {
				if err := users.Put(tx, fmt.Sprintf("%04d", i), step{now}); err != nil {
					return err
				}
			}
			return sessions.Put(tx, "1", step{now})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	damage := func(key string) {
		sealed := bytes.Clone(get(t, s, key))
		sealed[len(sealed)-1] ^= 1
		put(t, s, key, sealed)
	}
	for _, id := range []string{"0000", "0250", "0499", "0500", "1099"} {
		damage("user/" + id)
	}
	damage("session/1")
	put(t, s, "user/0777", []byte("x"))

	walked := 0
	err := store.Walk(background, s, users, func(_ store.Reader, _ string, _ step) (bool, error) {
		walked++
		return false, nil
	}, nil)
	if err != nil || walked != count-6 {
		t.Errorf("Walk: got %d records, %v, want %d", walked, err, count-6)
	}
	var page []string
	s.View(background, func(snap store.Snapshot) error {
		err := users.Scan(snap, "", "0248", 3, func(id string, _ step) error { page = append(page, id); return nil })
		if want := []string{"0249", "0251", "0252"}; err != nil || !slices.Equal(page, want) {
			t.Errorf("Scan: got %q, %v, want %q", page, err, want)
		}
		if _, err := users.Get(snap, "0250"); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("Get of a user: got %v, want ErrUnreadable", err)
		}
		if _, err := sessions.Get(snap, "1"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get of a session: got %v, want ErrNotFound", err)
		}
		return nil
	})
	if got := ring.DamagedRecords(); got != 7 || len(reported) != 7 || !slices.Contains(reported, "user/0250") {
		t.Errorf("got %d damaged records, reported %q, want 7 of each", got, reported)
	}
}

func TestOnDamagedRecord_NamesNoUser(t *testing.T) {
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	var reported []string
	ring.OnDamagedRecord(func(record string, err error) { reported = append(reported, record+" "+err.Error()) })
	for _, table := range []store.TableDef{store.Addresses, store.Placeholders} {
		put(t, s, table.Prefix+"ines@garage.example/u1", []byte("x"))
		entries := store.NewTable[step](ring, table)
		s.View(background, func(snap store.Snapshot) error {
			return entries.Scan(snap, "", "", 0, func(string, step) error { return nil })
		})
	}
	if all := strings.Join(reported, "\n"); len(reported) != 2 || strings.Contains(all, "ines") {
		t.Errorf("got %s", all)
	}
}
