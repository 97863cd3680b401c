package bolt

import (
	"bytes"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
)

// counting is a file without end that counts the bytes that were read.
type counting struct {
	io.ReaderAt
	read   atomic.Int64
	closed atomic.Bool
	late   atomic.Bool
}

func (c *counting) ReadAt(p []byte, at int64) (int, error) {
	if c.closed.Load() {
		c.late.Store(true)
	}
	n, err := c.ReaderAt.ReadAt(p, at)
	c.read.Add(int64(n))
	return n, err
}

type endless struct{}

func (endless) ReadAt(p []byte, _ int64) (int, error) { return len(p), nil }

func TestReadAhead_ReadsTheWholeFileAndNothingAfterStop(t *testing.T) {
	const size = 5<<20 + 7
	file := &counting{ReaderAt: bytes.NewReader(make([]byte, size))}
	stop := readAhead(file)
	for file.read.Load() < size {
		runtime.Gosched()
	}
	stop()
	if got := file.read.Load(); got != size {
		t.Errorf("it read %d bytes, want %d", got, size)
	}
	file = &counting{ReaderAt: endless{}}
	readAhead(file)()
	file.closed.Store(true)
	if file.late.Load() {
		t.Error("it read after the stop")
	}
}
