package account

import (
	"time"
)

// ChangeReason is the reason why a user must choose another password at their next complete sign-in; "": they need not.
type ChangeReason string

// The reasons.
const (
	ChangeExpired   ChangeReason = "expired"   // an administrator expired the password
	ChangeTemporary ChangeReason = "temporary" // an administrator received the password, to give it to the user
	ChangeExposed   ChangeReason = "exposed"   // another person typed it, and then wrong codes (protocol rule 17)
)

// Password is the stored form of a password. It does not contain the password.
type Password struct {
	Hash       string    `cbor:"1,keyasint,omitempty"` // "": no password
	Provenance string    `cbor:"2,keyasint,omitempty"` // ProvenanceUser, ProvenanceEmail or the id of an administrator (protocol rule 8)
	Set        time.Time `cbor:"3,keyasint,omitzero"`

	MustChange ChangeReason `cbor:"4,keyasint,omitempty"` // why the user must choose another one
}
