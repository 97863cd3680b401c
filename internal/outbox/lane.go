package outbox

import (
	"errors"
	"time"
)

// serverPause is the time between attempts at a server that fails.
const serverPause = time.Minute

// destination is the state of one server.
type destination struct {
	reached time.Time // time of the last delivery
	paused  time.Time // no attempt before this time
	down    bool
}

// remember updates the state of a server after an attempt, and logs a change.
func (w *Worker[R]) remember(name string, now time.Time, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[name]
	if l == nil {
		l = &destination{}
		if w.lanes == nil {
			w.lanes = map[string]*destination{}
		}
		w.lanes[name] = l
	}
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
	if l := w.lanes[name]; l != nil {
		return l.reached
	}
	return time.Time{}
}

// pausedUntil returns the end of the pause of a server, or the zero time. If the clock was set back, the pause ends.
func (w *Worker[R]) pausedUntil(name string, now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[name]
	if l == nil || !l.paused.After(now) || l.paused.After(now.Add(serverPause)) {
		return time.Time{}
	}
	return l.paused
}
