//go:build !linux

package diskspace

import (
	"errors"
	"os"
)

// allocate fails: there is no fallocate.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }
