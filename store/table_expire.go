package store

import (
	"context"
	"errors"
	"fmt"
)

const (
	maxExpireScan   = 500 // records that DeleteExpired reads in one View
	maxExpireUpdate = 32  // records that DeleteExpired deletes in one Update
)

// DeleteExpired deletes the records of the table for which expired returns true. It calls expired again in the Update that
// deletes a record. Views and Updates are small, so that no other Update waits long. expired must not change its argument.
func DeleteExpired[T any](ctx context.Context, s Store, table Table[T], expired func(T) bool) error {
	for after, done := "", false; !done; {
		var ids []string
		err := s.View(ctx, func(snap Snapshot) error {
			ids, done = nil, true
			seen := 0
			return table.Scan(snap, "", after, 0, func(id string, v T) error {
				if seen++; seen > maxExpireScan || len(ids) == maxExpireUpdate {
					done = false
					return ErrStop
				}
				if after = id; expired(v) {
					ids = append(ids, id)
				}
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("scanning %s for expired records: %w", table.kind.Prefix, err)
		}
		if err := deleteExpired(ctx, s, table, ids, expired); err != nil {
			return fmt.Errorf("deleting expired records of %s: %w", table.kind.Prefix, err)
		}
	}
	return nil
}

func deleteExpired[T any](ctx context.Context, s Store, table Table[T], ids []string, expired func(T) bool) error {
	if len(ids) == 0 {
		return nil
	}
	return s.Update(ctx, func(tx Tx) error {
		for _, id := range ids {
			v, err := table.Get(tx, id)
			if errors.Is(err, ErrNotFound) || err == nil && !expired(v) {
				continue
			}
			if err != nil {
				return err
			}
			if err := table.Delete(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}
