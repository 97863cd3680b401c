package diskspace

import (
	"fmt"

	"barillet/store"
)

// Fits returns an error if a directory has no room for so many bytes more: four units stay free, with which space is not low (see
// Watch.Check). The reserve may be among them.
func Fits(dir string, bytes int64) error {
	free, size, err := store.FreeSpace(dir)
	if err != nil {
		return err
	}
	needed := uint64(max(bytes, 0)) + 4*min(maxUnit, size/16)
	if free < needed {
		return fmt.Errorf("%s has %s free, and %s are needed", dir, store.Size(free), store.Size(needed))
	}
	return nil
}
