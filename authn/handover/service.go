package handover

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/internal/errcode"
	"barillet/store"
)

// Limits of one user.
const (
	TTL         = 10 * time.Minute // from Begin to Complete
	maxADay     = 5                // handovers
	maxWaiting  = 8                // sign-ins that wait, or waited in the last minutes
	maxWrong    = 3                // wrong digits of a witness
	recordTTL   = 24 * time.Hour
	userIDWidth = 27 // characters of a user id
)

// Service hands over codes. It is safe for concurrent use.
type Service struct {
	accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	helpDesk *helpdesk.Service
	freeze   *freeze.Service

	records store.Table[record]
}

// New returns a Service on top of a help desk.
func New(helpDesk *helpdesk.Service, freeze *freeze.Service, signIn *authn.Service, ring *store.Keyring) *Service {
	return &Service{accounts: signIn.Accounts, sessions: signIn.Sessions, signIn: signIn, helpDesk: helpDesk, freeze: freeze,
		records: store.NewTable[record](ring, store.Handovers)}
}

// State is the state of a handover.
type State string

// The states. Only the first two can continue.
const (
	StateAsked     State = "asked"     // the witness is asked
	StateConfirmed State = "confirmed" // the code can be shown
	StateRefused   State = "refused"   // the witness refused
	StateWrong     State = "wrong"     // the witness typed wrong digits too often
	StateCancelled State = "cancelled" // by an administrator
	StateDone      State = "done"      // the code was shown
	StateExpired   State = "expired"   // never stored: Until has passed
)

// Handover is the handing over of a code to one user. It contains no digits and no code.
type Handover struct {
	ID          string         `cbor:"1,keyasint"` // "<user id>-<random>"
	User        account.UserID `cbor:"2,keyasint"`
	Login       string         `cbor:"3,keyasint"`
	Name        string         `cbor:"4,keyasint"`           // display name of the user
	Group       string         `cbor:"5,keyasint,omitempty"` // name of their first group
	By          account.UserID `cbor:"6,keyasint"`           // the administrator
	ByName      string         `cbor:"7,keyasint"`
	Witness     account.UserID `cbor:"8,keyasint"`
	WitnessName string         `cbor:"9,keyasint"`
	Reason      string         `cbor:"10,keyasint,omitempty"` // for the audit log and the managers
	State       State          `cbor:"11,keyasint"`
	At          time.Time      `cbor:"12,keyasint"`
	Until       time.Time      `cbor:"13,keyasint" since:"At"`
}

// live reports whether the handover can continue at now.
func (h *Handover) live(now time.Time) bool {
	return h != nil && (h.State == StateAsked || h.State == StateConfirmed) && now.Before(h.Until)
}

// at returns the handover with its state at now.
func (h Handover) at(now time.Time) Handover {
	if (h.State == StateAsked || h.State == StateConfirmed) && !now.Before(h.Until) {
		h.State = StateExpired
	}
	return h
}

// record has all of one user; their id is its key. A record under witnessKey has no member but Expires: it finds the users for whom a
// witness is asked.
type record struct {
	Changed  time.Time   `cbor:"1,keyasint"`
	Expires  time.Time   `cbor:"2,keyasint" since:"Changed"`
	Waiting  []waiting   `cbor:"3,keyasint,omitempty"`
	Handover *Handover   `cbor:"4,keyasint,omitempty"` // the last one
	SignIn   string      `cbor:"5,keyasint,omitempty"` // key of the sign-in transaction that the witness confirmed
	Wrong    int         `cbor:"6,keyasint,omitempty"` // wrong digits of the witness
	Begun    []time.Time `cbor:"7,keyasint,omitempty"` // of the last 24 hours
}

// waiting is a sign-in that waits. It is kept until Until, also when the sign-in has ended, so that no other gets its digits meanwhile.
type waiting struct {
	Key    string    `cbor:"1,keyasint"` // of the sign-in transaction
	Digits string    `cbor:"2,keyasint"` // two
	At     time.Time `cbor:"3,keyasint"`
	Until  time.Time `cbor:"4,keyasint" since:"At"`
}

func witnessKey(witness, user account.UserID) string {
	return witnessPrefix + string(witness) + "/" + string(user)
}

const witnessPrefix = "witness/"

// load returns the record of a user without what has ended at now. A user without one has an empty record.
func (s *Service) load(r store.Reader, id account.UserID, now time.Time) (record, error) {
	rec, err := s.records.Get(r, string(id))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return record{}, fmt.Errorf("loading a handover: %w", err)
	}
	rec.Waiting = slices.DeleteFunc(rec.Waiting, func(w waiting) bool { return !now.Before(w.Until) })
	rec.Begun = account.LastDay(rec.Begun, now)
	return rec, nil
}

// save stores the record of a user.
func (s *Service) save(tx *account.Tx, id account.UserID, rec record) error {
	rec.Changed, rec.Expires = tx.Op.Now, tx.Op.Now.Add(recordTTL)
	if err := s.records.Put(tx.Raw, string(id), rec); err != nil {
		return fmt.Errorf("storing a handover: %w", err)
	}
	return nil
}

// forget removes the record that finds the handover for its witness.
func (s *Service) forget(tx *account.Tx, h *Handover) error {
	if err := s.records.Delete(tx.Raw, witnessKey(h.Witness, h.User)); err != nil {
		return fmt.Errorf("deleting the record of a witness: %w", err)
	}
	return nil
}

// find returns the record with the handover of an id. It returns NotFound if there is none.
func (s *Service) find(r store.Reader, id string, now time.Time) (record, error) {
	user, _, ok := strings.Cut(id, "-")
	if !ok || len(user) != userIDWidth {
		return record{}, errcode.New(errcode.NotFound)
	}
	rec, err := s.load(r, account.UserID(user), now)
	if err == nil && (rec.Handover == nil || rec.Handover.ID != id) {
		err = errcode.New(errcode.NotFound)
	}
	return rec, err
}

// Sweep returns the sweep of old records.
func (s *Service) Sweep() store.TableSweep {
	return store.NewSweep(s.records, func(r record) bool { return !s.accounts.Now().Before(r.Expires) })
}
