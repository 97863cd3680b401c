// Package outbox delivers stored jobs at least once, with retries and a dead-letter list. A job is stored in the Update of
// the operation that causes it, so neither exists without the other (promise D2). The package does not know what a job
// contains or how it is sent: that belongs to the owner of its table.
package outbox

import (
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

// Worker delivers the jobs of one table, each at least once. It keeps the id and the times of each waiting job in memory, under 600
// bytes, and reads a record only when it is new, changed or tried. Set the fields before Run and do not change them afterwards.
type Worker[R Job[R]] struct {
	What  string // the kind of job in the log, such as "mail"
	Store store.Store
	Table store.Table[R] // a record that cannot be read counts as a missing one (store.TableDef.Lost)
	// Send delivers a job. It returns nil after the server took responsibility for it. If Send is nil, there is no server
	// and the jobs wait.
	Send func(ctx context.Context, id string, job R) error
	// Recipient, if it is not nil, returns the recipient of a job. Attempts for one recipient of a server follow each other.
	Recipient func(job R) string
	// Attrs, if it is not nil, returns attributes of a job for the log, besides its id.
	Attrs func(job R) []any
	// Spread, if it is not nil, replaces jobs without a destination by jobs with one.
	Spread func(ctx context.Context, ids []string) error
	// Group, if it is not nil, returns what is equal for jobs of one recipient that can be joined; "" for none. Holds reports
	// whether a job waits for others of its group.
	Group func(job R) string
	Holds func(job R) bool
	// Join is called before an attempt with the jobs of its group that are due or for which Holds is true, at most 500. It reports
	// whether it replaced jobs, so that there is no attempt.
	Join func(ctx context.Context, now time.Time, group []Pending[R]) (bool, error)
	// OnDeadLetter, if it is not nil, is called before an Update that can give up jobs. Its result is called in that Update for
	// each dead letter, possibly more than once, and can use five keys, for example to append an audit event. Its error
	// fails the Update.
	OnDeadLetter func() func(tx store.Tx, id string, job R) error
	// OnWaiting, if it is not nil, is called in each pass with the number of waiting jobs in each queue.
	OnWaiting func(ctx context.Context, now time.Time, waiting map[Queue]int) error
	Parallel  int // maximum of concurrent attempts for one server, besides slow ones
	Now       func() time.Time
	Log       *slog.Logger

	index
	attempts sync.WaitGroup
	failed   []error // of the store, in attempts since the last pass; no attempt begins before the next one. mu guards it.
}

const (
	maxPause   = 10 * time.Second // between passes, so that a change of the clock is noticed
	storePause = 30 * time.Second // after a pass that failed because of the store

	readSize   = 500 // jobs in one View
	spreadSize = 500 // jobs that one pass spreads
	updateSize = 8   // jobs in one Update, so that the keys of OnDeadLetter fit in it
)

// Run delivers jobs until ctx ends, and then returns nil. A failure of a server or of the store does not end it. A pass does not
// wait for the attempts that it begins, so a slow attempt delays no other job. It sleeps until a job is due or changes.
func (w *Worker[R]) Run(ctx context.Context) error {
	defer w.attempts.Wait()
	for {
		pause, changed := maxPause, w.changes.Woken()
		next, _, err := w.pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Log.Error(w.What+" delivery failed", "error", err)
			pause, changed = storePause, nil // an attempt that cannot be stored would be repeated
		case !next.IsZero():
			pause = min(max(next.Sub(w.now()), 0), maxPause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// RunOnce makes passes until no job is due, and waits for the attempts. It returns the time of the next pass; the zero time means
// that no job waits. An error is from the store; a failure of a server is stored in the job.
func (w *Worker[R]) RunOnce(ctx context.Context) (time.Time, error) {
	for {
		next, began, err := w.pass(ctx)
		if w.attempts.Wait(); err != nil || !began || ctx.Err() != nil {
			return next, errors.Join(err, w.takeFailures())
		}
	}
}

func (w *Worker[R]) now() time.Time { return w.Now().Round(0) } // stored times are those of the clock

// pass reads what changed, gives up jobs without use, and begins attempts of the jobs that are due. more reports whether it began any, or
// left something to spread.
func (w *Worker[R]) pass(ctx context.Context) (next time.Time, more bool, err error) {
	if err := w.takeFailures(); err != nil {
		return time.Time{}, false, err
	}
	now := w.now()
	if err := w.read(ctx, now); err != nil {
		return time.Time{}, false, err
	}
	spread, useless := w.advance(now, w.Spread != nil)
	if err := w.clear(ctx, now, useless); err != nil {
		return time.Time{}, false, err
	}
	if len(spread) > 0 {
		if err := w.Spread(ctx, spread); err != nil {
			return time.Time{}, false, err
		}
	}
	if err := w.readChanges(ctx, now); err != nil {
		return time.Time{}, false, err
	}
	if w.OnWaiting != nil {
		if err := w.OnWaiting(ctx, now, w.waiting()); err != nil {
			return time.Time{}, false, err
		}
	}
	next, more = w.deliver(ctx, now)
	if len(spread) > 0 {
		next, more = now, true // there can be others
	}
	return next, more, nil
}

// clear gives up jobs without use.
func (w *Worker[R]) clear(ctx context.Context, now time.Time, useless []string) error {
	const why = "expired before delivery"
	for _, id := range useless {
		w.Log.Warn(w.What+" given up", w.What, id, "reason", why)
	}
	return w.change(ctx, useless, func(r R) *R {
		if !r.Attempts().expired(now) {
			return &r
		}
		return with(r, r.Attempts().dead(now, why))
	})
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
