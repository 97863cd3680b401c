package bolt_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
)

// killed returns the path of a store as a kill leaves it, with its marker.
func killed(t *testing.T) string {
	t.Helper()
	return killedAfter(t, func(s store.Store) {
		for i := range 30 {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				for j := range 20 {
					if err := tx.Put(fmt.Sprintf("a/%03d-%03d", i, j), make([]byte, 900+i*j*30)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func killedAfter(t *testing.T, fill func(s store.Store)) string {
	t.Helper()
	from := t.TempDir()
	s := open(t, from)
	defer s.Close()
	fill(s)
	path := filepath.Join(t.TempDir(), "barillet.db")
	for _, suffix := range []string{"", ".open"} {
		raw, err := os.ReadFile(filepath.Join(from, "barillet.db"+suffix))
		if err == nil {
			err = os.WriteFile(path+suffix, raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestOpen_AfterAKillAcceptsALeafOfTheLargestRecords(t *testing.T) {
	path := killedAfter(t, func(s store.Store) {
		for i := range 4 { // the most that bbolt does not split
			key := fmt.Sprintf("a/%0*d", store.MaxKey-2, i)
			if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put(key, make([]byte, store.MaxValue)) }); err != nil {
				t.Fatal(err)
			}
		}
	})
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpen_AfterAKillFindsTheRecordsAndTheFreePages(t *testing.T) {
	path := killed(t)
	before := size(t, path)
	for range 2 {
		s, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = s.View(t.Context(), func(snap store.Snapshot) error {
			return snap.Scan("a/", "", 0, func(string, []byte) error { n++; return nil })
		})
		if err != nil || n != 600 {
			t.Errorf("got %d records and %v, want 600", n, err)
		}
		for i := range 200 {
			if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("b/1", []byte(fmt.Sprint(i))) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := size(t, path); after > before {
		t.Errorf("the file grew from %d to %d bytes: free pages were not used again", before, after)
	}
}

// After a kill there is no list of free pages. bbolt then looks for them, and would end the process at a damaged page.
func TestOpen_AfterAKillRejectsADamagedFileAndGoesOn(t *testing.T) {
	intact, err := os.ReadFile(killed(t))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	page, found := os.Getpagesize(), 0
	const files = 80
	for range files {
		raw := append([]byte(nil), intact...)
		for range 40 {
			at := (2 + random.IntN(len(raw)/page-2)) * page
			if random.IntN(2) == 0 {
				at += random.IntN(64) // the header and the first elements
			} else {
				at += random.IntN(page)
			}
			raw[at] = byte(random.UintN(256))
		}
		path := filepath.Join(t.TempDir(), "barillet.db")
		if err := errors.Join(os.WriteFile(path, raw, 0o600), os.WriteFile(path+".open", nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		s, err := bolt.Open(path, bolt.Options{})
		if err != nil {
			found++ // also a damaged name, as of a file of another program
		} else if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if found < files/4 {
		t.Errorf("only %d of %d damaged files were rejected", found, files)
	}
}
