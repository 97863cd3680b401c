package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

func openBolt(t *testing.T, path string) *bolt.Store {
	t.Helper()
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fill(t *testing.T, s store.Store, from, records int, value []byte) {
	t.Helper()
	for i := from; i < from+records; i += 10 {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for j := range 10 {
				if err := tx.Put(fmt.Sprintf("a/%08d", i+j), value); err != nil {
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

// A writer stores the pages of an account, a history and a counter in one Update each. The copy of any moment has a counter, exactly the
// history up to it, and a sum that is zero.
func TestCopyTo_IsThePrefixOfWhatIsWritten(t *testing.T) {
	dir := storetest.Dir(t)
	s := openBolt(t, filepath.Join(dir, "barillet.db"))
	fill(t, s, 0, 10_000, make([]byte, 1000)) // some 10 MB, which take a while
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	var written atomic.Int64
	for w := range 4 {
		writing.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					return errors.Join(
						tx.Put(fmt.Sprintf("audit/%d-%08d", w, n), []byte("event")), // in the other bucket
						tx.Put(fmt.Sprintf("plus/%d", w), []byte(strconv.Itoa(n))),
						tx.Put(fmt.Sprintf("minus/%d", w), []byte(strconv.Itoa(-n))))
				})
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(1)
			}
		})
	}
	for round := range 5 {
		for begin := written.Load(); written.Load() < begin+100; {
		}
		path := filepath.Join(dir, fmt.Sprintf("copy%d", round))
		before := written.Load()
		if err := s.CopyTo(t.Context(), path, nil); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the copy has mode %v, %v, want 0600", info.Mode(), err)
		}
		err := bolt.ReadOnly(t.Context(), path, func(c store.Store) error {
			return c.View(t.Context(), func(snap store.Snapshot) error { return checkPrefix(t, snap, before) })
		})
		if err != nil {
			t.Error(err)
		}
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
	stop()
	writing.Wait()
}

func checkPrefix(t *testing.T, snap store.Snapshot, atLeast int64) error {
	total := 0
	for w := range 4 {
		last := 0
		err := snap.Scan(fmt.Sprintf("audit/%d-", w), "", 0, func(key string, _ []byte) error {
			if last++; key != fmt.Sprintf("audit/%d-%08d", w, last) {
				return fmt.Errorf("%s follows event %d", key, last-1)
			}
			return nil
		})
		if err != nil {
			return err
		}
		plus, err := snap.Get(fmt.Sprintf("plus/%d", w))
		if err != nil {
			return err
		}
		minus, err := snap.Get(fmt.Sprintf("minus/%d", w))
		if err != nil {
			return err
		}
		if string(plus) != strconv.Itoa(last) || string(minus) != strconv.Itoa(-last) {
			t.Errorf("writer %d: %d events, plus %s, minus %s", w, last, plus, minus)
		}
		total += last
	}
	if int64(total) < atLeast {
		t.Errorf("the copy has %d Updates, want the %d that returned before", total, atLeast)
	}
	return nil
}

// The file grows by at most what is written during the copy: its pages, and those that a commit replaces. After the copy free pages are
// used again.
func TestCopyTo_LetsTheFileGrowByWhatIsWrittenMeanwhile(t *testing.T) {
	dir := storetest.Dir(t)
	path := filepath.Join(dir, "barillet.db")
	s := openBolt(t, path)
	value := make([]byte, 1000)
	fill(t, s, 0, 20_000, value)
	before, updates := size(t, path), 0
	err := s.CopyTo(t.Context(), filepath.Join(dir, "copy"), func(int64) error {
		fill(t, s, 0, 1_000, value) // 100 Updates, the commit of each replaces a few pages
		updates += 100
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	during := size(t, path)
	const pages = 16 * 4096 // of one Update: its leaves, the branches above, both buckets and the root
	if grown := during - before; updates < 300 || grown > int64(updates*pages) {
		t.Errorf("the file grew by %d bytes in %d Updates", grown, updates)
	}
	fill(t, s, 0, 20_000, value)
	if after := size(t, path); after > during+during/10 {
		t.Errorf("after the copy the file grew from %d to %d bytes: free pages are not used again", during, after)
	}
}

func TestCopyTo_LeavesNoFileAfterAnError(t *testing.T) {
	dir := storetest.Dir(t)
	s := openBolt(t, filepath.Join(dir, "barillet.db"))
	fill(t, s, 0, 20_000, make([]byte, 1000))
	path := filepath.Join(dir, "copy")
	full, calls := errors.New("full"), 0
	err := s.CopyTo(t.Context(), path, func(left int64) error {
		if calls++; calls == 2 {
			return full
		}
		return nil
	})
	if _, missing := os.Stat(path); !errors.Is(err, full) || !errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("CopyTo returned %v and left %v", err, missing)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = s.CopyTo(ctx, path, func(int64) error { cancel(); return nil })
	if _, missing := os.Stat(path); !errors.Is(err, context.Canceled) || !errors.Is(missing, fs.ErrNotExist) {
		t.Errorf("CopyTo returned %v and left %v", err, missing)
	}
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.CopyTo(t.Context(), path, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("CopyTo over another file returned %v", err)
	}
	if kept, err := os.ReadFile(path); string(kept) != "mine" {
		t.Errorf("the other file has %q, %v", kept, err)
	}
}

func TestReadOnly_RefusesEveryDamagedPageAndWritesNothing(t *testing.T) {
	dir := storetest.Dir(t)
	s := openBolt(t, filepath.Join(dir, "barillet.db"))
	fill(t, s, 0, 2_000, make([]byte, 1000))
	path := filepath.Join(dir, "copy")
	if err := s.CopyTo(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(raw []byte) error {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return bolt.ReadOnly(t.Context(), path, func(c store.Store) error {
			if err := c.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a/x", []byte("x")) }); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("Update returned %v", err)
			}
			return nil
		})
	}
	if err := read(whole); err != nil {
		t.Fatal(err)
	}
	if now, err := os.ReadFile(path); string(now) != string(whole) {
		t.Errorf("ReadOnly changed the file: %v", err)
	}
	if err := read(whole[:len(whole)-4096]); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("a cut file: %v", err)
	}
	used := 0
	for page := 0; page < len(whole); page += 4096 {
		torn := append([]byte(nil), whole...)
		clear(torn[page : page+16]) // the header of a page
		switch err := read(torn); {
		case errors.Is(err, bolt.ErrDamaged):
			used++
		case err != nil:
			t.Errorf("page %d: %v", page/4096, err)
		}
	}
	if used < 2_000*1000/4096 {
		t.Errorf("%d of %d pages are checked", used, len(whole)/4096)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 3 { // the store, its marker, and the copy
		t.Errorf("the directory has %v, %v", entries, err)
	}
}
