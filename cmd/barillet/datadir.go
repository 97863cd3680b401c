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
	"barillet/store"
	"barillet/store/bolt"
)

// The names in the data folder.
const (
	storeName  = "barillet.db"
	keyName    = "barillet.key"
	socketName = "admin.sock"
)

// dataDir is a data folder in the hands of this process.
type dataDir struct {
	store *bolt.Store
	ring  *store.Keyring
	keys  store.HouseKeys
	fresh bool // it was initialised now
}

// openDataDir opens the store in the data folder and unlocks it. With create, a missing or empty folder is
// initialised; a key file is never made for a store that exists, nor a store for a key file. onDamage ends the
// process.
func openDataDir(ctx context.Context, c *config, create bool, onDamage func(error)) (*dataDir, error) {
	if err := c.needData(); err != nil {
		return nil, err
	}
	fresh, err := inspectDataDir(c)
	if err != nil {
		return nil, err
	}
	var keys store.HouseKeys
	switch {
	case !fresh:
		keys, err = store.ReadKeyFile(c.KeyFile)
	case !create:
		return nil, cli.WithHint(fmt.Errorf("data folder %s is empty", c.Data), "barillet serve, user add or token create makes a new one")
	default:
		keys, err = initDataDir(c)
	}
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, storeName)
	db, err := bolt.Open(path, bolt.Options{OnDamage: onDamage})
	if errors.Is(err, bolt.ErrInUse) {
		return nil, cli.WithHint(err, "barillet serves from %s already: stop it first", c.Data)
	}
	if err != nil {
		return nil, err
	}
	ring, err := store.OpenKeyring(ctx, db, keys, now())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, withRemedy(err, c)), db.Close())
	}
	return &dataDir{store: db, ring: ring, keys: keys, fresh: fresh}, nil
}

// withRemedy adds what to do about a store that does not open.
func withRemedy(err error, c *config) error {
	switch {
	case errors.Is(err, store.ErrWrongKey):
		return cli.WithHint(err, "put the key file that was made with this store at %s", c.KeyFile)
	case errors.Is(err, store.ErrNewer):
		return cli.WithHint(err, "run the newer program, or restore a backup made by this one")
	}
	return err
}

// inspectDataDir tells whether there is nothing yet. Anything between a whole folder and an empty one stops us: to make
// a key for an old store, or a store for an old key, would lock everybody out.
func inspectDataDir(c *config) (fresh bool, err error) {
	entries, err := os.ReadDir(c.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		entries = nil
	case err != nil:
		return false, fmt.Errorf("reading the data folder: %w", err)
	}
	hasStore := slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == storeName })
	_, err = os.Stat(c.KeyFile)
	switch hasKey := err == nil; {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("looking for the key file: %w", err)
	case hasStore && hasKey:
		return false, nil
	case hasStore:
		return false, cli.WithHint(fmt.Errorf("key file %s is missing, and %s needs it", c.KeyFile, filepath.Join(c.Data, storeName)),
			"put back your copy of the key file; a new one cannot open this store")
	case hasKey:
		return false, cli.WithHint(fmt.Errorf("store %s is missing, and the key file %s belongs to one", filepath.Join(c.Data, storeName), c.KeyFile),
			"restore the store; if there never was one, move the key file away")
	}
	for _, e := range entries {
		if e.Name() != "lost+found" { // what a freshly made file system comes with
			return false, cli.WithHint(fmt.Errorf("data folder %s holds %s but no store", c.Data, e.Name()), "name an empty folder, or one that was used before")
		}
	}
	return true, nil
}

// initDataDir makes the folder and the keys of the house. The store itself is founded when it is first opened.
func initDataDir(c *config) (store.HouseKeys, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return store.HouseKeys{}, fmt.Errorf("making the data folder: %w", err)
	}
	if err := os.Chmod(c.Data, 0o700); err != nil {
		return store.HouseKeys{}, fmt.Errorf("closing the data folder to others: %w", err)
	}
	keys, err := store.CreateKeyFile(c.KeyFile)
	if errors.Is(err, fs.ErrExist) {
		return store.HouseKeys{}, cli.WithHint(err, "another process is initialising %s at this moment", c.Data)
	}
	return keys, err
}
