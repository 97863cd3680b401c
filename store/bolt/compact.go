package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"go.etcd.io/bbolt"

	"barillet/store"
)

// Compaction rewrites a store file without its free pages. The service must not run. The old file stays as it is until a
// complete, checked and synced copy takes its name, so a kill at any point leaves one of the two (promise D1).
type Compaction struct {
	Path string
	// Before, if it is not nil, is called with the sizes before anything is written.
	Before func(Space)

	testingOnlyStep func(name string) // called after each step, for a kill there
}

// Space is what a compaction needs and what there is, in bytes.
type Space struct {
	File   int64 // the store file
	Needed int64 // its records, and so about the size of the new file
	Free   int64 // in the file system
}

// copySuffix is the suffix of the unfinished copy. Open and Run delete one that a kill left.
const copySuffix = ".compact"

// copyBatch limits the bytes of one commit of the copy.
const copyBatch = 1 << 20

// Run rewrites the file and returns its new size. The error can wrap ErrInUse or ErrDamaged.
func (c Compaction) Run(ctx context.Context) (size int64, err error) {
	if info, err := os.Stat(c.Path); err != nil || info.Size() == 0 {
		return 0, errors.Join(fmt.Errorf("compacting %s: there is no store", c.Path), err)
	}
	f, err := lock(c.Path)
	if err != nil {
		return 0, err
	}
	if _, _, err := inspect(f, c.Path); err != nil {
		return 0, errors.Join(err, f.Close())
	}
	db, err := openLocked(f, c.Path, true, false)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }() // releases the lock, after the copy has the name
	records, space, err := measure(db, c.Path)
	if err != nil {
		return 0, err
	}
	if c.Before != nil {
		c.Before(space)
	}
	if space.Free < space.Needed {
		return 0, fmt.Errorf("compacting %s: it needs %s and the file system has %s free", c.Path, store.Size(space.Needed), store.Size(space.Free))
	}
	if err := removeCopy(c.Path); err != nil {
		return 0, err
	}
	if size, err = c.copy(db, records); err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("compacting %s: %w", c.Path, err), removeCopy(c.Path))
	}
	if err := os.Rename(c.Path+copySuffix, c.Path); err != nil {
		return 0, errors.Join(fmt.Errorf("compacting %s: %w", c.Path, err), removeCopy(c.Path))
	}
	c.step("renamed")
	if err := store.SyncDir(filepath.Dir(c.Path)); err != nil {
		return size, fmt.Errorf("compacting %s: %w", c.Path, err)
	}
	return size, nil
}

func (c Compaction) step(name string) {
	if c.testingOnlyStep != nil {
		c.testingOnlyStep(name)
	}
}

// measure returns the number of records and the space that a copy needs.
func measure(db *bbolt.DB, path string) (records int, space Space, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		pages := 0
		for _, b := range buckets {
			stats := tx.Bucket(b.name).Stats()
			pages += stats.LeafPageN + stats.LeafOverflowN + stats.BranchPageN + stats.BranchOverflowN
			records += stats.KeyN
		}
		space.File = tx.Size()
		space.Needed = int64(pages)*int64(db.Info().PageSize) + copyBatch
		return nil
	})
	if err != nil {
		return 0, space, fmt.Errorf("measuring %s: %w", path, err)
	}
	if info, err := os.Stat(path); err == nil {
		space.File = info.Size()
	}
	free, _, err := store.FreeSpace(filepath.Dir(path))
	if err != nil {
		return 0, space, err
	}
	space.Free = int64(free)
	return records, space, nil
}

// copy writes the records to the copy, checks every page of it and syncs it.
func (c Compaction) copy(from *bbolt.DB, records int) (size int64, err error) {
	path := c.Path + copySuffix
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			err = fmt.Errorf("%s: %w: copying: %v; %s", c.Path, ErrDamaged, met, advice)
		}
	}()
	to, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, PageSize: from.Info().PageSize, NoStatistics: true,
		NoSync: true, // synced once, below
		OpenFile: func(name string, _ int, mode os.FileMode) (*os.File, error) {
			return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		},
	})
	if err != nil {
		return 0, err
	}
	c.step("created")
	if err = bbolt.Compact(to, from, copyBatch); err == nil {
		c.step("copied")
		err = checkCopy(to, path, records)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return 0, err
	}
	c.step("checked")
	if err := sameOwner(path, c.Path); err != nil {
		return 0, err
	}
	size, err = trim(path)
	c.step("synced")
	return size, err
}

// sameOwner gives the copy the owner of the store, if another user than that of the service runs the command.
func sameOwner(path, of string) error {
	info, err := os.Stat(of)
	if err != nil {
		return err
	}
	return chownLike(path, info)
}

func checkCopy(db *bbolt.DB, path string, records int) error {
	if err := checkPages(db, path); err != nil {
		return err
	}
	return db.View(func(tx *bbolt.Tx) error {
		got := 0
		for _, b := range buckets {
			got += tx.Bucket(b.name).Stats().KeyN
		}
		if got != records {
			return fmt.Errorf("the copy has %d records, want %d", got, records)
		}
		return nil
	})
}

// trim cuts the unused end of a closed file, syncs it and returns its size.
func trim(path string) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	first, err := readMeta(f, 0)
	if err != nil {
		return 0, err
	}
	second, err := readMeta(f, first.pageSize)
	if err != nil {
		return 0, err
	}
	size = max(first.highest, second.highest) * first.pageSize // Open compares the length with the newest
	return size, errors.Join(f.Truncate(size), f.Sync())
}

// removeCopy deletes an unfinished copy. The caller has the lock of the store.
func removeCopy(path string) error {
	if err := os.Remove(path + copySuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting an unfinished copy: %w", err)
	}
	return nil
}
