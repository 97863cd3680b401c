package store

import (
	"bytes"
	"container/list"
	"fmt"
	"reflect"
	"sync"
	"time"
)

// sharedRecords keeps the opened records of one table that were read last, at most a number of them. All tables of the keyring
// with the same prefix share it. A nil *sharedRecords keeps nothing.
type sharedRecords struct {
	most int

	mu     sync.Mutex
	byID   map[string]*list.Element // of *sharedRecord
	recent list.List                // the last one read comes first
}

// sharedRecord is an opened record. It is the record of the id while its stored bytes are sealed: each write has a nonce of its own,
// and bytes of another key cannot be decrypted.
type sharedRecord struct {
	table  *table
	id     string
	sealed []byte
	value  any       // a pointer to the record, which nothing changes
	since  time.Time // when it was opened: an earlier clock could correct its times, a later one could not; zero without a clock
}

func (c *sharedRecords) get(id string, sealed []byte, now time.Time) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[id]
	if e == nil {
		return nil
	}
	if r := e.Value.(*sharedRecord); bytes.Equal(r.sealed, sealed) && !now.Before(r.since) {
		c.recent.MoveToFront(e)
		return r.value
	}
	c.remove(e)
	return nil
}

func (c *sharedRecords) add(r *sharedRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[r.id]; e != nil {
		c.remove(e)
	}
	c.byID[r.id] = c.recent.PushFront(r)
	if c.recent.Len() > c.most {
		c.remove(c.recent.Back())
	}
}

func (c *sharedRecords) remove(e *list.Element) {
	delete(c.byID, e.Value.(*sharedRecord).id)
	c.recent.Remove(e)
}

// forget ends what is kept of a record that was deleted or has a new value, so that its secrets do not stay in memory.
func (c *sharedRecords) forget(id string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[id]; e != nil {
		c.remove(e)
	}
}

// GetShared is like Get, and keeps the record open for the next readers, if the table keeps any (TableDef.Shared). It decrypts and
// decodes a record again only if its stored bytes have changed. The caller must not change what the record points to.
func GetShared[T any](t Table[T], r Reader, id string) (T, error) {
	return valueOf[T](t.getShared(r, id))
}

// getShared is GetShared with a pointer to the record.
func (t *table) getShared(r Reader, id string) (any, error) {
	if t.shared == nil {
		return t.get(r, id)
	}
	sealed, err := t.sealed(r, id)
	if err != nil {
		t.shared.forget(id)
		return nil, err
	}
	now := t.now()
	if kept := t.shared.get(id, sealed, now); kept != nil {
		return kept, nil
	}
	opened := t.newRecord()
	corrected, err := t.open(id, sealed, opened)
	if err := t.lost(err); err != nil {
		t.shared.forget(id)
		return nil, err
	}
	if !corrected && !t.isAhead(opened, now) {
		t.shared.add(&sharedRecord{t, id, sealed, opened, t.now()})
	}
	return opened, nil
}

// now returns the wall clock that corrects times; the zero time without one.
func (t *table) now() time.Time {
	if t.times == nil || t.ring.now == nil {
		return time.Time{}
	}
	return t.ring.now().Round(0)
}

// isAhead reports whether a record has a time so far ahead that a later clock corrects it.
func (t *table) isAhead(v any, now time.Time) bool {
	return !now.IsZero() && t.times.IsAhead(reflect.ValueOf(v).Elem(), now)
}

// CheckShared returns an error if a reader has changed a record that GetShared keeps. Tests call it.
func (r *Keyring) CheckShared() error {
	r.walking.Lock()
	defer r.walking.Unlock()
	for _, c := range r.shared {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *sharedRecords) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.recent.Front(); e != nil; e = e.Next() {
		kept := e.Value.(*sharedRecord)
		fresh := kept.table.newRecord()
		if err := kept.table.decodeRaw(kept.id, kept.sealed, fresh); err != nil {
			return err
		}
		if !reflect.DeepEqual(kept.value, fresh) {
			return fmt.Errorf("a reader changed the shared record %s to %+v", kept.table.Key(kept.id), kept.value)
		}
	}
	return nil
}
