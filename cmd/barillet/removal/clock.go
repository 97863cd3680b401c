// Package removal owns the clock of the retention policies, which removes nothing early when the clock of the host is wrong.
package removal

import (
	"sync"
	"time"
)

// Delay is the uptime after which retention policies accept a clock that was set forward.
const Delay = 24 * time.Hour

// MinJump is the least difference between a clock and the uptime that counts as a wrong clock.
const MinJump = 5 * time.Minute

// Clock is the clock of the retention policies. While the clock is ahead of the uptime, it goes on from the last time that
// agreed, so that a wrong clock removes nothing early. It is safe for concurrent use.
type Clock struct {
	clock  func() time.Time
	uptime func() time.Duration

	mu     sync.Mutex
	agreed time.Time     // the last time that agreed with the uptime
	at     time.Duration // uptime at agreed
	held   bool
	since  time.Duration // uptime at which the clock was first ahead
}

// New returns a clock that trusts last, the time of the last audit event, unless the present time is less than
// Delay later, or there is no event.
func New(clock func() time.Time, uptime func() time.Duration, last time.Time) *Clock {
	r := &Clock{clock: clock, uptime: uptime, agreed: clock().Round(0), at: uptime()}
	if !last.IsZero() && r.agreed.Sub(last) > Delay {
		r.agreed = last
	}
	return r
}

// Now returns the time for the policies.
func (r *Clock) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	wall, up := r.clock().Round(0), r.uptime()
	expected := r.agreed.Add(up - r.at)
	ahead := wall.Sub(expected) >= MinJump
	if ahead && !r.held {
		r.since = up
	}
	if r.held = ahead && up-r.since < Delay; r.held {
		return expected
	}
	r.agreed, r.at = wall, up
	return wall
}
