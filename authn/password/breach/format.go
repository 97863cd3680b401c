package breach

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"time"
)

// Name is the name of the file in the data directory.
const Name = "breached.filter"

// A file has a header, the index and the entries. An entry is the first prefix+16 bits of a SHA-1 hash: the prefix is the number of
// its bucket, and the last 16 bits are stored, sorted within the bucket. The index has the position of the first entry of each
// bucket, and at its end the number of all entries.
const (
	magic       = "barillet breached passwords\n"
	version     = 1
	headerSize  = 120
	checkedSize = headerSize - sha256.Size // what the checksum of the header covers
	indexSize   = 5                        // bytes of a position
	entrySize   = 2
	entryBits   = 8 * entrySize
	keyBits     = 40 // what an import keeps of a hash, for at most 24 bits of prefix
	perBucket   = 64 // entries, at most on average, up to 2^30 entries in total
	maxEntries  = 1 << 32
)

// ErrForeign means that a file is no filter of a version that the program knows, or that it is damaged.
var ErrForeign = errors.New("not a filter of breached passwords, or damaged")

// Info describes a filter.
type Info struct {
	Entries  uint64    `json:"entries"`
	MinCount uint64    `json:"minCount"` // passwords of the list that were seen less often are not in the filter
	Imported time.Time `json:"imported"`
	Size     int64     `json:"size"` // bytes

	prefix uint // bits
	body   [sha256.Size]byte
}

// FalsePositives returns the probability that a password that is not on the list is found.
func (i Info) FalsePositives() float64 {
	return float64(i.Entries) / float64(uint64(1)<<(i.prefix+entryBits))
}

// prefixFor returns the bits of the prefix for a number of entries.
func prefixFor(entries uint64) uint {
	return uint(min(bits.Len64(entries/perBucket), keyBits-entryBits))
}

func (i Info) indexBytes() int64 { return indexSize * (1<<i.prefix + 1) }

func (i Info) size() int64 { return headerSize + i.indexBytes() + entrySize*int64(i.Entries) }

// header returns the header: magic, version, prefix, entries, minimum count, time, checksum of the rest of the file, and checksum
// of the header.
func (i Info) header() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.BigEndian.AppendUint16(b, version)
	b = binary.BigEndian.AppendUint16(b, uint16(i.prefix))
	b = binary.BigEndian.AppendUint64(b, i.Entries)
	b = binary.BigEndian.AppendUint64(b, i.MinCount)
	b = binary.BigEndian.AppendUint64(b, uint64(i.Imported.Unix()))
	b = append(b, i.body[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func parseHeader(b []byte) (i Info, err error) {
	sum := sha256.Sum256(b[:checkedSize])
	rest, is := bytes.CutPrefix(b, []byte(magic))
	switch {
	case !is:
		return i, ErrForeign
	case binary.BigEndian.Uint16(rest) != version:
		return i, fmt.Errorf("%w: version %d, want %d", ErrForeign, binary.BigEndian.Uint16(rest), version)
	case !bytes.Equal(sum[:], b[checkedSize:]):
		return i, fmt.Errorf("%w: checksum of the header", ErrForeign)
	}
	i.prefix = uint(binary.BigEndian.Uint16(rest[2:]))
	i.Entries = binary.BigEndian.Uint64(rest[4:])
	i.MinCount = binary.BigEndian.Uint64(rest[12:])
	i.Imported = time.Unix(int64(binary.BigEndian.Uint64(rest[20:])), 0).UTC()
	copy(i.body[:], rest[28:])
	if i.prefix > keyBits-entryBits || i.Entries > maxEntries {
		return i, fmt.Errorf("%w: %d bits for %d entries", ErrForeign, i.prefix, i.Entries)
	}
	i.Size = i.size()
	return i, nil
}

// open opens a filter. It reads the header and compares the size.
func open(path string) (*os.File, Info, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Info{}, nil, err
	}
	info, stat, err := readInfo(f)
	if err != nil {
		f.Close()
		return nil, Info{}, nil, err
	}
	return f, info, stat, nil
}

func readInfo(f *os.File) (Info, fs.FileInfo, error) {
	stat, err := f.Stat()
	if err != nil {
		return Info{}, nil, err
	}
	b := make([]byte, headerSize)
	if _, err := f.ReadAt(b, 0); errors.Is(err, io.EOF) {
		return Info{}, nil, ErrForeign
	} else if err != nil {
		return Info{}, nil, err
	}
	info, err := parseHeader(b)
	if err == nil && stat.Size() != info.Size {
		err = fmt.Errorf("%w: %d bytes, want %d", ErrForeign, stat.Size(), info.Size)
	}
	return info, stat, err
}

// Verify reads a whole filter and returns what it is, or why it is damaged.
func Verify(path string) (Info, error) {
	f, info, _, err := open(path)
	if err != nil {
		return Info{}, fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(f, headerSize, info.Size-headerSize)); err != nil {
		return Info{}, fmt.Errorf("reading %s: %w", path, err)
	}
	if [sha256.Size]byte(sum.Sum(nil)) != info.body {
		return Info{}, fmt.Errorf("reading %s: %w: checksum", path, ErrForeign)
	}
	return info, nil
}
