package throttle

import (
	"slices"
	"sort"
	"time"
)

// Class is a kind of secret that can be guessed. Guess.May applies its limit for all endpoints (protocol rule 17).
type Class int

const (
	// Code is a six-digit code of an authenticator app: at most 10 failures in 15 minutes and 20 in 24 hours. After 5
	// in a row there are waits of 30 seconds, doubling to 15 minutes. After 100 in a row, unknown browsers are refused.
	Code Class = iota + 1
	// Recovery is a recovery code: at most 10 failures in an hour.
	Recovery
	// Ticket is the short code of a ticket: at most 10 failures in an hour. It is not counted with Recovery, because a
	// user can try old recovery codes before the reset, and a ticket on screen lasts ten minutes.
	Ticket
	// Password is a password: after 5 failures in a row there are waits as for Code. It has no other limit, so that an
	// unauthenticated client cannot lock out a user (promise A5).
	Password
	// Key is an answer of a security key, and Link a secret of at least 128 bits. They cannot be guessed, so they are
	// neither limited nor counted.
	Key
	Link
)

// The numbers of protocol rule 17.
const (
	shortCount, shortSpan = 10, 15 * time.Minute
	longCount, longSpan   = 20, 24 * time.Hour
	ownCount, ownSpan     = 10, time.Hour
	freeInARow            = 5
	stopInARow            = 100
	firstWait, maxWait    = 30 * time.Second, 15 * time.Minute
	streakTTL             = 24 * time.Hour     // without a failure, after which a streak ends
	knownPassword         = 7 * 24 * time.Hour // how long failed codes after a correct password are kept
	knownPasswordCount    = 20
)

// Failures counts the failures for one user over all endpoints (promise A3). It is a value: its methods return a changed
// copy. The zero value has no failures. Known browsers have their own budget, so that an unauthenticated client cannot
// use it up (promise A5).
type Failures struct {
	User string `json:"user,omitempty"` // whose counters they are; "": those of unknown logins. FailureStore.Put sets it

	Unknown Budget `json:"unknown,omitzero"`
	Known   Budget `json:"known,omitzero"`
	// Streak is the number of failed six-digit codes in a row, over both budgets. A success and a new password reset it.
	Streak int `json:"streak,omitzero"`
	// WrongAfterPassword has the times of the last 20 failed codes of a week, each in an unknown browser after a correct
	// password. They are a sign that another person knows the password.
	WrongAfterPassword []time.Time `json:"wrong_after_password,omitempty" within:"any"`
}

// Budget has the counters of the known browsers, or those of all others.
type Budget struct {
	Codes     Counter     `json:"codes,omitzero"`
	Passwords Counter     `json:"passwords,omitzero"`
	Recovery  []time.Time `json:"recovery,omitempty" within:"any"` // the last 10
	Ticket    []time.Time `json:"ticket,omitempty" within:"any"`   // the last 10
}

// Counter counts failures in a row and has the wait that follows from them.
type Counter struct {
	Streak    int         `json:"streak,omitzero"`
	Times     []time.Time `json:"times,omitempty" within:"any"` // the last 20 failures, also before the streak
	WaitUntil time.Time   `json:"wait_until,omitzero" since:"Times"`
}

// Allowed reports whether an answer of a class may be checked now, and otherwise when. The caller must call it again in the
// Update that stores the outcome, because concurrent answers all pass the first call.
func (f Failures) Allowed(now time.Time, class Class, known bool) (ok bool, until time.Time) {
	b := f.budget(known)
	switch class {
	case Code:
		until = later(b.Codes.WaitUntil,
			later(fullUntil(now, b.Codes.Times, shortCount, shortSpan), fullUntil(now, b.Codes.Times, longCount, longSpan)))
		if !known && f.Stopped() {
			until = later(until, f.nextWait(now))
		}
	case Password:
		until = b.Passwords.WaitUntil
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

// Blocked reports whether answers of a class are not checked now, of known browsers or of others.
func (f Failures) Blocked(now time.Time) bool {
	for _, class := range []Class{Code, Password} {
		for _, known := range []bool{false, true} {
			if ok, _ := f.Allowed(now, class, known); !ok {
				return true
			}
		}
	}
	return false
}

// Stopped reports whether six-digit codes from unknown browsers are refused until a success or a new password.
func (f Failures) Stopped() bool { return f.Streak >= stopInARow }

// nextWait returns the end of the present wait of a stop. It looks like that of an ordinary wait: a time that comes
// nearer, and moves on by the longest wait once it has passed.
func (f Failures) nextWait(now time.Time) time.Time {
	last := time.Time{}
	for _, t := range slices.Concat(f.Unknown.Codes.Times, f.Known.Codes.Times) {
		last = later(last, t)
	}
	if last.IsZero() || last.After(now) {
		return now.Add(maxWait)
	}
	return now.Add(maxWait - now.Sub(last)%maxWait)
}

// WithWrongAfterPassword counts a failed code after a correct password. exposed reports whether there were so many in a
// week that another person knows the password: the allowance of unknown browsers for a whole day.
func (f Failures) WithWrongAfterPassword(now time.Time) (_ Failures, exposed bool) {
	f.WrongAfterPassword = push(now, f.WrongAfterPassword, knownPasswordCount, knownPassword)
	return f, len(f.WrongAfterPassword) >= knownPasswordCount
}

// WithoutWrongSince forgets the failed codes after a correct password from t on: they were the user's own.
func (f Failures) WithoutWrongSince(t time.Time) Failures {
	f.WrongAfterPassword = slices.DeleteFunc(slices.Clone(f.WrongAfterPassword), func(at time.Time) bool { return !at.Before(t) })
	return f
}

// WithNewPassword ends the stop and what was known of the old password. The failures of the last 24 hours stay counted.
func (f Failures) WithNewPassword() Failures {
	f.Streak, f.WrongAfterPassword = 0, nil
	return f
}

// WithFailure counts a failure. A correct code that was used before is not a failure.
func (f Failures) WithFailure(now time.Time, class Class, known bool) Failures {
	b := f.budget(known)
	switch class {
	case Code:
		b.Codes = b.Codes.withFailure(now)
		f.Streak++
	case Password:
		b.Passwords = b.Passwords.withFailure(now)
	case Recovery:
		b.Recovery = push(now, b.Recovery, ownCount, ownSpan)
	case Ticket:
		b.Ticket = push(now, b.Ticket, ownCount, ownSpan)
	}
	return f.with(known, b)
}

// WithSuccess ends the streak and the wait of one budget after a success. The failures of the last 24 hours stay counted, so a
// sign-in by the user allows no more guesses in a day. A password ends only its own streak. Any second factor ends the
// streak of six-digit codes.
func (f Failures) WithSuccess(now time.Time, class Class, known bool) Failures {
	b := f.budget(known)
	if class == Password {
		b.Passwords = b.Passwords.withSuccess(now)
		return f.with(known, b)
	}
	if class == Link { // it proves a mailbox, not a device
		return f
	}
	b.Codes = b.Codes.withSuccess(now)
	f.Streak = 0
	return f.with(known, b)
}

// Expired reports whether g has the same effect as the zero value, so that it can be deleted.
func (f Failures) Expired(now time.Time) bool {
	return f.Streak == 0 && f.Unknown.expired(now) && f.Known.expired(now) &&
		len(within(now, f.WrongAfterPassword, knownPassword)) == 0
}

func (b Budget) expired(now time.Time) bool {
	return len(within(now, b.Codes.Times, streakTTL))+len(within(now, b.Passwords.Times, streakTTL))+
		len(within(now, b.Recovery, ownSpan))+len(within(now, b.Ticket, ownSpan)) == 0 &&
		!b.Codes.WaitUntil.After(now) && !b.Passwords.WaitUntil.After(now)
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

func (t Counter) withFailure(now time.Time) Counter {
	if len(within(now, t.Times, streakTTL)) == 0 {
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

// waitAfter returns 30 seconds for the fifth failure in a row, doubling with each further one to 15 minutes.
func waitAfter(row int) time.Duration {
	wait := firstWait
	for range min(row-freeInARow, 10) {
		wait *= 2
	}
	return min(wait, maxWait)
}

// fullUntil returns when the oldest of the last count times leaves the span, or the zero time if there are fewer.
func fullUntil(now time.Time, times []time.Time, count int, span time.Duration) time.Time {
	times = within(now, times, span)
	if len(times) < count {
		return time.Time{}
	}
	return times[len(times)-count].Add(span)
}

// within returns a copy of the times in the last span, oldest first.
func within(now time.Time, times []time.Time, span time.Duration) []time.Time {
	var kept []time.Time
	for _, t := range times {
		if t.Add(span).After(now) {
			kept = append(kept, t)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Before(kept[j]) })
	return kept
}

func push(now time.Time, times []time.Time, count int, span time.Duration) []time.Time {
	times = append(within(now, times, span), now)
	sort.Slice(times, func(i, j int) bool { return times[i].Before(times[j]) })
	return times[max(0, len(times)-count):]
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
