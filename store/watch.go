package store

import (
	"maps"
	"slices"
	"sync"
)

// Watch calls fn after each commit that changed records of the table, with their ids: see Store.Watch.
//
//go:noinline // as scanIn
func (t *table) Watch(s Store, fn func(ids []string)) {
	s.Watch(t.kind.Prefix, func(keys []string) {
		for i, key := range keys {
			keys[i] = key[len(t.kind.Prefix):]
		}
		fn(keys)
	})
}

// Changes are the ids of the records that changed since they were taken. The function of a Watch adds them, and a worker takes
// them. The zero value is empty. Changes are safe for concurrent use.
type Changes struct {
	mu    sync.Mutex
	ids   map[string]struct{}
	woken chan struct{}
}

// Add adds ids and wakes the worker. It never blocks.
func (c *Changes) Add(ids []string) {
	c.Note(ids)
	select {
	case c.signal() <- struct{}{}:
	default:
	}
}

// Note adds ids, and does not wake the worker.
func (c *Changes) Note(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = make(map[string]struct{}, len(ids))
	}
	for _, id := range ids {
		c.ids[id] = struct{}{}
	}
}

// Take returns the ids in order and forgets them.
func (c *Changes) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := slices.Sorted(maps.Keys(c.ids))
	c.ids = nil
	return ids
}

// Woken returns a channel that has a value after Add.
func (c *Changes) Woken() <-chan struct{} { return c.signal() }

func (c *Changes) signal() chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.woken == nil {
		c.woken = make(chan struct{}, 1)
	}
	return c.woken
}
