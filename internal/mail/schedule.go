package mail

import (
	"errors"
	"time"
)

// How long a message is tried, and how often.
const (
	firstRetry    = time.Minute
	refusedRetry  = time.Hour // a refusal for good is sometimes a mistake that somebody mends; hurry does not help
	longestRetry  = 6 * time.Hour
	giveUpAfter   = 5 * 24 * time.Hour
	deadKept      = 30 * 24 * time.Hour
	leastAttempts = 8 // a message that waited for days without any mail server still gets its tries
)

// failed is the row after an attempt that failed: to be tried again after 1 minute doubling to 6 hours, or,
// refused by the server, after 1 hour doubling to 6; given up when it was tried for five days.
func (r Row) failed(now time.Time, err error) *Row {
	r.Attempts++
	r.Tried = now
	r.Unreachable = errors.Is(err, ErrUnreachable)
	r.LastError = brief(err)
	if now.Sub(r.Queued) >= giveUpAfter && r.Attempts >= leastAttempts {
		return r.dead(now, r.LastError)
	}
	wait := firstRetry
	if errors.Is(err, ErrRefused) {
		wait = refusedRetry
	}
	for range min(r.Attempts-1, 10) {
		wait *= 2
	}
	r.NotBefore = now.Add(min(wait, longestRetry))
	return &r
}

// due tells whether the row is to be tried. One that only ever failed by the server need not wait its turn
// once that server has taken another message since.
func (r Row) due(now, reached time.Time) bool {
	return !r.Dead && (!r.NotBefore.After(now) || r.Unreachable && reached.After(r.Tried))
}

func (r Row) useless(now time.Time) bool {
	return !r.Dead && !r.UselessAfter.IsZero() && !r.UselessAfter.After(now)
}
