package account

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	"barillet/store"
)

// NotifyDeviceSignIn notifies the user, within tx, that a device of the application can now act for them (RFC 8628).
func (s *Service) NotifyDeviceSignIn(tx store.Tx, op *Operation, id UserID, app string) error {
	t := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op}
	u, err := t.User(id)
	if err != nil {
		return err
	}
	return t.Notify(&u, notice.DeviceSignedIn{Context: t.About(&u), App: app}, time.Time{})
}

// About returns the context of a notification: the name of the user, and the time, browser and address of the operation, with
// the link of OfferFreeze.
func (tx *Tx) About(u *User) notice.Context {
	return tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now, Browser: input.DescribeUserAgent(tx.Op.Request.Agent),
		Address: tx.Op.Request.ClientAddress()})
}

// OfferFreeze adds a link to the context of a notification: its reader can freeze all devices of the user, once, within
// FreezeLinkTTL and before the next reset (protocol rule 12). The link is stored with the next email that tx queues.
func (tx *Tx) OfferFreeze(u *User, c notice.Context) notice.Context {
	if u.EverHadDevice && !u.Placeholder {
		c.Freeze = tx.s.Policy.PublicURL + "/freeze/" + tx.Op.Secret(freezeLabel(u.ID)).Reveal()
		tx.freezeLink = &Link{User: u.ID, Purpose: PurposeFreeze, Resets: u.Resets, Expires: tx.Op.Now.Add(FreezeLinkTTL)}
	}
	return c
}

func freezeLabel(id UserID) string { return "freeze " + string(id) }

// Notify queues a notification to the addresses of the user, in their language. It is discarded if it is not delivered before
// expires; zero means never. If the user had ten notifications within an hour, it is delayed and sent in a digest
// (protocol rule 18).
func (tx *Tx) Notify(u *User, m notice.Notice, expires time.Time) error {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.NoticeMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting notifications: %w", err)
	}
	row := mail.Message{Lang: tx.s.Locale(u), Recipient: string(u.ID), ExpiresAt: expires}
	if !v.OK {
		row.Rank = audit.LaneRoutine // however many there are, they delay no ticket of another user
		row.NotBefore, row.Notice = tx.Op.Now.Add(mail.DigestDelay), true
	}
	return tx.queue(u.Addresses(), m, row)
}

// SendTo queues one email to each of these addresses of the user, or of another recipient if u is nil, so that none sees another
// address. An email is discarded if it is not delivered before expires; zero means never.
func (tx *Tx) SendTo(u *User, addresses []string, m notice.Notice, expires time.Time) error {
	row := mail.Message{Lang: tx.s.Policy.DefaultLocale, ExpiresAt: expires}
	if u != nil {
		row.Lang, row.Recipient = tx.s.Locale(u), string(u.ID)
	}
	return tx.queue(addresses, m, row)
}

// laneOf returns the lane of an email. An email that an unauthenticated client can cause delays no other.
func laneOf(m notice.Notice) audit.Lane {
	switch m := m.(type) {
	case notice.HelpForSupport, notice.HelpWaiting, notice.HelpReceived, notice.WrongCodes:
		return audit.LaneNoise
	case notice.PasswordLink:
		if m.Requested {
			return audit.LaneNoise
		}
	}
	return audit.LaneSecurity
}

// SendByAdmin is SendTo for an email to the user that an administrator causes. Beyond the limits of all administrators together
// it returns RateLimited, so the whole operation has no effect. A notification that must not be refused uses SendTo.
func (tx *Tx) SendByAdmin(u *User, addresses []string, m notice.Notice, expires time.Time) error {
	if err := tx.CountByAdmin(string(u.ID), m.Name()); err != nil {
		return err
	}
	return tx.SendTo(u, addresses, m, expires)
}

// CountByAdmin counts an email of a kind that an administrator causes. It returns RateLimited beyond the limits of SendByAdmin.
func (tx *Tx) CountByAdmin(recipient, kind string) error {
	v, err := tx.s.Limiter.TakeAll(tx.Raw, tx.Op.Now, throttle.Charge{Limit: throttle.AdminMails, Subject: recipient + " " + kind},
		throttle.Charge{Limit: throttle.AdminMailsDay, Subject: recipient})
	if err != nil {
		return fmt.Errorf("counting emails by administrators: %w", err)
	}
	if !v.OK {
		return &errcode.Error{Code: errcode.RateLimited, Reason: errcode.ReasonMails, RetryAfter: max(v.Retry, time.Second)}
	}
	return nil
}

func (tx *Tx) queue(addresses []string, m notice.Notice, row mail.Message) error {
	row.Rank = max(row.Rank, laneOf(m))
	if !tx.Op.SendAfter.IsZero() { // one of many
		row.Rank = max(row.Rank, audit.LaneRoutine)
	}
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding email %s: %w", m.Name(), err)
	}
	if l := tx.freezeLink; l != nil {
		if _, err := tx.PutLink(freezeLabel(l.User), *l); err != nil {
			return err
		}
		tx.freezeLink = nil
	}
	row.Template, row.Data, row.Queued = m.Name(), data, tx.Op.Now
	if row.NotBefore.IsZero() {
		row.NotBefore = tx.Op.SendAfter
	}
	for _, to := range addresses {
		if to == "" { // of a placeholder account
			continue
		}
		row.To = []string{to}
		if err := tx.s.Outbox.Queue(tx.Raw, tx.NewRecordID("mail"), row); err != nil {
			return fmt.Errorf("queueing email %s: %w", row.Template, err)
		}
	}
	return nil
}

// NotifyLimited queues a notification that an unauthenticated client can cause, if AllowsUnauthenticated allows it.
func (tx *Tx) NotifyLimited(u *User, m notice.Notice) error {
	if ok, err := tx.AllowsUnauthenticated(u, m); err != nil || !ok {
		return err
	}
	return tx.Notify(u, m, time.Time{})
}

// AllowsUnauthenticated counts an email to the user that an unauthenticated client causes. It reports whether the email may be
// sent. One kind of email uses nothing of the limit of another (promise S8).
func (tx *Tx) AllowsUnauthenticated(u *User, m notice.Notice) (bool, error) {
	v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID)+" "+m.Name())
	if err != nil {
		return false, fmt.Errorf("counting emails of unauthenticated clients: %w", err)
	}
	return v.OK, nil
}

// OnDeadLetter returns a function for mail.Sender.OnDeadLetter. The function appends an audit event about an email that was given up,
// within the same Update. The event contains template, recipient, times and error, never text, link or code.
func (s *Service) OnDeadLetter() func(tx store.Tx, m mail.MessageInfo) error {
	op := s.NewOperation(RequestInfo{})
	return func(tx store.Tx, m mail.MessageInfo) error {
		h := fnv.New64a() // one operation may give up several emails, each with its own event
		h.Write([]byte(m.ID))
		t := &Tx{Reader: Reader{s, tx}, Raw: tx, Op: op, n: h.Sum64()}
		e := audit.Event{Actor: audit.System, Action: audit.MailFailed, Outcome: audit.Failure,
			Reason: "undeliverable", Targets: []audit.Actor{{Type: audit.TypeMail, ID: m.ID, Name: m.Template}},
			Detail: map[string]string{"to": m.To, "error": m.LastError, "attempts": strconv.Itoa(m.Attempts),
				"queued": m.Queued.UTC().Format(time.RFC3339)}}
		if !m.ExpiresAt.IsZero() && !m.ExpiresAt.After(m.Died) {
			e.Reason = "too_late"
		}
		if m.Recipient != "" {
			u, err := t.User(UserID(m.Recipient))
			if err != nil && !Missing(err) {
				return err
			}
			if e.Subject, e.SubjectName = m.Recipient, u.Login; err != nil {
				delete(e.Detail, "to") // a deleted user may be erased already
			}
		}
		return t.Audit(e)
	}
}
