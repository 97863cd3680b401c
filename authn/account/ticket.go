package account

import "time"

// Ticket allows a user to enrol again after a reset (protocol rule 7). It can be used only together with the password.
type Ticket struct {
	ID          string    `cbor:"1,keyasint"`
	Link        string    `cbor:"2,keyasint"` // key of its Link record; "": no link
	Code        []byte    `cbor:"3,keyasint"` // HMAC of the short code under the pepper
	Provenance  string    `cbor:"4,keyasint"` // ProvenanceEmail, or the administrator who received it
	Made        time.Time `cbor:"5,keyasint"`
	Expires     time.Time `cbor:"6,keyasint" since:"Made"`
	Transaction string    `cbor:"7,keyasint,omitempty"` // the only sign-in transaction that can enrol with it

	AddressSetBy string `cbor:"8,keyasint,omitempty"` // with ProvenanceEmail: the administrator who set the address (protocol rule 8)
	Witness      UserID `cbor:"9,keyasint,omitempty"` // who confirmed that it is handed over; Transaction never changes then (protocol rule 9)
}

// MayResendTicket reports whether the user can have another ticket mailed (protocol rule 10).
func (u *User) MayResendTicket(now time.Time) bool {
	return !u.ResetAt.IsZero() && now.Before(u.ResetAt.Add(TicketRenewalWindow)) && u.Email != "" && !u.AddressChanged(now) && u.AddressWriter() == "" &&
		len(LastDay(u.Renewals, now)) < maxTicketRenewals
}
