package authn

import (
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

// Step is the next step of a transaction.
type Step string

// The steps. Only Next returns them (protocol rule 1).
const (
	StepVerify         Step = "verify"   // verify a device
	StepEnrol          Step = "enrol"    // enrol a device, with a valid invitation or ticket
	StepTicket         Step = "ticket"   // enter the code of the ticket
	StepBlocked        Step = "blocked"  // no device and no ticket: request help
	StepChangePassword Step = "password" // choose another password: the verified one must change
	StepDone           Step = "done"     // signed in
	StepExpired        Step = "expired"  // the transaction is void: begin again
)

// Transaction is a sign-in that is not finished, stored under the hash of its secret. It is not a session.
type Transaction struct {
	ID            string         `json:"id"` // referred to by a ticket; not a credential
	User          account.UserID `json:"user"`
	PasswordEpoch uint64         `json:"passwordEpoch"`
	Epoch         uint64         `json:"epoch"`
	Resets        uint64         `json:"resets"`

	// Ticket is the ID of the ticket that was presented, or ticketInvitation.
	Ticket      string       `json:"ticket,omitempty"`
	NewPassword *NewPassword `json:"newPassword,omitempty"` // takes effect only after the second step
	Mailed      bool         `json:"mailed,omitempty"`      // began with, or holds, a link or code that was only mailed to the address

	Ceremony     *factors.Ceremony         `json:"ceremony,omitempty"`
	Enrol        *account.PendingEnrolment `json:"enrol,omitempty"`
	SecondFactor *SecondFactor             `json:"secondFactor,omitempty"` // set while the password must be changed

	APIToken     string    `json:"apiToken,omitempty"` // ID of the only API token that may continue it; "": a browser (protocol rule 25)
	KnownBrowser bool      `json:"knownBrowser"`       // began on a known browser of the user, which has its own failure budget
	Started      time.Time `json:"started"`
	Expires      time.Time `json:"expires" ahead:"10m" since:"Started"`
}

// NewPassword is a password that was chosen by a link and does not yet apply.
type NewPassword struct {
	Hash       string `json:"hash"`
	Link       string `json:"link"`                 // ID of the link record
	Provenance string `json:"provenance,omitempty"` // the administrator who received the link; "": it was mailed
}

// provenance returns the provenance of the password that the transaction has verified (protocol rule 8).
func (tr *Transaction) provenance(u *account.User) string {
	switch n := tr.NewPassword; {
	case n == nil:
		return u.Password.Provenance
	case n.Provenance != "":
		return n.Provenance
	}
	return account.ProvenanceEmail
}

// ticketInvitation is the value of Transaction.Ticket for an invitation.
const ticketInvitation = "invitation"

// Next returns the next step of a transaction of user u. No other code decides it (protocol rule 1). It returns
// StepEnrol only if the transaction holds a valid invitation or ticket, or if it has used a recovery code and must
// change its password before a session starts.
func (s *Service) Next(tr *Transaction, u *account.User, now time.Time) Step {
	moved := tr.Epoch != u.Epoch
	onlyResets := moved && u.Epoch-tr.Epoch == u.Resets-tr.Resets
	required, mustChange := tr.mustChange(u)
	switch {
	case !now.Before(tr.Expires), u.Status != account.StatusActive, tr.PasswordEpoch != u.PasswordEpoch:
		return StepExpired
	case moved && (!onlyResets || tr.NewPassword != nil):
		return StepExpired // protocol rule 3: only a reset keeps a transaction, and never one with a new password
	case s.ticketCovers(tr, u, now):
		return StepEnrol
	case mustChange:
		return required
	case moved && len(s.Accounts.UsableDevices(u)) > 0:
		return StepExpired // reset and enrolled again meanwhile: the user signs in with the new device
	case !moved && len(s.verifiable(tr, u)) > 0:
		return StepVerify
	case tr.NewPassword == nil && s.awaitsTicket(u, now):
		return StepTicket
	}
	return StepBlocked
}

// Extend gives a transaction ten more minutes, because a ticket was presented or an enrolment was begun. It never
// extends it beyond account.MaxTransactionAge after the password.
func (tr *Transaction) Extend(now time.Time) {
	tr.Expires = now.Add(account.TransactionTTL)
	if limit := tr.Started.Add(account.MaxTransactionAge); tr.Expires.After(limit) {
		tr.Expires = limit
	}
}

// ticketCovers reports whether the transaction holds an invitation or ticket that is valid and bound to it.
func (s *Service) ticketCovers(tr *Transaction, u *account.User, now time.Time) bool {
	if tr.Ticket == ticketInvitation { // protocol rule 3: after a reset only a ticket counts
		return tr.Epoch == u.Epoch && !u.EverHadDevice && u.Invited.Link != "" && now.Before(u.Invited.Expires)
	}
	for _, t := range u.Tickets {
		if tr.Ticket != "" && t.ID == tr.Ticket && now.Before(t.Expires) {
			return t.Transaction == tr.ID
		}
	}
	return false
}

// awaitsTicket reports whether the user has no device and may present or resend a ticket (protocol rule 10).
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

// verifiable returns the devices that can complete the transaction. If the transaction began with a password link,
// recovery codes are excluded (promise A7). Devices whose secret an administrator saw are also excluded, because the
// same administrator may control the link or the mailbox (protocol rule 8).
func (s *Service) verifiable(tr *Transaction, u *account.User) []factors.Device {
	var out []factors.Device
	for _, d := range s.Accounts.UsableDevices(u) {
		if tr.NewPassword == nil || !s.Accounts.IsBackup(d) && d.SecretSeenBy == "" {
			out = append(out, d)
		}
	}
	return out
}

// Provenances returns the provenances of the password that the transaction has verified: also the administrator who set
// the address, if the password was chosen by a mailed link (protocol rule 8).
func (tr *Transaction) Provenances(u *account.User) []string {
	provenance := tr.provenance(u)
	if provenance == account.ProvenanceEmail && u.EmailProvenance.By != "" {
		return []string{provenance, u.EmailProvenance.By}
	}
	return []string{provenance}
}

// SecondFactor is a completed second step. A transaction stores it while the password must be changed.
type SecondFactor struct {
	AMR      []string `json:"amr"`                // RFC 8176 §2, of password and device
	Backup   bool     `json:"backup,omitempty"`   // by a recovery code: the user enrols a device first (protocol rule 6)
	Enrolled bool     `json:"enrolled,omitempty"` // by a device enrolled in this transaction

	// StepUpAt is when the device was proven, if the sign-in counts as a step-up (protocol rule 5); zero: it does not.
	StepUpAt time.Time `json:"stepUpAt,omitzero"`
}

// Completed is the state after the second step.
type Completed struct {
	Step        Step
	Credentials session.Credentials // with StepDone
	Secret      secret.Value        // with any other step: the new secret of the transaction
}

// complete ends a transaction whose second step is done and opens a session. If the password must be changed, the
// transaction continues under a new secret instead (promise A11). The caller saves the user.
func (s *Service) complete(tx *account.Tx, transaction secret.Value, tr Transaction, u *account.User,
	p SecondFactor) (Completed, error) {
	if err := s.transactions.Delete(tx.Raw, transaction.Key()); err != nil {
		return Completed{}, fmt.Errorf("deleting a sign-in transaction: %w", err)
	}
	if u.Password.MustChange == "" {
		credentials, err := s.openSession(tx, u, &tr, p)
		return Completed{Step: StepDone, Credentials: credentials}, err
	}
	if tr.APIToken != "" { // the password can be changed only on a page, in a new transaction
		return Completed{Step: StepChangePassword}, nil
	}
	tr.SecondFactor, tr.Ticket, tr.Ceremony, tr.Enrol = &p, "", nil, nil
	tr.Extend(tx.Op.Now)
	out := Completed{Step: s.Next(&tr, u, tx.Op.Now), Secret: tx.Op.Secret("transaction after second step")}
	return out, s.PutTransaction(tx, out.Secret, tr)
}

// CompleteByEnrolment completes a transaction in which the user has enrolled a device. It spends the invitation or ticket
// in the Update that stores the device (protocol rule 7). The caller saves the user.
func (s *Service) CompleteByEnrolment(tx *account.Tx, transaction secret.Value, tr Transaction, u *account.User,
	amr []string) (Completed, error) {
	if err := s.SpendTickets(tx, u); err != nil {
		return Completed{}, err
	}
	if u.Password.ConfirmProvenance(); tr.Ticket == ticketInvitation {
		u.Password.Provenance = account.ProvenanceUser // the user chose it with the invitation
		if tr.Mailed {
			u.ConfirmEmail()
		}
	}
	return s.complete(tx, transaction, tr, u, SecondFactor{AMR: joinAMR(true, amr), Enrolled: true})
}

// openSession opens the session of a completed transaction. A mailed link or code has now shown that the user reads the
// address: a change of the address would have ended the transaction (protocol rule 3).
func (s *Service) openSession(tx *account.Tx, u *account.User, tr *Transaction, p SecondFactor) (session.Credentials, error) {
	if tr.Mailed {
		u.EmailProvenance.Verified = tx.Op.Now
	}
	stepUp := account.StepUp{At: p.StepUpAt, SignIn: !p.StepUpAt.IsZero()}
	if p.Backup || p.Enrolled {
		stepUp = account.StepUp{At: tx.Op.Now, EnrolOnly: true}
	}
	return s.Sessions.Open(tx, u, p.AMR, stepUp, !p.Enrolled)
}

// TransactionRef is a transaction that has begun. The page stores Secret in a cookie.
type TransactionRef struct {
	Secret secret.Value
	Step   Step
}

// newTransaction returns a transaction with the epochs of the user.
func (s *Service) newTransaction(tx *account.Tx, u *account.User, known bool) Transaction {
	now := tx.Op.Now
	tr := Transaction{ID: tx.Op.ID("transaction"), User: u.ID, PasswordEpoch: u.PasswordEpoch, Epoch: u.Epoch, Resets: u.Resets,
		APIToken: tx.Op.Request.APIToken, KnownBrowser: known, Started: now, Expires: now.Add(account.TransactionTTL)}
	if tr.APIToken != "" {
		tr.Expires = now.Add(APISignInTTL)
	}
	return tr
}

// PutTransaction stores a transaction under the hash of its secret.
func (s *Service) PutTransaction(tx *account.Tx, transaction secret.Value, tr Transaction) error {
	if err := s.transactions.Put(tx.Raw, transaction.Key(), tr); err != nil {
		return fmt.Errorf("storing a sign-in transaction: %w", err)
	}
	return nil
}

// LoadTransaction returns the transaction of a browser, its user and its next step. It returns Expired if there is
// none, or if an API sign-in owns the secret.
func (s *Service) LoadTransaction(r account.Reader, transaction secret.Value,
	now time.Time) (Transaction, account.User, Step, error) {
	return s.loadCached(r, transaction, now, &transactionCache{})
}

func (s *Service) loadCached(r account.Reader, transaction secret.Value, now time.Time,
	cache *transactionCache) (Transaction, account.User, Step, error) {
	if transaction.IsZero() {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	tr, err := store.GetCached(s.transactions, r.Raw, transaction.Key(), &cache.transaction)
	if errors.Is(err, store.ErrNotFound) || err == nil && tr.APIToken != cache.apiToken {
		return Transaction{}, account.User{}, StepExpired, errcode.New(errcode.Expired)
	}
	if err != nil {
		return Transaction{}, account.User{}, StepExpired, fmt.Errorf("loading a sign-in transaction: %w", err)
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

// Sweep returns the sweep of sign-in transactions that have expired.
func (s *Service) Sweep() store.TableSweep {
	return store.NewSweep(s.transactions, func(tr Transaction) bool {
		return !s.Accounts.Now().Before(tr.Expires)
	})
}
