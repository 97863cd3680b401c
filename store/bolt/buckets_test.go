package bolt_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// An audit event costs the file little more than its own bytes: no later one comes between two of them.
func TestFile_AppendedRecordsFillTheirPages(t *testing.T) {
	dir := storetest.Dir(t)
	s, path := open(t, dir), filepath.Join(dir, "barillet.db")
	const updates, each, record = 1000, 22, 300
	content := 0
	for i := range updates {
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for j := range each {
				key := fmt.Sprintf("%s%020d", store.Audit.Prefix, i*each+j)
				if err := tx.Put(key, make([]byte, record)); err != nil {
					return err
				}
				content += len(key) + record
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
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		used := int(tx.Size()) - db.Stats().FreePageN*db.Info().PageSize
		if limit := content * 5 / 4; used > limit {
			t.Errorf("%d bytes of records take %d bytes of pages, want at most %d", content, used, limit)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The records of a store are in one order, whichever bucket has them.
func TestScan_MergesTheBuckets(t *testing.T) {
	dir := storetest.Dir(t)
	s := open(t, dir)
	defer s.Close()
	var keys []string
	for _, kind := range store.TableDefs() {
		keys = append(keys, kind.Prefix+"1", kind.Prefix+"2")
	}
	for part := range slices.Chunk(keys, store.MaxUpdateKeys) {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			for _, key := range part {
				if err := tx.Put(key, []byte(key)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "a", "audit", "audit/", "s", "session/", "x"} {
		var want []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		back := slices.Clone(want)
		slices.Reverse(back)
		for i := range len(want) + 1 {
			after, before := "", ""
			if i > 0 {
				after, before = want[i-1], back[i-1]
			}
			err := s.View(t.Context(), func(snap store.Snapshot) error {
				for name, one := range map[string]struct {
					scan func(prefix, from string, limit int, fn func(string, []byte) error) error
					from string
					want []string
				}{"Scan": {snap.Scan, after, want[i:]}, "ScanBack": {snap.ScanBack, before, back[i:]}} {
					var got []string
					err := one.scan(prefix, one.from, 0, func(key string, value []byte) error {
						if got = append(got, key); string(value) != key {
							t.Errorf("%s has the value %q", key, value)
						}
						return nil
					})
					if err != nil || !slices.Equal(got, one.want) {
						t.Errorf("%s of %q from %q: got %v, %v, want %v", name, prefix, one.from, got, err, one.want)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// Each table has its bucket, so its pages are as full as they can be, and other programs find its records.
func TestFile_EachTableIsInItsBucket(t *testing.T) {
	dir := storetest.Dir(t)
	s := open(t, dir)
	want := map[string][]string{"barillet": nil, "appended": nil}
	err := s.Update(t.Context(), func(tx store.Tx) error {
		for _, kind := range store.TableDefs() {
			name := "barillet"
			if store.IsAppended(kind.Prefix) {
				name = "appended"
			}
			want[name] = append(want[name], kind.Prefix+"1")
			if err := tx.Put(kind.Prefix+"1", []byte("x")); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(dir, "barillet.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		for name, keys := range want {
			var got []string
			if err := tx.Bucket([]byte(name)).ForEach(func(key, _ []byte) error { got = append(got, string(key)); return nil }); err != nil {
				return err
			}
			if slices.Sort(keys); len(keys) == 0 || !slices.Equal(got, keys) {
				t.Errorf("bucket %s: got %v, want %v", name, got, keys)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A file that an unreleased version wrote has all records in one bucket. Open does not leave out those of the other.
func TestOpen_RefusesAFileWithOneBucketOnly(t *testing.T) {
	path := filepath.Join(storetest.Dir(t), "barillet.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte("barillet"))
			return err
		})
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path, bolt.Options{}); err == nil || !strings.Contains(err.Error(), "unreleased version") {
		t.Errorf("got %v, want a refusal", err)
	}
}
