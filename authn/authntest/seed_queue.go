package authntest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/store"
)

// What waits for administrators at the end: a help request of one user of 100, which came in the last day, an approval for the manager
// of one group of ten, and a dead letter to one user of 500.
const (
	requestsPer    = 100
	requestsSpan   = 24 * time.Hour
	approvalsPer   = 10
	deadLettersPer = 500
)

// Requests returns how many help requests the store has. One of ten is about an unknown address.
func (s *Seeded) Requests() int { return s.People / requestsPer }

// DeadLetters returns how many dead letters the store has.
func (s *Seeded) DeadLetters() int { return s.People / deadLettersPer }

// PendingApprovals returns how many resets wait for an approval.
func (s *Seeded) PendingApprovals() int { return s.Groups / approvalsPer }

// Applicant returns the number of the user whose help request is the nth, if it is not about an unknown address.
func (s *Seeded) Applicant(n int) int { return n*requestsPer + n%active }

// seedQueue submits help requests, of which helpers take and close some. It asks for approvals, and stores dead letters.
func (s *seeder) seedQueue() {
	if _, err := s.bulk.Size(); err != nil { // so that a scan finds little that waits to be written
		s.T.Fatal(err)
	}
	helper := s.helper()
	now := s.Accounts.Now
	defer func() { s.Accounts.Now = now }()
	for n := range s.Requests() {
		at := s.now.Add(time.Duration(n-s.Requests()) * (requestsSpan / time.Duration(s.Requests())))
		s.Accounts.Now = func() time.Time { return at }
		if err := s.submit(helper, n); err != nil {
			s.T.Fatalf("help request %d: %v", n, err)
		}
		if n%200 == 199 {
			s.advance()
		}
	}
	s.Accounts.Now = now
	for n := range s.PendingApprovals() {
		reason := helpdesk.ResetRequest{Reason: "lost phone"}
		if r, waits, err := s.Approvals.Reset(s.T.Context(), helper, s.From, string(s.ID(s.Manager(n*approvalsPer))), reason); err != nil || waits == nil {
			s.T.Fatalf("approval %d: got %+v, %v", n, r, err)
		}
	}
	s.bulk.Keep(store.Outbox)
	for n := range s.DeadLetters() {
		if err := s.deadLetter(n * deadLettersPer); err != nil {
			s.T.Fatalf("dead letter %d: %v", n, err)
		}
	}
	s.advance()
}

// helper returns the principal of an administrator of all users with the role of the managers.
func (s *seeder) helper() (p admin.Principal) {
	u, _, _ := s.Member("helper@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r" + seededID("role", -1)[:20], Role: account.RoleHelpDesk}}
	})
	err := s.Accounts.View(s.T.Context(), func(r account.Reader) (err error) {
		p, err = admin.UserPrincipal(r, u.ID, u.Epoch, s.now)
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return p
}

// submit submits help request n from a network of its own. Of ten, helper takes two and closes one.
func (s *seeder) submit(helper admin.Principal, n int) error {
	from := s.From
	from.Address = netip.AddrFrom4([4]byte{byte(20 + n%180), byte(n / 180), byte(n / 180 >> 8), 1})
	f := helpdesk.Submission{Email: Login(s.Applicant(n)), Topic: string(notice.Topics()[n%len(notice.Topics())]), Message: "Mon téléphone est perdu."}
	if n%10 == 9 {
		f.Email = fmt.Sprintf("unknown%d@else.example", n)
	}
	reference, err := s.Directory.HelpDesk.Submit(s.T.Context(), from, f)
	if err != nil {
		return err
	}
	me, patch := helpdesk.Me, helpdesk.RequestPatch{}
	switch n % 10 {
	case 3, 5:
		patch.Assignee = &me
	case 7:
		patch.Status = helpdesk.StateResolved
	default:
		return nil
	}
	_, err = s.Directory.HelpDesk.Patch(s.T.Context(), helper, s.From, reference, patch)
	return err
}

// deadLetter stores an email to user i that was given up.
func (s *seeder) deadLetter(i int) error {
	at := s.now.Add(-time.Duration(rand.New(rand.NewPCG(uint64(i), 4)).Float64() * float64(5*24*time.Hour))).Truncate(time.Microsecond)
	m := notice.HelpReceived{Context: notice.Context{At: at}, Reference: "H-7K3F-2Q9M-4TBX"}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	op := s.Accounts.NewOperation(s.From)
	op.Now = at
	_, err = account.Update(s.T.Context(), s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, s.Outbox.Queue(tx.Raw, tx.NewRecordID("mail"), mail.Message{Template: m.Name(), Lang: "fr", To: []string{Login(i)}, Recipient: string(s.ID(i)),
			Data: data, Queued: at, Tried: at.Add(time.Hour), Died: at.Add(time.Hour), AttemptCount: 9, LastError: "550 no such user", Dead: true})
	})
	return err
}
