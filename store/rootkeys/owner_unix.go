//go:build unix

package rootkeys

import (
	"os"
	"syscall"
)

// sameOwner gives the new file the owner of the old one, if another user than that of the service runs the command.
func sameOwner(path, of string) error {
	info, err := os.Stat(of)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
