package session

import (
	"sync"
	"time"

	"barillet/authn/account"
)

// monotonicAges holds how long sessions last by the time that goes by in the process, so that a clock that is set back gives no
// session more of it (BAR 3). It begins anew with the process; the clock counts in any case. Its zero value is ready.
type monotonicAges struct {
	mu sync.Mutex
	of map[string]age // by record hash
}

// age is on the scale of Service.Ran.
type age struct{ begun, used time.Duration }

// look notes a use. old is the session's age by the clock, believed when it is met for the first time.
func (a *monotonicAges) look(hash string, ran, old time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, met := a.of[hash]
	if !met {
		x.begun = ran - max(old, 0)
	}
	x.used = ran
	if a.of == nil {
		a.of = map[string]age{}
	}
	a.of[hash] = x
}

// over tells whether the time of a session is over, by what went by since it was met.
func (a *monotonicAges) over(hash string, ran time.Duration, p account.Policy) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, met := a.of[hash]
	return met && x.over(ran, p)
}

func (x age) over(ran time.Duration, p account.Policy) bool {
	return ran-x.begun >= p.SessionMax || ran-x.used >= p.SessionIdle
}

// forget drops the sessions whose records are swept away by now, were their clock right: an hour later than they end.
func (a *monotonicAges) forget(ran time.Duration, p account.Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for hash, x := range a.of {
		if x.over(ran-time.Hour, p) {
			delete(a.of, hash)
		}
	}
}

// uptime is how long the process has run; 0 for ever where nobody tells.
func (s *Service) uptime() time.Duration {
	if s.Uptime == nil {
		return 0
	}
	return s.Uptime()
}
