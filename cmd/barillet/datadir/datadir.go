// Package datadir opens the data directory of a service: the store file, the key file and the free space.
package datadir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/internal/diskspace"
	"barillet/store"
	"barillet/store/bolt"
)

// The names in the data directory.
const (
	StoreName  = "barillet.db"
	SocketName = "admin.sock"
)

// Dir is an open data directory.
type Dir struct {
	Store store.Store
	File  *bolt.Store // below Store
	Ring  *store.Keyring
	Keys  store.RootKeys
	Space *diskspace.Watch
	Fresh bool // initialized now

	CopyTo func(ctx context.Context, path string, needs func(bytes int64) error) error // see bolt.Store
}

// Open opens and decrypts the store in the data directory. If create is set, it initializes a missing or empty
// directory. It never creates a key file for an existing store, or a store for an existing key file. The store calls onDamage,
// which must end the process.
func Open(ctx context.Context, c *config.Config, create bool, now func() time.Time, onDamage func(error)) (*Dir, error) {
	if err := c.NeedData(); err != nil {
		return nil, err
	}
	fresh, err := Inspect(c)
	if err != nil {
		return nil, err
	}
	var keys store.RootKeys
	switch {
	case !fresh:
		keys, err = store.ReadKeyFile(c.KeyFile)
	case !create:
		return nil, cli.WithHint(fmt.Errorf("data directory %s is empty", c.Data), "barillet serve, user add, token create and client add initialize it")
	default:
		keys, err = initialize(c)
	}
	if err != nil {
		return nil, err
	}
	space, err := diskspace.New(c.Data)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, StoreName)
	db, err := bolt.Open(path, bolt.Options{OnDamage: onDamage, Statistics: c.Metrics.Listen != ""})
	if errors.Is(err, bolt.ErrInUse) {
		return nil, cli.WithHint(err, "stop the service that runs on %s first", c.Data)
	}
	if err != nil {
		return nil, err
	}
	if !fresh {
		empty, err := store.Empty(ctx, db)
		if err == nil && empty {
			err = emptyStore(c)
		}
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	guarded := space.Guard(db)
	ring, err := store.OpenKeyring(ctx, guarded, keys, now())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, withRemedy(err, c)), db.Close())
	}
	return &Dir{Store: ring.CorrectTimes(guarded, now), File: db, Ring: ring, Keys: keys, Space: space, Fresh: fresh, CopyTo: db.CopyTo}, nil
}

// withRemedy adds a hint to the error of a store that does not open.
func withRemedy(err error, c *config.Config) error {
	switch {
	case errors.Is(err, store.ErrWrongKey):
		return cli.WithHint(err, "restore the key file that was created with this store as %s", c.KeyFile)
	case errors.Is(err, store.ErrNewer):
		return cli.WithHint(err, "run the newer version, or restore a backup of this version")
	}
	return err
}

// Inspect reports whether the data directory is missing or empty. It returns an error if the store or the key file is
// missing: a new key file for an old store, or the reverse, would lock out all users.
func Inspect(c *config.Config) (fresh bool, err error) {
	entries, err := os.ReadDir(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries = nil
	case err != nil:
		return false, fmt.Errorf("reading data directory: %w", err)
	}
	hasStore := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == StoreName })
	_, err = os.Stat(c.KeyFile)
	switch hasKey := err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("reading key file: %w", err)
	case hasStore && hasKey:
		return false, refuseEmptyStore(c)
	case hasStore:
		return false, cli.WithHint(fmt.Errorf("key file %s is missing, and %s needs it", c.KeyFile, filepath.Join(c.Data, StoreName)),
			"restore your copy of the key file; a new one cannot open this store")
	case hasKey:
		return false, cli.WithHint(fmt.Errorf("store %s is missing, and the key file %s exists", filepath.Join(c.Data, StoreName), c.KeyFile),
			"restore the store; if it never existed, remove the key file")
	}
	for _, e := range entries {
		if e.Name() != "lost+found" && e.Name() != diskspace.ReserveName { // a new file system contains lost+found
			return false, cli.WithHint(fmt.Errorf("data directory %s contains %s but no store", c.Data, e.Name()), "use an empty directory, or the data directory of a service")
		}
	}
	return true, nil
}

// refuseEmptyStore returns an error if the store has no bytes. A full disk or a failed copy leaves such a file; to fill it anew would
// hide the loss of all users.
func refuseEmptyStore(c *config.Config) error {
	path := filepath.Join(c.Data, StoreName)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("reading store: %w", err)
	case info.Size() == 0:
		return emptyStore(c)
	}
	return nil
}

func emptyStore(c *config.Config) error {
	return cli.WithHint(fmt.Errorf("store %s is empty, and the key file %s exists", filepath.Join(c.Data, StoreName), c.KeyFile),
		"restore the last backup of the store; if the service never ran here, remove both files")
}

// initialize creates the data directory and the key file. The store is created when it is opened.
func initialize(c *config.Config) (store.RootKeys, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return store.RootKeys{}, fmt.Errorf("creating data directory: %w", err)
	}
	if err := os.Chmod(c.Data, 0o700); err != nil {
		return store.RootKeys{}, fmt.Errorf("setting mode of data directory: %w", err)
	}
	keys, err := store.CreateKeyFile(c.KeyFile)
	if errors.Is(err, fs.ErrExist) {
		return store.RootKeys{}, cli.WithHint(err, "another process is initializing %s now", c.Data)
	}
	return keys, err
}
