// Package setuplink keeps the setup link in a file of the data directory until it is used or expired (protocol rule 20). It does
// not decide whether there is one: authn/directory does.
package setuplink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"barillet/authn/directory"
	"barillet/store"
)

// Name is the name of the file in the data directory.
const Name = "setup-link"

// File is the file of the setup link.
type File struct {
	Path      string
	directory *directory.Service
	left      time.Duration // until the link expires
	changed   chan struct{}
}

// New makes a setup link and writes its file in the data directory dir. Without a link it removes the file of an earlier start.
func New(ctx context.Context, d *directory.Service, dir string, now func() time.Time) (*File, directory.SetupLink, error) {
	f := &File{Path: filepath.Join(dir, Name), directory: d, changed: make(chan struct{}, 1)}
	link, err := d.NewSetupLink(ctx)
	if err != nil || link.URL.IsZero() {
		return f, link, errors.Join(err, f.remove())
	}
	f.left = link.Expires.Sub(now())
	d.WatchSetup(func() {
		select {
		case f.changed <- struct{}{}:
		default:
		}
	})
	if err := f.write(link.URL.Reveal() + "\n"); err != nil {
		return f, directory.SetupLink{}, err
	}
	return f, link, nil
}

// Run removes the file when the link is used or expired, and when ctx ends. A nil File has no link.
func (f *File) Run(ctx context.Context) error {
	if f == nil {
		return nil
	}
	expired := time.NewTimer(f.left)
	defer expired.Stop()
	for f.left > 0 {
		select {
		case <-ctx.Done():
			return f.remove()
		case <-expired.C:
		case <-f.changed:
		}
		has, err := f.directory.HasSetupLink(ctx)
		if err != nil && ctx.Err() == nil {
			return errors.Join(err, f.remove())
		}
		if !has {
			return f.remove()
		}
		expired.Reset(time.Minute) // the clock was set back
	}
	return nil
}

// write replaces the file. It creates another one and renames it, so it follows no symbolic link, and no reader sees a part.
func (f *File) write(text string) error {
	temporary := f.Path + ".new"
	err := os.Remove(temporary) // of a start that was killed
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the setup link: %w", err)
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the setup link: %w", err)
	}
	_, err = io.WriteString(file, text)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(temporary, f.Path)
	}
	if err != nil {
		os.Remove(temporary)
		return fmt.Errorf("writing the setup link: %w", err)
	}
	return store.SyncDir(filepath.Dir(f.Path))
}

// remove removes the file. A missing one is no error.
func (f *File) remove() error {
	var err error
	for _, path := range []string{f.Path, f.Path + ".new"} {
		if gone := os.Remove(path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("removing the setup link: %w", gone))
		}
	}
	return err
}
