package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
)

// Recorder keeps what one run of an Update reads and writes, within the limits of every back-end. A back-end compares the
// reads with the present values before it applies the writes. The zero value is empty.
type Recorder struct {
	records []recorded // few, so that a search in order costs less than a map
	bytes   int
	err     error // the first: an Update whose closure ignores it fails
}

// recorded is one key that a run touched.
type recorded struct {
	key           string
	read, value   []byte // nil: missing, deleted
	isRead, isSet bool
}

// Get returns the last write of the key, or the value that load returned at the first read. load returns ErrNotFound for a
// missing key. Nothing changes the bytes that load returns.
func (r *Recorder) Get(key string, load func(key string) ([]byte, error)) ([]byte, error) {
	record, err := r.touch(key)
	if err != nil {
		return nil, err
	}
	value := record.value
	if !record.isSet {
		if !record.isRead {
			read, err := load(key)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			record.read, record.isRead = read, true
		}
		value = record.read
	}
	if value == nil {
		return nil, ErrNotFound
	}
	return value, nil
}

// Put records a write. It copies the value. A second write of a key replaces the first.
func (r *Recorder) Put(key string, value []byte) error {
	if err := CheckValue(value); err != nil {
		if r.err == nil {
			r.err = err
		}
		return r.err
	}
	return r.set(key, bytes.Clone(value))
}

// Delete records the deletion of a key, unless the run found it missing.
func (r *Recorder) Delete(key string) error { return r.set(key, nil) }

func (r *Recorder) set(key string, value []byte) error {
	record, err := r.touch(key)
	if err != nil {
		return err
	}
	if value == nil && record.isRead && record.read == nil && !record.isSet {
		return nil
	}
	size := len(key) + len(value)
	if record.isSet {
		size -= len(key) + len(record.value)
	}
	if r.bytes+size > MaxUpdateSize {
		r.err = fmt.Errorf("update writes more than %d bytes: %w", MaxUpdateSize, ErrLimit)
		return r.err
	}
	record.value, record.isSet = value, true
	r.bytes += size
	return nil
}

// touch returns the record of a key, until the next call.
func (r *Recorder) touch(key string) (*recorded, error) {
	if r.err != nil {
		return nil, r.err
	}
	for i := range r.records {
		if r.records[i].key == key {
			return &r.records[i], nil
		}
	}
	if r.err = CheckKey(key); r.err != nil {
		return nil, r.err
	}
	if len(r.records) == MaxUpdateKeys {
		r.err = fmt.Errorf("update touches more than %d keys: %w", MaxUpdateKeys, ErrLimit)
		return nil, r.err
	}
	if r.records == nil {
		r.records = make([]recorded, 0, 8)
	}
	r.records = append(r.records, recorded{key: key})
	return &r.records[len(r.records)-1], nil
}

// Err returns the first error of a limit, or nil.
func (r *Recorder) Err() error { return r.err }

// Bytes returns the bytes of keys and values that the Update writes. It is 0 if the Update writes nothing.
func (r *Recorder) Bytes() int { return r.bytes }

// Reads returns the keys that the run read from the store, each with its value then. The value of a missing key is nil.
func (r *Recorder) Reads() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range r.records {
			if record := &r.records[i]; record.isRead && !yield(record.key, record.read) {
				return
			}
		}
	}
}

// Writes returns the keys that the run wrote, each with its last value. The value of a deleted key is nil.
func (r *Recorder) Writes() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range r.records {
			if record := &r.records[i]; record.isSet && !yield(record.key, record.value) {
				return
			}
		}
	}
}
