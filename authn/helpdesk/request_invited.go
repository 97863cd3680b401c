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

// OpenInvitedElsewhere opens a help request, or extends the open one, about a placeholder u that p created for an
// address of holder. Its email counts against the limits of Submit. The audit event has no subject, because principals
// limited to the groups of holder must not learn of u (protocol rule 21).
func (s *Service) OpenInvitedElsewhere(tx *account.Tx, p admin.Principal, u, holder *account.User) error {
	emails, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.HelpMails, string(notice.TopicInvited)+" "+u.Login)
	if err != nil {
		return fmt.Errorf("counting emails of help requests: %w", err)
	}
	fresh := Request{ID: tx.NewRecordID("help"), User: holder.ID, Email: u.Login, Topic: notice.TopicInvited, State: StateOpen, At: tx.Op.Now}
	c, err := s.findOpen(tx.Raw, fresh.openSubject())
	if err != nil {
		return err
	}
	if c == nil {
		c = &fresh
		if err := s.putNumber(tx, c); err != nil {
			return err
		}
		c.Reference = s.newReference(tx, c)
	} else {
		emails.OK = false
	}
	c.addNote(tx, p, "invited", admin.ScopeName(u.Groups))
	switch err := s.save(tx, c); {
	case errcode.Of(err) == errcode.TooMany:
		return nil // the audit events are stored
	case err != nil:
		return err
	}
	e := requestEvent(p, audit.HelpRequested, c)
	e.Detail = map[string]string{"topic": string(c.Topic)}
	if err := tx.Audit(e); err != nil {
		return err
	}
	support := s.accounts.Policy.Support()
	if support == "" || !emails.OK {
		return nil
	}
	m := notice.HelpForSupport{Context: notice.Context{At: tx.Op.Now}, Reference: c.Reference, From: c.Email, KnownUser: true,
		Topic: c.Topic}
	return tx.SendTo(nil, []string{support}, m, time.Time{})
}

// openSubject returns the subject of the openKey of c. Submissions of the form do not follow up a request that
// OpenInvitedElsewhere opened, so the two have different subjects.
func (c *Request) openSubject() string {
	if c.unscopedOnly() {
		return string(c.Topic) + " " + c.Email
	}
	return subjectOf(c.User, c.Email)
}

// subjectOf returns the subject of the requests about a user, by each of their addresses, or about an unknown address. No
// address contains a space, so no typed text is the subject of a user.
func subjectOf(u account.UserID, address string) string {
	if u != "" {
		return "user " + string(u)
	}
	return address
}

// unscopedOnly reports whether principals with a group scope may not read the request.
func (c *Request) unscopedOnly() bool { return c.Topic == notice.TopicInvited }
