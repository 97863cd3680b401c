package account

// ChangeReason tells why a person has to choose another password at their next complete sign-in; "": they need not.
type ChangeReason string

// The marks. One for a password that is known to others (PROTOCOL 17) has its place here.
const (
	ChangeExpired   ChangeReason = "expired"   // an operator wants another one
	ChangeTemporary ChangeReason = "temporary" // an operator was given it, to tell it to the person
)

// ConfirmProvenance is what a proven device says of the password that it was proven with: one that came through the mailbox is
// the person's own from here. One that an operator chose, or had the link for, stays that operator's: they may know it
// still (PROTOCOL 8).
func (p *Password) ConfirmProvenance() {
	if p.Provenance == ProvenanceEmail {
		p.Provenance = ProvenanceUser
	}
}
