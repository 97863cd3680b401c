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

// The limits of a group commit. The writer opens one bbolt transaction and gives it to each waiting change in turn. A
// change reads the writes of those before it. Its own writes are applied after it succeeded, so a change that fails has
// no effect on the others. One sync commits the whole group, and then each Update returns.
const (
	maxGroup   = 256     // changes in one commit
	groupBytes = 4 << 20 // written bytes after which no further change joins
)

// change is a running Update. It receives its turn, sends its outcome, and receives the result of the commit.
type change struct {
	turn   chan *bbolt.Bucket
	ran    chan outcome
	stored chan error
}

// outcome is the result of a closure. Without ok it has no writes.
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

// run calls fn in its turn. It ends the turn even if fn panics or ends the goroutine.
func (s *Store) run(ctx context.Context, c *change, bucket *bbolt.Bucket, fn func(store.Tx) error) error {
	tx := &transaction{s: s, bucket: bucket}
	var left outcome
	defer func() {
		tx.over = true
		c.ran <- left
	}()
	if bucket == nil {
		return <-c.stored // the writer could not begin a transaction
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

// group runs and commits the first change and those that wait meanwhile.
func (s *Store) group(first *change) {
	if s.stopped != nil {
		s.refuse(first, s.stopped)
		return
	}
	if damage := s.damage.Load(); damage != nil {
		s.refuse(first, *damage) // after a panic in a commit, bbolt holds its lock: Begin would wait forever
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
	if done >= maxGroup || written >= groupBytes {
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

// commit makes the group durable. If the disk was full before the sync, later commits may succeed. After any other
// failure the content of the disk is unknown, because a failed fsync drops dirty pages and reports it only once. Then
// commit sets stopped, and the writer rejects all changes.
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

// beforeSync reports whether a commit failed in a write, because of missing space or permission. bbolt writes the meta
// page last, so such a commit has no effect. An error of a sync is a plain errno. An error while the file grows is a text
// and has no effect either.
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
