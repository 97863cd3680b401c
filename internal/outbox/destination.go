package outbox

import (
	"errors"
	"time"
)

// serverPause is the time between attempts at a server that fails.
const serverPause = time.Minute

// destination is the state of one server.
type destination struct {
	name    string
	reached time.Time // time of the last delivery
	paused  time.Time // no attempt before this time
	down    bool

	active, slow int                   // running attempts; the slow ones have given up their place
	recipients   map[string]*recipient // with a job or a running attempt
	ready        queue[recipient]      // those that can get an attempt, by their first jobs
	unreachable  map[*entry]struct{}   // jobs that wait because the server was unavailable
}

// recipient is the state of one recipient of a server.
type recipient struct {
	server *destination
	name   string
	jobs   queue[entry] // due jobs
	size   int          // all jobs
	busy   bool         // an attempt is running, and others wait for it
	place  int32        // in destination.ready
}

// server returns the state of a server. ix.mu is locked.
func (ix *index) server(name string) *destination {
	l := ix.servers[name]
	if l == nil {
		l = &destination{name: name, recipients: map[string]*recipient{}, unreachable: map[*entry]struct{}{}, ready: queue[recipient]{
			less:  func(a, b *recipient) bool { return compareJobs(a.jobs.first(), b.jobs.first()) < 0 },
			place: func(r *recipient) *int32 { return &r.place }}}
		if ix.servers == nil {
			ix.servers = map[string]*destination{}
		}
		ix.servers[name] = l
	}
	return l
}

// recipient returns the state of a recipient.
func (l *destination) recipient(name string) *recipient {
	r := l.recipients[name]
	if r == nil {
		r = &recipient{server: l, name: name, jobs: queue[entry]{
			less:  func(a, b *entry) bool { return compareJobs(a, b) < 0 },
			place: func(e *entry) *int32 { return &e.ready }}}
		l.recipients[name] = r
	}
	return r
}

// order puts a recipient where it belongs after its jobs changed.
func (l *destination) order(r *recipient) {
	if r.busy || r.jobs.Len() == 0 {
		l.ready.remove(r)
	} else {
		l.ready.set(r)
	}
}

// forget deletes the state of a recipient without jobs.
func (l *destination) forget(r *recipient) {
	if r.size == 0 {
		delete(l.recipients, r.name)
	}
}

// remember updates the state of a server after an attempt, and logs a change.
func (w *Worker[R]) remember(name string, now time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.server(name)
	attrs := []any{}
	if name != "" {
		attrs = append(attrs, "to", name)
	}
	switch {
	case err == nil:
		l.reached, l.paused = now, time.Time{}
		for e := range l.unreachable {
			if e.tried < nanoseconds(now) {
				delete(l.unreachable, e)
				w.place(now, e)
			}
		}
		if l.down {
			w.Log.Info(w.What+" server is available again", attrs...)
		}
		l.down = false
	case errors.Is(err, ErrUnreachable):
		l.paused = now.Add(serverPause)
		if !l.down {
			w.Log.Warn(w.What+" server is unavailable, its jobs wait", append(attrs, "reason", Brief(err))...)
		}
		l.down = true
	}
}

// limitReached corrects the times of the last deliveries after the clock was set back. Else a job that fails later would be due again
// at once, because its server seems to have been reached since.
func (ix *index) limitReached(now time.Time) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for _, l := range ix.servers {
		if l.reached.After(now) {
			l.reached = now
		}
	}
}

func (ix *index) reachedAt(name string) time.Time {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	return ix.server(name).reached
}

// pausedUntil returns the end of the pause of a server, or the zero time. If the clock was set back, the pause ends.
func (l *destination) pausedUntil(now time.Time) time.Time {
	if !l.paused.After(now) || l.paused.After(now.Add(serverPause)) {
		return time.Time{}
	}
	return l.paused
}
