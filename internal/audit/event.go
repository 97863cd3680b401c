// Package audit owns the audit log: events that are appended in the Update of the operation that they record, each with its leaf
// of a Merkle tree (promise S3). It does not decide which operations have an event, it does not build the tree, and it does not
// write the program's log.
package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/input"
	"barillet/store"
)

// Event records one operation. It contains no secret: no password, code, cookie, link or token (promise S4).
type Event struct {
	At          time.Time         `json:"at" ahead:"any"` // set by Append to the time in the id
	Actor       Actor             `json:"actor,omitzero"`
	Subject     string            `json:"subject,omitempty"`      // id of the user that the event is about
	SubjectName string            `json:"subject_name,omitempty"` // login of that user at that time
	Targets     []Actor           `json:"targets,omitempty"`      // other objects of the operation, such as a device or a group
	Action      string            `json:"action"`                 // one of the actions in this package
	Outcome     string            `json:"outcome"`                // one of the outcomes in this package
	Reason      string            `json:"reason,omitempty"`       // why the outcome is not Success, as one word
	Address     string            `json:"address,omitempty"`      // IP address of the client
	Agent       string            `json:"agent,omitempty"`        // User-Agent of the client
	Session     string            `json:"session,omitempty"`      // public id of the session, not its secret
	Request     string            `json:"request,omitempty"`      // request id, as in the program's log
	Detail      map[string]string `json:"detail,omitempty"`

	// Salt is the salt of the commitments in the leaf of the event. Append sets it. It is not for readers of the log.
	Salt []byte `json:"salt,omitempty"`
	// Erased has the commitments to the values that Erase removed, by the names in the encoding of a leaf. It is nil, not
	// empty, for an event that was not erased.
	Erased map[string]tlog.Hash `json:"erased,omitzero"`
}

// Actor is the actor or a target of an operation.
type Actor struct {
	Type string `json:"type,omitempty"`
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// System is the actor of what the service does by itself.
var System = Actor{Type: TypeSystem, Name: "barillet"}

// The limits of an event, in bytes of UTF-8. Longer texts are cut, because unauthenticated clients choose most of them. An
// event stays below 24 KiB.
const (
	maxShort   = 128 // ids, types, actions, outcomes
	maxName    = 320 // names, addresses
	maxText    = 512 // reason, agent, value of a detail
	maxTargets = 16
	maxDetail  = 16
)

// NewID returns the id of an event that happens now. Call it before the Update that stores the event.
func NewID(now time.Time) string { return store.NewTimeID(now) }

// ErrID is wrapped by the error for an invalid id or cursor.
var ErrID = errors.New("invalid audit id")

// TimeOf returns the time in the id of an event.
func TimeOf(id string) (time.Time, error) { return parseID(id) }

// parseID returns the time in an id. It also accepts a time alone, which sorts before the ids of that time.
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

// clean returns the event with every text valid, on one line and within its limit.
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

// line returns s cut to limit bytes, with U+FFFD for each character that breaks a line, controls a terminal or changes the
// direction of text. So a client cannot forge an entry by its User-Agent (ASVS 5 §16.4.1).
func line(s string, limit int) string {
	if len(s) <= limit && input.IsPlain(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if input.Unsafe(r) {
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
