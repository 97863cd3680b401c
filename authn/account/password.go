package account

import (
	"time"
)

// ChangeReason tells why a person has to choose another password at their next complete sign-in; "": they need not.
type ChangeReason string

// The marks. One for a password that is known to others (PROTOCOL 17) has its place here.
const (
	ChangeExpired   ChangeReason = "expired"   // an operator wants another one
	ChangeTemporary ChangeReason = "temporary" // an operator was given it, to tell it to the person
)

// Password is what the house keeps of one: never the password.
type Password struct {
	Hash       string    `json:"hash,omitempty"`       // "": none yet
	Provenance string    `json:"provenance,omitempty"` // whose hand it came from: ProvenanceUser, ProvenanceEmail or an operator's id (PROTOCOL 8)
	Set        time.Time `json:"set,omitzero"`

	MustChange ChangeReason `json:"mustChange,omitempty"` // why another one is to be chosen
}
