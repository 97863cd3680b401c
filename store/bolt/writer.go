package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"barillet/store"
)

// The limits of a group commit. The writer opens one bbolt transaction and takes each waiting change in turn. It compares
// what the closure read with the present values, which include the writes of the changes before. If all are equal, it
// applies the writes; otherwise the closure runs again. One sync commits the whole group, and then each Update returns.
// The limits count every change, also one that fails: nobody can keep a group open.
const (
	maxGroup   = 256                   // changes taken by one commit
	groupBytes = 4 << 20               // written bytes after which no further change joins
	groupTime  = 20 * time.Millisecond // after the first closure that runs again, no further change joins
	groupWait  = time.Millisecond      // for closures that run now on a snapshot: their changes share the sync
)

// change is an Update with something to write, or one that read a commit that is not on disk yet.
type change struct {
	run  *store.Recorder // the last run of the closure
	next chan next       // has place for one, so that the writer never waits here
	ran  chan bool       // whether the repeated run has a result
}

// next is what the writer sends to an Update: its turn to run the closure again, or the result.
type next struct {
	turn *finder
	err  error
}

// prepareChange runs fn on a snapshot. It returns nil if there is nothing to store. The snapshot ends before the change waits:
// to map a grown file, bbolt waits for all snapshots.
func (s *Store) prepareChange(ctx context.Context, fn func(store.Tx) error) (c *change, err error) {
	s.running.Add(1)
	defer func() {
		if c == nil {
			s.leave()
		}
	}()
	tx, err := s.begin(false)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	run, err := s.run(ctx, &finder{tx: tx}, fn)
	if err != nil || run.Bytes() == 0 && int64(tx.ID()) <= s.synced.Load() {
		return nil, err
	}
	return &change{run: run, next: make(chan next, 1)}, nil
}

// run calls fn once and returns what it read and wrote.
func (s *Store) run(ctx context.Context, records *finder, fn func(store.Tx) error) (*store.Recorder, error) {
	tx := &transaction{s: s, records: records, recorder: new(store.Recorder)}
	defer func() { tx.over = true }()
	if err := fn(tx); err != nil {
		return nil, err
	}
	if err := tx.recorder.Err(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return tx.recorder, nil
}

// leave ends an Update that the writer does not take.
func (s *Store) leave() {
	if s.running.Add(-1) == 0 {
		select {
		case s.idle <- struct{}{}:
		default:
		}
	}
}

// enqueue waits until the writer takes the change.
func (s *Store) enqueue(ctx context.Context, c *change) error {
	select {
	case s.queue <- c:
		return nil
	case <-ctx.Done():
		s.leave()
		return fmt.Errorf("waiting to update: %w", ctx.Err())
	case <-s.closing:
		s.leave()
		return store.ErrClosed
	}
}

// repeat calls fn in its turn. It ends the turn even if fn panics or ends the goroutine.
func (s *Store) repeat(ctx context.Context, c *change, records *finder, fn func(store.Tx) error) (err error) {
	ok := false
	defer func() { c.ran <- ok }()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if c.run, err = s.run(ctx, records, fn); err != nil {
		return err
	}
	ok = true
	return nil
}

func (s *Store) write() {
	defer close(s.ended)
	for {
		select {
		case <-s.closing:
			return
		case first := <-s.queue:
			s.running.Add(-1)
			s.group(first)
		}
	}
}

// group is one bbolt transaction of the writer.
type group struct {
	records finder
	taken   int              // changes
	stored  []*change        // those whose Update waits for the commit
	bytes   int              // written
	full    <-chan time.Time // receives after groupTime; nil until a closure runs again
	late    <-chan time.Time // receives after groupWait; nil until the writer waits
}

// group stores the first change and those that wait meanwhile.
func (s *Store) group(first *change) {
	if s.stopped != nil {
		first.next <- next{err: s.stopped}
		return
	}
	if damage := s.damage.Load(); damage != nil {
		first.next <- next{err: *damage} // after a panic in a commit, bbolt holds its lock: Begin would wait forever
		return
	}
	tx, err := s.begin(true)
	if err != nil {
		first.next <- next{err: err}
		return
	}
	g := &group{records: finder{tx: tx}}
	for c := first; c != nil && err == nil; c = s.next(g) {
		err = s.take(g, c)
	}
	if err == nil && g.bytes > 0 {
		if err = s.observed(len(g.stored), func() error { return s.commit(tx) }); err == nil {
			s.watches.notify(g.stored)
		}
	} else {
		err = errors.Join(err, s.guard("ending a change", tx.Rollback))
	}
	if s.testingOnlyGroup != nil {
		s.testingOnlyGroup(g.taken)
	}
	for _, c := range g.stored {
		c.next <- next{err: err}
	}
}

// take applies one change. An error ends the whole group.
func (s *Store) take(g *group, c *change) error {
	g.taken++
	same, err := s.unchanged(&g.records, c.run)
	if err == nil && !same {
		if g.full == nil {
			g.full = time.After(groupTime)
		}
		c.ran = make(chan bool)
		c.next <- next{turn: &g.records}
		if !<-c.ran {
			return nil
		}
	}
	g.stored = append(g.stored, c)
	g.bytes += c.run.Bytes()
	if err != nil {
		return err
	}
	return s.apply(&g.records, c.run)
}

// next returns a change that waits or comes within groupWait, or nil if the group is full or no closure runs.
func (s *Store) next(g *group) *change {
	if g.taken >= maxGroup || g.bytes >= groupBytes {
		return nil
	}
	select {
	case <-g.full:
		return nil
	default:
	}
	for s.running.Load() > 0 {
		select {
		case c := <-s.queue: // also if groupWait is over
			s.running.Add(-1)
			return c
		default:
		}
		if g.late == nil {
			g.late = time.After(groupWait)
		}
		select {
		case c := <-s.queue:
			s.running.Add(-1)
			return c
		case <-s.idle:
		case <-g.late:
			return nil
		case <-g.full:
			return nil
		}
	}
	return nil
}

// unchanged reports whether every key that a closure read still has the value that it read.
func (s *Store) unchanged(records *finder, run *store.Recorder) (same bool, err error) {
	err = s.guard("comparing records", func() error {
		for key, read := range run.Reads() {
			value := records.find(key)
			if (value == nil) != (read == nil) || !bytes.Equal(value, read) {
				return nil
			}
		}
		same = true
		return nil
	})
	return same, err
}

func (s *Store) apply(records *finder, run *store.Recorder) error {
	return s.guard("changing a page", func() error {
		for key, value := range run.Writes() {
			if err := records.set(key, value); err != nil {
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
	id := int64(tx.ID())
	err := s.guard("committing", tx.Commit)
	if err == nil {
		s.synced.Store(id)
	}
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
