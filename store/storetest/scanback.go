package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/store"
)

// keysBack returns the keys of ScanBack.
func keysBack(t *testing.T, s store.Store, prefix, before string, limit int) []string {
	t.Helper()
	return visited(t, s, func(snap store.Snapshot, fn func(string, []byte) error) error {
		return snap.ScanBack(prefix, before, limit, fn)
	})
}

func resumeBack(t *testing.T, s store.Store) {
	fill(t, s, "a/9", "b/1", "b/2", "b/3", "b/4", "c/1")
	for _, c := range []struct {
		prefix, before string
		limit          int
		want           []string
	}{
		{"b/", "", 2, []string{"b/4", "b/3"}},
		{"b/", "b/3", 1, []string{"b/2"}},
		{"b/", "b/2x", 0, []string{"b/2", "b/1"}},
		{"b/", "b/1", 0, nil},
		{"b/", "a/9", 0, nil},
		{"b/", "c/1", 0, []string{"b/4", "b/3", "b/2", "b/1"}},
		{"c/", "", 0, []string{"c/1"}},
		{"d/", "", 0, nil},
		{"a", "", 0, []string{"a/9"}},
	} {
		if got := keysBack(t, s, c.prefix, c.before, c.limit); !slices.Equal(got, c.want) {
			t.Errorf("prefix %q before %q limit %d: got %q, want %q", c.prefix, c.before, c.limit, got, c.want)
		}
	}
	seen := 0
	wrong := errors.New("wrong")
	for _, end := range []error{store.ErrStop, fmt.Errorf("enough: %w", store.ErrStop), wrong} {
		seen = 0
		err := s.View(background, func(snap store.Snapshot) error {
			return snap.ScanBack("b/", "", 0, func(string, []byte) error { seen++; return end })
		})
		if errors.Is(end, store.ErrStop) && err != nil || end == wrong && !errors.Is(err, wrong) || seen != 1 {
			t.Errorf("ended by %v: got %v after %d keys", end, err, seen)
		}
	}
}

// manyPages scans more keys than a page has, in both orders, from each key and between keys.
func manyPages(t *testing.T, s store.Store) {
	var want []string
	for i := range 1500 {
		want = append(want, fmt.Sprintf("b/%05d/%s", i*7%1500, strings.Repeat("x", i%60)))
	}
	for part := range slices.Chunk(want, 90) {
		if err := s.Update(background, func(tx store.Tx) (err error) {
			for _, key := range part {
				err = errors.Join(err, tx.Put(key, []byte("v"+key)))
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, s, "a/1", "c/1")
	slices.Sort(want)
	for i := 0; i < len(want); i += 41 {
		back := slices.Clone(want[:i])
		slices.Reverse(back)
		for _, at := range []string{want[i], want[i][:7]} { // the second is between two keys
			if got := keysBack(t, s, "b/", at, 0); !slices.Equal(got, back) {
				t.Errorf("before %q: got %d keys, want %d", at, len(got), len(back))
			}
		}
		if got := keys(t, s, "b/", want[i], 0); !slices.Equal(got, want[i+1:]) {
			t.Errorf("after %q: got %d keys, want %d", want[i], len(got), len(want)-i-1)
		}
	}
}
