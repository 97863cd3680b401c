package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// CheckFile reads every page of a store file that no process has open, and writes nothing. unclean reports that the last stop was
// unclean. The error can wrap fs.ErrNotExist, ErrInUse or ErrDamaged.
func CheckFile(path string) (unclean bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("opening store file: %w", err)
	}
	defer f.Close() // releases the lock
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return false, fmt.Errorf("%s: %w", path, ErrInUse)
	case err != nil:
		return false, fmt.Errorf("locking %s: %w", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return false, fmt.Errorf("inspecting %s: %w", path, err)
	}
	if _, err := os.Stat(marker(path)); err == nil {
		unclean = true
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("inspecting %s: %w", path, err)
	}
	newest, err := inspectMetas(f, info.Size(), unclean)
	if err == nil {
		defer readAhead(f)()
		err = walkPages(f, newest)
	}
	if err != nil {
		return unclean, fmt.Errorf("%s: %w: %w; %s", path, ErrDamaged, err, advice)
	}
	return unclean, nil
}
