package helpdesk

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ResetRequest is what an operator asks for.
type ResetRequest struct {
	Reason      string         // why, for the log and the managers; at most 500 characters
	HelpRequest string         // id of the case that it answers and resolves; "": none
	Check       *IdentityCheck // how it was made sure who is asking; needed with a case that does not say so yet
	SendEmail   *bool          // nil: mail the ticket. false: answer it instead (Secrets). true: mail one more
	ShowCode    bool           // a code for the operator's screen (PROTOCOL 9); by Machine only
}

// ResetResult tells what a reset did.
type ResetResult struct {
	User  account.UserID
	Login string
	At    time.Time // of the reset; of the first one when Repeated

	// What was cleared.
	Devices                         map[factors.Kind]int // without sets of recovery codes
	Copies, RecoveryCodes, Sessions int
	Browsers                        int // remembered ones: the house does not have them yet, so 0

	Mailed        bool     // a ticket is in the mail
	MailTo        []string // masked; where the ticket goes
	TicketExpires time.Time
	Repeated      bool         // there was nothing left to clear and a ticket was open
	Link, Code    secret.Value // of a ticket that was not mailed; one handed over has no Link
	Reason        string
	HelpRequest   string // the case that it resolved

	Approval *ResetApproval // not nil: nothing is done before a second administrator agrees, and the rest is empty
}

// deliveryMethod is how the ticket reaches the person.
type deliveryMethod int

const (
	byEmail    deliveryMethod = iota // to the stored address
	inResponse                       // in the answer, for 24 hours
	onScreen                         // on the operator's screen, for 10 minutes
)

// deliveryMethod judges how the operator may have the ticket delivered (PROTOCOL 9, 22).
func (r ResetRequest) deliveryMethod(p admin.Principal) (deliveryMethod, error) {
	switch {
	case r.ShowCode && r.SendEmail != nil:
		return 0, errcode.New(errcode.Conflict)
	case r.ShowCode && !p.Operator: // the operator is before the machine; an API token never is
		return 0, errcode.New(errcode.Forbidden)
	case r.ShowCode:
		return onScreen, nil
	case r.SendEmail == nil || *r.SendEmail:
		return byEmail, nil
	case !p.CanReadSecrets():
		return 0, errcode.New(errcode.Forbidden)
	}
	return inResponse, nil
}

// resetJob is one reset under way: what was asked, judged and drawn before the Update.
type resetJob struct {
	service    *Service
	principal  admin.Principal
	id         string
	request    ResetRequest
	delivery   deliveryMethod
	recipients []admin.Recipient
	previous   ResetResult // of the reset before, where one may be repeated

	approval *ResetApproval // what the operator agrees to; nil: the operator acts alone
}

// resetOutcome is what an Update came to.
type resetOutcome struct {
	result    ResetResult
	remaining []admin.Recipient // who is still to be told
	stale     bool              // nothing was done: the reset that is repeated is another than the one that was read
}

// Reset takes every device, ticket, session, remembered browser and pending enrolment from a person in one
// Update, with one event and a ticket to enrol again (DESIGN, After a reset; PROTOCOL 7 to 11). The password
// stays as it is and where it came from stays known.
//
// While nothing is left to clear and a ticket is open, another reset changes and sends nothing and answers the
// first one's receipt with Repeated, unless SendEmail is true (one more ticket, by mail) or Hand (one more, as
// a code). A case that is named must be about the same person (Conflict), tell how the identity was checked,
// or be told so here, and not be closed (WrongState, PROTOCOL 24). It is resolved; the mail with the ticket is its
// answer, no further one is sent. Forbidden: PROTOCOL 11. WrongState: for somebody who never
// had a device there is the invitation. For an equal nothing is done but to ask for a second administrator's word:
// Receipt.Waits tells of it.
func (s *Service) Reset(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, r ResetRequest) (ResetResult, error) {
	how, err := r.deliveryMethod(p)
	if err != nil {
		return ResetResult{}, err
	}
	reason, ok := admin.Sanitize(r.Reason, 500, false)
	if !ok {
		return ResetResult{}, errcode.InvalidField("reason", "too_long")
	}
	r.Reason = reason
	if r.Check, err = r.Check.validate(); err != nil {
		return ResetResult{}, err
	}
	job := resetJob{principal: p, id: id, request: r, delivery: how}
	var u account.User
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, p, admin.PermApprove, id)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	if p.NeedsApproval(&u) {
		waits, err := s.requestApproval(ctx, p, req, id, r)
		return ResetResult{Approval: &waits}, err
	}
	return s.runReset(ctx, req, job, &u)
}

// runReset does a reset that was judged for a person as they were read, and tells whoever else hears of it.
func (s *Service) runReset(ctx context.Context, req account.RequestInfo, job resetJob, u *account.User) (ResetResult, error) {
	var err error
	if job.recipients, err = s.Admin.ResetRecipients(ctx, job.principal, u, job.delivery == onScreen); err != nil {
		return ResetResult{}, err
	}
	for range 3 { // each round loses only to another reset of the same moment
		if job.previous, err = s.previousResult(ctx, u); err != nil {
			return ResetResult{}, err
		}
		op := s.accounts.NewOperation(req)
		out, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (resetOutcome, error) { return s.reset(tx, job) })
		if err != nil {
			return ResetResult{}, err
		}
		if !out.stale {
			return out.result, s.Admin.NotifyRemaining(ctx, req, s.resetNotice(job, u, op.Now), out.remaining)
		}
		u.ResetAt, u.Devices = out.result.At, nil
	}
	return ResetResult{}, &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
}

// reset is the Update. It touches at most 64 keys: a person has up to 32 sessions, 10 security keys and 3 tickets,
// which with person, standing, case, event, ticket and two addresses leaves room for MaxRecipientsPerUpdate of the others.
func (s *Service) reset(tx *account.Tx, j resetJob) (resetOutcome, error) {
	u, err := s.findUser(tx, j)
	if err != nil {
		return resetOutcome{}, err
	}
	if err := checkHadDevice(&u); err != nil {
		return resetOutcome{}, err
	}
	c, err := s.findRequest(tx, j, &u)
	if err != nil {
		return resetOutcome{}, err
	}
	open := openTicket(&u, tx.Op.Now)
	again := len(u.Devices) == 0 && len(u.Sessions) == 0 && open != nil
	if err := c.checkResettable(&u, again); err != nil {
		return resetOutcome{}, err
	}
	if again {
		return s.repeatReset(tx, j, &u, open, c)
	}
	cleared, err := tx.ResetDevices(&u)
	if err != nil {
		return resetOutcome{}, err
	}
	maps.DeleteFunc(cleared.Devices, func(kind factors.Kind, _ int) bool {
		return s.accounts.Method(kind).Input == factors.InputBackup
	})
	result := ResetResult{User: u.ID, Login: u.Login, At: tx.Op.Now, Devices: cleared.Devices, Copies: cleared.Copies,
		RecoveryCodes: cleared.Codes, Sessions: cleared.Sessions,
		Reason: j.request.Reason, HelpRequest: j.request.HelpRequest}
	if err := s.issueTicket(tx, j, &u, &result); err != nil {
		return resetOutcome{}, err
	}
	if err := tx.Audit(j.resetEvent(&u, c, audit.FactorsReset, result)); err != nil {
		return resetOutcome{}, err
	}
	if c != nil {
		if err := s.resolve(tx, j.principal, c); err != nil {
			return resetOutcome{}, err
		}
	}
	rest, err := s.notifyFirst(tx, j, &u)
	if err != nil {
		return resetOutcome{}, err
	}
	tx.SetResult(result)
	return resetOutcome{result: result, remaining: rest}, tx.Save(&u)
}

// findUser finds the person whom the operator may reset, alone or by the second word that ends what waits for it.
func (s *Service) findUser(tx *account.Tx, j resetJob) (account.User, error) {
	if j.approval == nil {
		return admin.FindUser(tx.Reader, j.principal, admin.PermReset, j.id)
	}
	approval, u, err := s.checkApprover(tx.Reader, tx.Raw, j.principal, j.approval.ID, tx.Op.Now)
	if err != nil {
		return u, err
	}
	if err := s.approvals.Delete(tx.Raw, string(approval.User)); err != nil {
		return u, fmt.Errorf("ending a reset that waited: %w", err)
	}
	return u, nil
}

// checkHadDevice tells whether there is anything to reset.
func checkHadDevice(u *account.User) error {
	switch {
	case u.Status == account.StatusDeactivated:
		return errcode.New(errcode.WrongState)
	case !u.EverHadDevice: // nor is there a password that a ticket would be worth something with (PROTOCOL 23)
		return &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonNeverHadDevice}
	}
	return nil
}

// repeatReset is a reset with nothing left to clear while a ticket is open (PROTOCOL 11).
func (s *Service) repeatReset(tx *account.Tx, j resetJob, u *account.User, open *account.Ticket, c *Request) (resetOutcome, error) {
	result := j.previous
	if !result.At.Equal(u.ResetAt) {
		return resetOutcome{result: ResetResult{At: u.ResetAt}, stale: true}, nil
	}
	result.User, result.Login, result.Mailed, result.TicketExpires = u.ID, u.Login, open.Provenance == account.ProvenanceEmail, open.Expires
	result.Repeated, result.HelpRequest = true, cmp.Or(j.request.HelpRequest, result.HelpRequest)
	if result.Mailed {
		result.MailTo = masked(u.Addresses()[:1])
	}
	if c != nil && !c.State.closed() {
		if err := s.resolve(tx, j.principal, c); err != nil {
			return resetOutcome{}, err
		}
		e := requestEvent(j.principal, audit.HelpClosed, c)
		e.Detail = map[string]string{"status": string(c.State), "identity": string(c.Identity), "identityBy": c.IdentityBy}
		if err := tx.Audit(e); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(result)
	asked := j.request.SendEmail != nil && *j.request.SendEmail
	if !asked && j.delivery != onScreen {
		return resetOutcome{result: result}, nil
	}
	if err := s.issueTicket(tx, j, u, &result); err != nil {
		return resetOutcome{}, err
	}
	action := audit.TicketIssued
	if j.delivery == onScreen {
		action = audit.SecretHandedOver
	}
	if err := tx.Audit(j.resetEvent(u, c, action, result)); err != nil {
		return resetOutcome{}, err
	}
	var rest []admin.Recipient
	if j.delivery == onScreen {
		var err error
		if rest, err = s.notifyFirst(tx, j, u); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(result)
	return resetOutcome{result: result, remaining: rest}, tx.Save(u)
}

// issueTicket gives the person a ticket and tells them at every address that they have.
func (s *Service) issueTicket(tx *account.Tx, j resetJob, u *account.User, result *ResetResult) error {
	about := notice.Context{Name: u.DisplayName(), At: tx.Op.Now}
	locale, by := s.accounts.Locale(u), j.principal.DisplayName(s.accounts.Policy.Issuer)
	if j.delivery == byEmail {
		t, err := s.signIn.MailTicket(tx, u)
		if err != nil {
			return err
		}
		result.Mailed, result.MailTo, result.TicketExpires = true, masked(u.Addresses()[:1]), t.Expires
		if result.Repeated {
			return nil
		}
		m := notice.UserDevicesReset{Context: about, Person: u.DisplayName(), By: by}
		return tx.SendTo(u.Addresses()[1:], locale, m, time.Time{}) // the ticket itself goes to the first
	}
	life := account.TicketTTL
	if j.delivery == onScreen {
		life = account.ScreenTicketTTL
	}
	link, code, t, err := s.signIn.IssueTicket(tx, u, j.principal.Owner, life)
	if err != nil {
		return err
	}
	if !link.IsZero() {
		result.Link = secret.From(s.signIn.URL("/ticket/" + link.Reveal()))
	}
	result.Code, result.TicketExpires = code, t.Expires
	if !result.Repeated {
		m := notice.UserDevicesReset{Context: about, Person: u.DisplayName(), By: by}
		if err := tx.SendTo(u.Addresses(), locale, m, time.Time{}); err != nil {
			return err
		}
	}
	return tx.SendTo(u.Addresses(), locale, notice.TicketShown{Context: about, By: by}, time.Time{})
}

// openTicket is the ticket of the person that lives longest; nil without one.
func openTicket(u *account.User, now time.Time) *account.Ticket {
	var open *account.Ticket
	for i, t := range u.Tickets {
		if now.Before(t.Expires) && (open == nil || t.Expires.After(open.Expires)) {
			open = &u.Tickets[i]
		}
	}
	return open
}

// findRequest loads the case that the reset answers; nil without one. It must be about this person (PROTOCOL 24). A
// check that comes with the reset is written into it.
func (s *Service) findRequest(tx *account.Tx, j resetJob, u *account.User) (*Request, error) {
	if j.request.HelpRequest == "" {
		return nil, nil
	}
	c, err := s.requestAbout(tx, j.request.HelpRequest, u)
	if err == nil && j.request.Check != nil && !c.State.closed() {
		c.recordIdentity(tx, j.principal, *j.request.Check)
	}
	return c, err
}

// requestAbout loads a case that must be about the person (Conflict).
func (s *Service) requestAbout(tx *account.Tx, id string, u *account.User) (*Request, error) {
	c, err := s.find(tx.Raw, id)
	// Nobody asked for a reset by a case that the house opened, and its id in the event of one would tell of it.
	if errcode.Of(err) == errcode.NotFound || err == nil && (c.User != u.ID || c.unscopedOnly()) {
		return nil, errcode.New(errcode.Conflict)
	}
	return &c, err
}
