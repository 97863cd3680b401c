package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
)

// syncEvery is how much of a copy is written between two syncs. Without them the system writes all of the copy at once, and each commit
// waits for that.
const syncEvery = 8 << 20

// CopyTo writes the store, as it is at one moment, to a new file with mode 0600, while Updates go on. The snapshot ends with the copy:
// until then bbolt cannot reuse what Updates free, so the store file grows by about what they write. needs, if it is not nil, is called
// with the bytes that are still to be written, before the first and after each 8 MiB; its error ends the copy. After an error there is no
// file.
func (s *Store) CopyTo(ctx context.Context, path string, needs func(bytes int64) error) (err error) {
	if err := s.usable(ctx); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("copying %s: %w", s.path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("copying %s: %w", s.path, err), os.Remove(path))
		}
	}()
	tx, err := s.begin(false)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	defer tx.Rollback()
	w := &pacedWriter{ctx: ctx, f: f, left: tx.Size(), needs: needs}
	if err = w.check(); err == nil {
		err = s.guard("copying the store", func() error {
			buffered := bufio.NewWriterSize(w, 256<<10)
			_, err := tx.WriteTo(buffered)
			return errors.Join(err, buffered.Flush())
		})
	}
	if ended := tx.Rollback(); err == nil {
		err = ended
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// pacedWriter writes to a file and syncs it as it goes.
type pacedWriter struct {
	ctx      context.Context
	f        *os.File
	left     int64
	unsynced int
	needs    func(int64) error
}

func (w *pacedWriter) check() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.needs == nil {
		return nil
	}
	return w.needs(max(w.left, 0))
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	w.left -= int64(n)
	if w.unsynced += n; err == nil && w.unsynced >= syncEvery {
		w.unsynced = 0
		if err = w.f.Sync(); err == nil {
			err = w.check()
		}
	}
	return n, err
}
