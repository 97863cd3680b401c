package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"barillet/store"
)

// bulkBytes is how much a Bulk keeps in memory before it writes. Random keys touch nearly every page of the file each time.
const bulkBytes = 512 << 20

// Bulk is a store for millions of records: the real code makes each record, and only the transactions differ. It keeps changes in
// memory and writes them to a bbolt file, sorted by key, in few large transactions without a sync. Nothing is durable before
// Close. store/bolt opens the closed file.
type Bulk struct {
	mu      sync.RWMutex
	db      *bbolt.DB
	path    string
	waiting map[string]map[string][]byte // by prefix of a table and by key; nil: deleted in the file
	bytes   int
	discard []string
	watches []bulkWatch
}

type bulkWatch struct {
	prefix string
	fn     func(keys []string)
}

var bulkBuckets = [...][]byte{[]byte("barillet"), []byte("appended")} // as in store/bolt

// bulkBucket returns the bucket of a key.
func bulkBucket(tx *bbolt.Tx, key string) *bbolt.Bucket {
	if store.IsAppended(key) {
		return tx.Bucket(bulkBuckets[1])
	}
	return tx.Bucket(bulkBuckets[0])
}

// OpenBulk opens or creates a file. Writes of the tables discard have no effect: for example, emails that were sent.
func OpenBulk(t testing.TB, path string, discard ...store.TableDef) *Bulk {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true, NoGrowSync: true, NoFreelistSync: true,
		InitialMmapSize: 16 << 30})
	if err == nil {
		err = db.Update(func(tx *bbolt.Tx) error {
			for _, name := range bulkBuckets {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &Bulk{db: db, path: path, waiting: map[string]map[string][]byte{}}
	for _, table := range discard {
		s.discard = append(s.discard, table.Prefix)
	}
	return s
}

// Keep stores the writes of a table that was discarded until now.
func (s *Bulk) Keep(table store.TableDef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = slices.DeleteFunc(s.discard, func(prefix string) bool { return prefix == table.Prefix })
}

// tableOf returns the prefix of the table of a key.
func tableOf(key string) string { return key[:strings.IndexByte(key, '/')+1] }

func (s *Bulk) load(key string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.get(key)
}

func (s *Bulk) get(key string) (value []byte, err error) {
	if value, is := s.waiting[tableOf(key)][key]; is {
		if value == nil {
			return nil, store.ErrNotFound
		}
		return value, nil
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		value = bytes.Clone(bulkBucket(tx, key).Get([]byte(key)))
		return nil
	})
	if err == nil && value == nil {
		err = store.ErrNotFound
	}
	return value, err
}

// View implements store.Store.
func (s *Bulk) View(_ context.Context, fn func(store.Snapshot) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return fn(bulkSnapshot{s})
}

type bulkSnapshot struct{ s *Bulk }

func (v bulkSnapshot) Get(key string) ([]byte, error) { return v.s.get(key) }

// Scan sorts what waits of the table in each call. Code that scans a table should run while little of it waits.
func (v bulkSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	waiting := v.s.waiting[tableOf(prefix)]
	if prefix == "" {
		waiting = map[string][]byte{}
		for _, of := range v.s.waiting {
			maps.Copy(waiting, of)
		}
	}
	chosen := func(key string) bool { return strings.HasPrefix(key, prefix) && (after == "" || key > after) }
	var keys []string
	for key := range waiting {
		if chosen(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	n, ended := 0, false
	visit := func(key string, value []byte) error {
		if ended = limit > 0 && n == limit; ended || value == nil {
			return nil
		}
		n++
		err := fn(key, value)
		if ended = err != nil; err == store.ErrStop {
			return nil
		}
		return err
	}
	err := v.s.db.View(func(tx *bbolt.Tx) error {
		cursor := newBulkCursor(tx, max(prefix, after))
		for k, value := cursor.next(); k != nil && !ended && bytes.HasPrefix(k, []byte(prefix)); k, value = cursor.next() {
			key := string(k)
			for ; len(keys) > 0 && keys[0] < key && !ended; keys = keys[1:] {
				if err := visit(keys[0], waiting[keys[0]]); err != nil {
					return err
				}
			}
			if _, newer := waiting[key]; newer || ended || !chosen(key) {
				continue
			}
			if err := visit(key, bytes.Clone(value)); err != nil {
				return err
			}
		}
		return nil
	})
	for ; err == nil && len(keys) > 0 && !ended; keys = keys[1:] {
		err = visit(keys[0], waiting[keys[0]])
	}
	return err
}

// bulkCursor moves over the records of both buckets.
type bulkCursor struct {
	of           [len(bulkBuckets)]*bbolt.Cursor
	keys, values [len(bulkBuckets)][]byte
}

func newBulkCursor(tx *bbolt.Tx, from string) *bulkCursor {
	c := new(bulkCursor)
	for i, name := range bulkBuckets {
		c.of[i] = tx.Bucket(name).Cursor()
		c.keys[i], c.values[i] = c.of[i].Seek([]byte(from))
	}
	return c
}

func (c *bulkCursor) next() (key, value []byte) {
	at := 0
	for i, k := range c.keys {
		if k != nil && (c.keys[at] == nil || bytes.Compare(k, c.keys[at]) < 0) {
			at = i
		}
	}
	key, value = c.keys[at], c.values[at]
	if key != nil {
		c.keys[at], c.values[at] = c.of[at].Next()
	}
	return key, value
}

// ScanBack reads the whole prefix in each call. A seed scans small tables only.
func (v bulkSnapshot) ScanBack(prefix, before string, limit int, fn func(string, []byte) error) error {
	type record struct {
		key   string
		value []byte
	}
	var records []record
	err := v.Scan(prefix, "", 0, func(key string, value []byte) error {
		if before == "" || key < before {
			records = append(records, record{key, value})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(records)
	for _, r := range records[:min(len(records), cmp.Or(limit, len(records)))] {
		if err := fn(r.key, r.value); err == store.ErrStop {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Update implements store.Store. Closures run beside each other, as in store/bolt, and again if what they read has changed.
func (s *Bulk) Update(_ context.Context, fn func(store.Tx) error) error {
	for {
		tx := &bulkTx{load: s.load}
		if err := tx.run(fn); err != nil {
			return err
		}
		applied, err := s.apply(&tx.recorder)
		if err != nil {
			return err
		}
		if applied {
			s.notify(&tx.recorder)
			return nil
		}
	}
}

// Watch implements store.Store. Call it before the first Update.
func (s *Bulk) Watch(prefix string, fn func(keys []string)) {
	s.watches = append(s.watches, bulkWatch{prefix, fn})
}

// notify calls the watches of what an Update wrote.
func (s *Bulk) notify(run *store.Recorder) {
	for _, w := range s.watches {
		var keys []string
		for key := range run.Writes() {
			if strings.HasPrefix(key, w.prefix) && !slices.Contains(s.discard, tableOf(key)) {
				keys = append(keys, key)
			}
		}
		if len(keys) > 0 {
			w.fn(keys)
		}
	}
}

type bulkTx struct {
	load     func(string) ([]byte, error)
	recorder store.Recorder
}

func (t *bulkTx) run(fn func(store.Tx) error) error {
	if err := fn(t); err != nil {
		return err
	}
	return t.recorder.Err()
}

func (t *bulkTx) Get(key string) ([]byte, error)     { return t.recorder.Get(key, t.load) }
func (t *bulkTx) Put(key string, value []byte) error { return t.recorder.Put(key, value) }
func (t *bulkTx) Delete(key string) error            { return t.recorder.Delete(key) }

// apply takes the writes of an Update if its reads are unchanged.
func (s *Bulk) apply(run *store.Recorder) (applied bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, read := range run.Reads() {
		now, err := s.get(key)
		if is, err := store.Found(err); err != nil {
			return false, err
		} else if is != (read != nil) || !bytes.Equal(now, read) {
			return false, nil
		}
	}
	for key, value := range run.Writes() {
		s.set(key, value)
	}
	if s.bytes < bulkBytes {
		return true, nil
	}
	return true, s.flush()
}

func (s *Bulk) set(key string, value []byte) {
	table := tableOf(key)
	if slices.Contains(s.discard, table) {
		return
	}
	of := s.waiting[table]
	if of == nil {
		of = map[string][]byte{}
		s.waiting[table] = of
	}
	old, replaced := of[key]
	if replaced {
		s.bytes -= len(key) + len(old)
	}
	if of[key] = value; value == nil && table == store.AuditPending.Prefix {
		delete(of, key) // never in the file: flush leaves it out
		return
	}
	s.bytes += len(key) + len(value)
}

// flush writes what waits, apart from audit events without a number: these never come to rest in the file.
func (s *Bulk) flush() error {
	var keys []string
	for table, of := range s.waiting {
		if table != store.AuditPending.Prefix {
			keys = slices.AppendSeq(keys, maps.Keys(of))
		}
	}
	slices.Sort(keys)
	err := s.db.Update(func(tx *bbolt.Tx) error {
		tx.Bucket(bulkBuckets[0]).FillPercent = 0.7 // as pages are where keys came in any order
		tx.Bucket(bulkBuckets[1]).FillPercent = 1
		for _, key := range keys {
			bucket := bulkBucket(tx, key)
			value, err := s.waiting[tableOf(key)][key], error(nil)
			if value == nil {
				err = bucket.Delete([]byte(key))
			} else {
				err = bucket.Put([]byte(key), value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	pending := s.waiting[store.AuditPending.Prefix]
	s.waiting, s.bytes = map[string]map[string][]byte{}, 0
	if len(pending) > 0 {
		s.waiting[store.AuditPending.Prefix] = pending
	}
	return err
}

// Size writes what waits, and returns the bytes of the pages that are in use.
func (s *Bulk) Size() (bytes int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.flush(); err != nil {
		return 0, err
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		stats := s.db.Stats()
		bytes = tx.Size() - int64(stats.FreePageN+stats.PendingPageN)*int64(s.db.Info().PageSize)
		return nil
	})
	return bytes, err
}

// Close writes what waits, and syncs the file.
func (s *Bulk) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if left := len(s.waiting[store.AuditPending.Prefix]); left > 0 {
		return fmt.Errorf("closing %s: %d audit events have no number", s.path, left)
	}
	s.db.NoFreelistSync = false
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.db.Sync(); err != nil {
		return err
	}
	return s.db.Close()
}
