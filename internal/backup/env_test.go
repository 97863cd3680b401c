package backup_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"barillet/internal/backup"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// golden has a store with records of every table, and its key file.
const golden = "../../cmd/barillet/testdata/data.v1"

// env is an open store with its key file.
type env struct {
	t     testing.TB
	dir   string
	file  *bolt.Store
	keys  store.RootKeys
	ring  *store.Keyring
	maker *backup.Maker
	now   time.Time
}

func newEnv(t testing.TB) *env {
	t.Helper()
	e := &env{t: t, dir: filepath.Join(storetest.Dir(t), "data"), now: time.Date(2027, 3, 1, 4, 5, 6, 0, time.UTC)}
	if err := os.CopyFS(e.dir, os.DirFS(golden)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"barillet.key", "barillet.db"} {
		if err := os.Chmod(filepath.Join(e.dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if e.keys, err = store.ReadKeyFile(filepath.Join(e.dir, "barillet.key")); err != nil {
		t.Fatal(err)
	}
	if e.file, err = bolt.Open(filepath.Join(e.dir, "barillet.db"), bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.file.Close(); err != nil {
			t.Error(err)
		}
	})
	if e.ring, err = store.OpenKeyring(t.Context(), e.file, e.keys, e.now); err != nil {
		t.Fatal(err)
	}
	e.maker = &backup.Maker{Copy: e.file.CopyTo, Keys: func() store.RootKeys { return e.keys }, Dir: e.dir, Program: "v1.2.3",
		Now: func() time.Time { return e.now }, Room: func(string, int64) error { return nil }}
	return e
}

// make returns a backup as one that sends it does, and its manifest.
func (e *env) make() ([]byte, backup.Manifest) {
	e.t.Helper()
	s, err := e.maker.TrySpool(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := errors.Join(s.Write(e.t.Context(), &out), s.Close()); err != nil {
		e.t.Fatal(err)
	}
	return out.Bytes(), s.Manifest
}

// extract returns the store file in a backup.
func (e *env) extract(raw []byte, identities backup.Identities) ([]byte, error) {
	e.t.Helper()
	b, err := backup.Open(bytes.NewReader(raw), e.keys, identities)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(e.t.TempDir(), "extracted.db")
	if err := b.Extract(e.t.Context(), path); err != nil {
		if _, missing := os.Stat(path); !errors.Is(missing, os.ErrNotExist) {
			e.t.Errorf("after %q there is a file: %v", err, missing)
		}
		return nil, err
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm() != 0o600 {
		e.t.Errorf("the store file has mode %v, want 0600", info.Mode())
	}
	text, err := os.ReadFile(path)
	return text, errors.Join(err, os.Remove(path))
}

// records returns all records of a store.
func records(ctx context.Context, s store.Store) (map[string]string, error) {
	all := map[string]string{}
	return all, s.View(ctx, func(snap store.Snapshot) error {
		return snap.Scan("", "", 0, func(key string, value []byte) error {
			all[key] = string(value)
			return nil
		})
	})
}

// spools returns the spools in the data directory.
func (e *env) spools() ([]string, error) {
	return filepath.Glob(filepath.Join(e.dir, "barillet.spool-*"))
}

// read calls fn with a snapshot of a store file.
func (e *env) read(path string, fn func(store.Snapshot) error) error {
	return bolt.ReadOnly(e.t.Context(), path, func(s store.Store) error { return s.View(e.t.Context(), fn) })
}
