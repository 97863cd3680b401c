//go:build !unix

package store

import (
	"errors"
	"fmt"
)

// FreeSpace fails: a data directory needs Unix.
func FreeSpace(dir string) (free, size uint64, err error) {
	return 0, 0, fmt.Errorf("reading free space of %s: %w", dir, errors.ErrUnsupported)
}
