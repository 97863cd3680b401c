package helpdesk

import (
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
	counted        bool           // counts against the limit of the network
	forgotPassword bool
}

// Submit stores a submission of the help form and returns its reference. The result is the same for known and unknown
// addresses, and for a follow-up of an open request.
//
// Submit returns RateLimited after 20 submissions an hour from one network. After 5 an hour about one address it sends
// no email (protocol rule 19). Support receives an email. The user receives one at the stored address only. Submit
// returns Invalid for email, topic or message. While space is low, it returns LowSpace unless the browser is known or has
// proven a password.
func (s *Service) Submit(ctx context.Context, req account.RequestInfo, f Submission) (reference string, err error) {
	q := checkedSubmission{topic: notice.Topic(f.Topic), counted: true}
	var ok bool
	if q.address, ok = account.NormalizeLogin(f.Email); !ok {
		return "", errcode.InvalidField("email", "address")
	}
	if q.topic == "" {
		q.topic = notice.TopicCannotLogIn
	}
	if !slices.Contains(notice.Topics(), q.topic) {
		return "", errcode.InvalidField("topic", "unknown")
	}
	if q.message, ok = input.Text(f.Message, 4000, true); !ok {
		return "", errcode.InvalidField("message", "too_long")
	}
	if !f.Transaction.IsZero() {
		l, err := s.signIn.Transaction(ctx, f.Transaction)
		if err != nil && errcode.Of(err) == "" {
			return "", err
		}
		if err == nil && l.Step != authn.StepExpired {
			q.proven = l.User
		}
	}
	if q.proven == "" && s.accounts.LowSpace() {
		known, err := s.signIn.Sessions.Recognizes(ctx, secret.Value{}, req.Browser, secret.Value{})
		if err != nil {
			return "", err
		}
		if !known {
			return "", errcode.New(errcode.LowSpace)
		}
	}
	return s.submit(ctx, req, q)
}

// RequestPasswordLink calls authn.Service.RequestPasswordLink. If the user has no usable device, it also opens a help
// request in the same transaction (protocol rule 8). The caller must not show a difference. The limits of Submit apply
// to its emails.
func (s *Service) RequestPasswordLink(ctx context.Context, req account.RequestInfo, identifier string) error {
	return s.signIn.RequestPasswordLink(ctx, req, identifier, func(tx *account.Tx, u *account.User) error {
		_, err := s.store(tx, checkedSubmission{address: u.Login, topic: notice.TopicCannotLogIn, forgotPassword: true})
		return err
	})
}

// submitResult is the result of store.
type submitResult struct {
	reference string
	wait      time.Duration
}

// submit stores a submission in a transaction.
func (s *Service) submit(ctx context.Context, req account.RequestInfo, q checkedSubmission) (string, error) {
	out, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (submitResult, error) { return s.store(tx, q) })
	switch {
	case err != nil:
		return "", fmt.Errorf("storing help request: %w", err)
	case out.wait > 0:
		return "", errcode.RateLimit(out.wait)
	}
	return out.reference, nil
}

// store stores a submission as a follow-up of the open request about the user or the address, or as a new request. If
// the open request has no space for its text, it is a new one within the limit of emails or with the password proven, so
// that others who write in the name of a user cannot displace what the user writes.
func (s *Service) store(tx *account.Tx, q checkedSubmission) (submitResult, error) {
	now := tx.Op.Now
	if q.counted {
		v, err := s.accounts.Limiter.Take(tx.Raw, now, throttle.HelpSource, throttle.Network(tx.Op.Request.Address))
		if err != nil {
			return submitResult{}, fmt.Errorf("counting help requests: %w", err)
		}
		if !v.OK {
			return submitResult{wait: v.Retry}, nil
		}
	}
	u, err := tx.UserByAddress(q.address)
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return submitResult{}, err
	}
	reference := "H-" + tx.Op.Code("help reference").Reveal()
	emails, err := s.accounts.Limiter.Take(tx.Raw, now, throttle.HelpMails, q.address)
	if err != nil {
		return submitResult{}, fmt.Errorf("counting emails of help requests: %w", err)
	}
	open, err := s.findOpen(tx.Raw, subjectOf(u.ID, q.address))
	if err != nil {
		return submitResult{}, err
	}
	if open != nil && (len(open.FollowUps) < maxFollowUps || !emails.OK && !q.provenBy(&u)) {
		err = s.addFollowUp(tx, open, q, &u, reference)
	} else {
		open, err = nil, s.create(tx, q, &u, reference)
	}
	if err == nil && emails.OK {
		err = s.notifySubmission(tx, q, &u, reference, open)
	}
	return submitResult{reference: reference}, err
}

// create stores a new request. u is zero for an unknown address.
func (s *Service) create(tx *account.Tx, q checkedSubmission, u *account.User, reference string) error {
	c := Request{ID: tx.NewRecordID("help"), Reference: reference, User: u.ID, Email: q.address, Topic: q.topic, Message: q.message,
		State: StateOpen, PasswordProven: q.provenBy(u), Forgotten: q.forgotPassword,
		Agent: input.DescribeUserAgent(tx.Op.Request.Agent), At: tx.Op.Now}
	if tx.Op.Request.Address.IsValid() {
		c.Address = tx.Op.Request.Address.String()
	}
	if err := tx.Audit(submissionEvent(audit.HelpRequested, &c)); err != nil {
		return err
	}
	if err := s.putReference(tx, reference, &c); err != nil {
		return err
	}
	return s.save(tx, &c)
}

// provenBy reports whether the browser of the submission had proven the password of u.
func (q checkedSubmission) provenBy(u *account.User) bool { return u.ID != "" && q.proven == u.ID }

// notifySubmission queues the emails about a submission: to support, and to the user. open is the request that it
// joined, or nil. u is zero for an unknown address.
func (s *Service) notifySubmission(tx *account.Tx, q checkedSubmission, u *account.User, reference string, open *Request) error {
	if support := s.accounts.Policy.Support; support != "" {
		m := notice.HelpForSupport{Context: notice.Context{At: tx.Op.Now, Browser: input.DescribeUserAgent(tx.Op.Request.Agent)}, Reference: reference,
			From: q.address, KnownUser: u.ID != "", Topic: q.topic, Message: q.message, PasswordProven: q.provenBy(u)}
		if tx.Op.Request.Address.IsValid() {
			m.Address = tx.Op.Request.Address.String()
		}
		if open != nil {
			m.Open = open.Reference
		}
		if u.ID != "" {
			var err error
			if m.User, m.Number = u.DisplayName(), u.TelephoneNumber(); len(u.Groups) > 0 {
				if m.Group, err = groupName(tx, u.Groups[0]); err != nil {
					return err
				}
			}
		}
		if err := tx.SendTo([]string{support}, s.accounts.Policy.DefaultLocale, m, time.Time{}); err != nil {
			return err
		}
	}
	if u.ID == "" || q.forgotPassword { // unknown addresses get no email; RequestPasswordLink sends its own
		return nil
	}
	v, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting emails of unauthenticated clients: %w", err)
	}
	if !v.OK {
		return nil
	}
	return tx.SendTo(notifyAddress(u, q.address), s.accounts.Locale(u), notice.HelpReceived{Context: tx.About(u), Reference: reference}, time.Time{})
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

// addFollowUp adds a submission to an open request. Beyond maxFollowUps it only counts.
func (s *Service) addFollowUp(tx *account.Tx, c *Request, q checkedSubmission, u *account.User, reference string) error {
	if len(c.FollowUps) < maxFollowUps {
		t := FollowUp{At: tx.Op.Now, Reference: reference, Topic: q.topic, Message: admin.Cut(q.message, maxFollowUpLength), PasswordProven: q.provenBy(u)}
		if err := s.putReference(tx, reference, c); err != nil {
			return err
		}
		if tx.Op.Request.Address.IsValid() {
			t.Address = tx.Op.Request.Address.String()
		}
		c.FollowUps = append(slices.Clone(c.FollowUps), t)
	} else {
		c.DroppedFollowUps++
	}
	if err := tx.Audit(submissionEvent(audit.HelpJoined, c)); err != nil {
		return err
	}
	err := s.save(tx, c)
	if errcode.Of(err) == errcode.TooMany {
		return nil // the audit event is stored, and the result does not differ
	}
	return err
}

// submissionEvent returns the audit event of a submission. Its actor is unknown, because the form proves no identity.
func submissionEvent(action string, c *Request) audit.Event {
	e := requestEvent(admin.Principal{}, action, c)
	e.Actor = audit.Actor{Type: audit.TypeUnknown}
	e.Detail = map[string]string{"topic": string(c.Topic)}
	return e
}
