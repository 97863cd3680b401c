package bolt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"barillet/store"
)

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
	w := &store.PacedWriter{Context: ctx, File: f, Left: tx.Size(), Needs: needs}
	if err = w.Check(); err == nil {
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
