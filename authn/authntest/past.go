package authntest

import (
	"path/filepath"
	"testing"
	"time"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// Copy returns an environment with a copy of the present store, and the same keys and clock: what a backup of now has.
func (e *Env) Copy() *Env {
	e.T.Helper()
	dir := storetest.Dir(e.T)
	copied, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{Unsynced: true})
	if err != nil {
		e.T.Fatal(err)
	}
	var keys []string
	var values [][]byte
	flush := func() error {
		defer func() { keys, values = nil, nil }()
		return copied.Update(e.T.Context(), func(tx store.Tx) error {
			for i, key := range keys {
				if err := tx.Put(key, values[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = e.bolt.View(e.T.Context(), func(s store.Snapshot) error {
		return s.Scan("", "", 0, func(key string, value []byte) error {
			if len(keys) == store.MaxUpdateKeys {
				if err := flush(); err != nil {
					return err
				}
			}
			keys, values = append(keys, key), append(values, append([]byte{}, value...))
			return nil
		})
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = copied.Close()
	}
	if err != nil {
		e.T.Fatalf("copying the store: %v", err)
	}
	past := newOn(e.T, openFile(e.T, dir), e.Keys, e.Clock.Now())
	past.Clock = e.Clock
	past.Store = wrapped(e.T, past.Ring.CorrectTimes(past.bolt, e.Clock.Now))
	past.open(e.Accounts.Hasher, e.Accounts.Factors)
	return past
}

// Clear deletes the records of a table, as store/bolt does offline.
func (e *Env) Clear(table store.TableDef) (int, error) {
	return e.bolt.(*bolt.Store).Clear(e.T.Context(), table)
}

// Opened returns an environment on an open store, which the caller closes.
func Opened(t testing.TB, file *bolt.Store, keys store.RootKeys, now time.Time) *Env {
	t.Helper()
	return newOn(t, file, keys, now)
}

// Bolt returns the store of the environment without the wrappers.
func (e *Env) Bolt() *bolt.Store { return e.bolt.(*bolt.Store) }
