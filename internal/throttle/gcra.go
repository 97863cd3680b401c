// Package throttle owns how often something may be tried: named limits judged by one timestamp each (GCRA),
// and the counters of wrong answers that protect a person's secrets. It decides and counts; what is refused
// and what a person is told belongs to the callers.
package throttle

import "time"

// Limit is one named allowance: Count at once, then one more each Per/Count. So Count is what a quiet
// subject may do in one go, and Count each Per is what it may do for ever; a span of Per that begins after a
// quiet time can see nearly twice Count.
type Limit struct {
	Name  string        // part of the key in the store: lower-case letters and hyphens
	Count int           // at least 1
	Per   time.Duration // at least Count nanoseconds
}

// Decide is the generic cell rate algorithm with one timestamp, the theoretical arrival time: the moment at
// which everything spent is forgotten. The zero time is a subject never seen. It returns the timestamp to
// store, whether cost more are allowed now, how long to wait if they are not, and how many would be allowed
// after this. A refusal costs nothing: the timestamp comes back as it is judged. A cost above Count is never
// allowed; a cost of 0 only looks.
func (l Limit) Decide(tat, now time.Time, cost int) (newTAT time.Time, ok bool, retry time.Duration, remaining int) {
	step := l.Per / time.Duration(l.Count)
	full := step * time.Duration(l.Count)
	if tat.Before(now) {
		tat = now
	}
	// No honest timestamp lies further ahead than a spent allowance. One that does was written before the
	// clock was set back, and would block its subject for as long as the clock was wrong.
	if tat.After(now.Add(full)) {
		tat = now.Add(full)
	}
	next := tat.Add(step * time.Duration(cost))
	if wait := next.Sub(now) - full; wait > 0 {
		return tat, false, wait, int((full - tat.Sub(now)) / step)
	}
	return next, true, 0, int((full - next.Sub(now)) / step)
}
