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
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// Submission is the public help form as it was sent.
type Submission struct {
	Email   string       // address or sign-in name, as typed
	Topic   string       // one of templates.Topics; "": the first
	Message string       // at most 4,000 characters; may be empty, for the topic tells enough
	Login   secret.Value // a login under way in this browser; empty without one
}

// asked is a request for help, judged.
type asked struct {
	address string
	topic   notice.Topic
	message string
	proven  account.UserID // whose password this browser has proven; "": nobody's
	counted bool           // by source
	forgot  bool
}

// Submit takes a request for help. The answer, a new reference, is the same for people that we know and those that
// we do not, and when the text only joins a request that is open. Limits (PROTOCOL 19): RateLimited beyond 20 an
// hour from one network; beyond 5 an hour about one address no mail is sent. Support is mailed, if there is
// one; the person gets word of it at the stored address alone. Invalid: email, topic or message.
func (d *Service) Submit(ctx context.Context, req account.RequestInfo, f Submission) (reference string, err error) {
	q := asked{topic: notice.Topic(f.Topic), counted: true}
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
	if q.message, ok = admin.Sanitize(f.Message, 4000, true); !ok {
		return "", errcode.InvalidField("message", "too_long")
	}
	if !f.Login.IsZero() {
		l, err := d.signIn.Transaction(ctx, f.Login)
		if err != nil && errcode.Of(err) == "" {
			return "", err
		}
		if err == nil && l.Step != authn.StepExpired {
			q.proven = l.User
		}
	}
	return d.ask(ctx, req, q)
}

// Forgot is authn.Service.Forgot with a case opened, in the same Update, for somebody who has no usable device
// (PROTOCOL 8). The page says nothing of it. The mails are limited as Ask's are.
func (d *Service) Forgot(ctx context.Context, req account.RequestInfo, identifier string) error {
	return d.signIn.RequestPasswordLink(ctx, req, identifier, func(tx *account.Tx, u *account.User) error {
		_, err := d.take(tx, asked{address: u.Login, topic: notice.TopicCannotLogIn, forgot: true})
		return err
	})
}

// outcome is what an Update of ask came to.
type outcome struct {
	reference string
	wait      time.Duration
}

func (d *Service) ask(ctx context.Context, req account.RequestInfo, q asked) (string, error) {
	out, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (outcome, error) { return d.take(tx, q) })
	switch {
	case err != nil:
		return "", fmt.Errorf("storing a help request: %w", err)
	case out.wait > 0:
		return "", errcode.RateLimit(out.wait)
	}
	return out.reference, nil
}

// take stores a request as a case of its own or as a text of the one that is open.
func (d *Service) take(tx *account.Tx, q asked) (outcome, error) {
	now := tx.Op.Now
	if q.counted {
		v, err := d.accounts.Limiter.Take(tx.Raw, now, throttle.HelpSource, throttle.Network(tx.Op.Request.Address))
		if err != nil {
			return outcome{}, fmt.Errorf("counting help requests: %w", err)
		}
		if !v.OK {
			return outcome{wait: v.Retry}, nil
		}
	}
	u, err := tx.UserByAddress(q.address)
	if err != nil && errcode.Of(err) != errcode.NotFound {
		return outcome{}, err
	}
	reference := "H-" + tx.Op.Code("help reference").Reveal()
	mails, err := d.accounts.Limiter.Take(tx.Raw, now, throttle.HelpMails, q.address)
	if err != nil {
		return outcome{}, fmt.Errorf("counting mails of help requests: %w", err)
	}
	open, err := d.latest(tx.Raw, q.address)
	if err != nil {
		return outcome{}, err
	}
	if !mails.OK && open != nil {
		return outcome{reference: reference}, d.join(tx, open, q, reference)
	}
	return outcome{reference: reference}, d.open(tx, q, &u, reference, mails.OK)
}

// open stores a new case and, within the limit, queues its mails. u is empty for an address that nobody has.
func (d *Service) open(tx *account.Tx, q asked, u *account.User, reference string, mails bool) error {
	c := Request{ID: tx.NewRecordID("help"), Reference: reference, User: u.ID, Email: q.address, Topic: q.topic, Message: q.message,
		State: StateOpen, PasswordProven: u.ID != "" && q.proven == u.ID, Forgotten: q.forgot,
		Agent: account.DescribeUserAgent(tx.Op.Request.Agent), At: tx.Op.Now}
	if tx.Op.Request.Address.IsValid() {
		c.Address = tx.Op.Request.Address.String()
	}
	if err := tx.Audit(d.askedEvent(audit.HelpRequested, &c)); err != nil {
		return err
	}
	if err := d.save(tx, &c); err != nil || !mails {
		return err
	}
	about := notice.Context{At: tx.Op.Now, Browser: c.Agent, Address: c.Address}
	if support := d.accounts.Policy.Support; support != "" {
		m := notice.HelpForSupport{Context: about, Reference: reference, From: q.address, Known: u.ID != "", Topic: q.topic,
			Text: q.message, Link: d.signIn.URL("/api/v1/help-requests/" + c.ID)}
		if err := tx.SendTo([]string{support}, d.accounts.Policy.DefaultLocale, m, time.Time{}); err != nil {
			return err
		}
	}
	if u.ID == "" || q.forgot { // strangers' addresses get no mail; and who forgot a password did not ask for help
		return nil
	}
	v, err := d.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting mails that strangers cause: %w", err)
	}
	if !v.OK {
		return nil
	}
	return tx.SendTo(stored(u, q.address), d.accounts.Locale(u), notice.HelpReceived{Context: tx.About(u), Reference: reference}, time.Time{})
}

// stored is the address of the person that was typed; the first one where a sign-in name was.
func stored(u *account.User, typed string) []string {
	all := u.Addresses()
	if i := slices.Index(all, typed); i >= 0 {
		return all[i : i+1]
	}
	return all[:min(len(all), 1)]
}

// join adds a text to the case that is open, without a mail. What is too much is counted only.
func (d *Service) join(tx *account.Tx, c *Request, q asked, reference string) error {
	if len(c.Texts) < mostTexts {
		t := FollowUp{At: tx.Op.Now, Reference: reference, Topic: q.topic, Message: admin.Cut(q.message, longestText)}
		if tx.Op.Request.Address.IsValid() {
			t.Address = tx.Op.Request.Address.String()
		}
		c.Texts = append(slices.Clone(c.Texts), t)
	} else {
		c.DroppedFollowUps++
	}
	if err := tx.Audit(d.askedEvent(audit.HelpJoined, c)); err != nil {
		return err
	}
	err := d.save(tx, c)
	if errcode.Of(err) == errcode.TooMany {
		return nil // full of notes: the event is what stays of it, and the answer is the same
	}
	return err
}

// askedEvent tells of a request. Nobody has proven to be the person that it is about.
func (d *Service) askedEvent(action string, c *Request) audit.Event {
	e := requestEvent(admin.Principal{}, action, c)
	e.Actor = audit.Actor{Type: audit.TypeUnknown}
	e.Detail = map[string]string{"topic": string(c.Topic)}
	return e
}
