//go:build unix

package store

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FreeSpace returns the bytes of the file system of a directory: those that the service can use, and all.
func FreeSpace(dir string) (free, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("reading free space of %s: %w", dir, err)
	}
	block := uint64(s.Bsize)
	return s.Bavail * block, s.Blocks * block, nil
}
