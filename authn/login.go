package authn

import (
	"time"

	"barillet/authn/account"
	"barillet/factors"
)

// Step is what comes next in a login.
type Step string

// The steps. Next alone decides (PROTOCOL 1).
const (
	StepVerify  Step = "verify"  // prove a device
	StepEnrol   Step = "enrol"   // enrol one: by an invitation or ticket that is live and bound to this login
	StepTicket  Step = "ticket"  // type the code of the ticket
	StepBlocked Step = "blocked" // no device and no ticket: ask for help
	// Choose another password: the one that was proven, with a device, is marked.
	StepChangePassword Step = "password"
	StepDone           Step = "done" // signed in
	StepExpired        Step = "over" // this login is dead: begin again
)

// Transaction is one login under way, kept below the hash of its secret. It is no session, and no session is one.
type Transaction struct {
	ID            string         `json:"id"` // tells a person's logins apart in a ticket; no bearer value
	User          account.UserID `json:"user"`
	PasswordEpoch uint64         `json:"passwordEpoch"`
	Epoch         uint64         `json:"epoch"`
	Resets        uint64         `json:"resets"`

	// Ticket is the id of the ticket that this login bears, or TicketInvitation.
	Ticket      string       `json:"ticket,omitempty"`
	NewPassword *NewPassword `json:"newPassword,omitempty"` // takes effect only after the second step

	Ceremony *account.Ceremony         `json:"ceremony,omitempty"`
	Enrol    *account.PendingEnrolment `json:"enrol,omitempty"`
	Proven   *SecondFactor             `json:"proven,omitempty"` // the second step is done and the login is not

	Program      string    `json:"program,omitempty"`  // id of the API token that alone may go on with it; "": a browser (PROTOCOL 25)
	KnownBrowser bool      `json:"knownBrowser"`       // began on a known browser of the person: its own budget of wrong answers
	ReturnTo     string    `json:"returnTo,omitempty"` // a path of ours
	Started      time.Time `json:"started"`
	Expires      time.Time `json:"expires"`
}

// NewPassword waits in a login that began with a link. Hash is its hash, Link the record it came by, and Way the
// operator in whose answer that link was; "": it was mailed.
type NewPassword struct {
	PHC        string `json:"phc"`
	Link       string `json:"link"`
	Provenance string `json:"provenance,omitempty"`
}

// provenance is whose hand the password that this login has proven came by (PROTOCOL 8).
func (l *Transaction) provenance(u *account.User) string {
	switch n := l.NewPassword; {
	case n == nil:
		return u.Password.Provenance
	case n.Provenance != "":
		return n.Provenance
	}
	return account.ProvenanceEmail
}

const TicketInvitation = "invitation"

// Next decides what comes next for a login of this person, and nothing else does. It answers StepEnrol only
// to a login that bears a live invitation or ticket, or that has just spent a recovery code and must change its
// password before there is a session: no policy changes that.
func (s *Service) Next(l *Transaction, u *account.User, now time.Time) Step {
	moved := l.Epoch != u.Epoch
	byReset := moved && u.Epoch-l.Epoch == u.Resets-l.Resets
	owed, due := l.mustChange(u)
	switch {
	case !now.Before(l.Expires), u.Status != account.StatusActive, l.PasswordEpoch != u.PasswordEpoch:
		return StepExpired
	case moved && (!byReset || l.NewPassword != nil):
		return StepExpired // PROTOCOL 3: any other move; and a reset ticket never lets anybody choose a password
	case s.ticketCovers(l, u, now):
		return StepEnrol
	case due:
		return owed
	case moved && len(s.Accounts.UsableDevices(u)) > 0:
		return StepExpired // reset and enrolled again meanwhile: with the new device, from the start
	case !moved && len(s.verifiable(l, u)) > 0:
		return StepVerify
	case l.NewPassword == nil && s.awaitsTicket(u, now):
		return StepTicket
	}
	return StepBlocked
}

// Extend gives a login ten more minutes, for a ticket was shown or a device is being enrolled; but the password
// that it began with counts an hour at most.
func (l *Transaction) Extend(now time.Time) {
	l.Expires = now.Add(account.TransactionTTL)
	if most := l.Started.Add(account.MaxTransactionAge); l.Expires.After(most) {
		l.Expires = most
	}
}

// ticketCovers tells whether the login bears an invitation or ticket that is still live and bound to it.
func (s *Service) ticketCovers(l *Transaction, u *account.User, now time.Time) bool {
	if l.Ticket == TicketInvitation { // PROTOCOL 3: a reset leaves nothing but the field for the ticket
		return l.Epoch == u.Epoch && !u.EverHadDevice && u.Invited.Link != "" && now.Before(u.Invited.Expires)
	}
	for _, t := range u.Tickets {
		if l.Ticket != "" && t.ID == l.Ticket && now.Before(t.Expires) {
			return t.Transaction == l.ID
		}
	}
	return false
}

// awaitsTicket tells whether the person has no device and may still show or renew a ticket (PROTOCOL 10).
func (s *Service) awaitsTicket(u *account.User, now time.Time) bool {
	if s.Accounts.CountPrimary(u) > 0 {
		return false
	}
	for _, t := range u.Tickets {
		if now.Before(t.Expires) {
			return true
		}
	}
	return !u.ResetAt.IsZero() && now.Before(u.ResetAt.Add(account.TicketRenewalWindow))
}

// verifiable are the devices that this login may be completed with. A recovery code needs the password
// (BAR A7), so a login that began with a mailed link does without; and without a device whose secret an operator
// was shown, for the same operator may have had the link or named the mailbox (PROTOCOL 8).
func (s *Service) verifiable(l *Transaction, u *account.User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.UsableDevices(u) {
		if l.NewPassword == nil || !s.Accounts.IsBackup(d) && d.SecretSeenBy == "" {
			out = append(out, d)
		}
	}
	return out
}

// provenances are all whose hand the password that this login has proven came by.
func (l *Transaction) provenances(u *account.User) []string {
	hand := l.provenance(u)
	if hand == account.ProvenanceEmail && u.EmailProvenance.By != "" {
		return []string{hand, u.EmailProvenance.By}
	}
	return []string{hand}
}
