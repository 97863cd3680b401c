package breach

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	hashDigits = 40        // hexadecimal digits of a SHA-1 hash
	maxLine    = 256       // bytes
	bufferSize = 256 << 10 // bytes, of the list
)

// lineError names the line of the list that cannot be used.
type lineError struct {
	line  uint64
	fault string
}

func (e lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.fault) }

// listReader reads a list: one SHA-1 hash in hexadecimal on each line, and in most lists a colon and how often the password was seen.
type listReader struct {
	lines    *bufio.Reader
	minCount uint64
	line     uint64
}

// newListReader returns the reader of a list that may be compressed with gzip.
func newListReader(list io.Reader, minCount uint64) (*listReader, error) {
	lines := bufio.NewReaderSize(list, bufferSize)
	if start, _ := lines.Peek(2); bytes.Equal(start, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(lines)
		if err != nil {
			return nil, fmt.Errorf("unpacking the list: %w", err)
		}
		lines = bufio.NewReaderSize(unpacked, bufferSize)
	}
	if start, _ := lines.Peek(3); bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		lines.Discard(3) // a byte order mark, which is buffered
	}
	return &listReader{lines: lines, minCount: minCount}, nil
}

// next returns the first keyBits bits of the next hash that was seen often enough. The error is io.EOF after the last one.
func (r *listReader) next() (uint64, error) {
	for {
		line, err := r.lines.ReadSlice('\n')
		if len(line) == 0 && errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		r.line++
		if errors.Is(err, bufio.ErrBufferFull) || err == nil && len(line) > maxLine {
			return 0, lineError{r.line, "too long"}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("reading the list after line %d: %w", r.line-1, err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		key, count, err := parseLine(line, r.minCount)
		if err != nil {
			return 0, lineError{r.line, err.Error()}
		}
		if count >= r.minCount {
			return key, nil
		}
	}
}

// parseLine returns the start of a hash, and how often it was seen.
func parseLine(line []byte, minCount uint64) (key, count uint64, err error) {
	digits, number, counted := bytes.Cut(line, []byte{':'})
	var hash [hashDigits / 2]byte
	if len(digits) != hashDigits {
		return 0, 0, fmt.Errorf("%d characters before the count, want the %d hexadecimal digits of a SHA-1 hash", len(digits), hashDigits)
	}
	if _, err := hex.Decode(hash[:], digits); err != nil {
		return 0, 0, errors.New("not a SHA-1 hash in hexadecimal digits")
	}
	switch {
	case counted:
		if count, err = strconv.ParseUint(string(number), 10, 64); err != nil {
			return 0, 0, errors.New("the count after the colon is not a number")
		}
	case minCount > 1:
		return 0, 0, errors.New("no count after the hash, so that a minimum count cannot be applied")
	default:
		count = 1
	}
	return keyOf(hash), max(count, 1), nil
}

// keyOf returns the first keyBits bits of a hash.
func keyOf(hash [hashDigits / 2]byte) uint64 {
	return binary.BigEndian.Uint64(hash[:8]) >> (64 - keyBits)
}
