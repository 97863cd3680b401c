package helpdesk

import (
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/throttle"
)

// OpenInvitedElsewhere opens the request that tells of it, or adds to the one that is open. The mail is limited as those of
// Ask are. Nothing of it bears the person's id as its subject: whoever is limited to their garage is not told either.
func (d *Service) OpenInvitedElsewhere(tx *account.Tx, op admin.Principal, u, holder *account.User) error {
	mails, err := d.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.HelpMails, string(notice.TopicInvited)+" "+u.Login)
	if err != nil {
		return fmt.Errorf("counting mails of help requests: %w", err)
	}
	fresh := Request{ID: tx.NewRecordID("help"), Reference: "H-" + tx.Op.Code("help reference").Reveal(), User: holder.ID, Email: u.Login,
		Topic: notice.TopicInvited, State: StateOpen, At: tx.Op.Now}
	c, err := d.latest(tx.Raw, fresh.about())
	if err != nil {
		return err
	}
	if c == nil {
		c = &fresh
	} else {
		mails.OK = false
	}
	c.note(tx, op, "invited", admin.ScopeName(u.Groups))
	switch err := d.save(tx, c); {
	case errcode.Of(err) == errcode.TooMany:
		return nil // full: the events are what stays of it
	case err != nil:
		return err
	}
	e := requestEvent(op, audit.HelpRequested, c)
	e.Detail = map[string]string{"topic": string(c.Topic)}
	if err := tx.Audit(e); err != nil {
		return err
	}
	support := d.accounts.Policy.Support
	if support == "" || !mails.OK {
		return nil
	}
	m := notice.HelpForSupport{Context: notice.Context{At: tx.Op.Now}, Reference: c.Reference, From: c.Email, Known: true,
		Topic: c.Topic, Link: d.signIn.URL("/api/v1/help-requests/" + c.ID)}
	return tx.SendTo([]string{support}, d.accounts.Policy.DefaultLocale, m, time.Time{})
}

// about is what the pointer to an open case stands for: texts of the form join none of those that the house opens.
func (c *Request) about() string {
	if c.unscopedOnly() {
		return string(c.Topic) + " " + c.Email
	}
	return c.Email
}

// unscopedOnly tells of a case that nobody limited to groups is to know of.
func (c *Request) unscopedOnly() bool { return c.Topic == notice.TopicInvited }
