package authn

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
)

// IssuePasswordLink makes a link by which an active person chooses a new password; the caller mails or shows it.
// The password of before counts until the chosen one is confirmed with a device. While the person has no usable
// one there is no link (PROTOCOL 8): WrongState. It ends with the Epoch: after a reset, a removed device or a moved
// address it lies in a mailbox that may be somebody else's. way is ProvenanceEmail, or the operator in whose answer it is.
func (s *Service) IssuePasswordLink(tx *account.Tx, u *account.User, provenance string) (token secret.Value, expires time.Time, err error) {
	switch {
	case u.Status != account.StatusActive:
		return secret.Value{}, time.Time{}, account.WrongState(errcode.ReasonNotActive)
	case !s.Accounts.CanReplacePassword(u):
		return secret.Value{}, time.Time{}, account.WrongState(errcode.ReasonNoDevice)
	}
	l := account.Link{User: u.ID, Purpose: account.PurposePassword, Epoch: u.Epoch, Expires: tx.Op.Now.Add(account.PasswordLinkTTL)}
	if expires = l.Expires; provenance != account.ProvenanceEmail {
		l.Provenance = provenance
	}
	token, err = tx.PutLink("password", l)
	return token, expires, err
}

// RequestPasswordLink mails a link to choose a new password, if somebody active with a device is meant. The answer is the
// same for all. While the person has no usable device none is sent (PROTOCOL 8): stuck is then called in the
// same Update, to open a help request of which nobody is told by the answer.
func (s *Service) RequestPasswordLink(ctx context.Context, req account.RequestInfo, identifier string, stuck func(tx *account.Tx, u *account.User) error) error {
	op := s.Accounts.NewOperation(req)
	name, ok := account.NormalizeLogin(identifier)
	wait, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (time.Duration, error) {
		v, err := s.Accounts.Limiter.Take(tx.Raw, op.Now, throttle.ForgotSource, throttle.Network(op.Request.Address))
		if err != nil {
			return 0, fmt.Errorf("counting forgotten passwords: %w", err)
		}
		if !v.OK {
			return v.Retry, nil
		}
		if !ok {
			return 0, nil
		}
		u, err := tx.UserByAddress(name)
		switch {
		case errcode.Of(err) == errcode.NotFound:
			return 0, nil
		case err != nil || u.Status != account.StatusActive:
			return 0, err
		case s.Accounts.CanReplacePassword(&u):
			return 0, s.sendPasswordLink(tx, &u)
		}
		if err := tx.AuditUser(&u, audit.PasswordForgotten, audit.Deny, "no usable device"); err != nil {
			return 0, err
		}
		return 0, stuck(tx, &u)
	})
	if err == nil && wait > 0 {
		err = errcode.RateLimit(wait)
	}
	return err
}

func (s *Service) sendPasswordLink(tx *account.Tx, u *account.User) error {
	v, err := s.Accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.UnauthenticatedMails, string(u.ID))
	if err != nil {
		return fmt.Errorf("counting mails that strangers cause: %w", err)
	}
	if !v.OK {
		return tx.AuditUser(u, audit.PasswordForgotten, audit.Deny, "too many mails")
	}
	token, expires, err := s.IssuePasswordLink(tx, u, account.ProvenanceEmail)
	if err != nil {
		return err
	}
	if err := tx.AuditUser(u, audit.PasswordForgotten, audit.Success, ""); err != nil {
		return err
	}
	m := notice.PasswordLink{Context: tx.About(u), Link: s.URL("/password/" + token.Reveal()), Until: expires}
	return tx.SendTo(u.Addresses()[:1], s.Accounts.Locale(u), m, expires)
}

// PasswordLinkTTL reads whose password a mailed link may choose.
func (s *Service) PasswordLink(ctx context.Context, token secret.Value) (login, locale string, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.passwordLink(r, token, s.Accounts.Now())
		login, locale = u.Login, s.Accounts.Locale(&u)
		return err
	})
	return login, locale, err
}

func (s *Service) passwordLink(r account.Reader, token secret.Value, now time.Time) (account.Link, account.User, error) {
	l, u, err := r.Link(token, account.PurposePassword, now)
	// One that was asked for before the Epoch last rose (a new password, a reset, a moved address) lies in a mailbox, unused.
	if err == nil && (u.Status != account.StatusActive || !s.Accounts.CanReplacePassword(&u) || l.Epoch != u.Epoch) {
		err = errcode.New(errcode.InvalidLink)
	}
	return l, u, err
}

// StartWithPasswordLink begins a login that carries the password chosen by a mailed link. It takes effect only when
// that login's second step is done.
func (s *Service) StartWithPasswordLink(ctx context.Context, req account.RequestInfo, token secret.Value, password string) (TransactionRef, error) {
	op := s.Accounts.NewOperation(req)
	hash, err := s.newPassword(ctx, password, func(r account.Reader) (account.User, error) {
		_, u, err := s.passwordLink(r, token, op.Now)
		return u, err
	})
	if err != nil {
		return TransactionRef{}, err
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (TransactionRef, error) {
		link, u, err := s.passwordLink(tx.Reader, token, op.Now)
		if err != nil {
			return TransactionRef{}, err
		}
		tr := s.newTransaction(tx, &u, u.KnowsBrowser(req.Browser, op.Now), "")
		tr.NewPassword = &NewPassword{Hash: hash, Link: token.Hash(), Provenance: link.Provenance}
		secret := op.Secret("login")
		return TransactionRef{secret, s.Next(&tr, &u, op.Now)}, s.PutTransaction(tx, secret, tr)
	})
}
