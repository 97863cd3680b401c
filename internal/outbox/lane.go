package outbox

import (
	"errors"
	"time"
)

// serverPause is between attempts at a server that fails.
const serverPause = time.Minute

// destination is what is known of one server.
type destination struct {
	reached time.Time // when a row was last taken
	paused  time.Time // no attempt before, since the server failed
	down    bool
}

// remember keeps what the attempt said about the server, and logs when that changes.
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
	told := []any{}
	if name != "" {
		told = append(told, "to", name)
	}
	switch {
	case err == nil:
		l.reached, l.paused = now, time.Time{}
		if l.down {
			w.Log.Info(w.What+" server is back", told...)
		}
		l.down = false
	case errors.Is(err, ErrUnreachable):
		l.paused = now.Add(serverPause)
		if !l.down {
			w.Log.Warn(w.What+" server cannot be used, what goes to it waits", append(told, "reason", Brief(err))...)
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

// pausedUntil is the end of the pause, or the zero time. A clock set back ends it.
func (w *Worker[R]) pausedUntil(name string, now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lanes[name]
	if l == nil || !l.paused.After(now) || l.paused.After(now.Add(serverPause)) {
		return time.Time{}
	}
	return l.paused
}
