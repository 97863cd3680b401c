package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"barillet/store"
)

// Backup is a backup that is being read. Its manifest is authentic; its content is not known before Verify or Extract has read all.
type Backup struct {
	Manifest Manifest
	body     *bufio.Reader // the compressed store file
}

// Open reads and authenticates the manifest. Identities are needed for an encrypted backup only. The error can wrap ErrNotBackup,
// ErrDamaged, ErrNoIdentity, store.ErrWrongKey or store.ErrNewer.
func Open(r io.Reader, keys store.RootKeys, identities Identities) (*Backup, error) {
	plain, err := identities.decrypt(bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	body := bufio.NewReaderSize(plain, 64<<10)
	m, err := readManifest(body, keys)
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	return &Backup{m, body}, nil
}

// Verify reads the backup to its end and compares the store file in it with the manifest.
func (b *Backup) Verify(ctx context.Context) error { return b.copy(ctx, io.Discard) }

// Extract verifies the backup and writes its store file to a new file with mode 0600, which is durable then. After an error there is no
// file.
func (b *Backup) Extract(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("extracting the backup: %w", err)
	}
	if err = b.copy(ctx, f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = store.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// copy writes the store file. It writes at most as many bytes as the manifest says.
func (b *Backup) copy(ctx context.Context, w io.Writer) error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("reading the backup: %w: %w", ErrDamaged, fmt.Errorf(format, args...))
	}
	unpacked, err := gzip.NewReader(b.body)
	if err != nil {
		return fault("unpacking: %w", err)
	}
	unpacked.Multistream(false)
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), &stoppable{ctx, io.LimitReader(unpacked, b.Manifest.Size+1)})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case isFileSystem(err):
		return fmt.Errorf("extracting the backup: %w", err)
	case err != nil:
		return fault("unpacking: %w", err)
	case n != b.Manifest.Size:
		return fault("the store file has not %d bytes", b.Manifest.Size)
	case hex.EncodeToString(sum.Sum(nil)) != b.Manifest.SHA256:
		return fault("the store file is another than that of the manifest")
	}
	switch _, err := b.body.ReadByte(); {
	case err == nil:
		return fault("something follows its end")
	case !errors.Is(err, io.EOF):
		return fault("reading its end: %w", err)
	}
	return nil
}

// isFileSystem reports whether an error is about a file that is read or written, and not about its content.
func isFileSystem(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// stoppable is a reader that ends with its context.
type stoppable struct {
	ctx context.Context
	io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}
