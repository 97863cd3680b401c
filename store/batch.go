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
)

// Walk reads a table in small Views and calls update, in small Updates, for each id that pick selects. pick returns true for
// a record to update. update must read the record again: it may have changed or be gone.
func Walk[T any](ctx context.Context, s Store, t Table[T], pick func(r Reader, id string, v T) (bool, error), update func(tx Tx, id string) error) error {
	return t.walk(ctx, s, func(r Reader, id string, v any) (bool, error) { return pick(r, id, *v.(*T)) }, update)
}

func (t *table) walk(ctx context.Context, s Store, pick func(r Reader, id string, v any) (bool, error), update func(tx Tx, id string) error) error {
	for after, more := "", true; more; {
		var ids []string
		last := after
		err := s.View(ctx, func(r Snapshot) error {
			ids, last, more = nil, after, false
			seen := 0
			return t.scan(r, "", after, scanBatch, func(id string, v any) error {
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
		for part := range slices.Chunk(ids, updateBatch) {
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
