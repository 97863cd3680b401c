package store

import (
	"context"
	"os"
)

// syncEvery is how much is written between two syncs. Without them the system writes a large file at once, and each commit of the store
// waits for that.
const syncEvery = 8 << 20

// PacedWriter writes a large file beside the store.
type PacedWriter struct {
	Context context.Context
	File    *os.File
	Left    int64                   // bytes that are expected
	Needs   func(bytes int64) error // is called with the bytes still expected, after each 8 MiB; its error ends the writes; may be nil

	unsynced int
}

// Check calls Needs, also before the first write.
func (w *PacedWriter) Check() error {
	if err := w.Context.Err(); err != nil || w.Needs == nil {
		return err
	}
	return w.Needs(max(w.Left, 0))
}

func (w *PacedWriter) Write(p []byte) (int, error) {
	n, err := w.File.Write(p)
	w.Left -= int64(n)
	if w.unsynced += n; err == nil && w.unsynced >= syncEvery {
		w.unsynced = 0
		if err = w.File.Sync(); err == nil {
			err = w.Check()
		}
	}
	return n, err
}
