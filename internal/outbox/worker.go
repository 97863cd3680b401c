// Package outbox delivers stored jobs at least once, with retries and a dead-letter list. A job is stored in the Update of
// the operation that causes it, so neither exists without the other (promise D2). The package does not know what a job
// contains or how it is sent: that belongs to the owner of its table.
package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

// Job is a record that waits for delivery. While one server fails, the jobs for that server wait, and those for other
// servers are delivered. Jobs of one lane delay no job of an earlier one.
type Job[R any] interface {
	Destination() string     // the server that the job goes to
	Lane() audit.Lane        // its importance: jobs of an earlier lane are tried first
	Attempts() Attempts      // the state of its delivery
	WithAttempts(Attempts) R // a copy with another state; a dead letter must not contain a usable secret
}

// Pending is a stored job with its id.
type Pending[R any] struct {
	ID  string
	Job R
}

// Queue names the jobs of one lane for one server.
type Queue struct {
	Destination string
	Lane        audit.Lane
}

// Worker delivers the jobs of one table, each at least once. Set its fields before Run and do not change them afterwards.
type Worker[R Job[R]] struct {
	What  string // the kind of job in the log, such as "mail"
	Store store.Store
	Table store.Table[R]
	// Send delivers a job. It returns nil after the server took responsibility for it. If Send is nil, there is no server
	// and the jobs wait.
	Send func(ctx context.Context, id string, job R) error
	// Recipient, if it is not nil, returns the recipient of a job. Attempts for one recipient of a server follow each other.
	Recipient func(job R) string
	// Attrs, if it is not nil, returns attributes of a job for the log, besides its id.
	Attrs func(job R) []any
	// Holds, if it is not nil, reports whether Prepare gets a job that is not due.
	Holds func(job R) bool
	// Prepare, if it is not nil, can change the due jobs in the store before an attempt. It returns the jobs to try. held
	// are the jobs for which Holds is true.
	Prepare func(ctx context.Context, now time.Time, due, held []Pending[R]) ([]Pending[R], error)
	// OnDeadLetter, if it is not nil, is called before an Update that can give up jobs. Its result is called in that Update for
	// each dead letter, possibly more than once, and can use five keys, for example to append an audit event. Its error
	// fails the Update.
	OnDeadLetter func() func(tx store.Tx, id string, job R) error
	// OnWaiting, if it is not nil, is called at the start of each pass with the number of waiting jobs in each queue.
	OnWaiting func(ctx context.Context, now time.Time, waiting map[Queue]int) error
	Parallel  int           // maximum of concurrent attempts for one server, besides slow ones
	Rest      time.Duration // pause after each pass, for tables that can be long
	Now       func() time.Time
	Log       *slog.Logger

	signal chan struct{}
	once   sync.Once

	mu       sync.Mutex
	servers  map[string]*destination[R]
	busy     map[string]bool // ids of the jobs that are tried now
	attempts sync.WaitGroup
	failed   []error // of the store, in attempts since the last pass; no attempt begins before the next one
}

const (
	maxPause   = 10 * time.Second // between passes, so that a change of the clock is noticed
	storePause = 30 * time.Second // after a pass that failed because of the store
	passSize   = 500              // jobs of one queue that a pass reads, and jobs for one server that it tries

	updateSize = 8 // jobs in one Update, so that the keys of OnDeadLetter fit in it
)

// Wake starts a pass, because a job was stored. It never blocks, is safe for concurrent use and may precede Run.
func (w *Worker[R]) Wake() {
	select {
	case w.signalChannel() <- struct{}{}:
	default:
	}
}

func (w *Worker[R]) signalChannel() chan struct{} {
	w.once.Do(func() { w.signal = make(chan struct{}, 1) })
	return w.signal
}

// Run delivers jobs until ctx ends, and then returns nil. A failure of a server or of the store does not end it. A pass does not
// wait for the attempts that it begins, so a slow attempt delays no other job.
func (w *Worker[R]) Run(ctx context.Context) error {
	defer w.attempts.Wait()
	for {
		pause := maxPause
		next, _, err := w.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Log.Error(w.What+" delivery failed", "error", err)
			pause = storePause
		case !next.IsZero():
			pause = min(max(next.Sub(w.Now()), 0), maxPause)
		}
		if !wait(ctx, w.Rest) {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-w.signalChannel():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// wait waits for d. It reports false if the context ended.
func wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// RunOnce makes one pass: it gives up jobs without use, prepares and tries those that are due, and waits for the attempts. It
// returns the time of the next pass; the zero time means that no job waits. An error is from the store; a failure of a
// server is stored in the job.
func (w *Worker[R]) RunOnce(ctx context.Context) (next time.Time, err error) {
	next, began, err := w.pass(ctx)
	if w.attempts.Wait(); began {
		next = earlier(next, w.Now()) // to find the new times of the jobs that failed or were left
	}
	return next, errors.Join(err, w.takeFailures())
}

// pass makes one pass and begins attempts. began reports whether there are any.
func (w *Worker[R]) pass(ctx context.Context) (next time.Time, began bool, err error) {
	if err := w.takeFailures(); err != nil {
		return time.Time{}, false, err
	}
	now := w.Now()
	todo, err := w.look(ctx, now, w.dequeue())
	if err != nil {
		return time.Time{}, false, err
	}
	if err := w.clear(ctx, now, todo); err != nil {
		return time.Time{}, false, err
	}
	if w.OnWaiting != nil {
		if err := w.OnWaiting(ctx, now, todo.waiting); err != nil {
			return time.Time{}, false, err
		}
	}
	if w.Send == nil {
		return todo.next, false, nil
	}
	due := todo.due
	if w.Prepare != nil {
		if due, err = w.Prepare(ctx, now, due, todo.held); err != nil {
			return time.Time{}, false, err
		}
	}
	next = todo.next
	queues := map[string][]Pending[R]{}
	for _, p := range due {
		name := p.Job.Destination()
		if until := w.pausedUntil(name, now); !until.IsZero() {
			next = earlier(next, until)
			continue
		}
		queues[name] = append(queues[name], p)
	}
	for name, queue := range queues {
		// In a lane new jobs come first, so that jobs that failed before do not delay them.
		slices.SortStableFunc(queue, func(a, b Pending[R]) int {
			return cmp.Or(cmp.Compare(a.Job.Lane(), b.Job.Lane()), cmp.Compare(a.Job.Attempts().Count, b.Job.Attempts().Count))
		})
		w.deliver(ctx, name, queue[:min(len(queue), passSize)]) // the rest is found after these
	}
	return next, len(queues) > 0, nil
}

// clear gives up jobs without use.
func (w *Worker[R]) clear(ctx context.Context, now time.Time, todo worklist[R]) error {
	const why = "expired before delivery"
	for _, id := range todo.useless {
		w.Log.Warn(w.What+" given up", w.What, id, "reason", why)
	}
	return w.change(ctx, todo.useless, func(r R) *R { return with(r, r.Attempts().dead(now, why)) })
}

type worklist[R any] struct {
	due, held []Pending[R]
	useless   []string
	waiting   map[Queue]int // the jobs that are neither useless nor dead
	next      time.Time     // time of the first job that is not due
}

// look reads the whole table without the jobs that are tried now. The table is long only while a server is unavailable, and is
// then read every ten seconds.
func (w *Worker[R]) look(ctx context.Context, now time.Time, busy map[string]bool) (worklist[R], error) {
	var list worklist[R]
	err := w.Store.View(ctx, func(snap store.Snapshot) error {
		list = worklist[R]{waiting: map[Queue]int{}}
		due := map[Queue]int{}
		return w.Table.Scan(snap, "", "", 0, func(id string, job R) error {
			t, queue := job.Attempts(), Queue{job.Destination(), job.Lane()}
			if !t.Dead && !t.expired(now) {
				list.waiting[queue]++
			}
			switch {
			case busy[id]:
			case t.Dead:
			case t.expired(now):
				list.useless = append(list.useless, id)
			case t.due(now, w.reachedAt(queue.Destination)):
				if due[queue] < passSize {
					due[queue]++
					list.due = append(list.due, Pending[R]{id, job})
				}
			default:
				list.next = earlier(list.next, t.NotBefore)
				if w.Holds != nil && w.Holds(job) && len(list.held) < passSize {
					list.held = append(list.held, Pending[R]{id, job})
				}
			}
			return nil
		})
	})
	if err != nil {
		return worklist[R]{}, fmt.Errorf("reading waiting jobs (%s): %w", w.What, err)
	}
	return list, nil
}

func with[R Job[R]](r R, t Attempts) *R {
	next := r.WithAttempts(t)
	return &next
}

// change stores fn of each job that still exists, and deletes the job if fn returns nil.
func (w *Worker[R]) change(ctx context.Context, ids []string, fn func(R) *R) error {
	for part := range slices.Chunk(ids, updateSize) {
		died := func(store.Tx, string, R) error { return nil }
		if w.OnDeadLetter != nil {
			died = w.OnDeadLetter()
		}
		err := w.Store.Update(ctx, func(tx store.Tx) error {
			for _, id := range part {
				if err := w.changeOne(tx, id, fn, died); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *Worker[R]) changeOne(tx store.Tx, id string, fn func(R) *R, died func(store.Tx, string, R) error) error {
	job, err := w.Table.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading %s %q: %w", w.What, id, err)
	}
	next := fn(job)
	if next != nil {
		err = w.Table.Put(tx, id, *next)
	} else {
		err = w.Table.Delete(tx, id)
	}
	if err != nil {
		return fmt.Errorf("storing %s %q: %w", w.What, id, err)
	}
	if next != nil && (*next).Attempts().Dead && !job.Attempts().Dead {
		return died(tx, id, *next)
	}
	return nil
}

// earlier returns the earlier of two times. The zero time counts as none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
