//go:build !unix

package bolt

import (
	"errors"
	"io/fs"
	"os"
)

// flock fails: a store file needs Unix.
func flock(*os.File) error { return errors.ErrUnsupported }

func chownLike(string, fs.FileInfo) error { return errors.ErrUnsupported }
