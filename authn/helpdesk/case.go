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
	"barillet/store"
)

// State is where a help request stands.
type State string

// The states of a case.
const (
	StateOpen       State = "open"
	StateInProgress State = "in_progress"
	StateResolved   State = "resolved"
	StateRejected   State = "rejected"
)

// Request is one help request. A record below pointer() holds one of which only ID is set: the latest case of an
// address that is not closed.
type Request struct {
	ID               string         `json:"id"`
	Reference        string         `json:"reference,omitempty"` // "H-7K3F-2Q9M"
	User             account.UserID `json:"user,omitempty"`      // whom the address belongs to; "": nobody
	Email            string         `json:"email,omitempty"`     // as typed, normalised; anybody can have typed it
	Topic            notice.Topic   `json:"topic,omitempty"`
	Message          string         `json:"message,omitempty"`
	Texts            []FollowUp     `json:"texts,omitempty"`            // that joined it beyond the limit of mails
	DroppedFollowUps int            `json:"droppedFollowUps,omitempty"` // how many further ones were too many to keep
	State            State          `json:"state,omitempty"`
	PasswordProven   bool           `json:"passwordProven,omitempty"` // by the browser that sent it, for the same person
	Forgotten        bool           `json:"forgotten,omitempty"`      // opened by a forgotten password of somebody without a device
	Assignee         string         `json:"assignee,omitempty"`       // who has it, as Operator.Owner; "": nobody
	AssigneeName     string         `json:"assigneeName,omitempty"`   // for people to read
	Identity         IdentityMethod `json:"identity,omitempty"`       // "": not checked yet, or before it was opened again
	IdentityBy       string         `json:"identityBy,omitempty"`     // see IdentityCheck
	IdentityAt       time.Time      `json:"identityAt,omitzero"`
	Address          string         `json:"address,omitempty"` // of the client that sent it
	Agent            string         `json:"agent,omitempty"`   // "Firefox, Android"
	At               time.Time      `json:"at,omitzero"`
	Changed          time.Time      `json:"changed,omitzero"`
	History          []HistoryEntry `json:"history,omitempty"`
}

// FollowUp is a later message from the same address.
type FollowUp struct {
	At        time.Time    `json:"at"`
	Reference string       `json:"reference"`
	Topic     notice.Topic `json:"topic"`
	Message   string       `json:"message"` // cut to 400 characters
	Address   string       `json:"address,omitempty"`
}

// HistoryEntry is one thing that an operator did about a case.
type HistoryEntry struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`             // id of the operator
	Name string    `json:"name,omitempty"` // for people to read
	What string    `json:"what"`           // "status", "assigned", "identity", "note", "answer", "reset"
	Text string    `json:"text,omitempty"`
	Who  string    `json:"who,omitempty"` // "assigned": the id of who has it now; "": nobody
}

// What one case holds at most, so that its record stays below the store's value limit, and so does the answer to a
// call that changed it, which is kept for a repeat.
const (
	mostTexts   = 8
	longestText = 400 // characters of a text that joins
	mostHistory = 100
	mostBytes   = 52 << 10
	spareSteps  = 10 // kept for closing the case: no note may stand in the way of a reset
	spareBytes  = 6 << 10
)

// load reads a case; NotFound when there is none.
func (d *Service) load(r store.Reader, id string) (Request, error) {
	if !isRequestID(id) || len(id) > 64 || store.CheckKey(id) != nil {
		return Request{}, errcode.New(errcode.NotFound)
	}
	c, err := d.cases.Get(r, id)
	if errors.Is(err, store.ErrNotFound) {
		return Request{}, errcode.New(errcode.NotFound)
	}
	if err != nil {
		return Request{}, fmt.Errorf("loading help request %q: %w", id, err)
	}
	return c, nil
}

// save stores a case with its pointer, in an Update that has loaded it; TooMany when it is full.
func (d *Service) save(tx *account.Tx, c *Request) error {
	c.Changed = tx.Op.Now
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding help request %q: %w", c.ID, err)
	}
	bytes, steps := mostBytes, mostHistory
	if !c.State.closed() {
		bytes, steps = bytes-spareBytes, steps-spareSteps
	}
	if len(raw) > bytes || len(c.History) > steps {
		return errcode.New(errcode.TooMany)
	}
	if err := d.cases.Put(tx.Raw, c.ID, *c); err != nil {
		return fmt.Errorf("storing help request %q: %w", c.ID, err)
	}
	at := d.pointer(c.about())
	latest, err := d.cases.Get(tx.Raw, at)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking up help requests of an address: %w", err)
	}
	switch {
	case !c.State.closed() && latest.ID < c.ID:
		err = d.cases.Put(tx.Raw, at, Request{ID: c.ID})
	case c.State.closed() && latest.ID == c.ID:
		err = d.cases.Delete(tx.Raw, at)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("storing which help request is open: %w", err)
	}
	return nil
}

// pointer is where the latest open case of an address is found. It sorts behind the cases, whose ids begin with
// a year, and does not tell the address.
func (d *Service) pointer(address string) string {
	return fmt.Sprintf("of-%x", d.accounts.Pepper.MAC("help request", []byte(address)))
}

// latest is the open case that a text of this address may join; nil without one.
func (d *Service) latest(r store.Reader, address string) (*Request, error) {
	p, err := d.cases.Get(r, d.pointer(address))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking up help requests of an address: %w", err)
	}
	c, err := d.load(r, p.ID)
	if errcode.Of(err) == errcode.NotFound || err == nil && c.State.closed() {
		return nil, nil
	}
	return &c, err
}

// note adds what an operator did.
func (c *Request) note(tx *account.Tx, op admin.Principal, what, text string) {
	c.step(tx, op, HistoryEntry{What: what, Text: text})
}

func (c *Request) step(tx *account.Tx, op admin.Principal, s HistoryEntry) {
	s.At, s.By, s.Name = tx.Op.Now, op.ID, op.Name
	c.History = append(slices.Clone(c.History), s)
}

// resolve closes a case by the reset that answers it: the mail with the ticket is the answer.
func (d *Service) resolve(tx *account.Tx, op admin.Principal, c *Request) error {
	c.State = StateResolved
	c.note(tx, op, "reset", "")
	return d.save(tx, c)
}

// requestEvent is an act of the operator on a case, done. About whom the house opened one is not said in the log, which those
// who are limited to that person's garage read as well (PROTOCOL 21): the case says it.
func requestEvent(op admin.Principal, action string, c *Request) audit.Event {
	subject := string(c.User)
	if c.unscopedOnly() {
		subject = ""
	}
	return audit.Event{Actor: op.Actor(), Subject: subject, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeHelp, ID: c.ID, Name: c.Reference}}}
}

// isRequestID tells the ids of cases from those of pointers.
func isRequestID(id string) bool { return !strings.HasPrefix(id, "of-") }
