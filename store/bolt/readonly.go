package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"barillet/store"
)

// ReadOnly calls fn with the store in a file that nothing else has open. It first checks every page. It makes no other file, and an
// Update fails. The error wraps ErrDamaged for a file with faults.
func ReadOnly(ctx context.Context, path string, fn func(store.Store) error) (err error) {
	if err := checkFile(path); err != nil {
		return err
	}
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := ctx.Err(); err != nil {
		return err
	}
	return fn(&readOnly{Store{db: db, path: path, onDamage: func(error) {}, closing: make(chan struct{})}})
}

// checkFile checks every page before the file is mapped. It needs one byte of memory for each page.
func checkFile(path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening store file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("inspecting %s: %w", path, err)
	}
	newest, err := inspectMetas(f, info.Size(), false)
	if err == nil {
		defer readAhead(f)()
		err = walkPages(f, newest)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
	}
	return nil
}

func openReadOnly(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			db, err = nil, fmt.Errorf("%s: %w: opening: %v", path, ErrDamaged, met)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: true, NoStatistics: true})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if tx.Bucket(b.name) == nil {
				return fmt.Errorf("%s is not the store file of this program", path)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// readOnly is a Store without a writer.
type readOnly struct{ Store }

// Update implements store.Store.
func (r *readOnly) Update(context.Context, func(store.Tx) error) error {
	return fmt.Errorf("%s is open for reading: %w", r.path, store.ErrUnavailable)
}

// Watch implements store.Store: nothing changes.
func (r *readOnly) Watch(string, func([]string)) {}

// Close implements store.Store. ReadOnly closes the file.
func (r *readOnly) Close() error { return nil }
