package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
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

	// Ticket is the id of the ticket that this login bears, or ticketInvitation.
	Ticket      string       `json:"ticket,omitempty"`
	NewPassword *NewPassword `json:"newPassword,omitempty"` // takes effect only after the second step

	Ceremony     *account.Ceremony         `json:"ceremony,omitempty"`
	Enrol        *account.PendingEnrolment `json:"enrol,omitempty"`
	SecondFactor *SecondFactor             `json:"secondFactor,omitempty"` // the second step is done and the login is not

	APIToken     string    `json:"apiToken,omitempty"` // id of the API token that alone may go on with it; "": a browser (PROTOCOL 25)
	KnownBrowser bool      `json:"knownBrowser"`       // began on a known browser of the person: its own budget of wrong answers
	ReturnTo     string    `json:"returnTo,omitempty"` // a path of ours
	Started      time.Time `json:"started"`
	Expires      time.Time `json:"expires"`
}

// NewPassword waits in a login that began with a link. Hash is its hash, Link the record it came by, and Way the
// operator in whose answer that link was; "": it was mailed.
type NewPassword struct {
	Hash       string `json:"hash"`
	Link       string `json:"link"`
	Provenance string `json:"provenance,omitempty"`
}

// provenance is whose hand the password that this login has proven came by (PROTOCOL 8).
func (tr *Transaction) provenance(u *account.User) string {
	switch n := tr.NewPassword; {
	case n == nil:
		return u.Password.Provenance
	case n.Provenance != "":
		return n.Provenance
	}
	return account.ProvenanceEmail
}

const ticketInvitation = "invitation"

// Next decides what comes next for a login of this person, and nothing else does. It answers StepEnrol only
// to a login that bears a live invitation or ticket, or that has just spent a recovery code and must change its
// password before there is a session: no policy changes that.
func (s *Service) Next(tr *Transaction, u *account.User, now time.Time) Step {
	moved := tr.Epoch != u.Epoch
	byReset := moved && u.Epoch-tr.Epoch == u.Resets-tr.Resets
	owed, due := tr.mustChange(u)
	switch {
	case !now.Before(tr.Expires), u.Status != account.StatusActive, tr.PasswordEpoch != u.PasswordEpoch:
		return StepExpired
	case moved && (!byReset || tr.NewPassword != nil):
		return StepExpired // PROTOCOL 3: any other move; and a reset ticket never lets anybody choose a password
	case s.ticketCovers(tr, u, now):
		return StepEnrol
	case due:
		return owed
	case moved && len(s.Accounts.UsableDevices(u)) > 0:
		return StepExpired // reset and enrolled again meanwhile: with the new device, from the start
	case !moved && len(s.verifiable(tr, u)) > 0:
		return StepVerify
	case tr.NewPassword == nil && s.awaitsTicket(u, now):
		return StepTicket
	}
	return StepBlocked
}

// Extend gives a login ten more minutes, for a ticket was shown or a device is being enrolled; but the password
// that it began with counts an hour at most.
func (tr *Transaction) Extend(now time.Time) {
	tr.Expires = now.Add(account.TransactionTTL)
	if most := tr.Started.Add(account.MaxTransactionAge); tr.Expires.After(most) {
		tr.Expires = most
	}
}

// ticketCovers tells whether the login bears an invitation or ticket that is still live and bound to it.
func (s *Service) ticketCovers(tr *Transaction, u *account.User, now time.Time) bool {
	if tr.Ticket == ticketInvitation { // PROTOCOL 3: a reset leaves nothing but the field for the ticket
		return tr.Epoch == u.Epoch && !u.EverHadDevice && u.Invited.Link != "" && now.Before(u.Invited.Expires)
	}
	for _, t := range u.Tickets {
		if tr.Ticket != "" && t.ID == tr.Ticket && now.Before(t.Expires) {
			return t.Transaction == tr.ID
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
func (s *Service) verifiable(tr *Transaction, u *account.User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.UsableDevices(u) {
		if tr.NewPassword == nil || !s.Accounts.BackupFactor(d) && d.SecretSeenBy == "" {
			out = append(out, d)
		}
	}
	return out
}

// provenances are all whose hand the password that this login has proven came by.
func (tr *Transaction) provenances(u *account.User) []string {
	provenance := tr.provenance(u)
	if provenance == account.ProvenanceEmail && u.EmailProvenance.By != "" {
		return []string{provenance, u.EmailProvenance.By}
	}
	return []string{provenance}
}

// SecondFactor is the second step of a login that does not end with it, because the password has to be changed first.
type SecondFactor struct {
	AMR      []string `json:"amr"`                // RFC 8176, of password and device
	Backup   bool     `json:"backup,omitempty"`   // by a recovery code, which is no device: one is enrolled first (PROTOCOL 6)
	Enrolled bool     `json:"enrolled,omitempty"` // by a device enrolled in this login
}

// Completed is how a login goes on after its second step.
type Completed struct {
	Step        Step
	Credentials session.Credentials // with StepDone
	Secret      secret.Value        // with any other step: the login goes on under this secret
}

// complete ends a login whose second step is done with a session. While the password is marked there is none yet: the
// login goes on, under another secret than the one that bore less (BAR A11). The caller saves the person.
func (s *Service) complete(tx *account.Tx, secret secret.Value, tr Transaction, u *account.User, p SecondFactor) (Completed, error) {
	if err := s.transactions.Delete(tx.Raw, secret.Hash()); err != nil {
		return Completed{}, fmt.Errorf("ending a login: %w", err)
	}
	if u.Password.MustChange == "" {
		issued, err := s.openSession(tx, u, p)
		return Completed{Step: StepDone, Credentials: issued}, err
	}
	if tr.APIToken != "" { // a new password is chosen on a page of ours, from the start
		return Completed{Step: StepChangePassword}, nil
	}
	tr.SecondFactor, tr.Ticket, tr.Ceremony, tr.Enrol = &p, "", nil, nil
	tr.Extend(tx.Op.Now)
	out := Completed{Step: s.Next(&tr, u, tx.Op.Now), Secret: tx.Op.Secret("login proven")}
	return out, s.PutTransaction(tx, out.Secret, tr)
}

// CompleteByEnrolment completes a transaction in which the user has enrolled a device. It spends the invitation or ticket
// in the Update that stores the device (protocol rule 7). The caller saves the user.
func (s *Service) CompleteByEnrolment(tx *account.Tx, secret secret.Value, tr Transaction, u *account.User, amr []string) (Completed, error) {
	if err := s.SpendTickets(tx, u); err != nil {
		return Completed{}, err
	}
	if u.Password.ConfirmProvenance(); tr.Ticket == ticketInvitation {
		u.Password.Provenance = account.ProvenanceUser // the user chose it with the invitation; nobody knew it before
		u.ConfirmEmail()
	}
	return s.complete(tx, secret, tr, u, SecondFactor{AMR: account.JoinAMR(true, amr), Enrolled: true})
}

// openSession opens the session of a login that is complete.
func (s *Service) openSession(tx *account.Tx, u *account.User, p SecondFactor) (session.Credentials, error) {
	proof := account.StepUp{}
	if p.Backup || p.Enrolled {
		proof = account.StepUp{At: tx.Op.Now, EnrolOnly: true}
	}
	return s.Sessions.Open(tx, u, p.AMR, proof, !p.Enrolled)
}

// TransactionRef is a login that has begun: its secret goes into a cookie of its own.
type TransactionRef struct {
	Secret secret.Value
	Step   Step
}

// newTransaction is a login that stands where the person stands now.
func (s *Service) newTransaction(tx *account.Tx, u *account.User, known bool, returnTo string) Transaction {
	now := tx.Op.Now
	tr := Transaction{ID: tx.Op.ID("login"), User: u.ID, PasswordEpoch: u.PasswordEpoch, Epoch: u.Epoch, Resets: u.Resets,
		APIToken: tx.Op.Request.APIToken, KnownBrowser: known, ReturnTo: returnTo, Started: now, Expires: now.Add(account.TransactionTTL)}
	if tr.APIToken != "" {
		tr.Expires = now.Add(APISignInTTL)
	}
	return tr
}

func (s *Service) PutTransaction(tx *account.Tx, secret secret.Value, tr Transaction) error {
	if err := s.transactions.Put(tx.Raw, secret.Hash(), tr); err != nil {
		return fmt.Errorf("storing a login: %w", err)
	}
	return nil
}

// LoadTransaction loads a login under way and its person within one run; Expired when it is gone or dead, or a program's.
func (s *Service) LoadTransaction(r account.Reader, secret secret.Value, now time.Time) (Transaction, account.User, Step, error) {
	return s.loadCached(r, secret, now, &transactionCache{})
}

// transactionCache is a login and its person as they were read, so that the Update which stores a judgement need not open
// again what has not changed since: all Updates wait for one another.
type transactionCache struct {
	apiToken    string // the API token whose logins alone are found; "": those of browsers (PROTOCOL 25)
	transaction store.Cached[Transaction]
	user        store.Cached[account.User]
}

func (s *Service) loadCached(r account.Reader, secret secret.Value, now time.Time, cache *transactionCache) (Transaction, account.User, Step, error) {
	if secret.IsZero() {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	tr, err := s.transactions.GetCached(r.Raw, secret.Hash(), &cache.transaction)
	if errors.Is(err, store.ErrNotFound) || err == nil && tr.APIToken != cache.apiToken {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, StepExpired, fmt.Errorf("loading a login: %w", err)
	}
	u, err := r.UserCached(tr.User, &cache.user)
	if errcode.Of(err) == errcode.NotFound {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, StepExpired, err
	}
	step := s.Next(&tr, &u, now)
	if step == StepExpired {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	return tr, u, step, nil
}

// DeleteExpired deletes sign-in transactions that have expired.
func (s *Service) DeleteExpired(ctx context.Context) error {
	now := s.Accounts.Now()
	return store.DeleteExpired(ctx, s.Accounts.Store, s.transactions, func(tr Transaction) bool { return !now.Before(tr.Expires) })
}
