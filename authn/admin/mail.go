package admin

import (
	"cmp"
	"context"
	"errors"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/mail"
	"barillet/store"
)

// MailQueue is the number of emails that wait, and of those that were given up.
type MailQueue struct {
	Waiting, Dead int
	More          bool // there are others
}

// maxCounted is the maximum of emails that CountMail reads.
const maxCounted = 1_000

// CountMail counts the first 1,000 emails of the outbox. It needs a principal without a group scope: the outbox has the email of all
// users, and of support.
func (s *Service) CountMail(ctx context.Context, p Principal) (q MailQueue, err error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return MailQueue{}, err
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		q.Waiting, q.Dead, q.More, err = s.Accounts.Outbox.Count(snap, maxCounted)
		return err
	})
	return q, err
}

// DeadLetters returns a page of the emails that were given up, oldest first, and a cursor for the next page (empty at the end). A page
// may be short and have a cursor.
func (s *Service) DeadLetters(ctx context.Context, p Principal, after string, limit int) (found []mail.MessageInfo, next string, err error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return nil, "", err
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		found, next, err = s.Accounts.Outbox.Items(snap, mail.List{Dead: true, After: after, Limit: limit})
		return err
	})
	return found, next, err
}

// DeadLetter returns an email that was given up, or NotFound.
func (s *Service) DeadLetter(ctx context.Context, p Principal, id string) (m mail.MessageInfo, err error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return mail.MessageInfo{}, err
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		m, err = s.Accounts.Outbox.DeadLetter(snap, id)
		return err
	})
	return m, deadLetterError(err)
}

func deadLetterError(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errcode.New(errcode.NotFound)
	}
	return err
}

// RetryMail queues an email that was given up again. It counts as an email to the user by an administrator (protocol rule 18). It
// returns WrongState with ReasonEmailExpired for an email past its expiry (protocol rule 10).
func (s *Service) RetryMail(ctx context.Context, p Principal, req account.RequestInfo, id string) error {
	return s.changeMail(ctx, p, req, id, audit.MailRetried, func(tx *account.Tx, m mail.MessageInfo) error {
		if !m.CanRetry(tx.Op.Now) {
			return errcode.WrongStateFor(errcode.ReasonEmailExpired)
		}
		if err := tx.CountByAdmin(cmp.Or(m.Recipient, m.To), m.Template); err != nil {
			return err
		}
		return s.Accounts.Outbox.Retry(tx.Raw, id)
	})
}

// DropMail deletes an email that was given up. An email that waits is NotFound: an administrator silences no notification.
func (s *Service) DropMail(ctx context.Context, p Principal, req account.RequestInfo, id string) error {
	return s.changeMail(ctx, p, req, id, audit.MailDropped, func(tx *account.Tx, _ mail.MessageInfo) error {
		return s.Accounts.Outbox.Drop(tx.Raw, id)
	})
}

// changeMail applies fn to a dead letter, with an audit event about its recipient. The event has no address: that of the dead letter
// has the same target.
func (s *Service) changeMail(ctx context.Context, p Principal, req account.RequestInfo, id, action string, fn func(*account.Tx, mail.MessageInfo) error) error {
	if err := p.RequireUnscoped(PermManage); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		none := struct{}{}
		m, err := s.Accounts.Outbox.DeadLetter(tx.Raw, id)
		if err != nil {
			return none, err
		}
		if err := fn(tx, m); err != nil {
			return none, err
		}
		e := audit.Event{Actor: p.Actor(), Action: action, Outcome: audit.Success, Subject: m.Recipient,
			Targets: []audit.Actor{{Type: audit.TypeMail, ID: id, Name: m.Template}}}
		if m.Recipient != "" {
			sum, err := tx.Summary(account.UserID(m.Recipient))
			if err != nil && !account.Missing(err) {
				return none, err
			}
			e.SubjectName = sum.Login
		}
		return none, tx.Audit(e)
	})
	return deadLetterError(err)
}
