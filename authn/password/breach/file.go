package breach

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// File looks up passwords in the filter at a path. It opens the filter again when an import replaced it. It is safe for concurrent
// use.
type File struct {
	path string

	lock sync.Mutex
	file *os.File // nil: none, or a damaged one
	info Info
	stat fs.FileInfo // of the last file that was opened, also of a damaged one
	err  error       // of that file
}

// NewFile returns the filter at a path. There may be none.
func NewFile(path string) *File { return &File{path: path} }

// Info returns the filter that is used. Without a file the error wraps fs.ErrNotExist.
func (f *File) Info() (Info, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.info, f.refresh()
}

// Contains reports whether a password is on the list. It is false without a file. It reads the file twice, at most 128 KiB.
func (f *File) Contains(password string) (bool, error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	err := f.refresh()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	found := false
	if err == nil {
		found, err = f.lookUp(keyOf(sha1.Sum([]byte(password))))
	}
	if err != nil {
		return false, fmt.Errorf("looking up a password in %s: %w", f.path, err)
	}
	return found, nil
}

// Close closes the file.
func (f *File) Close() error {
	f.lock.Lock()
	defer f.lock.Unlock()
	return f.close()
}

func (f *File) close() error {
	file := f.file
	f.file, f.info, f.stat = nil, Info{}, nil
	if file == nil {
		return nil
	}
	return file.Close()
}

// refresh opens the file if it is another one than before.
func (f *File) refresh() error {
	stat, err := os.Stat(f.path)
	if err != nil {
		f.close()
		return err
	}
	if f.stat != nil && os.SameFile(stat, f.stat) && stat.ModTime().Equal(f.stat.ModTime()) && stat.Size() == f.stat.Size() {
		return f.err
	}
	f.close()
	f.file, f.info, _, f.err = open(f.path)
	f.stat = stat
	return f.err
}

// lookUp reads the positions of a bucket, and then its entries.
func (f *File) lookUp(key uint64) (bool, error) {
	key >>= keyBits - entryBits - f.info.prefix
	positions := make([]byte, 2*indexSize)
	if _, err := f.file.ReadAt(positions, headerSize+indexSize*int64(key>>entryBits)); err != nil {
		return false, err
	}
	first, end := position(positions), position(positions[indexSize:])
	if first > end || end > f.info.Entries || end-first > 1<<entryBits {
		return false, fmt.Errorf("%w: bucket %d", ErrForeign, key>>entryBits)
	}
	entries := make([]byte, entrySize*(end-first))
	if _, err := f.file.ReadAt(entries, headerSize+f.info.indexBytes()+entrySize*int64(first)); err != nil {
		return false, err
	}
	for ; len(entries) > 0; entries = entries[entrySize:] {
		if binary.BigEndian.Uint16(entries) == uint16(key) {
			return true, nil
		}
	}
	return false, nil
}

// position returns the first position of an index.
func position(index []byte) uint64 {
	return uint64(binary.BigEndian.Uint32(index))<<8 | uint64(index[indexSize-1])
}
