package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Found reports whether a record exists. err is the result of a read; ErrNotFound is not returned.
func Found(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Batches limit how long Walk holds a snapshot and how much one of its transactions writes.
const (
	scanBatch   = 500
	updateBatch = 8
)

// Walk reads a table in small snapshots and calls update, in small transactions, for each key that pick selects. pick
// returns true for a record to update. update must read the record again: it may have changed or be gone.
func Walk[T any](ctx context.Context, s Store, t Table[T], pick func(r Reader, key string, v T) (bool, error), update func(tx Tx, key string) error) error {
	for after, more := "", true; more; {
		var keys []string
		last := after
		err := s.View(ctx, func(r Snapshot) error {
			keys, last, more = nil, after, false
			seen := 0
			return t.Scan(r, "", after, scanBatch, func(key string, v T) error {
				last, seen = key, seen+1
				more = seen == scanBatch
				picked, err := pick(r, key, v)
				if picked {
					keys = append(keys, key)
				}
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("reading a table: %w", err)
		}
		after = last
		for len(keys) > 0 {
			part := keys[:min(len(keys), updateBatch)]
			keys = keys[len(part):]
			err := s.Update(ctx, func(tx Tx) error {
				for _, key := range part {
					if err := update(tx, key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("updating a table: %w", err)
			}
		}
	}
	return nil
}

// DeleteExpired deletes the records of a table whose time has passed.
func DeleteExpired[T any](ctx context.Context, s Store, t Table[T], now time.Time, expires func(T) time.Time) error {
	return Walk(ctx, s, t, func(_ Reader, _ string, v T) (bool, error) {
		return !now.Before(expires(v)), nil
	}, func(tx Tx, key string) error {
		v, err := t.Get(tx, key)
		if there, err := Found(err); !there || now.Before(expires(v)) {
			return err
		}
		return t.Delete(tx, key)
	})
}
