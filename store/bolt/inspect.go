package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"barillet/store"
)

const (
	lockWait  = time.Second
	lockRetry = 20 * time.Millisecond
)

// lock opens the file with mode 0600 and takes the lock that bbolt uses. No other process can change the file between
// its inspection and its mapping.
func lock(path string) (*os.File, error) {
	for waited := time.Duration(0); ; waited += lockRetry {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("opening store file: %w", err)
		}
		err = flock(f)
		if err == nil && named(f, path) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, fmt.Errorf("closing %s: %w", path, err)
		}
		if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if waited >= lockWait {
			return nil, fmt.Errorf("%s: %w", path, ErrInUse)
		}
		time.Sleep(lockRetry)
	}
}

// named reports whether the path still means the open file: a compaction gives the name to another one.
func named(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

// marker returns the path of a file that exists while the store is open. If it exists before Open, the last stop was
// unclean. It is not a record, because it is read before the store is known to be undamaged.
func marker(path string) string { return path + ".open" }

func mark(path string) error {
	f, err := os.OpenFile(marker(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close(), store.SyncDir(filepath.Dir(path)))
	}
	if err != nil {
		return fmt.Errorf("marking %s as open: %w", path, err)
	}
	return nil
}

func unmark(path string) error {
	err := os.Remove(marker(path))
	if err == nil {
		err = store.SyncDir(filepath.Dir(path))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("marking %s as closed: %w", path, err)
	}
	return nil
}

// inspect reads both meta pages, and every page if there is no list of free pages. It reports whether the last stop was unclean,
// and whether there is no list: bbolt then checks every page to make it. inspect runs before the file is mapped, because a read
// beyond the end of a mapped file is a fault. After a clean stop both meta pages must be valid. After an unclean one the newer one
// may be incomplete, and the older one counts, as in bbolt.
func inspect(f *os.File, path string) (unclean, unlisted bool, err error) {
	if _, err := os.Stat(marker(path)); err == nil {
		unclean = true
	}
	info, err := f.Stat()
	if err != nil {
		return unclean, false, fmt.Errorf("inspecting %s: %w", path, err)
	}
	if info.Size() == 0 {
		return unclean, false, nil // a new file
	}
	newest, err := inspectMetas(f, info.Size(), unclean)
	if unlisted = newest.free == noFreeList; err == nil && unlisted {
		defer readAhead(f)()
		err = walkPages(f, newest)
	}
	if err != nil {
		return unclean, false, fmt.Errorf("%s: %w: %w; %s", path, ErrDamaged, err, advice)
	}
	return unclean, unlisted, nil
}

// meta has the fields of a bbolt meta page that inspect uses (bbolt v1.5 internal/common/meta.go). The page has a header
// of 16 bytes. The fields follow in native byte order, with an FNV-1a checksum of their first 56 bytes.
type meta struct {
	pageSize int64
	highest  int64 // pages in use, the minimum length of the file
	txid     uint64
	root     uint64 // page of the buckets
	free     uint64 // page of the list of free pages, or noFreeList
}

const (
	metaOffset  = 16
	metaSize    = 64
	metaMagic   = 0xED0CDAED
	metaVersion = 2
)

// inspectMetas returns the meta page that counts.
func inspectMetas(f io.ReaderAt, size int64, unclean bool) (meta, error) {
	first, err0 := readMeta(f, 0)
	pageSize := first.pageSize
	if err0 != nil {
		pageSize = int64(os.Getpagesize())
	}
	second, err1 := readMeta(f, pageSize)
	if err0 != nil && err1 != nil {
		return meta{}, fmt.Errorf("both meta pages are invalid: %w", err0)
	}
	if !unclean && (err0 != nil || err1 != nil) {
		return meta{}, fmt.Errorf("a meta page is invalid after a clean stop: %w", errors.Join(err0, err1))
	}
	newest := first
	if err0 != nil || err1 == nil && second.txid > first.txid {
		newest = second
	}
	if need := newest.highest * newest.pageSize; size < need {
		return meta{}, fmt.Errorf("file is cut: it has %d bytes, want at least %d", size, need)
	}
	return newest, nil
}

func readMeta(f io.ReaderAt, at int64) (meta, error) {
	var raw [metaSize]byte
	if _, err := f.ReadAt(raw[:], at+metaOffset); err != nil {
		return meta{}, fmt.Errorf("reading meta page at byte %d: %w", at, err)
	}
	order := binary.NativeEndian
	if order.Uint32(raw[0:]) != metaMagic {
		return meta{}, fmt.Errorf("no meta page of bbolt at byte %d", at)
	}
	if got := order.Uint32(raw[4:]); got != metaVersion {
		return meta{}, fmt.Errorf("meta page at byte %d has version %d, want %d", at, got, metaVersion)
	}
	sum := fnv.New64a()
	sum.Write(raw[:56])
	if sum.Sum64() != order.Uint64(raw[56:]) {
		return meta{}, fmt.Errorf("meta page at byte %d has a wrong checksum", at)
	}
	m := meta{pageSize: int64(order.Uint32(raw[8:])), root: order.Uint64(raw[16:]), free: order.Uint64(raw[32:]),
		highest: int64(order.Uint64(raw[40:])), txid: order.Uint64(raw[48:])}
	if m.pageSize < 512 || m.pageSize > 64<<10 || m.pageSize&(m.pageSize-1) != 0 || m.highest < 4 || m.highest > 1<<40 {
		return meta{}, fmt.Errorf("meta page at byte %d has invalid sizes", at)
	}
	return m, nil
}
