package bolt

import (
	"bytes"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// counting counts the bytes that were read from a file.
type counting struct {
	io.ReaderAt
	read atomic.Int64
}

func (c *counting) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	c.read.Add(int64(n))
	return n, err
}

func TestReadAhead_ReadsTheWholeFile(t *testing.T) {
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
}

// slow is a file without end whose reads last until it is closed.
type slow chan struct{}

func (s slow) ReadAt(p []byte, _ int64) (int, error) {
	<-s
	return len(p), nil
}

func TestReadAhead_ReadsNothingAfterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := make(slow)
		stop := readAhead(file)
		synctest.Wait() // a read is under way
		var stopped atomic.Bool
		go func() {
			stop()
			stopped.Store(true)
		}()
		synctest.Wait()
		if stopped.Load() {
			t.Error("stop returned before the last read")
		}
		close(file)
		synctest.Wait()
		if !stopped.Load() {
			t.Error("stop does not return")
		}
	})
}
