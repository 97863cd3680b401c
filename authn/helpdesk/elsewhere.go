package helpdesk

import (
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
)

// shadowOf is the shadow that goes by an address within the operator's scope; NotFound without one.
func shadowOf(r account.Reader, op Principal, address string) (account.User, error) {
	a, ok := account.NormalizeLogin(address)
	if !ok {
		return account.User{}, errcode.New(errcode.NotFound)
	}
	shadows, err := r.PlaceholdersFor(a)
	if err != nil {
		return account.User{}, err
	}
	for _, u := range shadows {
		if op.InScope(&u) {
			return u, nil
		}
	}
	return account.User{}, errcode.New(errcode.NotFound)
}

// holderOf is who has an address, as far as the operator may know: somebody within, or who stands for somebody there;
// NotFound without one. Whoever is not limited to groups knows everybody.
func holderOf(r account.Reader, op Principal, address string) (account.User, error) {
	if op.scoped() {
		if u, err := shadowOf(r, op, address); errcode.Of(err) != errcode.NotFound {
			return u, err
		}
	}
	u, err := r.UserByAddress(address)
	if err == nil && op.scoped() && !op.InScope(&u) {
		return account.User{}, errcode.New(errcode.NotFound)
	}
	return u, err
}

// handleExistingAddress decides what becomes of a new person one of whose addresses somebody has (PROTOCOL 21). To an operator
// who may know of that somebody, and to whoever is not limited to groups, it is taken. To anybody else the person is
// made all the same, as a shadow, and a request is opened for those who are not limited to groups. authn/shadow.go
// says what a shadow is.
func (d *Desk) handleExistingAddress(tx *account.Tx, op Principal, u *account.User) error {
	if !op.scoped() {
		return nil // what is taken is refused where it is stored
	}
	holder := account.User{}
	for _, a := range u.AllLogins() {
		switch _, err := holderOf(tx.Reader, op, a); {
		case err == nil:
			return errcode.New(errcode.Taken)
		case errcode.Of(err) != errcode.NotFound:
			return err
		}
		known, err := tx.UserByAddress(a)
		switch {
		case err == nil:
			holder = known
		case errcode.Of(err) != errcode.NotFound:
			return err
		}
	}
	if holder.ID == "" {
		return nil
	}
	u.Placeholder = true
	return d.openInvited(tx, op, u, &holder)
}

// openInvited opens the request that tells of it, or adds to the one that is open. The mail is limited as those of
// Ask are. Nothing of it bears the person's id as its subject: whoever is limited to their garage is not told either.
func (d *Desk) openInvited(tx *account.Tx, op Principal, u, holder *account.User) error {
	mails, err := d.Accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.HelpMails, string(templates.TopicInvited)+" "+u.Login)
	if err != nil {
		return fmt.Errorf("counting mails of help requests: %w", err)
	}
	fresh := Request{ID: tx.NewRecordID("help"), Reference: "H-" + tx.Op.Code("help reference").Reveal(), User: holder.ID, Email: u.Login,
		Topic: templates.TopicInvited, State: StateOpen, At: tx.Op.Now}
	c, err := d.latest(tx.Raw, fresh.about())
	if err != nil {
		return err
	}
	if c == nil {
		c = &fresh
	} else {
		mails.OK = false
	}
	c.note(tx, op, "invited", scopeName(u.Groups))
	switch err := d.save(tx, c); {
	case errcode.Of(err) == errcode.TooMany:
		return nil // full: the events are what stays of it
	case err != nil:
		return err
	}
	e := op.requestEvent(audit.HelpRequested, c)
	e.Detail = map[string]string{"topic": string(c.Topic)}
	if err := tx.Audit(e); err != nil {
		return err
	}
	support := d.Accounts.Policy.Support
	if support == "" || !mails.OK {
		return nil
	}
	m := templates.HelpForSupportMail{Context: templates.Context{At: tx.Op.Now}, Reference: c.Reference, From: c.Email, Known: true,
		Topic: c.Topic, Link: d.signIn.URL("/api/v1/help-requests/" + c.ID)}
	return tx.SendTo([]string{support}, d.Accounts.Policy.DefaultLocale, m, time.Time{})
}

// about is what the pointer to an open case stands for: texts of the form join none of those that the house opens.
func (c *Request) about() string {
	if c.unscopedOnly() {
		return string(c.Topic) + " " + c.Email
	}
	return c.Email
}

// unscopedOnly tells of a case that nobody limited to groups is to know of.
func (c *Request) unscopedOnly() bool { return c.Topic == templates.TopicInvited }
