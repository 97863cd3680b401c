package outbox

import (
	"errors"
	"strings"
	"time"
)

// How long something is tried, and how often.
const (
	firstRetry    = time.Minute
	refusedRetry  = time.Hour // a refusal for good is sometimes a mistake that somebody mends; hurry does not help
	longestRetry  = 6 * time.Hour
	giveUpAfter   = 5 * 24 * time.Hour
	deadKept      = 30 * 24 * time.Hour
	leastAttempts = 8 // what waited for days without any server still gets its tries
)

// What an attempt may fail by. Any other error may pass.
var (
	// ErrUnreachable is a server that cannot be used: down, stalling, without TLS, refusing to authenticate us.
	ErrUnreachable = errors.New("server cannot be used")
	// ErrRefused is a row that the server refuses for good.
	ErrRefused = errors.New("server refuses it")
	// ErrFinal is a row that is not to be tried again.
	ErrFinal = errors.New("is not tried again")
	// ErrDiscard is a row that nobody waits for any more. It is deleted without a trace.
	ErrDiscard = errors.New("nobody waits for it")
)

// Attempts is how far a row has come.
type Attempts struct {
	Queued time.Time `json:"queued"`
	// NotBefore is when it may be tried next; zero is at once.
	NotBefore time.Time `json:"not_before,omitzero"`
	// ExpiresAt is when what it says has no worth any more, such as a link that ended. Zero is never.
	ExpiresAt   time.Time `json:"expires_at,omitzero"`
	Count       int       `json:"attempts,omitempty"`
	Tried       time.Time `json:"tried,omitzero"`
	LastError   string    `json:"last_error,omitempty"`  // one short line without links
	Unreachable bool      `json:"unreachable,omitempty"` // the last attempt failed by the server, not by this row
	Dead        bool      `json:"dead,omitempty"`        // given up
	Died        time.Time `json:"died,omitzero"`
}

// failed is the try after an attempt that failed: to be made again after 1 minute doubling to 6 hours, or, refused by
// the server, after 1 hour doubling to 6; given up when it was tried for five days.
func (t Attempts) failed(now time.Time, err error) Attempts {
	t.Count++
	t.Tried = now
	t.Unreachable = errors.Is(err, ErrUnreachable)
	t.LastError = Brief(err)
	if errors.Is(err, ErrFinal) || now.Sub(t.Queued) >= giveUpAfter && t.Count >= leastAttempts {
		return t.dead(now, t.LastError)
	}
	wait := firstRetry
	if errors.Is(err, ErrRefused) {
		wait = refusedRetry
	}
	for range min(t.Count-1, 10) {
		wait *= 2
	}
	t.NotBefore = now.Add(min(wait, longestRetry))
	return t
}

// due tells whether the row is to be tried. One that only ever failed by the server need not wait its turn
// once that server has taken another since.
func (t Attempts) due(now, reached time.Time) bool {
	return !t.Dead && (!t.NotBefore.After(now) || t.Unreachable && reached.After(t.Tried))
}

func (t Attempts) expired(now time.Time) bool {
	return !t.Dead && !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(now)
}

func (t Attempts) dead(now time.Time, why string) Attempts {
	t.Dead, t.Died, t.LastError = true, now, why
	return t
}

// Brief is an error as it may be stored and logged: one short line, and no link, for some servers repeat in
// their answer what they did not like.
func Brief(err error) string {
	words := strings.Fields(strings.ToValidUTF8(err.Error(), "\uFFFD"))
	for i, word := range words {
		if strings.Contains(word, "://") {
			words[i] = "[link]"
		}
	}
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, strings.Join(words, " "))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return s
}
