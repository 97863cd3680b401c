package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"barillet/internal/audit/tree"
	"barillet/store"
	"barillet/store/bolt"
)

// spoolPrefix begins the name of each spool in the data directory.
const spoolPrefix = "barillet.spool-"

// ErrBusy is the error of TrySpool while another spool is being made or sent.
var ErrBusy = errors.New("another backup is being made")

// ErrNoRoom is wrapped by the error for a backup that would leave too little free space.
var ErrNoRoom = errors.New("too little free space")

// Maker makes backups of an open store. It makes one at a time, and another one can be sent meanwhile.
type Maker struct {
	// Copy copies the store at one moment to a new file. It calls needs as bolt.Store.CopyTo does.
	Copy       func(ctx context.Context, path string, needs func(bytes int64) error) error
	Keys       func() store.RootKeys
	Dir        string // the data directory, where the spools are
	Program    string // the version of the program
	Recipients Recipients
	Now        func() time.Time
	// Room returns an error if so many bytes more in a directory leave too little for the service.
	Room func(dir string, bytes int64) error

	making  sync.Mutex
	sending sync.Mutex // held by the Spool of TrySpool
}

// RemoveSpools deletes the spools that a killed process left. No other process uses the data directory.
func (m *Maker) RemoveSpools() error {
	entries, err := os.ReadDir(m.Dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), spoolPrefix) {
			err = errors.Join(err, os.Remove(filepath.Join(m.Dir, e.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("deleting an unfinished backup: %w", err)
	}
	return nil
}

// Spool is a checked copy of the store in a file of its own. No transaction is open, so its reader may be slow.
type Spool struct {
	Manifest   Manifest
	path       string
	key        store.MasterKey
	recipients Recipients
	release    func()
}

// TrySpool makes a spool to be sent. It returns ErrBusy while one is being made, or until the last one is closed.
func (m *Maker) TrySpool(ctx context.Context) (*Spool, error) {
	if !m.sending.TryLock() {
		return nil, ErrBusy
	}
	if !m.making.TryLock() {
		m.sending.Unlock()
		return nil, ErrBusy
	}
	defer m.making.Unlock()
	s, err := m.spool(ctx, "send")
	if err != nil {
		m.sending.Unlock()
		return nil, err
	}
	s.release = m.sending.Unlock
	return s, nil
}

// Spool makes a spool for a file. It waits while another one is being made.
func (m *Maker) Spool(ctx context.Context) (*Spool, error) {
	m.making.Lock()
	defer m.making.Unlock()
	return m.spool(ctx, "file")
}

// spool copies the store, and opens every record of the copy with the root keys alone, before anybody gets it. m.making is locked.
func (m *Maker) spool(ctx context.Context, name string) (_ *Spool, err error) {
	s := &Spool{path: filepath.Join(m.Dir, spoolPrefix+name), recipients: m.Recipients, release: func() {}}
	if err := remove(s.path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("making a backup: %w", err), remove(s.path))
		}
	}()
	at := m.Now()
	if err := m.Copy(ctx, s.path, func(bytes int64) error { return m.room(m.Dir, bytes) }); err != nil {
		return nil, err
	}
	keys := m.Keys()
	if s.Manifest, err = Check(ctx, s.path, keys); err != nil {
		return nil, err
	}
	s.Manifest.Format, s.Manifest.Program, s.Manifest.At, s.key = format, m.Program, at.UTC(), keys.MasterOf(s.Manifest.Master)
	if s.Manifest.SHA256, s.Manifest.Size, err = sumFile(ctx, s.path); err != nil {
		return nil, err
	}
	return s, nil
}

// room returns an error that wraps ErrNoRoom if a directory has no room.
func (m *Maker) room(dir string, bytes int64) error {
	if err := m.Room(dir, bytes); err != nil {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return nil
}

// Check checks every page of a store file that nothing has open, opens every record with the root keys, and reads the audit tree. It
// returns what it found: a manifest without program, time, size and hash.
func Check(ctx context.Context, path string, keys store.RootKeys) (m Manifest, err error) {
	err = bolt.ReadOnly(ctx, path, func(s store.Store) error {
		ring, err := store.OpenKeyring(ctx, s, keys, time.Time{})
		if err != nil {
			return err
		}
		audit, err := tree.New(tree.Config{Store: s, Keyring: ring, Pepper: keys.Pepper})
		if err != nil {
			return err
		}
		return s.View(ctx, func(snap store.Snapshot) error {
			id, err := store.IdentityOf(snap)
			if err != nil {
				return err
			}
			m.StoreFormat, m.Created, m.Master, m.Pepper = id.Format, id.Created, id.Master, id.Pepper
			if m.Records, err = ring.CheckRecords(ctx, snap); err != nil {
				return err
			}
			root, err := audit.Root(snap)
			if err == nil && root.Size > 0 {
				m.AuditSize, m.AuditRoot = root.Size, root.Root.String()
			}
			return err
		})
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("checking %s: %w", path, err)
	}
	return m, nil
}

// Write writes the backup. An error means that the reader has no complete one.
func (s *Spool) Write(ctx context.Context, w io.Writer) error {
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("reading the spooled backup: %w", err)
	}
	defer f.Close()
	encrypted, end, err := s.recipients.encrypt(w)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(encrypted, 64<<10)
	if err := s.Manifest.write(buffered, s.key); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	packed, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(packed, sum), &stoppable{ctx, f}); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != s.Manifest.SHA256 {
		return fmt.Errorf("writing the backup: %s changed after it was checked", s.path)
	}
	for _, last := range []func() error{packed.Close, buffered.Flush, end} {
		if err := last(); err != nil {
			return fmt.Errorf("writing the backup: %w", err)
		}
	}
	return nil
}

// Encrypted reports whether Write encrypts the backup.
func (s *Spool) Encrypted() bool { return s.recipients.Len() > 0 }

// Close deletes the spool.
func (s *Spool) Close() error {
	defer s.release()
	return remove(s.path)
}

// remove deletes a file. A missing one is no error.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("deleting an unfinished backup: %w", err)
	}
	return nil
}

// sumFile returns the SHA-256 and the size of a file.
func sumFile(ctx context.Context, path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	hash := sha256.New()
	if size, err = io.Copy(hash, &stoppable{ctx, f}); err != nil {
		return "", 0, fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

// Last returns the time of the last complete backup of a store, and whether there is one.
func Last(ctx context.Context, s store.Store) (at time.Time, ok bool, err error) {
	err = s.View(ctx, func(snap store.Snapshot) error {
		known, err := store.ReadBackups(snap)
		at, ok = known.Last, !known.Last.IsZero()
		return err
	})
	return at, ok, err
}

// maxSize returns more bytes than Write writes: what cannot be compressed grows by less than a hundredth.
func (s *Spool) maxSize() int64 { return s.Manifest.Size + s.Manifest.Size/100 + 1<<20 }

// summed is a writer with the SHA-256 of what it writes.
type summed struct {
	io.Writer
	hash hash.Hash
}

func newSummed(w io.Writer) summed {
	hash := sha256.New()
	return summed{io.MultiWriter(w, hash), hash}
}

func (s summed) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }
