package helpdesk

import (
	"context"
	"time"

	"barillet/authn"
	"barillet/templates"
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

// Identity is how an operator made sure who is asking (PROTOCOL 24). A reply by mail and a call from the person
// are not on the list.
type Identity string

// The ways to check an identity.
const (
	IdentityInPerson   Identity = "in_person"
	IdentityCalledBack Identity = "called_back"
	IdentityManager    Identity = "manager_confirmed"
	IdentityDocument   Identity = "photo_document"
)

// Case is one help request.
type Case struct {
	ID             string          `json:"id"`
	Reference      string          `json:"reference,omitempty"` // "H-7K3F-2Q9M"
	User           authn.UserID    `json:"user,omitempty"`      // whom the address belongs to; "": nobody
	Email          string          `json:"email,omitempty"`     // as typed, normalised; anybody can have typed it
	Topic          templates.Topic `json:"topic,omitempty"`
	Message        string          `json:"message,omitempty"`
	Texts          []Text          `json:"texts,omitempty"` // that joined it beyond the limit of mails
	More           int             `json:"more,omitempty"`  // how many further ones were too many to keep
	State          State           `json:"state,omitempty"`
	PasswordProven bool            `json:"passwordProven,omitempty"` // by the browser that sent it, for the same person
	Forgotten      bool            `json:"forgotten,omitempty"`      // opened by a forgotten password of somebody without a device
	Assignee       string          `json:"assignee,omitempty"`
	Identity       Identity        `json:"identity,omitempty"`
	Address        string          `json:"address,omitempty"` // of the client that sent it
	Agent          string          `json:"agent,omitempty"`   // "Firefox, Android"
	At             time.Time       `json:"at,omitzero"`
	Changed        time.Time       `json:"changed,omitzero"`
	History        []Step          `json:"history,omitempty"`
}

// Text is a later message from the same address.
type Text struct {
	At        time.Time       `json:"at"`
	Reference string          `json:"reference"`
	Topic     templates.Topic `json:"topic"`
	Message   string          `json:"message"` // cut to 400 characters
	Address   string          `json:"address,omitempty"`
}

// Step is one thing that an operator did about a case.
type Step struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`             // id of the operator
	Name string    `json:"name,omitempty"` // for people to read
	What string    `json:"what"`           // "status", "assigned", "identity", "note", "answer", "reset"
	Text string    `json:"text,omitempty"`
}

// CaseQuery asks for cases, newest first. The zero value is all.
type CaseQuery struct {
	Status State
	User   authn.UserID
	After  string // the cursor of an earlier call
	Limit  int    // 1 to 200; 0 means 200
}

// CasePatch is what to change; nil and "" leave as it is.
type CasePatch struct {
	Status   State
	Assignee *string
	Note     string // for the operators, at most 2,000 characters
	Identity Identity
	Answer   string // mailed to the person, where the case is of somebody known; at most 2,000 characters
}

func (d *Desk) Cases(ctx context.Context, op Operator, q CaseQuery) ([]Case, string, error) {
	return nil, "", errTODO
}

func (d *Desk) Case(ctx context.Context, op Operator, id string) (Case, error) {
	return Case{}, errTODO
}

func (d *Desk) Patch(ctx context.Context, op Operator, from authn.Origin, id string, p CasePatch) (Case, error) {
	return Case{}, errTODO
}
