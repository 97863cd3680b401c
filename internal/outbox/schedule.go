package outbox

import (
	"errors"
	"regexp"
	"strings"
	"time"
)

// The schedule of attempts.
const (
	firstRetry   = time.Minute
	refusedRetry = time.Hour // the first retry after ErrRefused: the operator may correct the cause
	maxRetry     = 6 * time.Hour
	giveUpAfter  = 5 * 24 * time.Hour
	minAttempts  = 8 // before a job is given up, even if it waited for days without a server
)

// The errors of Worker.Send that have a meaning. A job that fails with another error is tried again.
var (
	// ErrUnreachable means that the server cannot be used: it is down, too slow, has no TLS or rejects the credentials.
	ErrUnreachable = errors.New("server is unavailable")
	// ErrRefused means that the server rejects this job permanently.
	ErrRefused = errors.New("server rejects the job")
	// ErrFinal means that the job becomes a dead letter without a further attempt.
	ErrFinal = errors.New("no further attempt")
	// ErrDiscard means that the job has no recipient any more. It is deleted and leaves no dead letter.
	ErrDiscard = errors.New("no recipient")
)

// Attempts is the state of the delivery of a job.
type Attempts struct {
	Queued time.Time `json:"queued"`
	// NotBefore is the earliest time of the next attempt. Zero means at once.
	NotBefore time.Time `json:"not_before,omitzero" since:"Queued,Tried"`
	// ExpiresAt is the time from which the job has no use, such as the expiry of a link in it. Zero means never.
	ExpiresAt   time.Time `json:"expires_at,omitzero" since:"Queued"`
	Count       int       `json:"attempts,omitempty"`
	Tried       time.Time `json:"tried,omitzero"`
	LastError   string    `json:"last_error,omitempty"`  // one short line without links
	Unreachable bool      `json:"unreachable,omitempty"` // the last attempt failed with ErrUnreachable
	Dead        bool      `json:"dead,omitempty"`        // given up: a dead letter
	Died        time.Time `json:"died,omitzero"`
}

// failed returns the state after a failed attempt. The next attempt is due after 1 minute, doubling to 6 hours; after
// ErrRefused it is due after 1 hour, doubling to 6. After five days the job is given up.
func (t Attempts) failed(now time.Time, err error) Attempts {
	t.Count++
	t.Tried = now
	t.Unreachable = errors.Is(err, ErrUnreachable)
	t.LastError = Brief(err)
	if errors.Is(err, ErrFinal) || now.Sub(t.Queued) >= giveUpAfter && t.Count >= minAttempts {
		return t.dead(now, t.LastError)
	}
	wait := firstRetry
	if errors.Is(err, ErrRefused) {
		wait = refusedRetry
	}
	for range min(t.Count-1, 10) {
		wait *= 2
	}
	t.NotBefore = now.Add(min(wait, maxRetry))
	return t
}

// due reports whether an attempt is due. A job that failed because its server was unavailable is due at once after that
// server took another job.
func (t Attempts) due(now, reached time.Time) bool {
	return !t.Dead && (!t.NotBefore.After(now) || t.Unreachable && reached.After(t.Tried))
}

// expired reports whether the job waits and has no use any more.
func (t Attempts) expired(now time.Time) bool {
	return !t.Dead && !t.ExpiresAt.IsZero() && !t.ExpiresAt.After(now)
}

func (t Attempts) dead(now time.Time, why string) Attempts {
	t.Dead, t.Died, t.LastError = true, now, why
	return t
}

// token matches the value of a link (secret.IsToken), also in an address without its scheme.
var token = regexp.MustCompile(`[A-Za-z0-9_-]{40}`)

// Brief returns the text of an error for the log, the store and the console: one line of at most 300 bytes. Links are removed, because
// some servers repeat the rejected content in their answer.
func Brief(err error) string {
	words := strings.Fields(strings.ToValidUTF8(err.Error(), "\uFFFD"))
	for i, word := range words {
		if strings.Contains(word, "://") || token.MatchString(word) {
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
