package bolt

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strings"

	"barillet/store"
)

var errOver = errors.New("transaction is used after its closure returned")

// transaction is the store.Tx of one run of an Update. It reads one bbolt transaction and records the reads and writes.
type transaction struct {
	s        *Store
	records  *finder
	recorder *store.Recorder
	over     bool
}

func (t *transaction) Get(key string) ([]byte, error) {
	if t.over {
		return nil, errOver
	}
	return t.recorder.Get(key, t.load)
}

func (t *transaction) load(key string) ([]byte, error) { return t.s.get(t.records, key) }

func (t *transaction) Put(key string, value []byte) error {
	if t.over {
		return errOver
	}
	return t.recorder.Put(key, value)
}

func (t *transaction) Delete(key string) error {
	if t.over {
		return errOver
	}
	return t.recorder.Delete(key)
}

// snapshot is the store.Snapshot of one View.
type snapshot struct {
	s       *Store
	ctx     context.Context
	records finder
	over    bool
}

func (v *snapshot) Get(key string) ([]byte, error) {
	if v.over {
		return nil, errOver
	}
	if err := store.CheckKey(key); err != nil {
		return nil, err
	}
	return v.s.get(&v.records, key)
}

func (v *snapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	if v.over {
		return errOver
	}
	var c *cursor
	from, beyond := prefix, false
	if after >= prefix && after != "" {
		from, beyond = after, true
	}
	key, value, err := v.s.step(func() ([]byte, []byte) {
		c = v.records.cursor(prefix)
		return c.from(from)
	})
	if err == nil && beyond && key == after {
		key, value, err = v.s.step(c.move)
	}
	return v.walk(prefix, key, value, err, limit, c, fn)
}

func (v *snapshot) ScanBack(prefix, before string, limit int, fn func(string, []byte) error) error {
	if v.over {
		return errOver
	}
	var c *cursor
	end := prefix + "\x7f" // sorts after every key with the prefix
	if before != "" && before < end {
		end = before
	}
	key, value, err := v.s.step(func() ([]byte, []byte) {
		c = v.records.cursor(prefix)
		return c.before(end)
	})
	return v.walk(prefix, key, value, err, limit, c, fn)
}

// walk calls fn for a record and those to which c moves, as long as their keys have the prefix.
func (v *snapshot) walk(prefix, key string, value []byte, err error, limit int, c *cursor, fn func(string, []byte) error) error {
	for n := 1; err == nil && key != "" && strings.HasPrefix(key, prefix); n++ {
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		if err := fn(key, value); err != nil {
			if errors.Is(err, store.ErrStop) {
				return nil
			}
			return err
		}
		if limit > 0 && n >= limit {
			return nil
		}
		key, value, err = v.s.step(c.move)
	}
	return err
}

func (s *Store) get(records *finder, key string) (value []byte, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // as in guard, whose closure would cost two allocations a record
	defer s.recoverDamage("reading a record", &err)
	found := records.find(key)
	if found == nil {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(found), nil
}

// step moves a cursor and returns a copy of the record there. The key is empty at the end.
func (s *Store) step(move func() ([]byte, []byte)) (key string, value []byte, err error) {
	err = s.guard("scanning records", func() error {
		k, v := move()
		key, value = string(k), bytes.Clone(v)
		return nil
	})
	return key, value, err
}
