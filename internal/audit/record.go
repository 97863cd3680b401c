package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Record is an event as it is stored. There are millions, so it leaves out what its id has (the time) and what it would have twice,
// and the names of its members are short. An event with a number has its Leaf in its Record.
type Record struct {
	Number  int64                `json:"n,omitempty"`
	Lane    Lane                 `json:"l,omitempty"`
	Self    bool                 `json:"m,omitempty"` // the actor is the user whom the event is about
	Actor   *party               `json:"a,omitempty"`
	Subject string               `json:"u,omitempty"`
	Login   string               `json:"k,omitempty"` // SubjectName
	Targets []party              `json:"t,omitempty"`
	Action  string               `json:"c"`
	Outcome string               `json:"o"`
	Reason  string               `json:"r,omitempty"`
	Address string               `json:"i,omitempty"`
	Agent   string               `json:"g,omitempty"` // with a byte for each of agentPhrases
	Session string               `json:"s,omitempty"`
	Request string               `json:"q,omitempty"`
	Detail  map[string]string    `json:"d,omitempty"`
	Salt    []byte               `json:"z,omitempty"`
	Erased  map[string]tlog.Hash `json:"e,omitzero"`
}

// party is an Actor as it is stored.
type party struct {
	Type string `json:"t,omitempty"`
	ID   string `json:"i,omitempty"`
	Name string `json:"n,omitempty"`
}

// NewRecord returns the record of an event. leaf is the zero Leaf while the event has no number.
func NewRecord(e Event, leaf Leaf) Record {
	r := Record{Number: leaf.Number, Lane: leaf.Lane, Subject: e.Subject, Login: e.SubjectName, Action: e.Action, Outcome: e.Outcome,
		Reason: e.Reason, Address: e.Address, Agent: shortenAgent.Replace(e.Agent), Session: e.Session, Request: e.Request, Detail: e.Detail, Salt: e.Salt, Erased: e.Erased}
	switch e.Actor {
	case Actor{}:
	case Actor{TypeUser, e.Subject, e.SubjectName}:
		r.Self = true
	default:
		r.Actor = (*party)(&e.Actor)
	}
	for _, t := range e.Targets {
		r.Targets = append(r.Targets, party(t))
	}
	return r
}

// Event returns the event with this id.
func (r *Record) Event(id string) (Event, error) {
	at, err := parseID(id)
	if err != nil {
		return Event{}, fmt.Errorf("reading the time of event %q: %w", id, err)
	}
	e := Event{At: at, Subject: r.Subject, SubjectName: r.Login, Action: r.Action, Outcome: r.Outcome, Reason: r.Reason, Address: r.Address,
		Agent: expandAgent.Replace(r.Agent), Session: r.Session, Request: r.Request, Detail: r.Detail, Salt: r.Salt, Erased: r.Erased}
	switch {
	case r.Actor != nil:
		e.Actor = Actor(*r.Actor)
	case r.Self:
		e.Actor = Actor{TypeUser, r.Subject, r.Login}
	}
	for _, t := range r.Targets {
		e.Targets = append(e.Targets, Actor(t))
	}
	return e, nil
}

// Leaf returns the leaf of an event that has a number.
func (r *Record) Leaf() Leaf { return Leaf{Number: r.Number, Lane: r.Lane} }
