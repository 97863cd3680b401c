package account

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	"barillet/store"
)

// NotifyDeviceSignIn mails the person, in the change of tx, that a device of an application may now act for them.
func (s *Service) NotifyDeviceSignIn(tx store.Tx, op *Operation, id UserID, app string) error {
	w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op}
	u, err := w.User(id)
	if err != nil {
		return err
	}
	return w.Notify(&u, notice.DeviceSignedIn{Context: w.About(&u), App: app}, time.Time{})
}

// About is the part that every mail to a person has: whom it greets, when, from which browser and address.
func (tx *Tx) About(u *User) notice.Context {
	return notice.Context{Name: u.DisplayName(), At: tx.Op.Now, Browser: DescribeUserAgent(tx.Op.Request.Agent),
		Address: tx.Op.Request.ClientAddress()}
}

// Notify queues a notice of a completed act to the person's addresses, in their language. It is never dropped:
// beyond ten an hour notices are held back for a while and joined (PROTOCOL 18).
func (tx *Tx) Notify(u *User, m notice.Notice, uselessAfter time.Time) error {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.NoticeMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting notices: %w", err)
	}
	row := mail.Message{Lang: tx.s.Locale(u), ExpiresAt: uselessAfter}
	if !v.OK {
		row.NotBefore, row.Notice, row.Key = tx.Op.Now.Add(mail.DigestDelay), true, string(u.ID)
	}
	return tx.queue(u.Addresses(), m, row)
}

// SendTo queues one mail to each address by itself, so that none learns of another. uselessAfter zero: never.
func (tx *Tx) SendTo(addresses []string, locale string, m notice.Notice, uselessAfter time.Time) error {
	return tx.queue(addresses, m, mail.Message{Lang: locale, ExpiresAt: uselessAfter})
}

func (tx *Tx) queue(addresses []string, m notice.Notice, row mail.Message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("composing mail %s: %w", m.Name(), err)
	}
	row.Template, row.Data, row.Queued = m.Name(), data, tx.Op.Now
	if row.NotBefore.IsZero() {
		row.NotBefore = tx.Op.SendAfter
	}
	for _, to := range addresses {
		if to == "" { // a shadow's
			continue
		}
		row.To = []string{to}
		if err := tx.s.Outbox.Queue(tx.Raw, tx.NewRecordID("mail"), row); err != nil {
			return fmt.Errorf("queueing mail %s: %w", row.Template, err)
		}
	}
	return nil
}

// NotifyLimited queues a mail that a stranger can cause, unless the person got enough of those (BAR S8).
func (tx *Tx) NotifyLimited(u *User, m notice.Notice) error {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting mails that strangers cause: %w", err)
	}
	if !v.OK {
		return nil
	}
	return tx.Notify(u, m, time.Time{})
}

// OnDeadLetter is mail.Sender.Died: it writes into the log that a mail was given up, in the Update in which it is. Of the
// mail it tells what a dead letter tells: template, recipient, times and error, never text, link or code.
func (s *Service) OnDeadLetter() func(tx store.Tx, m mail.MessageInfo) error {
	op := s.NewOperation(RequestInfo{})
	return func(tx store.Tx, m mail.MessageInfo) error {
		of := fnv.New64a() // several mails may be given up by one act, each with an event of its own
		of.Write([]byte(m.ID))
		w := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op, n: of.Sum64()}
		e := audit.Event{Actor: audit.Actor{Type: audit.TypeSystem, Name: "barillet"}, Action: audit.MailFailed, Outcome: audit.Failure,
			Reason: "undeliverable", Targets: []audit.Actor{{Type: audit.TypeMail, ID: m.ID, Name: m.Template}},
			Detail: map[string]string{"to": m.To, "error": m.LastError, "attempts": strconv.Itoa(m.Attempts),
				"queued": m.Queued.UTC().Format(time.RFC3339)}}
		if !m.UselessAfter.IsZero() && !m.UselessAfter.After(m.Died) {
			e.Reason = "too_late"
		}
		u, err := w.UserByAddress(m.To)
		switch {
		case err == nil:
			e.Subject, e.SubjectName = string(u.ID), u.Login
		case errcode.Of(err) != errcode.NotFound: // support has no account
			return err
		}
		return w.Audit(e)
	}
}
