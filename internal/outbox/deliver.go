package outbox

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

const (
	// slowAfter is the time after which an attempt gives its place to another: a server may need minutes for one recipient.
	slowAfter = 10 * time.Second
	// maxSlow is how many slow attempts one server can have besides Parallel others.
	maxSlow = 12
)

// dequeue empties the queues and returns the ids of the jobs that are tried now. No attempt begins between it and deliver, so a
// job that look finds is not delivered meanwhile.
func (w *Worker[R]) dequeue() map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.servers {
		l.queue = nil
	}
	return maps.Clone(w.busy)
}

func (w *Worker[R]) takeFailures() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := errors.Join(w.failed...)
	w.failed = nil
	return err
}

// deliver sets the queue of a server and begins as many attempts as its places allow.
func (w *Worker[R]) deliver(ctx context.Context, name string, queue []Pending[R]) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.server(name).queue = queue
	w.begin(ctx, name)
}

// begin begins attempts of the queue. An attempt that ends or becomes slow calls it again. w.mu is locked.
func (w *Worker[R]) begin(ctx context.Context, name string) {
	l := w.server(name)
	if ctx.Err() != nil || len(w.failed) > 0 || !l.pausedUntil(w.Now()).IsZero() {
		l.queue = nil // the rest waits for the next pass
	}
	for i := 0; i < len(l.queue) && l.active < w.Parallel; {
		p := l.queue[i]
		if p.Job.Attempts().expired(w.Now()) { // meanwhile; the next pass gives it up
			l.queue = slices.Delete(l.queue, i, i+1)
			continue
		}
		recipient := ""
		if w.Recipient != nil {
			recipient = w.Recipient(p.Job)
		}
		if recipient != "" && l.recipients[recipient] {
			i++ // after the attempt for this recipient
			continue
		}
		l.queue = slices.Delete(l.queue, i, i+1)
		w.start(ctx, l, recipient, p)
	}
}

// start begins one attempt. w.mu is locked.
func (w *Worker[R]) start(ctx context.Context, l *destination[R], recipient string, p Pending[R]) {
	name, slow, ended := p.Job.Destination(), false, false
	if w.busy == nil {
		w.busy = map[string]bool{}
	}
	w.busy[p.ID], l.recipients[recipient] = true, recipient != ""
	l.active++
	timer := time.AfterFunc(slowAfter, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !ended && l.slow < maxSlow {
			slow = true
			l.active, l.slow = l.active-1, l.slow+1
			w.begin(ctx, name)
		}
	})
	w.attempts.Go(func() {
		err := w.attempt(ctx, p)
		timer.Stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		if ended = true; slow {
			l.slow--
		} else {
			l.active--
		}
		delete(w.busy, p.ID)
		delete(l.recipients, recipient)
		if err != nil {
			w.failed = append(w.failed, err)
		}
		if w.begin(ctx, name); len(l.queue) == 0 {
			w.Wake() // to find the new times of the jobs that failed or were left
		}
	})
}

// attempt tries a job and stores the result. Its error is from the store.
func (w *Worker[R]) attempt(ctx context.Context, p Pending[R]) error {
	err := w.Send(ctx, p.ID, p.Job)
	if ctx.Err() != nil && err != nil {
		return nil // the program stops, so the attempt has no result
	}
	now := w.Now()
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
