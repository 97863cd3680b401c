package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"barillet/store"
	"barillet/store/storetest"
)

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestFile_AFloodOfRefusedChangesAddsNothing(t *testing.T) {
	dir := storetest.Dir(t)
	s, path := open(t, dir), filepath.Join(dir, "barillet.db")
	defer s.Close()
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a/1", []byte("x")) }); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					_, err := tx.Get("a/1")
					return errors.Join(err, tx.Put(fmt.Sprintf("a/new/%d", i), make([]byte, store.MaxValue)), refused)
				})
				if !errors.Is(err, refused) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(after) != string(before) {
		t.Errorf("the file changed, from %d bytes to %d", len(before), len(after))
	}
}

func TestFile_ReusesTheSpaceOfDeletedRecords(t *testing.T) {
	dir := storetest.Dir(t)
	s, path := open(t, dir), filepath.Join(dir, "barillet.db")
	defer s.Close()
	const updates, each, records = 40, 25, 24 << 10 // 24 MB
	var first int64
	for round := range 10 {
		for _, remove := range []bool{false, true} {
			for i := range updates {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					for j := range each {
						key := fmt.Sprintf("a/%d/%03d-%03d", round, i, j)
						err := tx.Delete(key)
						if !remove {
							err = tx.Put(key, make([]byte, records))
						}
						if err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if round == 0 {
			first = size(t, path)
		}
	}
	// The file grows in steps of 16 MB.
	if last := size(t, path); first < updates*each*records || last > first+16<<20 {
		t.Errorf("the file has %d bytes after 10 times the same records, want about the %d of the first time", last, first)
	}
}
