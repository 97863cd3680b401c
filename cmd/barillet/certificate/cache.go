package certificate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/crypto/acme/autocert"

	"barillet/store"
)

// accountName is the name under which autocert stores the account key.
const accountName = "acme_account+key"

// cache is a directory of the account key, and of the certificate with its key. It has no tokens of challenges, which autocert also
// keeps in memory: no request of a client reads the disk.
type cache struct {
	dir, host string
	log       *slog.Logger
}

// openCache returns the cache. The directory may be missing, until there is something to store.
func openCache(dir, host string, log *slog.Logger) (*cache, error) {
	c := &cache{dir, host, log}
	err := c.check()
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return c, err
}

// check returns an error if other users of the host can read the directory.
func (c *cache) check() error {
	info, err := os.Stat(c.dir)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("directory %s has mode %04o, which lets other users of the host read keys: chmod 0700", c.dir, mode)
	}
	return nil
}

func (c *cache) keeps(name string) bool { return name == c.host || name == accountName }

// Get implements autocert.Cache.
func (c *cache) Get(_ context.Context, name string) ([]byte, error) {
	if !c.keeps(name) {
		return nil, autocert.ErrCacheMiss
	}
	data, err := readFile(filepath.Join(c.dir, name), 0o077)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, autocert.ErrCacheMiss
	}
	return data, err
}

// Put implements autocert.Cache. It logs its error, which autocert does not always return.
func (c *cache) Put(_ context.Context, name string, data []byte) error {
	if !c.keeps(name) {
		return nil
	}
	err := c.write(filepath.Join(c.dir, name), data)
	if err != nil {
		err = fmt.Errorf("storing %s: %w", filepath.Join(c.dir, name), err)
		c.log.Error("a restart needs another certificate of the CA", "error", err)
	}
	return err
}

// write replaces a file: a reader, and a start after a power cut, find the old content or the new one.
func (c *cache) write(path string, data []byte) error {
	if err := os.Mkdir(c.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return store.SyncDir(c.dir)
}

// Delete implements autocert.Cache. autocert deletes only tokens.
func (c *cache) Delete(context.Context, string) error { return nil }
