package breach

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"barillet/store"
)

// Import makes the filter of a directory from a list of SHA-1 hashes, sorted or not, and replaces the one before in one step. It
// uses at most 150 MiB of memory, and temporarily 5 bytes of disk for each line. If it fails, the filter before stays.
func Import(ctx context.Context, dir string, list io.Reader, minCount uint64, now time.Time) (Info, error) {
	return importRuns(ctx, dir, list, Info{MinCount: max(minCount, 1), Imported: now}, runLength)
}

func importRuns(ctx context.Context, dir string, list io.Reader, info Info, length int) (Info, error) {
	lines, err := newListReader(list, info.MinCount)
	if err != nil {
		return Info{}, err
	}
	keys, err := writeRuns(ctx, dir, lines, length)
	if err != nil {
		return Info{}, err
	}
	defer keys.close()
	switch {
	case lines.line == 0:
		return Info{}, errors.New("reading the list: it is empty")
	case keys.total == 0:
		return Info{}, fmt.Errorf("reading the list: no password was seen %d times", info.MinCount)
	case keys.total > maxEntries:
		return Info{}, fmt.Errorf("reading the list: %d entries, at most %d", keys.total, uint64(maxEntries))
	}
	file, err := os.CreateTemp(dir, Name+".new-*")
	if err != nil {
		return Info{}, fmt.Errorf("creating the filter: %w", err)
	}
	defer os.Remove(file.Name()) // of a failure; else there is none
	info.prefix = prefixFor(keys.total)
	err = errors.Join(writeFilter(ctx, file, keys, info), file.Chmod(0o644), file.Sync(), file.Close()) // the list is public
	if err == nil {
		info, err = Verify(file.Name())
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, Name))
	}
	if err == nil {
		err = store.SyncDir(dir)
	}
	if err != nil {
		return Info{}, fmt.Errorf("writing the filter: %w", err)
	}
	return info, nil
}

// writeFilter writes the entries, then the index before them, and then the header.
func writeFilter(ctx context.Context, file *os.File, keys *runs, info Info) error {
	index := make([]byte, 0, info.indexBytes())
	if _, err := file.Seek(headerSize+info.indexBytes(), io.SeekStart); err != nil {
		return err
	}
	w := bufio.NewWriterSize(file, bufferSize)
	last := ^uint64(0)
	err := keys.merge(func(key uint64) error {
		if key >>= keyBits - entryBits - info.prefix; key == last {
			return nil
		}
		last = key
		for uint64(len(index)/indexSize) <= key>>entryBits {
			index = appendPosition(index, info.Entries)
		}
		if info.Entries++; info.Entries%runLength == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := w.Write(binary.BigEndian.AppendUint16(nil, uint16(key)))
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return err
	}
	for int64(len(index)) < info.indexBytes() {
		index = appendPosition(index, info.Entries)
	}
	if _, err := file.WriteAt(index, headerSize); err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, headerSize, info.size()-headerSize)); err != nil {
		return err
	}
	sum.Sum(info.body[:0])
	_, err = file.WriteAt(info.header(), 0)
	return err
}

// appendPosition appends a position of the index.
func appendPosition(index []byte, entries uint64) []byte {
	return append(index, binary.BigEndian.AppendUint64(nil, entries)[8-indexSize:]...)
}
