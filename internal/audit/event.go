// Package audit owns the record of what was done: events that are only ever added, written in the same
// Update as the act. It neither decides what is an act nor keeps the log lines of the program.
package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/store"
)

// Event is one act. Nothing in it is ever a secret: not what was typed, no code, cookie, link or token.
type Event struct {
	At          time.Time         `json:"at"` // set by Append from the id
	Actor       Actor             `json:"actor,omitzero"`
	Subject     string            `json:"subject,omitempty"`      // user id of the person whom it is about
	SubjectName string            `json:"subject_name,omitempty"` // their login at that time
	Targets     []Actor           `json:"targets,omitempty"`      // what else it was done to: a device, a group
	Action      string            `json:"action"`                 // one of actions.go
	Outcome     string            `json:"outcome"`                // one of actions.go
	Reason      string            `json:"reason,omitempty"`       // why it was not a success: a word, no sentence
	Address     string            `json:"address,omitempty"`      // of the client
	Agent       string            `json:"agent,omitempty"`        // its User-Agent
	Session     string            `json:"session,omitempty"`      // short public id, never the secret
	Request     string            `json:"request,omitempty"`      // request id, as in the log
	Detail      map[string]string `json:"detail,omitempty"`
	Chain       []byte            `json:"chain,omitempty"` // empty: room for the hash of the entry before
}

// Actor is who did it, or what it was done to.
type Actor struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// What an event may hold at most, in bytes of UTF-8. What is longer is cut, for most of it is chosen by
// strangers. An event stays below 24 KiB.
const (
	maxShort   = 128 // ids, types, actions, outcomes
	maxName    = 320 // names, addresses
	maxText    = 512 // reason, agent, a detail's value
	maxTargets = 16
	maxDetail  = 16
)

// NewID returns the id of an event that happens now. Call it before the Update that stores the event.
func NewID(now time.Time) string { return store.NewTimeID(now) }

// ErrID is the answer to an id or cursor that is not one of ours.
var ErrID = errors.New("not an audit id")

// parseID returns the time in an id. It accepts a bare time as well, which sorts before the ids of it.
func parseID(id string) (time.Time, error) {
	head, tail, _ := strings.Cut(id, "-")
	at, err := time.Parse(store.TimeLayout, head)
	if err != nil || len(head) != len(store.TimeLayout) || len(tail) > 64 {
		return time.Time{}, ErrID
	}
	for _, c := range []byte(tail) {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9') {
			return time.Time{}, ErrID
		}
	}
	return at, nil
}

// clean returns the event as it may be stored: every text short, valid and on one line.
func (e Event) clean() (Event, error) {
	if e.Action == "" || e.Outcome == "" {
		return Event{}, fmt.Errorf("event without action or outcome: %q, %q", e.Action, e.Outcome)
	}
	e.Actor = e.Actor.clean()
	e.Subject, e.SubjectName = line(e.Subject, maxShort), line(e.SubjectName, maxName)
	e.Targets = slices.Clone(e.Targets[:min(len(e.Targets), maxTargets)])
	for i := range e.Targets {
		e.Targets[i] = e.Targets[i].clean()
	}
	e.Action, e.Outcome = line(e.Action, maxShort), line(e.Outcome, maxShort)
	e.Reason, e.Agent = line(e.Reason, maxText), line(e.Agent, maxText)
	e.Address, e.Session, e.Request = line(e.Address, maxShort), line(e.Session, maxShort), line(e.Request, maxShort)
	if len(e.Detail) == 0 {
		e.Detail = nil
		return e, nil
	}
	detail := make(map[string]string, len(e.Detail))
	for _, key := range slices.Sorted(maps.Keys(e.Detail))[:min(len(e.Detail), maxDetail)] {
		detail[line(key, maxShort)] = line(e.Detail[key], maxText)
	}
	e.Detail = detail
	return e, nil
}

func (a Actor) clean() Actor {
	return Actor{Type: line(a.Type, maxShort), ID: line(a.ID, maxShort), Name: line(a.Name, maxName)}
}

// line makes a text inert wherever a log is read: whatever breaks a line, drives a terminal or turns the
// direction of writing becomes U+FFFD, so that a User-Agent cannot forge an entry (OWASP ASVS 16.4.1).
func line(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Cf, r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) <= limit {
		return s
	}
	cut := limit
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
