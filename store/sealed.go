package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

// ScanSealed is like Scan for records that stay encrypted. OpenRecord decrypts them after the View. So a reader of many records keeps
// its View short, and decrypts in several goroutines.
func (t *table) ScanSealed(s Snapshot, after string, limit int, fn func(id string, sealed []byte) error) error {
	if after != "" {
		after = t.Key(after)
	}
	return s.Scan(t.kind.Prefix, after, limit, func(key string, sealed []byte) error {
		return fn(key[len(t.kind.Prefix):], sealed)
	})
}

// SealRecord returns a record as Put stores it, for a client that keeps it. OpenRecord reads it under the same id only.
func SealRecord[T any](t Table[T], id string, v T) ([]byte, error) { return t.seal(id, v) }

func (t *table) seal(id string, v any) ([]byte, error) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	sealed, err := t.sealIn(s, t.Key(id), v)
	return bytes.Clone(sealed), err
}

// OpenRecord returns the record of ScanSealed or SealRecord as it was written, without a correction of its times. The error wraps
// ErrUnreadable or ErrNewer.
func OpenRecord[T any](t Table[T], id string, sealed []byte) (*T, error) {
	v := new(T)
	if err := t.decodeRaw(id, sealed, v); err != nil {
		return nil, err
	}
	return v, nil
}

// CheckRecords opens every sealed record of a snapshot and returns the number of all records. It stores nothing. The error names the
// first record that cannot be opened, or that belongs to no table.
func (r *Keyring) CheckRecords(ctx context.Context, snap Snapshot) (records int64, err error) {
	kinds := map[string]TableDef{}
	for _, kind := range TableDefs() {
		kinds[kind.Prefix] = kind
	}
	var s scratch
	err = snap.Scan("", "", 0, func(key string, value []byte) error {
		kind, ok := kinds[key[:strings.IndexByte(key, '/')+1]]
		if !ok {
			return fmt.Errorf("record %q belongs to no table: %w", key, ErrUnreadable)
		}
		records++
		if !kind.Sealed {
			return ctx.Err()
		}
		if _, _, err := r.open(&s, key, value); err != nil {
			return fmt.Errorf("a record of %s: %w: %w", kind.Prefix, ErrUnreadable, err)
		}
		return ctx.Err()
	})
	return records, err
}
