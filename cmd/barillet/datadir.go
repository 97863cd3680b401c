package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"barillet/cmd/barillet/cli"
	"barillet/internal/diskspace"
	"barillet/store"
	"barillet/store/bolt"
)

// The names in the data directory.
const (
	storeName  = "barillet.db"
	keyName    = "barillet.key"
	socketName = "admin.sock"
)

// dataDir is an open data directory.
type dataDir struct {
	store store.Store
	ring  *store.Keyring
	keys  store.RootKeys
	space *diskspace.Watch
	fresh bool // initialized now
}

// openDataDir opens and decrypts the store in the data directory. If create is set, it initializes a missing or empty
// directory. It never creates a key file for an existing store, or a store for an existing key file. The store calls onDamage,
// which must end the process.
func openDataDir(ctx context.Context, c *config, create bool, onDamage func(error)) (*dataDir, error) {
	if err := c.needData(); err != nil {
		return nil, err
	}
	fresh, err := inspectDataDir(c)
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
		keys, err = initDataDir(c)
	}
	if err != nil {
		return nil, err
	}
	space, err := diskspace.New(c.Data)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, storeName)
	db, err := bolt.Open(path, bolt.Options{OnDamage: onDamage})
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
	return &dataDir{store: ring.CorrectTimes(guarded, now), ring: ring, keys: keys, space: space, fresh: fresh}, nil
}

// withRemedy adds a hint to the error of a store that does not open.
func withRemedy(err error, c *config) error {
	switch {
	case errors.Is(err, store.ErrWrongKey):
		return cli.WithHint(err, "restore the key file that was created with this store as %s", c.KeyFile)
	case errors.Is(err, store.ErrNewer):
		return cli.WithHint(err, "run the newer version, or restore a backup of this version")
	}
	return err
}

// inspectDataDir reports whether the data directory is missing or empty. It returns an error if the store or the key file is
// missing: a new key file for an old store, or the reverse, would lock out all users.
func inspectDataDir(c *config) (fresh bool, err error) {
	entries, err := os.ReadDir(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries = nil
	case err != nil:
		return false, fmt.Errorf("reading data directory: %w", err)
	}
	hasStore := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == storeName })
	_, err = os.Stat(c.KeyFile)
	switch hasKey := err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("reading key file: %w", err)
	case hasStore && hasKey:
		return false, refuseEmptyStore(c)
	case hasStore:
		return false, cli.WithHint(fmt.Errorf("key file %s is missing, and %s needs it", c.KeyFile, filepath.Join(c.Data, storeName)),
			"restore your copy of the key file; a new one cannot open this store")
	case hasKey:
		return false, cli.WithHint(fmt.Errorf("store %s is missing, and the key file %s exists", filepath.Join(c.Data, storeName), c.KeyFile),
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
func refuseEmptyStore(c *config) error {
	path := filepath.Join(c.Data, storeName)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("reading store: %w", err)
	case info.Size() == 0:
		return emptyStore(c)
	}
	return nil
}

func emptyStore(c *config) error {
	return cli.WithHint(fmt.Errorf("store %s is empty, and the key file %s exists", filepath.Join(c.Data, storeName), c.KeyFile),
		"restore the last backup of the store; if the service never ran here, remove both files")
}

// initDataDir creates the data directory and the key file. The store is created when it is opened.
func initDataDir(c *config) (store.RootKeys, error) {
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
