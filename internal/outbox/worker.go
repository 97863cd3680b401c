// Package outbox owns how what waits in the store leaves the house: rows that were written in the Update of the act
// that caused them are tried afterwards, at least once each, with growing waits, until they are delivered or given up.
// It knows neither mail nor webhook: what a row says and how it is sent belongs to whoever keeps the table.
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

	"barillet/store"
)

// Job is a record that waits. Rows of one lane go to one server and share its fate: while it fails, the rest of the
// lane is left alone, and no other lane is held up.
type Job[R any] interface {
	Destination() string
	Attempts() Attempts
	WithAttempts(Attempts) R // dead: without what it would have said, for nothing that could be used stays in a dead letter
}

// Pending is a row to be tried.
type Pending[R any] struct {
	ID  string
	Job R
}

// Worker delivers what is in one table, each row at least once. Its fields are set before Run and not changed after.
type Worker[R Job[R]] struct {
	What  string // in the log: "mail"
	Store store.Store
	Table store.Table[R]
	// Send delivers one row and returns nil when somebody else has taken charge of it; nil: there is no server, and
	// rows wait.
	Send func(ctx context.Context, id string, row R) error
	// Attrs is what the log tells of a row besides its id; nil: nothing.
	Attrs func(row R) []any
	// Holds tells of a row that is not due whether Prepare wants to see it; nil: of none.
	Holds func(row R) bool
	// Prepare may change, in the store, what is to be tried; nil: nothing. held is what Holds kept.
	Prepare func(ctx context.Context, now time.Time, due, held []Pending[R]) ([]Pending[R], error)
	// OnDeadLetter is asked, before an Update in which rows may be given up, for what is written with each: the event of the
	// audit log, with at most five keys. That runs in the Update, perhaps twice, and its error undoes it. nil: nothing.
	OnDeadLetter func() func(tx store.Tx, id string, row R) error
	// OnWaiting is told, at the beginning of each pass, how much waits in each lane; nil: nobody is.
	OnWaiting func(ctx context.Context, now time.Time, waiting map[string]int) error
	Parallel  int           // attempts at once in one lane
	Rest      time.Duration // after each pass, for a table that may be long; zero: none
	Now       func() time.Time
	Log       *slog.Logger

	signal chan struct{}
	once   sync.Once

	mu    sync.Mutex
	lanes map[string]*destination
}

const (
	longestNap = 10 * time.Second // between looks at the table, so that a clock that is moved is noticed
	storePause = 30 * time.Second // after a pass that the store failed
	passTime   = 10 * time.Second // no attempt begins later in a pass, so that one slow server does not hold up what came since
	passSize   = 500              // rows of one lane in one pass

	changedAtOnce = 8 // rows in one Update, with what is written of those that are given up
)

// Wake tells that something was queued. It never blocks, and may be called before Run and by many at once.
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

// Run delivers until the context ends, and returns nil then. A failure of server or store never ends it.
func (w *Worker[R]) Run(ctx context.Context) error {
	for {
		nap := longestNap
		next, err := w.RunOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Log.Error(w.What+" pass failed", "error", err)
			nap = storePause
		case !next.IsZero():
			nap = min(max(next.Sub(w.Now()), 0), longestNap)
		}
		if !wait(ctx, w.Rest) {
			return nil
		}
		timer := time.NewTimer(nap)
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

// wait lets the time pass and tells whether the context is still alive.
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

// RunOnce makes one pass: it gives up what has no use any more, prepares and tries what is due, and returns when
// there will be something to do again; the zero time is when something is queued. Its error is the store's; what a
// server does is written into the rows.
func (w *Worker[R]) RunOnce(ctx context.Context) (next time.Time, err error) {
	now := w.Now()
	todo, err := w.look(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	if err := w.clear(ctx, now, todo); err != nil {
		return time.Time{}, err
	}
	if w.OnWaiting != nil {
		if err := w.OnWaiting(ctx, now, todo.waiting); err != nil {
			return time.Time{}, err
		}
	}
	if w.Send == nil {
		return todo.next, nil
	}
	due := todo.due
	if w.Prepare != nil {
		if due, err = w.Prepare(ctx, now, due, todo.held); err != nil {
			return time.Time{}, err
		}
	}
	next = todo.next
	lanes := map[string][]Pending[R]{}
	for _, p := range due {
		name := p.Job.Destination()
		if pause := w.pausedUntil(name, now); !pause.IsZero() {
			next = earlier(next, pause)
			continue
		}
		lanes[name] = append(lanes[name], p)
	}
	if len(lanes) == 0 {
		return next, nil
	}
	if err := w.deliver(ctx, lanes); err != nil {
		return time.Time{}, err
	}
	// Look again at once, for what failed or was left has a time of its own now.
	return earlier(next, w.Now()), nil
}

// clear gives up what is useless by now, and deletes what was given up long ago.
func (w *Worker[R]) clear(ctx context.Context, now time.Time, todo worklist[R]) error {
	const why = "too late to be of use"
	for _, id := range todo.useless {
		w.Log.Warn(w.What+" given up", w.What, id, "reason", why)
	}
	err := w.change(ctx, todo.useless, func(r R) *R { return with(r, r.Attempts().dead(now, why)) })
	if err != nil {
		return err
	}
	return w.change(ctx, todo.old, func(r R) *R {
		if r.Attempts().Dead {
			return nil
		}
		return &r
	})
}

type worklist[R any] struct {
	due, held    []Pending[R]
	useless, old []string
	waiting      map[string]int // of each lane, what is neither useless nor dead
	next         time.Time      // the earliest that is not due yet
}

// look reads the whole table. It is short but for a server that is down, and then read at most every ten seconds.
func (w *Worker[R]) look(ctx context.Context, now time.Time) (worklist[R], error) {
	var list worklist[R]
	err := w.Store.View(ctx, func(snap store.Snapshot) error {
		list = worklist[R]{waiting: map[string]int{}}
		due := map[string]int{}
		return w.Table.Scan(snap, "", "", 0, func(id string, row R) error {
			t, name := row.Attempts(), row.Destination()
			if !t.Dead && !t.expired(now) {
				list.waiting[name]++
			}
			switch {
			case t.Dead && now.Sub(t.Died) >= deadKept:
				list.old = append(list.old, id)
			case t.Dead:
			case t.expired(now):
				list.useless = append(list.useless, id)
			case t.due(now, w.reachedAt(name)):
				if due[name] < passSize {
					due[name]++
					list.due = append(list.due, Pending[R]{id, row})
				}
			default:
				list.next = earlier(list.next, t.NotBefore)
				if w.Holds != nil && w.Holds(row) && len(list.held) < passSize {
					list.held = append(list.held, Pending[R]{id, row})
				}
			}
			return nil
		})
	})
	if err != nil {
		return worklist[R]{}, fmt.Errorf("reading what waits (%s): %w", w.What, err)
	}
	return list, nil
}

// deliver tries the rows, every lane by itself.
func (w *Worker[R]) deliver(ctx context.Context, lanes map[string][]Pending[R]) error {
	begun, cancel := context.WithTimeout(ctx, passTime)
	defer cancel()
	var mu sync.Mutex
	var all []error
	var workers sync.WaitGroup
	for name, due := range lanes {
		// Those tried least first, so that what failed all day does not stand in the way of the ticket somebody is waiting for.
		slices.SortStableFunc(due, func(a, b Pending[R]) int { return cmp.Compare(a.Job.Attempts().Count, b.Job.Attempts().Count) })
		jobs := make(chan Pending[R], len(due))
		for _, p := range due {
			jobs <- p
		}
		close(jobs)
		for range min(w.Parallel, len(due)) {
			workers.Go(func() {
				for p := range jobs {
					if begun.Err() != nil || !w.pausedUntil(name, w.Now()).IsZero() {
						return // the rest is left
					}
					if err := w.attempt(ctx, p); err != nil {
						mu.Lock()
						all = append(all, err)
						mu.Unlock()
						return
					}
				}
			})
		}
	}
	workers.Wait()
	return errors.Join(all...)
}

// attempt tries one row and stores what came of it. Its error is the store's.
func (w *Worker[R]) attempt(ctx context.Context, p Pending[R]) error {
	err := w.Send(ctx, p.ID, p.Job)
	if ctx.Err() != nil && err != nil {
		return nil // we are stopping: no attempt was made that says anything
	}
	now := w.Now()
	if errors.Is(err, ErrDiscard) {
		return w.change(ctx, []string{p.ID}, func(R) *R { return nil })
	}
	w.remember(p.Job.Destination(), now, err)
	if err == nil {
		// Delivered is delivered: storing it must not be cut short by a stop, or it would be sent again.
		return w.change(context.WithoutCancel(ctx), []string{p.ID}, func(R) *R { return nil })
	}
	var told []any
	if w.Attrs != nil {
		told = w.Attrs(p.Job)
	}
	next := p.Job.Attempts().failed(now, err)
	w.Log.Info(w.What+" not delivered", append([]any{w.What, p.ID, "attempt", next.Count, "reason", next.LastError}, told...)...)
	if next.Dead {
		w.Log.Warn(w.What+" given up", append([]any{w.What, p.ID, "reason", next.LastError}, told...)...)
	}
	return w.change(ctx, []string{p.ID}, func(r R) *R { return with(r, r.Attempts().failed(now, err)) })
}

func with[R Job[R]](r R, t Attempts) *R {
	next := r.WithAttempts(t)
	return &next
}

// change rewrites rows that may be gone by now, some in one Update; a nil result deletes one.
func (w *Worker[R]) change(ctx context.Context, ids []string, fn func(R) *R) error {
	for part := range slices.Chunk(ids, changedAtOnce) {
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
	row, err := w.Table.Get(tx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("loading %s %q: %w", w.What, id, err)
	}
	next := fn(row)
	if next != nil {
		err = w.Table.Put(tx, id, *next)
	} else {
		err = w.Table.Delete(tx, id)
	}
	if err != nil {
		return fmt.Errorf("storing %s %q: %w", w.What, id, err)
	}
	if next != nil && (*next).Attempts().Dead && !row.Attempts().Dead {
		return died(tx, id, *next)
	}
	return nil
}

// earlier is the earlier of two times of which the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
