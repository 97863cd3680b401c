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

// way judges how the operator may have the ticket delivered (PROTOCOL 9, 22).
func (r ResetRequest) way(op admin.Principal) (deliveryMethod, error) {
	switch {
	case r.ShowCode && r.SendEmail != nil:
		return 0, errcode.New(errcode.Conflict)
	case r.ShowCode && !op.Operator: // the operator is before the machine; an API token never is
		return 0, errcode.New(errcode.Forbidden)
	case r.ShowCode:
		return onScreen, nil
	case r.SendEmail == nil || *r.SendEmail:
		return byEmail, nil
	case !op.CanReadSecrets():
		return 0, errcode.New(errcode.Forbidden)
	}
	return inResponse, nil
}

// resetJob is one reset under way: what was asked, judged and drawn before the Update.
type resetJob struct {
	desk    *Service
	op      admin.Principal
	id      string
	request ResetRequest
	way     deliveryMethod
	told    []admin.Recipient
	past    ResetResult // of the reset before, where one may be repeated

	approval *ResetApproval // what the operator agrees to; nil: the operator acts alone
}

// resetOutcome is what an Update came to.
type resetOutcome struct {
	receipt ResetResult
	rest    []admin.Recipient // who is still to be told
	stale   bool              // nothing was done: the reset that is repeated is another than the one that was read
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
func (d *Service) Reset(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, r ResetRequest) (ResetResult, error) {
	how, err := r.way(op)
	if err != nil {
		return ResetResult{}, err
	}
	reason, ok := admin.Sanitize(r.Reason, 500, false)
	if !ok {
		return ResetResult{}, errcode.InvalidField("reason", "too_long")
	}
	r.Reason = reason
	if r.Check, err = r.Check.judged(); err != nil {
		return ResetResult{}, err
	}
	job := resetJob{desk: d, op: op, id: id, request: r, way: how}
	var u account.User
	if err := d.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, op, admin.PermApprove, id)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	if op.NeedsApproval(&u) {
		waits, err := d.requestApproval(ctx, op, req, id, r)
		return ResetResult{Approval: &waits}, err
	}
	return d.resetting(ctx, req, job, &u)
}

// resetting does a reset that was judged for a person as they were read, and tells whoever else hears of it.
func (d *Service) resetting(ctx context.Context, req account.RequestInfo, job resetJob, u *account.User) (ResetResult, error) {
	var err error
	if job.told, err = d.Admin.ResetRecipients(ctx, job.op, u, job.way == onScreen); err != nil {
		return ResetResult{}, err
	}
	for range 3 { // each round loses only to another reset of the same moment
		if job.past, err = d.previousResult(ctx, u); err != nil {
			return ResetResult{}, err
		}
		op := d.accounts.NewOperation(req)
		out, err := account.Update(ctx, d.accounts, op, job.do)
		if err != nil {
			return ResetResult{}, err
		}
		if !out.stale {
			return out.receipt, d.Admin.NotifyRemaining(ctx, req, job.mail(u, op.Now), out.rest)
		}
		u.ResetAt, u.Devices = out.receipt.At, nil
	}
	return ResetResult{}, &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
}

// do is the Update. It touches at most 64 keys: a person has up to 32 sessions, 10 security keys and 3 tickets,
// which with person, standing, case, event, ticket and two addresses leaves room for MaxRecipientsPerUpdate of the others.
func (j resetJob) do(tx *account.Tx) (resetOutcome, error) {
	u, err := j.judged(tx)
	if err != nil {
		return resetOutcome{}, err
	}
	if err := resettable(&u); err != nil {
		return resetOutcome{}, err
	}
	c, err := j.answered(tx, &u)
	if err != nil {
		return resetOutcome{}, err
	}
	open := openTicket(&u, tx.Op.Now)
	again := len(u.Devices) == 0 && len(u.Sessions) == 0 && open != nil
	if err := c.answeredBy(&u, again); err != nil {
		return resetOutcome{}, err
	}
	if again {
		return j.again(tx, &u, open, c)
	}
	cleared, err := tx.ResetDevices(&u)
	if err != nil {
		return resetOutcome{}, err
	}
	maps.DeleteFunc(cleared.Devices, func(kind factors.Kind, _ int) bool {
		return j.desk.accounts.Method(kind).Input == factors.InputBackup
	})
	rec := ResetResult{User: u.ID, Login: u.Login, At: tx.Op.Now, Devices: cleared.Devices, Copies: cleared.Copies,
		RecoveryCodes: cleared.Codes, Sessions: cleared.Sessions,
		Reason: j.request.Reason, HelpRequest: j.request.HelpRequest}
	if err := j.ticket(tx, &u, &rec); err != nil {
		return resetOutcome{}, err
	}
	if err := tx.Audit(j.event(&u, c, audit.FactorsReset, rec)); err != nil {
		return resetOutcome{}, err
	}
	if c != nil {
		if err := j.desk.resolve(tx, j.op, c); err != nil {
			return resetOutcome{}, err
		}
	}
	rest, err := j.notify(tx, &u)
	if err != nil {
		return resetOutcome{}, err
	}
	tx.SetResult(rec)
	return resetOutcome{receipt: rec, rest: rest}, tx.Save(&u)
}

// judged finds the person whom the operator may reset, alone or by the second word that ends what waits for it.
func (j resetJob) judged(tx *account.Tx) (account.User, error) {
	if j.approval == nil {
		return admin.FindUser(tx.Reader, j.op, admin.PermReset, j.id)
	}
	p, u, err := j.desk.second(tx.Reader, tx.Raw, j.op, j.approval.ID, tx.Op.Now)
	if err != nil {
		return u, err
	}
	if err := j.desk.approvals.Delete(tx.Raw, string(p.User)); err != nil {
		return u, fmt.Errorf("ending a reset that waited: %w", err)
	}
	return u, nil
}

// resettable tells whether there is anything to reset.
func resettable(u *account.User) error {
	switch {
	case u.Status == account.StatusDeactivated:
		return errcode.New(errcode.WrongState)
	case !u.EverHadDevice: // nor is there a password that a ticket would be worth something with (PROTOCOL 23)
		return errcode.WrongStateFor(errcode.ReasonNeverHadDevice)
	}
	return nil
}

// again is a reset with nothing left to clear while a ticket is open (PROTOCOL 11).
func (j resetJob) again(tx *account.Tx, u *account.User, open *account.Ticket, c *Request) (resetOutcome, error) {
	rec := j.past
	if !rec.At.Equal(u.ResetAt) {
		return resetOutcome{receipt: ResetResult{At: u.ResetAt}, stale: true}, nil
	}
	rec.User, rec.Login, rec.Mailed, rec.TicketExpires = u.ID, u.Login, open.Provenance == account.ProvenanceEmail, open.Expires
	rec.Repeated, rec.HelpRequest = true, cmp.Or(j.request.HelpRequest, rec.HelpRequest)
	if rec.Mailed {
		rec.MailTo = masked(u.Addresses()[:1])
	}
	if c != nil && !c.State.closed() {
		if err := j.desk.resolve(tx, j.op, c); err != nil {
			return resetOutcome{}, err
		}
		e := requestEvent(j.op, audit.HelpClosed, c)
		e.Detail = map[string]string{"status": string(c.State), "identity": string(c.Identity), "identityBy": c.IdentityBy}
		if err := tx.Audit(e); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(rec)
	asked := j.request.SendEmail != nil && *j.request.SendEmail
	if !asked && j.way != onScreen {
		return resetOutcome{receipt: rec}, nil
	}
	if err := j.ticket(tx, u, &rec); err != nil {
		return resetOutcome{}, err
	}
	action := audit.TicketIssued
	if j.way == onScreen {
		action = audit.SecretHandedOver
	}
	if err := tx.Audit(j.event(u, c, action, rec)); err != nil {
		return resetOutcome{}, err
	}
	var rest []admin.Recipient
	if j.way == onScreen {
		var err error
		if rest, err = j.notify(tx, u); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(rec)
	return resetOutcome{receipt: rec, rest: rest}, tx.Save(u)
}

// ticket gives the person a ticket and tells them at every address that they have.
func (j resetJob) ticket(tx *account.Tx, u *account.User, rec *ResetResult) error {
	about := notice.Context{Name: u.DisplayName(), At: tx.Op.Now}
	locale, by := j.desk.accounts.Locale(u), j.op.DisplayName(j.desk.accounts.Policy.Issuer)
	if j.way == byEmail {
		t, err := j.desk.signIn.MailTicket(tx, u)
		if err != nil {
			return err
		}
		rec.Mailed, rec.MailTo, rec.TicketExpires = true, masked(u.Addresses()[:1]), t.Expires
		if rec.Repeated {
			return nil
		}
		m := notice.UserDevicesReset{Context: about, Person: u.DisplayName(), By: by}
		return tx.SendTo(u.Addresses()[1:], locale, m, time.Time{}) // the ticket itself goes to the first
	}
	life := account.TicketTTL
	if j.way == onScreen {
		life = account.ScreenTicketTTL
	}
	link, code, t, err := j.desk.signIn.IssueTicket(tx, u, j.op.Owner, life)
	if err != nil {
		return err
	}
	if !link.IsZero() {
		rec.Link = secret.From(j.desk.signIn.URL("/ticket/" + link.Reveal()))
	}
	rec.Code, rec.TicketExpires = code, t.Expires
	if !rec.Repeated {
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

// answered loads the case that the reset answers; nil without one. It must be about this person (PROTOCOL 24). A
// check that comes with the reset is written into it.
func (j resetJob) answered(tx *account.Tx, u *account.User) (*Request, error) {
	if j.request.HelpRequest == "" {
		return nil, nil
	}
	c, err := j.desk.requestAbout(tx, j.request.HelpRequest, u)
	if err == nil && j.request.Check != nil && !c.State.closed() {
		c.identify(tx, j.op, *j.request.Check)
	}
	return c, err
}

// requestAbout loads a case that must be about the person (Conflict).
func (d *Service) requestAbout(tx *account.Tx, id string, u *account.User) (*Request, error) {
	c, err := d.load(tx.Raw, id)
	// Nobody asked for a reset by a case that the house opened, and its id in the event of one would tell of it.
	if errcode.Of(err) == errcode.NotFound || err == nil && (c.User != u.ID || c.unscopedOnly()) {
		return nil, errcode.New(errcode.Conflict)
	}
	return &c, err
}
