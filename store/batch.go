package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Found reports whether a record exists. err is the result of a read; ErrNotFound is not returned.
func Found(err error) (bool, error) {
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

const (
	scanBatch   = 500 // records that one View of Walk reads
	updateBatch = 8   // records that one Update of Walk writes; update may touch several keys for each
	deleteBatch = 32  // records that one Update of DeleteExpired deletes
)

// Walk reads a table in small Views and calls update, in small Updates, for each id that pick selects. pick returns true for
// a record to update. update must read the record again: it may have changed or be gone.
func Walk[T any](ctx context.Context, s Store, t Table[T], pick func(r Reader, id string, v T) (bool, error), update func(tx Tx, id string) error) error {
	return walk(ctx, s, t, updateBatch, pick, update)
}

// DeleteExpired deletes the records of the table for which expired returns true. It calls expired again in the Update that
// deletes a record. Views and Updates are small, so that no other Update waits long. expired must not change its argument.
func DeleteExpired[T any](ctx context.Context, s Store, t Table[T], expired func(T) bool) error {
	return walk(ctx, s, t, deleteBatch, func(_ Reader, _ string, v T) (bool, error) {
		return expired(v), nil
	}, func(tx Tx, id string) error {
		v, err := t.Get(tx, id)
		if exists, err := Found(err); !exists || !expired(v) {
			return err
		}
		return t.Delete(tx, id)
	})
}

func walk[T any](ctx context.Context, s Store, t Table[T], batch int, pick func(r Reader, id string, v T) (bool, error), update func(tx Tx, id string) error) error {
	for after, more := "", true; more; {
		var ids []string
		last := after
		err := s.View(ctx, func(r Snapshot) error {
			ids, last, more = nil, after, false
			seen := 0
			return t.Scan(r, "", after, scanBatch, func(id string, v T) error {
				last, seen = id, seen+1
				more = seen == scanBatch
				picked, err := pick(r, id, v)
				if errors.Is(err, ErrUnreadable) {
					return nil // it depends on a record that is reported
				}
				if picked {
					ids = append(ids, id)
				}
				return err
			})
		})
		if err != nil {
			return fmt.Errorf("reading the table %s: %w", t.kind.Prefix, err)
		}
		after = last
		for part := range slices.Chunk(ids, batch) {
			err := s.Update(ctx, func(tx Tx) error {
				for _, id := range part {
					if err := update(tx, id); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("updating the table %s: %w", t.kind.Prefix, err)
			}
		}
	}
	return nil
}
