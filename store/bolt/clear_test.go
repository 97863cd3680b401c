package bolt_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

func TestClear_DeletesOneTableOfAnUnsyncedStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.db")
	s, err := bolt.Open(path, bolt.Options{Unsynced: true})
	if err != nil {
		t.Fatal(err)
	}
	const records = 25_000
	for at := 0; at < records; at += 50 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for i := range 50 {
				if err := tx.Put(fmt.Sprintf("session/%06d", at+i), []byte("x")); err != nil {
					return err
				}
			}
			return tx.Put("sessio/1", []byte("of another table"))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Clear(t.Context(), store.Sessions)
	if err != nil || n != records {
		t.Fatalf("Clear() = %d, %v, want %d", n, err, records)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = bolt.Open(path, bolt.Options{Check: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	counts, err := storetest.Count(t.Context(), s)
	if err != nil || counts["session/"] != 0 || counts["sessio/"] != 1 {
		t.Errorf("records of tables = %v, %v, want one of sessio/ alone", counts, err)
	}
}
