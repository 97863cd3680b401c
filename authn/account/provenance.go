package account

import (
	"slices"
	"time"
)

// EmailProvenance is whose word it is that mail reaches the person. An address that an operator wrote is that operator's hand
// as well (PROTOCOL 8): a mailbox of theirs may stand there.
type EmailProvenance struct {
	By    string    `json:"by,omitempty"`   // the operator who wrote the address; "": the person was reached there
	Moved time.Time `json:"moved,omitzero"` // when it was changed; zero: it is that of the beginning
}

// AddressCooldown is how long no ticket is mailed to an address that was changed: the one before is told, and its reader has
// this long to object (PROTOCOL 13).
const AddressCooldown = 72 * time.Hour

func (u *User) AddressChanged(now time.Time) bool {
	return !u.EmailProvenance.Moved.IsZero() && now.Before(u.EmailProvenance.Moved.Add(AddressCooldown))
}

// ConfirmEmail notes that a first device was enrolled by an invitation: if that was mailed, mail reaches the person.
func (u *User) ConfirmEmail() {
	if u.Invited.Provenance == ProvenanceEmail {
		u.EmailProvenance = EmailProvenance{}
	}
}

// Provenances are all whose hand the ticket came by.
func (t *Ticket) Provenances() []string {
	if t.AddressSetBy != "" {
		return []string{t.Provenance, t.AddressSetBy}
	}
	return []string{t.Provenance}
}

// ShareProvenance tells whether two halves came by one hand.
func ShareProvenance(password, other []string) bool {
	return slices.ContainsFunc(other, func(hand string) bool { return slices.Contains(password, hand) })
}

// The hands that a password or a ticket can come from, besides an operator's id.
const (
	ProvenanceUser  = "self" // chosen by the person and proven together with a device
	ProvenanceEmail = "mail" // came through the mailbox alone
)

// ConfirmProvenance is what a proven device says of the password that it was proven with: one that came through the mailbox is
// the person's own from here. One that an operator chose, or had the link for, stays that operator's: they may know it
// still (PROTOCOL 8).
func (p *Password) ConfirmProvenance() {
	if p.Provenance == ProvenanceEmail {
		p.Provenance = ProvenanceUser
	}
}
