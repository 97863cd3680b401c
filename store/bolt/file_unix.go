//go:build unix

package bolt

import (
	"io/fs"
	"os"
	"syscall"
)

// flock takes the lock that bbolt uses, or returns EWOULDBLOCK.
func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// chownLike gives a file the owner of another one.
func chownLike(path string, of fs.FileInfo) error {
	owner := of.Sys().(*syscall.Stat_t)
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}
