package account

import (
	"time"
)

// Ticket lets a person enrol again after a reset (PROTOCOL 7). It is worth something only with the password.
type Ticket struct {
	ID          string    `json:"id"`
	Link        string    `json:"link"`       // key of its record below link/; "": it has no link
	Code        []byte    `json:"code"`       // HMAC of the short code under the pepper
	Provenance  string    `json:"provenance"` // ProvenanceEmail, or the operator who handed it over
	Made        time.Time `json:"made"`
	Expires     time.Time `json:"expires"`
	Transaction string    `json:"transaction,omitempty"` // the one login that may enrol with it now

	AddressSetBy string `json:"addressSetBy,omitempty"` // with ProvenanceEmail: the operator who wrote the address that it went to (PROTOCOL 8)
}

// MayResendTicket tells whether another ticket may be mailed on asking (PROTOCOL 10).
func (u *User) MayResendTicket(now time.Time) bool {
	return !u.ResetAt.IsZero() && now.Before(u.ResetAt.Add(TicketRenewalWindow)) && u.Email != "" && !u.AddressChanged(now) && len(LastDay(u.Renewals, now)) < maxTicketRenewals
}
