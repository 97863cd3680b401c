package account

import "time"

// Ticket allows a user to enrol again after a reset (protocol rule 7). It can be used only together with the password.
type Ticket struct {
	ID          string    `json:"id"`
	Link        string    `json:"link"`       // key of its Link record; "": no link
	Code        []byte    `json:"code"`       // HMAC of the short code under the pepper
	Provenance  string    `json:"provenance"` // ProvenanceEmail, or the administrator who received it
	Made        time.Time `json:"made"`
	Expires     time.Time `json:"expires" since:"Made"`
	Transaction string    `json:"transaction,omitempty"` // the only sign-in transaction that can enrol with it

	AddressSetBy string `json:"addressSetBy,omitempty"` // with ProvenanceEmail: the administrator who set the address (protocol rule 8)
}

// MayResendTicket reports whether the user can have another ticket mailed (protocol rule 10).
func (u *User) MayResendTicket(now time.Time) bool {
	return !u.ResetAt.IsZero() && now.Before(u.ResetAt.Add(TicketRenewalWindow)) && u.Email != "" && !u.AddressChanged(now) &&
		len(LastDay(u.Renewals, now)) < maxTicketRenewals
}
