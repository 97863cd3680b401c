package outbox

import (
	"errors"
	"time"
)

// serverPause is the time between attempts at a server that fails.
const serverPause = time.Minute

// destination is the state of one server.
type destination[R any] struct {
	reached time.Time // time of the last delivery
	paused  time.Time // no attempt before this time
	down    bool

	queue        []Pending[R]    // due jobs of which no attempt has begun
	active, slow int             // running attempts; the slow ones have given up their place
	recipients   map[string]bool // of running attempts
}

// server returns the state of a server. w.mu is locked.
func (w *Worker[R]) server(name string) *destination[R] {
	l := w.servers[name]
	if l == nil {
		l = &destination[R]{recipients: map[string]bool{}}
		if w.servers == nil {
			w.servers = map[string]*destination[R]{}
		}
		w.servers[name] = l
	}
	return l
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

func (w *Worker[R]) reachedAt(name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server(name).reached
}

func (w *Worker[R]) pausedUntil(name string, now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.server(name).pausedUntil(now)
}

// pausedUntil returns the end of the pause of a server, or the zero time. If the clock was set back, the pause ends.
func (l *destination[R]) pausedUntil(now time.Time) time.Time {
	if !l.paused.After(now) || l.paused.After(now.Add(serverPause)) {
		return time.Time{}
	}
	return l.paused
}
