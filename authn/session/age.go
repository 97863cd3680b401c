package session

import (
	"sync"
	"time"

	"barillet/authn/account"
)

// monotonicAges measures the age of sessions by the uptime of the process, so that a clock that is set back does not extend a
// session. It starts empty with the process; the limits by the wall clock apply in addition. The zero value is ready to use.
type monotonicAges struct {
	mu     sync.Mutex
	byHash map[string]age
}

// age is the start and the last use of a session, in uptime of the process.
type age struct{ start, lastUse time.Duration }

// observe records a use of a session. wallAge is its age by the wall clock, which counts at the first use in this process.
func (m *monotonicAges) observe(hash string, uptime, wallAge time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found := m.byHash[hash]
	if !found {
		a.start = uptime - max(wallAge, 0)
	}
	a.lastUse = uptime
	if m.byHash == nil {
		m.byHash = map[string]age{}
	}
	m.byHash[hash] = a
}

// expired reports whether a session has reached a limit of the policy. It returns false for a session without a use in this
// process.
func (m *monotonicAges) expired(hash string, uptime time.Duration, p account.Policy) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, found := m.byHash[hash]
	return found && a.expired(uptime, p)
}

func (a age) expired(uptime time.Duration, p account.Policy) bool {
	return uptime-a.start >= p.SessionMax || uptime-a.lastUse >= p.SessionIdle
}

// deleteExpired deletes the sessions that expired more than one hour ago. The sweep deletes their records after the same
// time.
func (m *monotonicAges) deleteExpired(uptime time.Duration, p account.Policy) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for hash, a := range m.byHash {
		if a.expired(uptime-time.Hour, p) {
			delete(m.byHash, hash)
		}
	}
}

// uptime returns how long the process has run; always 0 if Uptime is nil.
func (s *Service) uptime() time.Duration {
	if s.Uptime == nil {
		return 0
	}
	return s.Uptime()
}
