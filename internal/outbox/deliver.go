package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/store"
)

const (
	// slowAfter is the time after which an attempt gives its place to another: a server may need minutes for one recipient.
	slowAfter = 10 * time.Second
	// maxSlow is how many slow attempts one server can have besides Parallel others.
	maxSlow = 12
)

func (w *Worker[R]) takeFailures() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := errors.Join(w.failed...)
	w.failed = nil
	return err
}

// deliver begins as many attempts as the places of each server allow. It returns the time of the next pass, and reports whether
// an attempt is running.
func (w *Worker[R]) deliver(ctx context.Context, now time.Time) (next time.Time, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e := w.index.times.first(); e != nil {
		next = time.Unix(0, e.next()).UTC()
	}
	if w.Send == nil {
		return next, false
	}
	for _, l := range w.servers {
		if until := l.pausedUntil(now); l.ready.Len() > 0 && !until.IsZero() {
			next = earlier(next, until)
		}
		w.begin(ctx, l)
		running = running || l.active+l.slow > 0
	}
	return next, running
}

// begin begins attempts at a server. An attempt that ends or becomes slow calls it again. w.mu is locked.
func (w *Worker[R]) begin(ctx context.Context, l *destination) {
	now := w.now()
	if w.Spread != nil && l.name == "" {
		return
	}
	for ctx.Err() == nil && len(w.failed) == 0 && l.pausedUntil(now).IsZero() && l.active < w.Parallel && l.ready.Len() > 0 {
		e := l.ready.first().jobs.first()
		w.take(e)
		if e.expires != 0 && e.expires <= now.UnixNano() {
			w.remove(e)
			w.changes.Add([]string{e.id}) // the next pass gives it up
			continue
		}
		w.start(ctx, e)
	}
}

// start begins one attempt. w.mu is locked.
func (w *Worker[R]) start(ctx context.Context, e *entry) {
	to, l, slow, ended := e.to, e.to.server, false, false
	e.busy, to.busy = true, w.Recipient != nil
	l.order(to)
	l.active++
	timer := time.AfterFunc(slowAfter, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !ended && l.slow < maxSlow {
			slow = true
			l.active, l.slow = l.active-1, l.slow+1
			w.begin(ctx, l)
		}
	})
	group := w.groupOf(e)
	w.attempts.Go(func() {
		err := w.attempt(ctx, e.id, group)
		timer.Stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		if ended = true; slow {
			l.slow--
		} else {
			l.active--
		}
		if err != nil {
			w.failed = append(w.failed, err)
		}
		to.busy = false
		w.remove(e)
		w.changes.Add([]string{e.id}) // the next pass reads its new state
		w.begin(ctx, l)
	})
}

// groupOf returns the ids of the jobs that can be joined with one. ix.mu is locked.
func (ix *index) groupOf(e *entry) []string {
	if e.group == 0 {
		return nil
	}
	var ids []string
	for other := range ix.groups[e.group] {
		if other != e && !other.busy && (other.ready > 0 || other.held) {
			ids = append(ids, other.id)
		}
	}
	slices.Sort(ids)
	return ids[:min(len(ids), readSize-1)]
}

// attempt loads a job, joins it with those of its group or tries it, and stores the result. Its error is from the store.
func (w *Worker[R]) attempt(ctx context.Context, id string, group []string) error {
	job, due, err := w.load(ctx, id)
	if err != nil || !due {
		return unlessStopped(ctx, err)
	}
	p := Pending[R]{id, job}
	if len(group) > 0 {
		if joined, err := w.join(ctx, p, group); err != nil || joined {
			return unlessStopped(ctx, err)
		}
	}
	return w.try(ctx, p)
}

// unlessStopped returns err, or nil if the program stops, so that the attempt has no result.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// join loads the jobs of a group and joins them.
func (w *Worker[R]) join(ctx context.Context, p Pending[R], group []string) (bool, error) {
	var all []Pending[R]
	err := w.Store.View(ctx, func(snap store.Snapshot) error {
		all = []Pending[R]{p}
		for _, id := range group {
			job, err := w.Table.Get(snap, id)
			if there, err := store.Found(err); err != nil {
				return err
			} else if there && !job.Attempts().Dead && w.Group(job) == w.Group(p.Job) {
				all = append(all, Pending[R]{id, job})
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("loading a group (%s): %w", w.What, err)
	}
	return w.Join(ctx, w.now(), all)
}

// try tries a job and stores the result. Its error is from the store.
func (w *Worker[R]) try(ctx context.Context, p Pending[R]) error {
	err := w.Send(ctx, p.ID, p.Job)
	if ctx.Err() != nil && err != nil {
		return nil // the program stops, so the attempt has no result
	}
	now := w.now()
	if errors.Is(err, ErrDiscard) {
		return w.change(ctx, []string{p.ID}, func(R) *R { return nil })
	}
	w.remember(p.Job.Destination(), now, err)
	if err == nil {
		// The end of the program must not prevent this Update: the job would be sent again.
		return w.change(context.WithoutCancel(ctx), []string{p.ID}, func(R) *R { return nil })
	}
	var attrs []any
	if w.Attrs != nil {
		attrs = w.Attrs(p.Job)
	}
	next := p.Job.Attempts().failed(now, err)
	w.Log.Info(w.What+" not delivered", append([]any{w.What, p.ID, "attempt", next.Count, "reason", next.LastError}, attrs...)...)
	if next.Dead {
		w.Log.Warn(w.What+" given up", append([]any{w.What, p.ID, "reason", next.LastError}, attrs...)...)
	}
	return w.change(ctx, []string{p.ID}, func(r R) *R { return with(r, r.Attempts().failed(now, err)) })
}
