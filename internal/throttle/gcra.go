// Package throttle limits rates. It owns named limits, each with one timestamp (GCRA), and the counters of failures that
// protect the secrets of a user. It decides and counts; callers reject the request and inform the user.
package throttle

import "time"

// Limit is a named rate limit: Count operations at once, then one more after each Per/Count. A span of Per that begins
// after a pause can contain almost twice Count operations.
type Limit struct {
	Name  string        // part of the record key: lower-case letters and hyphens
	Count int           // at least 1
	Per   time.Duration // at least Count nanoseconds
}

// Decide is the generic cell rate algorithm. tat is the theoretical arrival time of a subject, at which its limit is
// unused again; the zero time is that of a new subject. Decide returns the time to store and whether cost more operations
// are allowed now. It also returns how long to wait if they are not, and how many remain after them. A rejection costs
// nothing. A cost above Count is never allowed. A cost of 0 changes nothing.
func (l Limit) Decide(tat, now time.Time, cost int) (newTAT time.Time, ok bool, retry time.Duration, remaining int) {
	step := l.Per / time.Duration(l.Count)
	full := step * time.Duration(l.Count)
	if tat.Before(now) {
		tat = now
	}
	// A time further ahead than a fully used limit is from a wrong clock. It counts as now, so the limit is unused. The times
	// of a store.Table are corrected before (protocol rule 34).
	if tat.After(now.Add(full)) {
		tat = now
	}
	next := tat.Add(step * time.Duration(cost))
	if wait := next.Sub(now) - full; wait > 0 {
		return tat, false, wait, int((full - tat.Sub(now)) / step)
	}
	return next, true, 0, int((full - next.Sub(now)) / step)
}
