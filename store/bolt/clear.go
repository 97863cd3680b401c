package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"barillet/store"
)

// clearedTogether is the number of records that one transaction of Clear deletes.
const clearedTogether = 10_000

// Clear deletes every record of a table, also one that cannot be read, and returns their number. It is for offline work: no Update may
// run meanwhile, and no Watch gets the keys.
func (s *Store) Clear(ctx context.Context, table store.TableDef) (records int, err error) {
	for {
		if err := s.usable(ctx); err != nil {
			return records, err
		}
		tx, err := s.begin(true)
		if err != nil {
			return records, err
		}
		deleted := 0
		err = s.guard("deleting records", func() (err error) {
			deleted, err = clearPart(tx, []byte(table.Prefix))
			return err
		})
		if err != nil {
			s.guard("ending a change", tx.Rollback)
			return records, fmt.Errorf("deleting the records of %s: %w", table.Prefix, err)
		}
		if err := s.commit(tx); err != nil {
			return records, err
		}
		if records += deleted; deleted < clearedTogether {
			return records, nil
		}
	}
}

func clearPart(tx *bbolt.Tx, prefix []byte) (deleted int, err error) {
	bucket := tx.Bucket(buckets[bucketOf(string(prefix))].name)
	var keys [][]byte // bbolt: a cursor skips keys if it deletes
	c := bucket.Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix) && len(keys) < clearedTogether; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	for _, key := range keys {
		if err := bucket.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
