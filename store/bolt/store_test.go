package bolt_test

import (
	"path/filepath"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

func open(t *testing.T, dir string) store.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, open)
}

func TestStore_KeepsWritesAfterAKill(t *testing.T) {
	t.Parallel()
	storetest.RunKill(t, 20, open)
}
