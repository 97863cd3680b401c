package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"barillet/store"
)

// Group commit: the writer opens one bbolt transaction and hands it to every waiting change in turn. Each
// runs against what the ones before it wrote and keeps its own writes aside until it has succeeded, so one
// that fails has touched nothing and nobody else need run again. Then all are committed with one sync, and
// only then told.
const (
	groupMost  = 256     // changes in one commit
	groupBytes = 4 << 20 // bytes written, after which no further change joins
)

// change is one Update on its way: it gets its turn, says how it ran, and learns whether it is stored.
type change struct {
	turn   chan *bbolt.Bucket
	ran    chan outcome
	stored chan error
}

// outcome is what a closure leaves: its writes, or nothing.
type outcome struct {
	ok     bool
	writes map[string][]byte // nil: delete
	bytes  int
}

// enqueue waits until the writer takes the change.
func (s *Store) enqueue(ctx context.Context, c *change) error {
	select {
	case s.queue <- c:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to update: %w", ctx.Err())
	case <-s.closing:
		return store.ErrClosed
	}
}

// run runs fn in its turn and always gives the turn back, also when fn panics or ends the goroutine.
func (s *Store) run(ctx context.Context, c *change, bucket *bbolt.Bucket, fn func(store.Tx) error) error {
	tx := &transaction{s: s, bucket: bucket}
	var left outcome
	defer func() {
		tx.over = true
		c.ran <- left
	}()
	if bucket == nil {
		return <-c.stored // the writer could not begin and has said why
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.budget.Err(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	left = outcome{ok: true, writes: tx.writes, bytes: tx.budget.Bytes()}
	return nil
}

func (s *Store) write() {
	defer close(s.ended)
	for {
		select {
		case <-s.closing:
			return
		case first := <-s.queue:
			s.group(first)
		}
	}
}

// group runs and commits the first change and whatever is waiting meanwhile.
func (s *Store) group(first *change) {
	if s.stopped != nil {
		s.refuse(first, s.stopped)
		return
	}
	if damage := s.damage.Load(); damage != nil {
		s.refuse(first, *damage) // a commit that panicked still holds bbolt's lock: beginning would hang
		return
	}
	tx, bucket, err := s.begin(true)
	if err != nil {
		s.refuse(first, err)
		return
	}
	var done []*change
	written := 0
	for c := first; c != nil; c = s.next(len(done), written) {
		c.turn <- bucket
		left := <-c.ran
		if !left.ok {
			continue
		}
		done = append(done, c)
		written += left.bytes
		if err = s.apply(bucket, left.writes); err != nil {
			break
		}
	}
	if err == nil && written > 0 {
		err = s.commit(tx)
	} else {
		err = errors.Join(err, s.guard("ending a change", tx.Rollback))
	}
	for _, c := range done {
		c.stored <- err
	}
}

func (s *Store) next(done, written int) *change {
	if done >= groupMost || written >= groupBytes {
		return nil
	}
	select {
	case c := <-s.queue:
		return c
	default:
		return nil
	}
}

func (s *Store) refuse(c *change, err error) {
	c.stored <- err
	c.turn <- nil
	<-c.ran
}

func (s *Store) apply(bucket *bbolt.Bucket, writes map[string][]byte) error {
	return s.guard("changing a page", func() error {
		for key, value := range writes {
			var err error
			if value == nil {
				err = bucket.Delete([]byte(key))
			} else {
				err = bucket.Put([]byte(key), value)
			}
			if err != nil {
				return fmt.Errorf("changing a record: %w: %w", store.ErrUnavailable, err)
			}
		}
		return nil
	})
}

// commit makes the group durable. A disk that was full before anything was synced may be written again
// later; after any other failure nobody knows what the disk holds (a failed fsync drops dirty pages and
// forgets the error), so no further change is taken.
func (s *Store) commit(tx *bbolt.Tx) error {
	err := s.guard("committing", tx.Commit)
	if err == nil || errors.Is(err, ErrDamaged) {
		return err
	}
	rolled := s.guard("undoing a failed commit", func() error {
		if err := tx.Rollback(); !errors.Is(err, bolterrors.ErrTxClosed) {
			return err
		}
		return nil
	})
	if rolled == nil && beforeSync(err) {
		return fmt.Errorf("writing %s: %w: %w", s.path, store.ErrUnavailable, err)
	}
	s.stopped = fmt.Errorf("writing %s: %w: %w: %w", s.path, store.ErrUnavailable, ErrStopped, err)
	return s.stopped
}

// beforeSync tells whether a commit failed in a plain write for want of room or permission. bbolt writes the
// meta page last, so nothing of such a commit is visible. Its syncs answer a bare errno, and growing the file
// a text: only the latter's truncation is as harmless.
func beforeSync(err error) bool {
	var failed *fs.PathError
	if errors.As(err, &failed) && strings.HasPrefix(failed.Op, "write") {
		for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS} {
			if errors.Is(failed, cause) {
				return true
			}
		}
	}
	return strings.HasPrefix(err.Error(), "file resize error: ")
}
