package helpdesk

import (
	"cmp"
	"context"
	"maps"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ResetRequest describes a reset.
type ResetRequest struct {
	Reason      string         // for the audit log and the managers; at most 500 characters
	HelpRequest string         // id of the help request that the reset answers; "": none
	Check       *IdentityCheck // the identity check; required if the help request has none
	SendEmail   *bool          // nil: send the ticket by email; false: return it; true: send one even for a repeat
	ShowCode    bool           // return a short code for the screen; operator only (protocol rule 9)
	OnlyAgain   bool           // WrongState unless this repeats a reset
}

// ResetResult is the result of a reset.
type ResetResult struct {
	User  account.UserID
	Login string
	At    time.Time // of the reset; if Repeated, of the first one

	// What the reset removed.
	Devices                         map[factors.Kind]int // without sets of recovery codes
	Copies, RecoveryCodes, Sessions int
	Browsers                        int // always 0: no browser is remembered for the second factor yet

	Mailed        bool     // a ticket is sent by email
	MailTo        []string // masked addresses of that email
	TicketExpires time.Time
	Repeated      bool         // there was nothing to remove and a ticket was valid
	Link, Code    secret.Value // of a ticket that was not sent by email; a ticket on screen has no Link
	Reason        string
	HelpRequest   string // the help request that it resolved
	OpenRequest   string // reference of the open request of the user, if it stays open because its identity check is missing
}

// deliveryMethod is how a ticket reaches the user.
type deliveryMethod int

const (
	byEmail    deliveryMethod = iota // to the stored address
	inResponse                       // in the response, for 24 hours
	onScreen                         // on the screen of the operator, for 10 minutes
)

// deliveryMethod returns how the ticket is delivered, or Forbidden if p may not use that method (protocol rules 9 and
// 22).
func (r ResetRequest) deliveryMethod(p admin.Principal) (deliveryMethod, error) {
	switch {
	case r.ShowCode && r.SendEmail != nil:
		return 0, errcode.New(errcode.Conflict)
	case r.ShowCode && !p.Operator: // a caller of the API may not be at the screen
		return 0, errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
	case r.ShowCode:
		return onScreen, nil
	case r.SendEmail == nil || *r.SendEmail:
		return byEmail, nil
	case !p.CanReadSecrets():
		return 0, errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
	}
	return inResponse, nil
}

// resetJob holds what is known about a reset before its transaction.
type resetJob struct {
	principal  admin.Principal
	id         string
	request    ResetRequest
	delivery   deliveryMethod
	recipients []admin.Recipient
	previous   ResetResult // result of the last reset, if this may be a repeat

	handed *HandedCode // how the code is handed over; nil: it is not

	unchecked *Request // set by the transaction: the open request of the user, which the reset does not answer
}

// openReference returns the reference of the request that stays open, or "".
func (j resetJob) openReference() string {
	if j.unchecked == nil {
		return ""
	}
	return j.unchecked.Reference
}

// resetOutcome is the result of the transaction of a reset.
type resetOutcome struct {
	result    ResetResult
	remaining []admin.Recipient // recipients without a notification
	stale     bool              // nothing was stored, because resetJob.previous is not the last reset
}

// Reset removes every device, ticket, session and pending enrolment of a user in one transaction. It
// writes one audit event and issues a ticket to enrol again (protocol rules 7 to 11). The password and its provenance
// do not change.
//
// If there is nothing to remove and a ticket is valid, Reset changes nothing, sends nothing and returns the result of
// the last reset with Repeated. If SendEmail is true, it still sends one more ticket; if ShowCode is set, it returns
// one more code.
//
// A help request must be about the same user (Conflict). It must be open, and it or Check must state an identity check
// (WrongState, protocol rule 24). Reset resolves it. The email with the ticket is the answer.
//
// Reset returns Forbidden by protocol rule 11, and WrongState for a user who never had a device, who must be invited
// instead. It returns ApprovalRequired if p acts alone and the reset needs the approval of another administrator.
func (s *Service) Reset(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, r ResetRequest) (ResetResult, error) {
	delivery, err := r.deliveryMethod(p)
	if err != nil {
		return ResetResult{}, err
	}
	if err := r.validate(); err != nil {
		return ResetResult{}, err
	}
	job := resetJob{principal: p, id: id, request: r, delivery: delivery}
	var u account.User
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, p, admin.PermApprove, id)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	if p.NeedsApproval(&u) && !p.HasConsent() {
		return ResetResult{}, errcode.New(errcode.ApprovalRequired)
	}
	return s.runReset(ctx, req, job, &u)
}

// validate returns Invalid or WrongState if the text or the identity check of the request is not acceptable, and sanitizes both.
func (r *ResetRequest) validate() (err error) {
	reason, ok := input.Text(r.Reason, 500, false)
	if !ok {
		return errcode.InvalidField("reason", "too_long")
	}
	r.Reason = reason
	if r.Check, err = r.Check.validate(); err != nil {
		return err
	}
	if r.Check != nil && !r.Check.confirmed() {
		return errcode.WrongStateFor(errcode.ReasonIdentity)
	}
	return nil
}

// runReset executes a reset of u and notifies its recipients.
func (s *Service) runReset(ctx context.Context, req account.RequestInfo, job resetJob, u *account.User) (ResetResult, error) {
	var err error
	if job.recipients, err = s.Admin.ResetRecipients(ctx, job.principal, u, job.delivery == onScreen); err != nil {
		return ResetResult{}, err
	}
	for range 3 { // a round fails only because of a concurrent reset
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

// reset is the transaction of a reset. It uses at most 68 keys: a user has up to 32 sessions, 10 security keys and 3
// tickets. With user, summary, two index entries, help request and its place in the queue, event, ticket and two addresses, MaxRecipientsPerUpdate notifications
// remain.
func (s *Service) reset(tx *account.Tx, j resetJob) (resetOutcome, error) {
	u, c, err := s.checkReset(tx, &j)
	if err != nil {
		return resetOutcome{}, err
	}
	open := openTicket(&u, tx.Op.Now)
	repeat := len(u.Devices) == 0 && len(u.Sessions) == 0 && open != nil
	err = c.checkResettable(&u, repeat)
	if err == nil && !repeat && j.request.OnlyAgain {
		err = errcode.WrongStateFor(errcode.ReasonNoTicket)
	}
	if err != nil {
		return resetOutcome{}, err
	}
	if repeat {
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
		Reason: j.request.Reason, HelpRequest: j.request.HelpRequest, OpenRequest: j.openReference()}
	j.addSponsors(tx, &u)
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
	remaining, err := s.notifyFirst(tx, j, &u)
	if err != nil {
		return resetOutcome{}, err
	}
	tx.SetResult(result)
	return resetOutcome{result: result, remaining: remaining}, tx.Save(&u)
}

// checkReset returns the user and the help request of a reset that is allowed, and completes j.
func (s *Service) checkReset(tx *account.Tx, j *resetJob) (u account.User, c *Request, err error) {
	if u, err = s.findUser(tx, *j); err == nil {
		err = CheckHadDevice(&u)
	}
	if err == nil {
		j.request.Check, err = j.request.Check.resolve(&u, tx.Op.Now)
	}
	if err == nil {
		c, j.unchecked, err = s.findRequest(tx, *j, &u)
	}
	if c != nil {
		j.request.HelpRequest = c.ID
	}
	if err == nil {
		err = j.checkDelivery(c)
	}
	return u, c, err
}

// findUser returns the user if the principal may reset them, alone or with the consent of another administrator.
func (s *Service) findUser(tx *account.Tx, j resetJob) (account.User, error) {
	if !j.principal.HasConsent() {
		return admin.FindUser(tx.Reader, j.principal, admin.PermReset, j.id)
	}
	u, err := admin.FindUser(tx.Reader, j.principal, admin.PermApprove, j.id)
	if err == nil {
		err = j.principal.SpendConsent(tx, &u)
	}
	return u, err
}

// repeatReset is a reset with nothing to remove while a ticket is valid (protocol rule 11).
func (s *Service) repeatReset(tx *account.Tx, j resetJob, u *account.User, open *account.Ticket, c *Request) (resetOutcome, error) {
	result := j.previous
	if !result.At.Equal(u.ResetAt) {
		return resetOutcome{result: ResetResult{At: u.ResetAt}, stale: true}, nil
	}
	result.User, result.Login, result.Mailed, result.TicketExpires = u.ID, u.Login, open.Provenance == account.ProvenanceEmail, open.Expires
	result.Repeated, result.HelpRequest, result.OpenRequest = true, cmp.Or(j.request.HelpRequest, result.HelpRequest), j.openReference()
	if result.Mailed {
		result.MailTo = input.MaskEmails(u.Addresses()[:1])
	}
	if c != nil && !c.State.Closed() {
		if err := s.resolve(tx, j.principal, c); err != nil {
			return resetOutcome{}, err
		}
		e := requestEvent(j.principal, audit.HelpClosed, c)
		e.Detail = map[string]string{"status": string(c.State)}
		c.identityCheck().detail(e.Detail)
		if err := tx.Audit(e); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(result)
	send := j.request.SendEmail != nil && *j.request.SendEmail
	if !send && j.delivery != onScreen {
		return resetOutcome{result: result}, nil
	}
	if err := s.issueTicket(tx, j, u, &result); err != nil {
		return resetOutcome{}, err
	}
	action := audit.TicketIssued
	if j.delivery == onScreen {
		action = audit.SecretDisclosed
	}
	if err := tx.Audit(j.resetEvent(u, c, action, result)); err != nil {
		return resetOutcome{}, err
	}
	var remaining []admin.Recipient
	if j.delivery == onScreen {
		var err error
		if remaining, err = s.notifyFirst(tx, j, u); err != nil {
			return resetOutcome{}, err
		}
	}
	tx.SetResult(result)
	return resetOutcome{result: result, remaining: remaining}, tx.Save(u)
}

// issueTicket issues a ticket and notifies the user at all addresses.
func (s *Service) issueTicket(tx *account.Tx, j resetJob, u *account.User, result *ResetResult) error {
	context := tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now})
	by := j.principal.DisplayName(s.accounts.Policy.Issuer)
	if j.delivery == byEmail {
		t, err := s.signIn.MailTicket(tx, u, j.principal.Owners()...)
		if err != nil {
			return err
		}
		result.Mailed, result.MailTo, result.TicketExpires = true, input.MaskEmails(u.Addresses()[:1]), t.Expires
		if result.Repeated {
			return nil
		}
		m := notice.UserDevicesReset{Context: context, User: u.DisplayName(), By: by}
		return tx.SendTo(u, u.Addresses()[1:], m, time.Time{}) // the first gets the ticket
	}
	ttl := account.TicketTTL
	if j.delivery == onScreen {
		ttl = account.ScreenTicketTTL
	}
	link, code, t, err := s.signIn.IssueTicket(tx, u, j.principal.Owner, ttl)
	if err != nil {
		return err
	}
	if !link.IsZero() {
		result.Link = secret.From(s.signIn.URL("/ticket/" + link.Reveal()))
	}
	if j.handed != nil {
		if err := j.handed.bind(tx, u); err != nil {
			return err
		}
	}
	result.Code, result.TicketExpires = code, t.Expires
	if !result.Repeated {
		m := notice.UserDevicesReset{Context: context, User: u.DisplayName(), By: by}
		if err := tx.SendTo(u, u.Addresses(), m, time.Time{}); err != nil {
			return err
		}
	}
	return tx.SendTo(u, u.Addresses(), notice.TicketShown{Context: context, By: by, Witness: j.handed.witnessName()}, time.Time{})
}

// openTicket returns the valid ticket of u that expires last, or nil.
func openTicket(u *account.User, now time.Time) *account.Ticket {
	var open *account.Ticket
	for i, t := range u.Tickets {
		if now.Before(t.Expires) && (open == nil || t.Expires.After(open.Expires)) {
			open = &u.Tickets[i]
		}
	}
	return open
}

// findRequest returns the help request that the reset answers, or nil: the one that it names, or the open one of the
// user. It adds the identity check of the reset to it. Without a check a reset does not answer the open request, which
// is unchecked then (protocol rule 24).
func (s *Service) findRequest(tx *account.Tx, j resetJob, u *account.User) (c, unchecked *Request, err error) {
	named := j.request.HelpRequest != ""
	if named {
		c, err = s.requestAbout(tx, j.request.HelpRequest, u)
	} else {
		c, err = s.findOpen(tx.Raw, subjectOf(u.ID, ""))
	}
	if err != nil || c == nil {
		return nil, nil, err
	}
	if j.request.Check != nil && !c.State.Closed() {
		c.recordIdentity(tx, j.principal, *j.request.Check)
	}
	if !named && c.Identity == "" {
		return nil, c, nil
	}
	return c, nil, nil
}

// requestAbout returns a help request. It returns Conflict if the request is not about u.
func (s *Service) requestAbout(tx *account.Tx, id string, u *account.User) (*Request, error) {
	c, err := s.find(tx.Raw, id)
	// An unscopedOnly request asks for no reset, and its id must not appear in an event about u.
	if errcode.Of(err) == errcode.NotFound || err == nil && (c.User != u.ID || c.unscopedOnly()) {
		return nil, errcode.New(errcode.Conflict)
	}
	return &c, err
}
