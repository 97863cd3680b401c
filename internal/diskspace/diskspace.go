// Package diskspace watches the free space of the data directory. It keeps a reserve: a file that is removed when space is
// missing, so that sign-ins and resets go on for a while. It does not warn the operator, and does not decide which
// changes wait for space.
package diskspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"barillet/store"
)

// ReserveName is the name of the reserve in the data directory.
const ReserveName = "barillet.reserve"

// maxUnit is the maximum size of the reserve in bytes. Other limits are multiples of the size. On a small disk it is a
// sixteenth of the disk.
const maxUnit = 32 << 20

// State is what Check found. Sizes are in bytes.
type State struct {
	Low      bool   // space is low: changes that can wait are refused
	Free     uint64 // free space, without the reserve
	Reserved uint64 // size of the reserve; 0: it does not exist
}

// Watch is the watch over one data directory. It is safe for concurrent use.
type Watch struct {
	dir string

	mu       sync.Mutex
	state    State
	unit     uint64
	released uint64 // how often the reserve was removed
}

// New returns a watch over a directory that exists. It frees the reserve if the disk is nearly full.
func New(dir string) (*Watch, error) {
	w := &Watch{dir: dir}
	if _, err := w.measure(); err != nil {
		return nil, err
	}
	return w, nil
}

// Measure returns the state of a directory, and changes nothing.
func Measure(dir string) (State, error) {
	w := &Watch{dir: dir}
	err := w.read()
	w.state.Low = w.state.Free+w.state.Reserved < 3*w.unit
	return w.state, err
}

// State returns what the last Check found.
func (w *Watch) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// HasRoom reports whether there was room for changes that can wait.
func (w *Watch) HasRoom() bool { return !w.State().Low }

// Check measures the free space. It removes the reserve if the disk is nearly full, and makes it if there is room for it with a
// margin. Space is low below three units, of which the reserve is one, and until there are four.
func (w *Watch) Check() (State, error) {
	s, err := w.measure()
	if err != nil || s.Low || s.Reserved > 0 {
		return s, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state.Free < 4*w.unit {
		return w.state, nil
	}
	if err := w.reserve(); err != nil {
		return w.state, fmt.Errorf("reserving disk space: %w", err)
	}
	w.state.Free -= min(w.unit, w.state.Free)
	w.state.Reserved = w.unit
	return w.state, nil
}

// measure is Check without making the reserve.
func (w *Watch) measure() (State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.read(); err != nil {
		return w.state, err
	}
	total := w.state.Free + w.state.Reserved
	w.state.Low = total < 3*w.unit || w.state.Low && total < 4*w.unit
	if w.state.Free < w.unit/2 && w.state.Reserved > 0 {
		return w.state, w.remove()
	}
	return w.state, nil
}

// read reads the sizes. w.mu is locked.
func (w *Watch) read() error {
	free, size, err := store.FreeSpace(w.dir)
	if err != nil {
		return err
	}
	w.unit = min(maxUnit, size/16)
	w.state.Free, w.state.Reserved = free, 0
	info, err := os.Lstat(w.path())
	if err == nil {
		w.state.Reserved = uint64(info.Size())
	}
	return nil
}

func (w *Watch) path() string { return filepath.Join(w.dir, ReserveName) }

// reserve creates the file and allocates its blocks. A file system without fallocate has no reserve. w.mu is locked.
func (w *Watch) reserve() error {
	f, err := os.OpenFile(w.path(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = allocate(f, int64(w.unit))
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(w.path()))
	}
	return nil
}

// remove removes the reserve. w.mu is locked.
func (w *Watch) remove() error {
	if err := os.Remove(w.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("freeing the reserve: %w", err)
	}
	w.released++
	w.state.Low = true
	w.state.Free += w.state.Reserved
	w.state.Reserved = 0
	return nil
}

// Guard returns s with an Update that removes the reserve when a change fails for want of space, and then repeats the
// change once.
func (w *Watch) Guard(s store.Store) store.Store { return &guarded{s, w} }

type guarded struct {
	store.Store
	watch *Watch
}

// Update implements store.Store.
func (g *guarded) Update(ctx context.Context, fn func(store.Tx) error) error {
	before := g.watch.releases()
	err := g.Store.Update(ctx, fn)
	if errors.Is(err, store.ErrUnavailable) && g.watch.release(before) {
		return g.Store.Update(ctx, fn)
	}
	return err
}

func (w *Watch) releases() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.released
}

// release reports whether there is space that a change did not have when there were so many releases: it removes the reserve if
// the disk has less than one unit.
func (w *Watch) release(before uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.released != before {
		return true
	}
	if err := w.read(); err != nil || w.state.Free >= w.unit {
		return false
	}
	w.state.Low = true
	return w.state.Reserved > 0 && w.remove() == nil
}
