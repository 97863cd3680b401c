package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

var (
	background = context.Background()
	now        = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
)

func open(t testing.TB) store.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return storetest.RejectNesting(t, s)
}

func openKeyring(t testing.TB, s store.Store, keys store.RootKeys) *store.Keyring {
	t.Helper()
	ring, err := store.OpenKeyring(background, s, keys, now)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func put(t testing.TB, s store.Store, key string, value []byte) {
	t.Helper()
	if err := s.Update(background, func(tx store.Tx) error { return tx.Put(key, value) }); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, s store.Store, key string) (value []byte) {
	t.Helper()
	err := s.View(background, func(snap store.Snapshot) (err error) {
		value, err = snap.Get(key)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestOpenKeyring_InitializesOnceAndRejectsOtherKeys(t *testing.T) {
	s, keys, others := open(t), store.NewRootKeys(), store.NewRootKeys()
	if empty, err := store.Empty(background, s); !empty || err != nil {
		t.Fatalf("a new store: empty %v, %v", empty, err)
	}
	table := store.NewTable[string](openKeyring(t, s, keys), store.Users)
	if empty, err := store.Empty(background, s); empty || err != nil {
		t.Errorf("an initialized store: empty %v, %v", empty, err)
	}
	if err := s.Update(background, func(tx store.Tx) error { return table.Put(tx, "u1", "Zoé") }); err != nil {
		t.Fatal(err)
	}
	reopened := store.NewTable[string](openKeyring(t, s, keys), store.Users)
	s.View(background, func(snap store.Snapshot) error {
		if got, err := reopened.Get(snap, "u1"); got != "Zoé" || err != nil {
			t.Errorf("reopened: got %q, %v", got, err)
		}
		return nil
	})
	for name, wrong := range map[string]store.RootKeys{
		"master key": {Master: others.Master, Pepper: keys.Pepper},
		"pepper":     {Master: keys.Master, Pepper: others.Pepper},
	} {
		_, err := store.OpenKeyring(background, s, wrong, now)
		if !errors.Is(err, store.ErrWrongKey) || !strings.Contains(err.Error(), name) {
			t.Errorf("wrong %s: got %v, want ErrWrongKey with its name", name, err)
		}
	}
	if _, err := store.OpenKeyring(background, s, store.RootKeys{}, now); err == nil {
		t.Error("no error for zero keys")
	}
}

func TestOpenKeyring_RejectsNewerUnreleasedOrForeignStore(t *testing.T) {
	s, keys := open(t), store.NewRootKeys()
	openKeyring(t, s, keys)
	head := string(get(t, s, "meta/format"))
	put(t, s, "meta/format", []byte(strings.Replace(head, `"format":3`, `"format":4`, 1)))
	if _, err := store.OpenKeyring(background, s, keys, now); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer format: got %v, want ErrNewer", err)
	}
	put(t, s, "meta/format", []byte(strings.Replace(head, `"format":3`, `"format":2`, 1)))
	if _, err := store.OpenKeyring(background, s, keys, now); err == nil || !strings.Contains(err.Error(), "unreleased version") {
		t.Errorf("the format before the first release: got %v, want an error that says so", err)
	}
	foreign := open(t)
	put(t, foreign, "user/1", []byte("x"))
	if _, err := store.OpenKeyring(background, foreign, keys, now); err == nil {
		t.Error("no error for a store with records and no format record")
	}
}

func TestMarkDemo_IsReportedByIsDemo(t *testing.T) {
	s := open(t)
	if is, err := store.IsDemo(background, s); is || err != nil {
		t.Errorf("unmarked: got %v, %v", is, err)
	}
	if err := store.MarkDemo(background, s); err != nil {
		t.Fatal(err)
	}
	if is, err := store.IsDemo(background, s); !is || err != nil {
		t.Errorf("marked: got %v, %v", is, err)
	}
}

// Closures of different Updates run at once and may make a table.
func TestKeyring_MakesTablesAtOnce(t *testing.T) {
	ring := openKeyring(t, open(t), store.NewRootKeys())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				store.NewTable[struct{ At time.Time }](ring, store.Sessions)
			}
		})
	}
	all.Wait()
}
