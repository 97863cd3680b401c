package main

import (
	"sync"
	"time"
)

// removalDelay is the uptime after which retention policies accept a clock that was set forward.
const removalDelay = 24 * time.Hour

// removalClock is the clock of the retention policies. While the clock is ahead of the uptime, it goes on from the last time that
// agreed, so that a wrong clock removes nothing early. It is safe for concurrent use.
type removalClock struct {
	clock  func() time.Time
	uptime func() time.Duration

	mu     sync.Mutex
	agreed time.Time     // the last time that agreed with the uptime
	at     time.Duration // uptime at agreed
	held   bool
	since  time.Duration // uptime at which the clock was first ahead
}

// newRemovalClock returns a clock that trusts last, the time of the last audit event, unless the present time is less than
// removalDelay later, or there is no event.
func newRemovalClock(clock func() time.Time, uptime func() time.Duration, last time.Time) *removalClock {
	r := &removalClock{clock: clock, uptime: uptime, agreed: clock().Round(0), at: uptime()}
	if !last.IsZero() && r.agreed.Sub(last) > removalDelay {
		r.agreed = last
	}
	return r
}

// now returns the time for the policies.
func (r *removalClock) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	wall, up := r.clock().Round(0), r.uptime()
	expected := r.agreed.Add(up - r.at)
	ahead := wall.Sub(expected) >= minClockJump
	if ahead && !r.held {
		r.since = up
	}
	if r.held = ahead && up-r.since < removalDelay; r.held {
		return expected
	}
	r.agreed, r.at = wall, up
	return wall
}
