package authn

import (
	"slices"
	"time"
)

// Mailbox is whose word it is that mail reaches the person. An address that an operator wrote is that operator's hand
// as well (PROTOCOL 8): a mailbox of theirs may stand there.
type Mailbox struct {
	By    string    `json:"by,omitempty"`   // the operator who wrote the address; "": the person was reached there
	Moved time.Time `json:"moved,omitzero"` // when it was changed; zero: it is that of the beginning
}

// MailRest is how long no ticket is mailed to an address that was changed: the one before is told, and its reader has
// this long to object (PROTOCOL 13).
const MailRest = 72 * time.Hour

// ReasonAddressYoung is the reason of CodeState for a ticket that would be mailed within MailRest.
const ReasonAddressYoung = "address_young"

func (u *User) addressYoung(now time.Time) bool {
	return !u.Mailbox.Moved.IsZero() && now.Before(u.Mailbox.Moved.Add(MailRest))
}

// reached notes that a first device was enrolled by an invitation: if that was mailed, mail reaches the person.
func (u *User) reached() {
	if u.Invited.Way == HandMail {
		u.Mailbox = Mailbox{}
	}
}

// hands are all whose hand the password that this login has proven came by.
func (l *Login) hands(u *User) []string {
	hand := l.hand(u)
	if hand == HandMail && u.Mailbox.By != "" {
		return []string{hand, u.Mailbox.By}
	}
	return []string{hand}
}

// hands are all whose hand the ticket came by.
func (t *Ticket) hands() []string {
	if t.Via != "" {
		return []string{t.Way, t.Via}
	}
	return []string{t.Way}
}

// meet tells whether two halves came by one hand.
func meet(password, other []string) bool {
	return slices.ContainsFunc(other, func(hand string) bool { return slices.Contains(password, hand) })
}
