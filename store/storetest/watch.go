package storetest

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"barillet/store"
)

// noted keeps the keys that a watch gets.
type noted struct {
	mu   sync.Mutex
	keys []string
}

func (n *noted) add(keys []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keys = append(n.keys, keys...)
}

func (n *noted) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := n.keys
	n.keys = nil
	return out
}

func watched(t *testing.T, s store.Store) {
	var jobs noted
	s.Watch("job/", jobs.add)
	for _, c := range []struct {
		name string
		fn   func(tx store.Tx) error
		want []string
	}{
		{"a put beside another table", func(tx store.Tx) error {
			return errors.Join(tx.Put("user/1", []byte("x")), tx.Put("job/1", []byte("x")), tx.Put("job/2", []byte("x")))
		}, []string{"job/1", "job/2"}},
		{"another table", func(tx store.Tx) error { return tx.Put("user/1", []byte("y")) }, nil},
		{"a deletion", func(tx store.Tx) error { return tx.Delete("job/1") }, []string{"job/1"}},
		{"a failure", func(tx store.Tx) error { return errors.Join(tx.Put("job/3", []byte("x")), errRefused) }, nil},
		{"a read", func(tx store.Tx) error { _, err := tx.Get("job/2"); return err }, nil},
	} {
		err := s.Update(background, c.fn)
		if got := jobs.take(); !slices.Equal(got, c.want) || err != nil && !errors.Is(err, errRefused) {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

// watchedBesideOthers lets each Update find its own key in the watch, and repeats closures because all of them change one key.
func watchedBesideOthers(t *testing.T, s store.Store) {
	var jobs noted
	s.Watch("job/", jobs.add)
	var all sync.WaitGroup
	want := map[string]bool{}
	for i := range 64 {
		key := "job/" + strconv.Itoa(i)
		want[key] = true
		all.Go(func() {
			err := s.Update(background, func(tx store.Tx) error {
				n, err := number(tx, "count")
				return errors.Join(err, setNumber(tx, "count", n+1), tx.Put(key, []byte("x")))
			})
			jobs.mu.Lock()
			defer jobs.mu.Unlock()
			if err != nil || !slices.Contains(jobs.keys, key) {
				t.Errorf("%s: got %v and no call before the update returned", key, err)
			}
		})
	}
	all.Wait()
	if got := jobs.take(); len(got) != len(want) {
		t.Errorf("got %d keys, want %d", len(got), len(want))
	}
}
