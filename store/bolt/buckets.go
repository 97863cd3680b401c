package bolt

import (
	"bytes"
	"strings"

	"go.etcd.io/bbolt"

	"barillet/store"
)

// A file has two buckets of bbolt, because a bucket has one fill: how full bbolt leaves the first of two pages when it splits one.
// Keys come anywhere between those of most tables, so a page needs place for more. Those of an appended table come after all others,
// so what a page has then is all that it gets.
var buckets = [...]struct {
	name []byte
	fill float64
}{
	{[]byte("barillet"), 0.6},
	{[]byte("appended"), 1},
}

// bucketOf returns which bucket has a key.
func bucketOf(key string) int {
	if store.IsAppended(key) {
		return 1
	}
	return 0
}

// finder finds and changes records in one bbolt transaction. It needs no memory for each that it finds.
type finder struct {
	tx      *bbolt.Tx
	buckets [len(buckets)]*bbolt.Bucket // nil until the first record
	cursors [len(buckets)]*bbolt.Cursor
	key     []byte // the last one
}

func (f *finder) bucket(i int) *bbolt.Bucket {
	if f.buckets[i] == nil {
		f.buckets[i] = f.tx.Bucket(buckets[i].name)
		f.buckets[i].FillPercent = buckets[i].fill
	}
	return f.buckets[i]
}

// find returns the value of a key, or nil. It is in the mapped file, and valid until the transaction ends.
func (f *finder) find(key string) []byte {
	i := bucketOf(key)
	if f.cursors[i] == nil {
		f.cursors[i] = f.bucket(i).Cursor()
	}
	f.key = append(f.key[:0], key...)
	found, value := f.cursors[i].Seek(f.key)
	if !bytes.Equal(found, f.key) {
		return nil
	}
	return value
}

// set stores the value of a key, or deletes the key if the value is nil.
func (f *finder) set(key string, value []byte) error {
	bucket := f.bucket(bucketOf(key))
	f.key = append(f.key[:0], key...) // bbolt copies it
	if value == nil {
		return bucket.Delete(f.key)
	}
	return bucket.Put(f.key, value)
}

// cursor returns a cursor over the keys with a prefix: of one bucket if the prefix has the name of a table.
func (f *finder) cursor(prefix string) *cursor {
	c := new(cursor)
	if strings.Contains(prefix, "/") {
		c.heads[0].cursor = f.bucket(bucketOf(prefix)).Cursor()
		return c
	}
	for i := range c.heads {
		c.heads[i].cursor = f.bucket(i).Cursor()
	}
	return c
}

// cursor moves over the records of one or all buckets in the order of their keys, or back. The key is nil at the end.
type cursor struct {
	heads [len(buckets)]head
	at    *head // whose record is the present one
	back  bool
}

// head is the next record of a bucket. The cursor is nil if the bucket is left out.
type head struct {
	cursor     *bbolt.Cursor
	key, value []byte
}

// from moves to the first key that is at least start.
func (c *cursor) from(start string) (key, value []byte) {
	c.each(func(h *head) { h.key, h.value = h.cursor.Seek([]byte(start)) })
	return c.choose()
}

// before moves to the last key that is below end. The cursor then moves back.
func (c *cursor) before(end string) (key, value []byte) {
	c.back = true
	c.each(func(h *head) {
		if found, _ := h.cursor.Seek([]byte(end)); found == nil {
			h.key, h.value = h.cursor.Last()
		} else {
			h.key, h.value = h.cursor.Prev()
		}
	})
	return c.choose()
}

// move moves on by one record.
func (c *cursor) move() (key, value []byte) {
	if c.back {
		c.at.key, c.at.value = c.at.cursor.Prev()
	} else {
		c.at.key, c.at.value = c.at.cursor.Next()
	}
	return c.choose()
}

func (c *cursor) each(do func(h *head)) {
	for i := range c.heads {
		if h := &c.heads[i]; h.cursor != nil {
			do(h)
		}
	}
}

func (c *cursor) choose() (key, value []byte) {
	c.at = nil
	c.each(func(h *head) {
		if h.key != nil && (c.at == nil || bytes.Compare(h.key, c.at.key) < 0 != c.back) {
			c.at = h
		}
	})
	if c.at == nil {
		return nil, nil
	}
	return c.at.key, c.at.value
}
