package helpdesk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// Submission is the content of the public help form.
type Submission struct {
	Email       string       // email address or login, as typed
	Topic       string       // one of notice.Topics; "": the first
	Message     string       // at most 4,000 characters; may be empty
	Transaction secret.Value // the sign-in transaction of this browser; zero if there is none
}

// checkedSubmission is a validated submission.
type checkedSubmission struct {
	address        string
	topic          notice.Topic
	message        string
	proven         account.UserID // the user whose password this browser has proven; "": none
	counted        bool           // counts against the limits of its source
	forgotPassword bool
	place          place
	waiting        int // open requests, if support is to get their number
}

// Submit stores a submission of the help form and returns its reference. The result is the same for known and unknown
// addresses, and for an open request that it joins.
//
// Submit returns RateLimited after 20 submissions an hour from one source. After 5 an hour about one address, or too many in all,
// it sends no email (protocol rule 19). Support receives an email. The user receives one at the stored address only. Submit
// returns Invalid for email, topic or message. While space is low, it returns LowSpace unless the browser is known or has
// proven a password.
func (s *Service) Submit(ctx context.Context, req account.RequestInfo, f Submission) (reference string, err error) {
	q, err := s.check(ctx, req, f)
	if err != nil {
		return "", err
	}
	return s.submit(ctx, req, q)
}

// check validates a submission.
func (s *Service) check(ctx context.Context, req account.RequestInfo, f Submission) (checkedSubmission, error) {
	q := checkedSubmission{topic: notice.Topic(f.Topic), counted: true}
	var ok bool
	if q.address, ok = account.NormalizeLogin(f.Email); !ok {
		return q, errcode.InvalidField("email", "address")
	}
	if q.topic == "" {
		q.topic = notice.TopicCannotLogIn
	}
	if !slices.Contains(notice.Topics(), q.topic) {
		return q, errcode.InvalidField("topic", "unknown")
	}
	if q.message, ok = input.Text(f.Message, 4000, true); !ok {
		return q, errcode.InvalidField("message", "too_long")
	}
	if !f.Transaction.IsZero() {
		l, err := s.signIn.Transaction(ctx, f.Transaction)
		if err != nil && errcode.Of(err) == "" {
			return q, err
		}
		if err == nil && l.Step != authn.StepExpired {
			q.proven = l.User
		}
	}
	if q.proven == "" && s.accounts.LowSpace() {
		user, err := s.signIn.Sessions.Recognizes(ctx, secret.Value{}, req.Browser, secret.Value{})
		if err != nil {
			return q, err
		}
		if user == "" {
			return q, errcode.New(errcode.LowSpace)
		}
	}
	return q, nil
}

// RequestPasswordLink calls authn.Service.RequestPasswordLink. If the user has no usable device, it also opens a help
// request in the same transaction (protocol rule 8). The caller must not show a difference. The limits of Submit apply
// to its emails.
func (s *Service) RequestPasswordLink(ctx context.Context, req account.RequestInfo, identifier string) error {
	waiting, err := s.countWaiting(ctx, s.accounts.Now())
	if err != nil {
		return err
	}
	return s.signIn.RequestPasswordLink(ctx, req, identifier, func(tx *account.Tx, u *account.User) error {
		_, err := s.store(tx, checkedSubmission{address: u.Login, topic: notice.TopicCannotLogIn, forgotPassword: true, waiting: waiting})
		return err
	})
}

// submitResult is the result of store.
type submitResult struct {
	reference string
	wait      time.Duration
	opened    *Request // a new request about an unknown address
}

// submit stores a submission in a transaction.
func (s *Service) submit(ctx context.Context, req account.RequestInfo, q checkedSubmission) (string, error) {
	op := s.accounts.NewOperation(req)
	var err error
	if q.waiting, err = s.countWaiting(ctx, op.Now); err != nil {
		return "", err
	}
	if q.place, err = s.takePlace(ctx, site(req.Address), op.Now); err != nil {
		return "", err
	}
	var out submitResult
	defer func() { s.unknown.free(q.place, out.opened) }() // also after a panic, which ends only the request
	out, err = account.Update(ctx, s.accounts, op, func(tx *account.Tx) (submitResult, error) { return s.store(tx, q) })
	switch {
	case err != nil:
		return "", fmt.Errorf("storing help request: %w", err)
	case out.wait > 0:
		return "", errcode.RateLimit(out.wait)
	}
	return out.reference, nil
}

// store adds a submission to the open request about the user or the address, or opens one. The limits of an untrusted
// submission are those of its network, whether or not the address is known (promise A12).
func (s *Service) store(tx *account.Tx, q checkedSubmission) (out submitResult, err error) {
	now := tx.Op.Now
	u, err := tx.UserByAddress(q.address)
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return submitResult{}, err
	}
	t := q.textOf(tx, &u)
	if q.counted {
		if out.wait, err = s.waitOf(tx, &t, q.place); err != nil || out.wait > 0 {
			return out, err
		}
	}
	emails, err := s.accounts.Limiter.Take(tx.Raw, now, throttle.HelpMails, q.mailSubject(&t))
	if err != nil {
		return submitResult{}, fmt.Errorf("counting emails of help requests: %w", err)
	}
	c, err := s.findOpen(tx.Raw, subjectOf(u.ID, q.address))
	if err != nil {
		return submitResult{}, err
	}
	action, joined := audit.HelpJoined, c
	if c == nil {
		action = audit.HelpRequested
		c = &Request{ID: tx.NewRecordID("help"), User: u.ID, Email: q.address, State: StateOpen, At: now}
		if err := s.putNumber(tx, c); err != nil {
			return submitResult{}, err
		}
		if u.ID == "" {
			c.Network = t.Source
			if err := s.displace(tx, q.place.displaced); err != nil {
				return submitResult{}, err
			}
			out.opened = c
		}
	}
	t.Reference = s.newReference(tx, c)
	c.Reference = cmp.Or(c.Reference, t.Reference)
	if err := s.saveText(tx, c, action, t); err != nil {
		return submitResult{}, err
	}
	if emails.OK {
		err = s.notifySubmission(tx, q, &u, t, joined)
	}
	out.reference = t.Reference
	return out, err
}

// mailSubject returns the subject of HelpMails for a text. A trusted text has a subject of its own, so that others who write in
// the name of the user do not use up its emails.
func (q checkedSubmission) mailSubject(t *Text) string {
	switch {
	case t.KnownBrowser:
		return q.address + " " + t.Source
	case t.PasswordProven:
		return q.address + " password"
	}
	return q.address
}

// waitOf counts a submission against the limits of its source. It returns how long to wait, or 0.
func (s *Service) waitOf(tx *account.Tx, t *Text, p place) (time.Duration, error) {
	charges := []throttle.Charge{{Limit: throttle.HelpSource, Subject: t.Source}}
	if !t.Trusted() {
		if p.refused {
			return crowdedWait, nil
		}
		charges = []throttle.Charge{{Limit: throttle.HelpSource, Subject: throttle.Network(tx.Op.Request.Address)}, {Limit: throttle.HelpSite, Subject: t.Source}}
	}
	v, err := s.accounts.Limiter.TakeAll(tx.Raw, tx.Op.Now, charges...)
	if err != nil {
		return 0, fmt.Errorf("counting help requests: %w", err)
	}
	return v.Retry, nil
}

// saveText stores a request with its newest text.
func (s *Service) saveText(tx *account.Tx, c *Request, action string, t Text) error {
	if err := c.addText(t); err != nil {
		return err
	}
	if err := tx.Audit(submissionEvent(action, c)); err != nil {
		return err
	}
	c.Changed = tx.Op.Now
	return s.put(tx, c)
}

// notifySubmission queues the emails about a submission: to support, and to the user. joined is the request that it
// joined, or nil. u is zero for an unknown address.
func (s *Service) notifySubmission(tx *account.Tx, q checkedSubmission, u *account.User, t Text, joined *Request) error {
	if err := s.notifySupport(tx, q, u, t, joined); err != nil {
		return err
	}
	if u.ID == "" || q.forgotPassword { // unknown addresses get no email; RequestPasswordLink sends its own
		return nil
	}
	m := notice.HelpReceived{Context: tx.About(u), Reference: t.Reference}
	if ok, err := tx.AllowsUnauthenticated(u, m); err != nil || !ok {
		return err
	}
	return tx.SendTo(u, notifyAddress(u, q.address), m, time.Time{})
}

// groupName returns the name of a group, or "" if it does not exist.
func groupName(tx *account.Tx, id account.GroupID) (string, error) {
	g, err := tx.Group(id)
	if errcode.Of(err) == errcode.NotFound {
		return "", nil
	}
	return g.Name, err
}

// notifyAddress returns the address of u that was typed, or the first address if a login was typed.
func notifyAddress(u *account.User, typed string) []string {
	all := u.Addresses()
	if i := slices.Index(all, typed); i >= 0 {
		return all[i : i+1]
	}
	return all[:min(len(all), 1)]
}

// submissionEvent returns the audit event of a submission. Its actor is unknown, because the form proves no identity.
func submissionEvent(action string, c *Request) audit.Event {
	e := requestEvent(admin.Principal{}, action, c)
	e.Actor = audit.Actor{Type: audit.TypeUnknown}
	e.Detail = map[string]string{"topic": string(c.Topic)}
	return e
}
