package bolt

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"barillet/store"
)

// TestUpdate_WritesNoMoreAfterManyRecordsWereDeleted deletes 40 MB of records. The free pages are then a long list, and no change
// writes it.
func TestUpdate_WritesNoMoreAfterManyRecordsWereDeleted(t *testing.T) {
	s, _ := counted(t)
	mustPut(t, s, "b/1", []byte("x"))
	before := changedPages(t, s)
	const records, batch = 10_000, 50
	for _, value := range [][]byte{make([]byte, 4000), nil} {
		for i := 0; i < records; i += batch {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				for j := i; j < i+batch; j++ {
					key := fmt.Sprintf("a/%06d", j)
					if value == nil {
						if err := tx.Delete(key); err != nil {
							return err
						}
					} else if err := tx.Put(key, value); err != nil {
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
	if after := changedPages(t, s); after > before {
		t.Errorf("a change wrote %d pages, and %d after many records were deleted", before, after)
	}
}

// changedPages stores one record and returns the pages that the commit allocated.
func changedPages(t *testing.T, s *Store) int64 {
	t.Helper()
	tx, err := s.begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&finder{tx: tx}).set("b/1", []byte("y")); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	stats := tx.Stats()
	return stats.GetPageCount()
}

// TestClose_StoresTheFreePages: the next Open need not read every page to find them.
func TestClose_StoresTheFreePages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.db")
	for i := range 3 {
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, s, fmt.Sprintf("a/%d", i), make([]byte, 20_000))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !hasFreePages(t, path) {
			t.Error("the closed file has no list of its free pages")
		}
	}
}

// hasFreePages reports whether the newest meta page of a closed file refers to a list of free pages (bbolt v1.5
// internal/common/meta.go).
func hasFreePages(t *testing.T, path string) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	first, err0 := readMeta(f, 0)
	second, err1 := readMeta(f, first.pageSize)
	if err0 != nil || err1 != nil {
		t.Fatal(err0, err1)
	}
	at := int64(0)
	if second.txid > first.txid {
		at = first.pageSize
	}
	var raw [8]byte
	if _, err := f.ReadAt(raw[:], at+metaOffset+32); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint64(raw[:]) != math.MaxUint64
}
