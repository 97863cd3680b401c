package throttle

import (
	"slices"
	"time"
)

// Class is a kind of secret that can be guessed. Each is judged by the one function May, wherever it is typed.
type Class int

const (
	// Code is the six digits of an authenticator app: at most 10 wrong in 15 minutes and 20 in 24 hours,
	// and after 5 in a row waits of 30 seconds doubling to 15 minutes.
	Code Class = iota + 1
	// Recovery is a recovery code: at most 10 wrong an hour.
	Recovery
	// Ticket is the short code of a reset: at most 10 wrong an hour, apart from Recovery, since a ticket is
	// handed over for ten minutes to somebody who may just have tried all old recovery codes.
	Ticket
	// Password is a password: 5 wrong in a row are free, then waits as for Code. Nothing else stops it, so
	// that no stranger locks anybody out for good.
	Password
	// Key is an answer of a security key and Link a secret of 128 bits: nobody guesses them, so they are
	// never stopped and never counted.
	Key
	Link
)

// The numbers of PROTOCOL 17.
const (
	shortCount, shortSpan  = 10, 15 * time.Minute
	longCount, longSpan    = 20, 24 * time.Hour
	ownCount, ownSpan      = 10, time.Hour
	freeInARow             = 5
	firstWait, longestWait = 30 * time.Second, 15 * time.Minute
	quiet                  = 24 * time.Hour     // after it a row of wrong answers starts anew
	knownPassword          = 7 * 24 * time.Hour // how long wrong codes after the right password are kept
	knownPasswordCount     = 20
	aheadOfUs              = 5 * time.Minute // how far the clocks of two machines may differ
)

// Failures is what is remembered of the wrong answers given for one person over all doors. It is a value: its
// methods return a changed copy. The zero value is a person for whom nobody ever answered wrongly. A person's
// known browsers have a budget of their own, so that a stranger who spends the other one does not keep the
// person out.
type Failures struct {
	Unknown Budget `json:"unknown,omitzero"`
	Known   Budget `json:"known,omitzero"`
	// Streak counts wrong six-digit codes in a row over both budgets. Only a right answer ends it.
	Streak int `json:"streak,omitzero"`
	// WrongAfterPassword has the times of the last 20 wrong codes, each given after the right password: a
	// sign within a week that somebody else knows it.
	WrongAfterPassword []time.Time `json:"wrong_after_password,omitempty"`
}

// Budget is one side's counters.
type Budget struct {
	Codes     Counter     `json:"codes,omitzero"`
	Passwords Counter     `json:"passwords,omitzero"`
	Recovery  []time.Time `json:"recovery,omitempty"` // the last 10
	Ticket    []time.Time `json:"ticket,omitempty"`   // the last 10
}

// Counter is a row of wrong answers with the wait that it earned.
type Counter struct {
	Streak    int         `json:"streak,omitzero"`
	Times     []time.Time `json:"times,omitempty"` // the last 20 wrong answers, in or out of the row
	WaitUntil time.Time   `json:"wait_until,omitzero"`
}

// Allowed tells whether an answer of this class may be judged now, and if not, from when. It must be asked again
// in the Update that stores the outcome, right or wrong: answers given at the same moment all pass a first look.
func (f Failures) Allowed(now time.Time, class Class, known bool) (ok bool, until time.Time) {
	b := f.budget(known)
	switch class {
	case Code:
		until = later(b.Codes.waitUntil(now),
			later(fullUntil(now, b.Codes.Times, shortCount, shortSpan), fullUntil(now, b.Codes.Times, longCount, longSpan)))
	case Password:
		until = b.Passwords.waitUntil(now)
	case Recovery:
		until = fullUntil(now, b.Recovery, ownCount, ownSpan)
	case Ticket:
		until = fullUntil(now, b.Ticket, ownCount, ownSpan)
	}
	if until.After(now) {
		return false, until
	}
	return true, time.Time{}
}

// WithFailure counts a wrong answer. A right code used before is refused without being counted: no call of this.
func (f Failures) WithFailure(now time.Time, class Class, known bool) Failures {
	b := f.budget(known)
	switch class {
	case Code:
		b.Codes = b.Codes.withFailure(now)
		f.Streak++
		f.WrongAfterPassword = push(now, f.WrongAfterPassword, knownPasswordCount, knownPassword)
	case Password:
		b.Passwords = b.Passwords.withFailure(now)
	case Recovery:
		b.Recovery = push(now, b.Recovery, ownCount, ownSpan)
	case Ticket:
		b.Ticket = push(now, b.Ticket, ownCount, ownSpan)
	}
	return f.with(known, b)
}

// WithSuccess ends the row and the wait of this side. The wrong answers of the last 24 hours stay counted: what a
// guesser may try in a day does not grow by the person signing in between. A password ends nothing but its
// own row; any second proof ends the row of six-digit codes.
func (f Failures) WithSuccess(now time.Time, class Class, known bool) Failures {
	b := f.budget(known)
	if class == Password {
		b.Passwords = b.Passwords.withSuccess(now)
		return f.with(known, b)
	}
	if class == Link { // a mailbox, not the person's device
		return f
	}
	b.Codes = b.Codes.withSuccess(now)
	f.Streak = 0
	return f.with(known, b)
}

// Expired tells that nothing of this is worth keeping: it says no more than the zero value would.
func (f Failures) Expired(now time.Time) bool {
	return f.Streak == 0 && f.Unknown.expired(now) && f.Known.expired(now) &&
		len(within(now, f.WrongAfterPassword, knownPassword)) == 0
}

func (b Budget) expired(now time.Time) bool {
	return len(within(now, b.Codes.Times, quiet))+len(within(now, b.Passwords.Times, quiet))+
		len(within(now, b.Recovery, ownSpan))+len(within(now, b.Ticket, ownSpan)) == 0 &&
		!b.Codes.waitUntil(now).After(now) && !b.Passwords.waitUntil(now).After(now)
}

func (f Failures) budget(known bool) Budget {
	if known {
		return f.Known
	}
	return f.Unknown
}

func (f Failures) with(known bool, b Budget) Failures {
	if known {
		f.Known = b
	} else {
		f.Unknown = b
	}
	return f
}

// waitUntil is the end of the wait, or the zero time. One that ends later than any wait lasts was written before
// the clock was set back; it counts for nothing, or the person would wait as long as the clock was wrong.
func (t Counter) waitUntil(now time.Time) time.Time {
	if t.WaitUntil.After(now.Add(longestWait + aheadOfUs)) {
		return time.Time{}
	}
	return t.WaitUntil
}

func (t Counter) withFailure(now time.Time) Counter {
	if len(within(now, t.Times, quiet)) == 0 {
		t.Streak = 0
	}
	t.Streak++
	t.Times = push(now, t.Times, longCount, longSpan)
	if t.Streak >= freeInARow {
		t.WaitUntil = now.Add(waitAfter(t.Streak))
	}
	return t
}

func (t Counter) withSuccess(now time.Time) Counter {
	return Counter{Times: within(now, t.Times, longSpan)}
}

// waitAfter is 30 s after the fifth wrong answer in a row and doubles with each further one to 15 min.
func waitAfter(row int) time.Duration {
	wait := firstWait
	for range min(row-freeInARow, 10) {
		wait *= 2
	}
	return min(wait, longestWait)
}

// fullUntil is when the oldest of the last count times within the span leaves it; zero if there are fewer.
func fullUntil(now time.Time, times []time.Time, count int, span time.Duration) time.Time {
	times = within(now, times, span)
	if len(times) < count {
		return time.Time{}
	}
	return times[len(times)-count].Add(span)
}

// within is the times of the last span, oldest first, as a slice of its own. Times ahead of any clock that
// could have written them are dropped: the clock was set back, and every stop must end by itself.
func within(now time.Time, times []time.Time, span time.Duration) []time.Time {
	var kept []time.Time
	for _, t := range times {
		if t.Add(span).After(now) && !t.After(now.Add(aheadOfUs)) {
			kept = append(kept, t)
		}
	}
	slices.SortFunc(kept, time.Time.Compare)
	return kept
}

func push(now time.Time, times []time.Time, count int, span time.Duration) []time.Time {
	times = append(within(now, times, span), now)
	slices.SortFunc(times, time.Time.Compare)
	return times[max(0, len(times)-count):]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
