package storetest_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// TestBulk_IsAStore compares a Bulk with a map, before and after it writes, and with the file that store/bolt opens.
func TestBulk_IsAStore(t *testing.T) {
	path := filepath.Join(storetest.Dir(t), "barillet.db")
	s, want, r := storetest.OpenBulk(t, path, store.Outbox), map[string]string{}, rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		keys := []string{fmt.Sprintf("user/%02d", r.IntN(60)), fmt.Sprintf("session/%02d", r.IntN(60)), "outbox/1"}
		deletes, value := r.IntN(3) == 0, fmt.Sprint(round)
		err := s.Update(t.Context(), func(tx store.Tx) error {
			for _, key := range keys {
				if err := tx.Put(key, []byte(value)); err != nil {
					return err
				}
			}
			if deletes {
				return tx.Delete(keys[0])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want[keys[0]], want[keys[1]] = value, value
		if deletes {
			delete(want, keys[0])
		}
		if got := scan(t, s, "", "", 0); !maps.Equal(got, want) {
			t.Fatalf("round %d: got %v, want %v", round, got, want)
		}
		if round%50 == 49 {
			if _, err := s.Size(); err != nil {
				t.Fatal(err)
			}
		}
	}
	compareScans(t, s, want, r)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := bolt.Open(path, bolt.Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	compareScans(t, file, want, r)
}

// compareScans compares scans from everywhere with those of a map.
func compareScans(t *testing.T, s store.Store, all map[string]string, r *rand.Rand) {
	t.Helper()
	for range 300 {
		prefix := []string{"", "user/", "session/", "session/1", "token/"}[r.IntN(5)]
		after := []string{"", fmt.Sprintf("%s%02d", prefix, r.IntN(60)), "session/17"}[r.IntN(3)]
		limit := r.IntN(20)
		var keys []string
		for _, key := range slices.Sorted(maps.Keys(all)) {
			if strings.HasPrefix(key, prefix) && (after == "" || key > after) && (limit == 0 || len(keys) < limit) {
				keys = append(keys, key)
			}
		}
		if got := slices.Sorted(maps.Keys(scan(t, s, prefix, after, limit))); !slices.Equal(got, keys) {
			t.Fatalf("scan of %q after %q, limit %d: got %v, want %v", prefix, after, limit, got, keys)
		}
	}
}

func scan(t *testing.T, s store.Store, prefix, after string, limit int) map[string]string {
	t.Helper()
	out, last := map[string]string{}, ""
	err := s.View(t.Context(), func(snap store.Snapshot) error {
		return snap.Scan(prefix, after, limit, func(key string, value []byte) error {
			if key <= last {
				t.Errorf("%s follows %s", key, last)
			}
			if got, err := snap.Get(key); err != nil || string(got) != string(value) {
				t.Errorf("%s: got %q, %v, want %q", key, got, err, value)
			}
			out[key], last = string(value), key
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
