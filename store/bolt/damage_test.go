package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
)

// filled returns the path of a closed store that has many pages.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 40 {
		err := s.Update(context.Background(), func(tx store.Tx) error {
			for j := range 20 {
				if err := tx.Put(fmt.Sprintf("a/%03d-%03d", i, j), make([]byte, 900)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "barillet.db")
}

func overwrite(t *testing.T, path string, at int64, with []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(with, at); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_RejectsDamagedFile(t *testing.T) {
	page := int64(os.Getpagesize())
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"cut in the middle", func(t *testing.T, path string) { os.Truncate(path, 10*page) }},
		{"cut within the second meta page", func(t *testing.T, path string) { os.Truncate(path, page+10) }},
		{"cut to one byte", func(t *testing.T, path string) { os.Truncate(path, 1) }},
		{"a first meta page flipped", func(t *testing.T, path string) { overwrite(t, path, 40, []byte{0xFF}) }},
		{"a second meta page flipped", func(t *testing.T, path string) { overwrite(t, path, page+40, []byte{0xFF}) }},
		{"a text file", func(t *testing.T, path string) { os.WriteFile(path, []byte(strings.Repeat("text ", 9000)), 0o600) }},
		{"a page overwritten, after an unclean stop", func(t *testing.T, path string) {
			os.WriteFile(path+".open", nil, 0o600)
			for n := int64(3); n < 40; n++ {
				overwrite(t, path, n*page, []byte{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filled(t)
			c.damage(t, path)
			for range 2 { // the second call finds a file that the first one did not release
				s, err := bolt.Open(path, bolt.Options{})
				if err == nil {
					s.Close()
				}
				if !errors.Is(err, bolt.ErrDamaged) || !strings.Contains(err.Error(), path) {
					t.Fatalf("got %v, want ErrDamaged with the path", err)
				}
			}
		})
	}
}

func TestDamageAfterOpen_IsReportedOnceAndStopsTheStore(t *testing.T) {
	path := filled(t)
	page := int64(os.Getpagesize())
	reports := 0
	s, err := bolt.Open(path, bolt.Options{OnDamage: func(error) { reports++ }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(2); n < info.Size()/page; n++ {
		overwrite(t, path, n*page, make([]byte, 16))
	}
	read := func() error {
		return s.View(context.Background(), func(snap store.Snapshot) error {
			_, err := snap.Get("a/020-010")
			return err
		})
	}
	for range 2 {
		if err := read(); !errors.Is(err, bolt.ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want ErrDamaged with the path", err)
		}
	}
	err = s.Update(context.Background(), func(tx store.Tx) error { return tx.Put("a/new", []byte("x")) })
	if !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("Update: got %v, want ErrDamaged", err)
	}
	if reports != 1 {
		t.Errorf("damage was reported %d times, want once", reports)
	}
}

func TestOpen_RejectsFileInUse(t *testing.T) {
	t.Parallel() // it waits a second for the lock
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	path := filepath.Join(dir, "barillet.db")
	if _, err := bolt.Open(path, bolt.Options{}); !errors.Is(err, bolt.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want ErrInUse with the path", err)
	}
	if err := s.Update(context.Background(), func(tx store.Tx) error { return tx.Put("a", []byte("x")) }); err != nil {
		t.Errorf("the first store: %v", err)
	}
}

func TestClose_RemovesTheMarker(t *testing.T) {
	path := filled(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	if _, err := os.Stat(path + ".open"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("marker after a clean stop: %v", err)
	}
}
