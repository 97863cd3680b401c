package account

import (
	"slices"
	"time"
)

// EmailProvenance says who set the address of a user. Email to an address that an administrator set has the provenance of that
// administrator too, because the mailbox may be theirs (protocol rule 8).
type EmailProvenance struct {
	By    string    `cbor:"1,keyasint,omitempty"` // the administrator who set the address; "": email reached the user
	Moved time.Time `cbor:"2,keyasint,omitzero"`  // time of the last change; zero: never changed

	// Verified is when the user last completed a sign-in that began with a link or code that was mailed to the address
	// and shown nowhere else; zero: never, or not since the address changed. An address belongs to one account, and so
	// does a verified one (protocol rule 8).
	Verified time.Time `cbor:"3,keyasint,omitzero"`
}

// AddressCooldown is how long no ticket is mailed to a changed address. The old address is notified, and its owner has this
// time to object (protocol rule 13).
const AddressCooldown = 72 * time.Hour

// AddressChanged reports whether the address was changed within AddressCooldown.
func (u *User) AddressChanged(now time.Time) bool {
	return !u.EmailProvenance.Moved.IsZero() && now.Before(u.EmailProvenance.Moved.Add(AddressCooldown))
}

// AddressWriter returns the administrator who changed the address, until the user has verified it (protocol rule 13); "" if there is none.
func (u *User) AddressWriter() string {
	if u.EmailProvenance.Moved.IsZero() || u.EmailVerified() {
		return ""
	}
	return u.EmailProvenance.By
}

// ConfirmEmail records that the user enrolled a first device by an invitation that was mailed: email reaches the user.
func (u *User) ConfirmEmail() {
	u.EmailProvenance = EmailProvenance{Verified: u.EmailProvenance.Verified}
}

// EmailVerified reports whether the user has shown that they read the mail of their address.
func (u *User) EmailVerified() bool { return !u.EmailProvenance.Verified.IsZero() }

// Provenances returns all provenances of the ticket.
func (t *Ticket) Provenances() []string {
	out := []string{t.Provenance}
	for _, by := range []string{t.AddressSetBy, string(t.Witness)} {
		if by != "" {
			out = append(out, by)
		}
	}
	return out
}

// ShareProvenance reports whether a and b have a common element (the two-source rule).
func ShareProvenance(a, b []string) bool {
	return slices.ContainsFunc(b, func(p string) bool { return slices.Contains(a, p) })
}

// The provenances of a password, a ticket or a secret. Any other value is the id of an administrator.
const (
	ProvenanceUser  = "self" // chosen by the user and used together with a device
	ProvenanceEmail = "mail" // from the mailbox alone
)

// ConfirmProvenance records that the user proved a device together with the password. A password from the mailbox is the
// user's from then on. A password that an administrator chose, or whose link they received, keeps its provenance, because
// they may still know it (protocol rule 8).
func (p *Password) ConfirmProvenance() {
	if p.Provenance == ProvenanceEmail {
		p.Provenance = ProvenanceUser
	}
}
