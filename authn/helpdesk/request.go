package helpdesk

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
)

// State is the state of a help request.
type State string

// The states of a help request.
const (
	StateOpen       State = "open"
	StateInProgress State = "in_progress"
	StateResolved   State = "resolved"
	StateRejected   State = "rejected"
)

// Request is a help request. A record with an openKey or a referenceKey has only an ID: that of the latest open request
// about a user or an unknown address, or of the request with a reference.
type Request struct {
	ID               string         `json:"id"`
	Reference        string         `json:"reference,omitempty"` // "H-7K3F-2Q9M"
	User             account.UserID `json:"user,omitempty"`      // the user with this address; "": none
	Email            string         `json:"email,omitempty"`     // as typed, normalized; not verified
	Topic            notice.Topic   `json:"topic,omitempty"`
	Message          string         `json:"message,omitempty"`
	FollowUps        []FollowUp     `json:"texts,omitempty"`            // later submissions
	DroppedFollowUps int            `json:"droppedFollowUps,omitempty"` // number of submissions beyond maxFollowUps
	State            State          `json:"state,omitempty"`
	PasswordProven   bool           `json:"passwordProven,omitempty"` // the browser had proven the password of User
	Forgotten        bool           `json:"forgotten,omitempty"`      // opened by the password form, for a user without a device
	Assignee         string         `json:"assignee,omitempty"`       // as Principal.Owner; "": none
	AssigneeName     string         `json:"assigneeName,omitempty"`   // display name
	Identity         IdentityMethod `json:"identity,omitempty"`       // "": not checked, or checked before a reopening
	IdentityBy       string         `json:"identityBy,omitempty"`     // see IdentityCheck
	IdentityAt       time.Time      `json:"identityAt,omitzero"`
	Address          string         `json:"address,omitempty"` // IP address of the client
	Agent            string         `json:"agent,omitempty"`   // "Firefox, Android"
	At               time.Time      `json:"at,omitzero"`
	Changed          time.Time      `json:"changed,omitzero"`
	History          []HistoryEntry `json:"history,omitempty"`
}

// FollowUp is a later submission about the same address.
type FollowUp struct {
	At        time.Time    `json:"at"`
	Reference string       `json:"reference"`
	Topic     notice.Topic `json:"topic"`
	Message   string       `json:"message"` // cut to 400 characters
	Address   string       `json:"address,omitempty"`

	PasswordProven bool `json:"passwordProven,omitempty"` // as that of Request
}

// HistoryEntry is one operation of an administrator on a request.
type HistoryEntry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`             // ID of the principal
	Name string    `json:"name,omitempty"` // display name
	What string    `json:"what"`           // "status", "assigned", "identity", "note", "answer", "reset"
	Text string    `json:"text,omitempty"`
	Who  string    `json:"who,omitempty"` // "assigned": the id of the new assignee; "": none
}

// The limits of a request. With them its record, and the stored response to a call that changed it, are smaller than
// the value limit of the store.
const (
	maxFollowUps      = 8
	maxFollowUpLength = 400 // characters
	maxHistory        = 100
	maxRequestSize    = 52 << 10
	reservedEntries   = 10 // reserved for closing the request, so that notes cannot prevent a reset
	reservedSize      = 6 << 10
)

// find returns the request with this id or reference, or NotFound.
func (s *Service) find(r store.Reader, id string) (Request, error) {
	if reference, is := parseReference(id); is {
		p, err := s.requests.Get(r, s.referenceKey(reference))
		if errors.Is(err, store.ErrNotFound) {
			return Request{}, errcode.New(errcode.NotFound)
		}
		if err != nil {
			return Request{}, fmt.Errorf("looking up help request %s: %w", reference, err)
		}
		id = p.ID
	}
	if !isRequestID(id) || len(id) > 64 || store.CheckKey(id) != nil {
		return Request{}, errcode.New(errcode.NotFound)
	}
	c, err := s.requests.Get(r, id)
	if errors.Is(err, store.ErrNotFound) {
		return Request{}, errcode.New(errcode.NotFound)
	}
	if err != nil {
		return Request{}, fmt.Errorf("loading help request %q: %w", id, err)
	}
	return c, nil
}

// save stores a request that was read in the same transaction, and its openKey record. It returns TooMany if the
// request is full.
func (s *Service) save(tx *account.Tx, c *Request) error {
	c.Changed = tx.Op.Now
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding help request %q: %w", c.ID, err)
	}
	bytes, steps := maxRequestSize, maxHistory
	if !c.State.closed() {
		bytes, steps = bytes-reservedSize, steps-reservedEntries
	}
	if len(raw) > bytes || len(c.History) > steps {
		return errcode.New(errcode.TooMany)
	}
	if err := s.requests.Put(tx.Raw, c.ID, *c); err != nil {
		return fmt.Errorf("storing help request %q: %w", c.ID, err)
	}
	at := s.openKey(c.openSubject())
	latest, err := s.requests.Get(tx.Raw, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking up open help request: %w", err)
	}
	switch {
	case !c.State.closed() && latest.ID < c.ID:
		err = s.requests.Put(tx.Raw, at, Request{ID: c.ID})
	case c.State.closed() && latest.ID == c.ID:
		err = s.requests.Delete(tx.Raw, at)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("storing open help request: %w", err)
	}
	return nil
}

// openKey returns the key under which the id of the latest open request about a subject is stored. It sorts after the
// requests, whose ids begin with a year, and does not reveal the address.
func (s *Service) openKey(subject string) string {
	return fmt.Sprintf("of-%x", s.accounts.Pepper.MAC("help request", []byte(subject)))
}

// referenceKey returns the key under which the id of the request with a reference is stored.
func (s *Service) referenceKey(reference string) string { return s.openKey("reference " + reference) }

// putReference stores which request has a reference.
func (s *Service) putReference(tx *account.Tx, reference string, c *Request) error {
	if err := s.requests.Put(tx.Raw, s.referenceKey(reference), Request{ID: c.ID}); err != nil {
		return fmt.Errorf("storing the reference of a help request: %w", err)
	}
	return nil
}

// parseReference returns a reference as it is stored, "H-7K3F-2Q9M", for one that a user states or types.
func parseReference(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	code, is := strings.CutPrefix(secret.NormalizeShortCode(typed), "H")
	if !is || len(code) != 8 {
		return "", false
	}
	return "H-" + code[:4] + "-" + code[4:], true
}

// findOpen returns the latest open request about a subject, or nil.
func (s *Service) findOpen(r store.Reader, subject string) (*Request, error) {
	p, err := s.requests.Get(r, s.openKey(subject))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up open help request: %w", err)
	}
	c, err := s.find(r, p.ID)
	if errcode.Of(err) == errcode.NotFound || err == nil && c.State.closed() {
		return nil, nil
	}
	return &c, err
}

// addNote adds an entry with a text to the history.
func (c *Request) addNote(tx *account.Tx, p admin.Principal, what, text string) {
	c.addEntry(tx, p, HistoryEntry{What: what, Text: text})
}

// addEntry adds an entry of p to the history.
func (c *Request) addEntry(tx *account.Tx, p admin.Principal, s HistoryEntry) {
	s.At, s.By, s.Name = tx.Op.Now, p.ID, p.PersonalName()
	c.History = append(slices.Clone(c.History), s)
}

// resolve closes a request that a reset answers. The email with the ticket is the answer.
func (s *Service) resolve(tx *account.Tx, p admin.Principal, c *Request) error {
	c.State = StateResolved
	c.addNote(tx, p, "reset", "")
	return s.save(tx, c)
}

// requestEvent returns the audit event of an operation of p on a request. If the request is unscopedOnly, the event has
// no subject: principals limited to the groups of that user can read events about them (protocol rule 21).
func requestEvent(p admin.Principal, action string, c *Request) audit.Event {
	subject := string(c.User)
	if c.unscopedOnly() {
		subject = ""
	}
	return audit.Event{Actor: p.Actor(), Subject: subject, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeHelp, ID: c.ID, Name: c.Reference}}}
}

// isRequestID reports whether a key is that of a request and not an openKey.
func isRequestID(id string) bool { return !strings.HasPrefix(id, "of-") }
