package rootkeys

import (
	"errors"
	"os"
)

// SyncDir makes a file that was created, renamed or removed in the directory durable. Syncing the file itself does
// not store its name (fsync(2)).
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
