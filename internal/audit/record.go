package audit

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/store"
)

// Record is an event as it is stored. There are millions, so it leaves out what its id has (the time) and what it would have twice,
// and the names of its members are short. An event with a number has its Leaf in its Record.
type Record struct {
	Number  int64                `cbor:"1,keyasint,omitempty"`
	Lane    Lane                 `cbor:"2,keyasint,omitempty"`
	Self    bool                 `cbor:"3,keyasint,omitempty"` // the actor is the user whom the event is about
	Actor   *party               `cbor:"4,keyasint,omitempty"`
	Subject packed               `cbor:"5,keyasint,omitempty"`
	Login   string               `cbor:"6,keyasint,omitempty"` // SubjectName
	Targets []party              `cbor:"7,keyasint,omitempty"`
	Action  string               `cbor:"8,keyasint"`
	Outcome string               `cbor:"9,keyasint"`
	Reason  string               `cbor:"10,keyasint,omitempty"`
	Address string               `cbor:"11,keyasint,omitempty"`
	Agent   string               `cbor:"12,keyasint,omitempty"` // with a byte for each of agentPhrases
	Session packed               `cbor:"13,keyasint,omitempty"`
	Request packed               `cbor:"14,keyasint,omitempty"`
	Detail  map[string]string    `cbor:"15,keyasint,omitempty"`
	Salt    []byte               `cbor:"16,keyasint,omitempty"`
	Erased  map[string]tlog.Hash `cbor:"17,keyasint,omitzero"`
}

// packed is an id as it is stored.
type packed string

// MarshalCBOR implements cbor.Marshaler.
func (id packed) MarshalCBOR() ([]byte, error) { return store.PackID(string(id)) }

// UnmarshalCBOR implements cbor.Unmarshaler.
func (id *packed) UnmarshalCBOR(item []byte) error { return store.UnpackID(id, item) }

// party is an Actor as it is stored.
type party struct {
	Type string `cbor:"1,keyasint,omitempty"`
	ID   packed `cbor:"2,keyasint,omitempty"`
	Name string `cbor:"3,keyasint,omitempty"`
}

func (p *party) actor() Actor { return Actor{p.Type, string(p.ID), p.Name} }

// NewRecord returns the record of an event. leaf is the zero Leaf while the event has no number.
func NewRecord(e Event, leaf Leaf) Record {
	r := Record{Number: leaf.Number, Lane: leaf.Lane, Subject: packed(e.Subject), Login: e.SubjectName, Action: e.Action, Outcome: e.Outcome,
		Reason: e.Reason, Address: e.Address, Agent: shortenAgent.Replace(e.Agent), Session: packed(e.Session), Request: packed(e.Request), Detail: e.Detail, Salt: e.Salt, Erased: e.Erased}
	switch e.Actor {
	case Actor{}:
	case Actor{TypeUser, e.Subject, e.SubjectName}:
		r.Self = true
	default:
		r.Actor = &party{e.Actor.Type, packed(e.Actor.ID), e.Actor.Name}
	}
	for _, t := range e.Targets {
		r.Targets = append(r.Targets, party{t.Type, packed(t.ID), t.Name})
	}
	return r
}

// Event returns the event with this id.
func (r *Record) Event(id string) (Event, error) {
	at, err := parseID(id)
	if err != nil {
		return Event{}, fmt.Errorf("reading the time of event %q: %w", id, err)
	}
	e := Event{At: at, Subject: string(r.Subject), SubjectName: r.Login, Action: r.Action, Outcome: r.Outcome, Reason: r.Reason, Address: r.Address,
		Agent: expandAgent.Replace(r.Agent), Session: string(r.Session), Request: string(r.Request), Detail: r.Detail, Salt: r.Salt, Erased: r.Erased}
	switch {
	case r.Actor != nil:
		e.Actor = r.Actor.actor()
	case r.Self:
		e.Actor = Actor{TypeUser, string(r.Subject), r.Login}
	}
	for _, t := range r.Targets {
		e.Targets = append(e.Targets, t.actor())
	}
	return e, nil
}

// Leaf returns the leaf of an event that has a number.
func (r *Record) Leaf() Leaf { return Leaf{Number: r.Number, Lane: r.Lane} }
