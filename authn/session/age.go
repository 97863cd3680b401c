package session

import (
	"sync"
	"time"

	"barillet/authn/account"
)

// monotonicAges holds how long sessions last by the time that goes by in the process, so that a clock that is set back gives no
// session more of it (BAR 3). It begins anew with the process; the clock counts in any case. Its zero value is ready.
type monotonicAges struct {
	mu     sync.Mutex
	byHash map[string]age // by record hash
}

// age is on the scale of Service.Ran.
type age struct{ start, lastUse time.Duration }

// observe notes a use. old is the session's age by the clock, believed when it is met for the first time.
func (a *monotonicAges) observe(hash string, ran, old time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, met := a.byHash[hash]
	if !met {
		x.start = ran - max(old, 0)
	}
	x.lastUse = ran
	if a.byHash == nil {
		a.byHash = map[string]age{}
	}
	a.byHash[hash] = x
}

// expired tells whether the time of a session is over, by what went by since it was met.
func (a *monotonicAges) expired(hash string, ran time.Duration, p account.Policy) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	x, met := a.byHash[hash]
	return met && x.expired(ran, p)
}

func (x age) expired(ran time.Duration, p account.Policy) bool {
	return ran-x.start >= p.SessionMax || ran-x.lastUse >= p.SessionIdle
}

// deleteExpired drops the sessions whose records are swept away by now, were their clock right: an hour later than they end.
func (a *monotonicAges) deleteExpired(ran time.Duration, p account.Policy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for hash, x := range a.byHash {
		if x.expired(ran-time.Hour, p) {
			delete(a.byHash, hash)
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
