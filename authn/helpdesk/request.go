package helpdesk

import (
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

// Request is a help request. A record with an openKey or a numberKey has only an ID: that of the latest open request about a
// user or an unknown address, or of the request with a number. A record with a queueKey has what the queue reads of a request that is
// not closed: ID, User, Network, Topic, State, Assignee, and At.
type Request struct {
	ID           string         `json:"id"`
	Number       string         `json:"number,omitempty"`    // in each of its references, see newReference
	Reference    string         `json:"reference,omitempty"` // of the first text, "H-7K3F-2Q9M-4TBX"
	User         account.UserID `json:"user,omitempty"`      // the user with this address; "": none
	Email        string         `json:"email,omitempty"`     // as typed, normalized; not verified
	Topic        notice.Topic   `json:"topic,omitempty"`     // that of the first text of TextsByTrust
	Texts        []Text         `json:"texts,omitempty"`     // oldest first
	Removed      int            `json:"removed,omitempty"`   // number of texts that others displaced
	State        State          `json:"state,omitempty"`
	Assignee     string         `json:"assignee,omitempty"`     // as Principal.Owner; "": none
	AssigneeName string         `json:"assigneeName,omitempty"` // display name
	Identity     IdentityMethod `json:"identity,omitempty"`     // "": not checked, or checked before a reopening
	IdentityBy   string         `json:"identityBy,omitempty"`   // see IdentityCheck
	IdentityAt   time.Time      `json:"identityAt,omitzero"`

	IdentityNumber string `json:"identityNumber,omitempty"` // the number that was called back, masked

	Network string         `json:"network,omitempty"` // of the first text about an unknown address
	At      time.Time      `json:"at,omitzero"`
	Changed time.Time      `json:"changed,omitzero"`
	History []HistoryEntry `json:"history,omitempty"`
}

// HistoryEntry is one operation of an administrator on a request.
type HistoryEntry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`             // ID of the principal
	Name string    `json:"name,omitempty"` // display name
	What string    `json:"what"`           // "status", "assigned", "identity", "call", "note", "answer", "reset"
	Text string    `json:"text,omitempty"`
	Who  string    `json:"who,omitempty"` // "assigned": the id of the new assignee; "": none
}

// The limits of a request. With them its record, and the stored response to a call that changed it, are smaller than
// the value limit of the store.
const (
	maxHistory      = 100
	maxRequestSize  = 52 << 10
	maxHistorySize  = 28 << 10 // of the request without its texts
	reservedEntries = 10       // reserved for closing the request, so that notes cannot prevent a reset
	reservedSize    = 6 << 10
)

// find returns the request with this id or reference, or NotFound.
func (s *Service) find(r store.Reader, id string) (Request, error) {
	if number, is := s.numberOf(id); is {
		p, err := s.requests.Get(r, numberKey(number))
		if errors.Is(err, store.ErrNotFound) {
			return Request{}, errcode.New(errcode.NotFound)
		}
		if err != nil {
			return Request{}, fmt.Errorf("looking up help request %s: %w", id, err)
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

// save stores a request that was read in the same transaction and has a new entry in its history. It returns TooMany if the
// history is full.
func (s *Service) save(tx *account.Tx, c *Request) error {
	c.Changed = tx.Op.Now
	size, err := c.sizeWithoutTexts()
	if err != nil {
		return err
	}
	bytes, steps := maxHistorySize, maxHistory
	if !c.State.Closed() {
		bytes, steps = bytes-reservedSize, steps-reservedEntries
	}
	if size > bytes || len(c.History) > steps {
		return errcode.New(errcode.TooMany)
	}
	return s.put(tx, c)
}

// put stores a request that was read in the same transaction, and the records that find it while it is open.
func (s *Service) put(tx *account.Tx, c *Request) error {
	if err := s.requests.Put(tx.Raw, c.ID, *c); err != nil {
		return fmt.Errorf("storing help request %q: %w", c.ID, err)
	}
	at := s.openKey(c.openSubject())
	latest, err := s.requests.Get(tx.Raw, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking up open help request: %w", err)
	}
	switch {
	case !c.State.Closed() && latest.ID < c.ID:
		err = s.requests.Put(tx.Raw, at, Request{ID: c.ID})
	case c.State.Closed() && latest.ID == c.ID:
		err = s.requests.Delete(tx.Raw, at)
	default:
		err = nil // there may be no open one
	}
	switch {
	case err != nil:
	case c.State.Closed():
		err = s.requests.Delete(tx.Raw, queueKey(c.ID))
	default:
		err = s.requests.Put(tx.Raw, queueKey(c.ID), Request{ID: c.ID, User: c.User, Network: c.Network, Topic: c.Topic, State: c.State, Assignee: c.Assignee, At: c.At})
	}
	if err != nil {
		return fmt.Errorf("storing open help request: %w", err)
	}
	return nil
}

// queueKey returns the key of the record that lists a request that is not closed.
func queueKey(id string) string { return queuePrefix + id }

// openKey returns the key under which the id of the latest open request about a subject is stored. It does not reveal the
// address.
func (s *Service) openKey(subject string) string {
	return fmt.Sprintf(openPrefix+"%x", s.accounts.Pepper.MAC("help request", []byte(subject)))
}

// The prefixes of records that find requests. They sort after the requests, whose ids begin with a year.
const (
	numberPrefix = "on-"
	openPrefix   = "of-"
	queuePrefix  = "oq-"
)

// numberKey returns the key under which the id of the request with a number is stored.
func numberKey(number string) string { return numberPrefix + number }

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
	if errcode.Of(err) == errcode.NotFound || err == nil && c.State.Closed() {
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

// isRequestID reports whether a key is that of a request and not of a record that finds one.
func isRequestID(id string) bool { return !strings.HasPrefix(id, "o") }
