package bolt

import (
	"io"
	"sync"
	"sync/atomic"
)

// readAhead reads a file from its start to its end while something else reads every page in the order of the keys, which is any order
// in the file: a disk reads large parts several times as fast. stop ends it and waits.
func readAhead(f io.ReaderAt) (stop func()) {
	var stopped atomic.Bool
	var ended sync.WaitGroup
	ended.Go(func() {
		part := make([]byte, 1<<20)
		for at := int64(0); !stopped.Load(); at += int64(len(part)) {
			if _, err := f.ReadAt(part, at); err != nil {
				return // also at the end; the reader of the pages returns the error
			}
		}
	})
	return func() {
		stopped.Store(true)
		ended.Wait()
	}
}
