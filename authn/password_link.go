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

// IssuePasswordLink issues a link with which an active user chooses a new password. The caller delivers it. The old
// password stays valid until the new one is verified together with a device. Without a usable device there is no
// link: WrongState (protocol rule 8). The link ends with the epoch, because after a reset or a change of address the
// mailbox may belong to someone else. provenance is ProvenanceEmail, or the ID of the administrator who receives the
// link.
func (s *Service) IssuePasswordLink(tx *account.Tx, u *account.User,
	provenance string) (token secret.Value, expires time.Time, err error) {
	switch {
	case u.Status != account.StatusActive:
		return secret.Value{}, time.Time{}, errcode.WrongStateFor(errcode.ReasonNotActive)
	case !s.Accounts.CanReplacePassword(u):
		return secret.Value{}, time.Time{}, errcode.WrongStateFor(errcode.ReasonNoDevice)
	}
	l := account.Link{User: u.ID, Purpose: account.PurposePassword, Epoch: u.Epoch, Expires: tx.Op.Now.Add(account.PasswordLinkTTL)}
	if expires = l.Expires; provenance != account.ProvenanceEmail {
		l.Provenance = provenance
	}
	token, err = tx.PutLink("password", l)
	return token, expires, err
}

// RequestPasswordLink sends a link for a new password if the identifier names an active user with a usable device.
// The answer is the same for every identifier. For an active user without a usable device no link is sent
// (protocol rule 8). onBlocked then runs in the same Update, to open a help request.
func (s *Service) RequestPasswordLink(ctx context.Context, req account.RequestInfo, identifier string,
	onBlocked func(tx *account.Tx, u *account.User) error) error {
	op := s.Accounts.NewOperation(req)
	name, ok := account.NormalizeLogin(identifier)
	wait, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (time.Duration, error) {
		v, err := s.Accounts.Limiter.TakeAll(tx.Raw, op.Now, throttle.ByNetwork(throttle.ForgotSource, op.Request.Address)...)
		if err != nil {
			return 0, fmt.Errorf("counting requests for a password link: %w", err)
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
		return 0, onBlocked(tx, &u)
	})
	if err == nil && wait > 0 {
		err = errcode.RateLimit(wait)
	}
	return err
}

func (s *Service) sendPasswordLink(tx *account.Tx, u *account.User) error {
	ok, err := tx.AllowsUnauthenticated(u, notice.PasswordLink{})
	if err != nil {
		return err
	}
	if !ok {
		return tx.AuditUser(u, audit.PasswordForgotten, audit.Deny, "too many mails")
	}
	token, expires, err := s.IssuePasswordLink(tx, u, account.ProvenanceEmail)
	if err != nil {
		return err
	}
	if err := tx.AuditUser(u, audit.PasswordForgotten, audit.Success, ""); err != nil {
		return err
	}
	m := notice.PasswordLink{Context: tx.About(u), Link: s.URL("/password/" + token.Reveal()), Until: expires, Requested: true}
	return tx.SendTo(u, u.Addresses()[:1], m, expires)
}

// PasswordLink returns the login and the id of the user of a password link.
func (s *Service) PasswordLink(ctx context.Context, token secret.Value) (login string, id account.UserID, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.passwordLink(r, token, s.Accounts.Now())
		login, id = u.AsGiven().Login, u.ID
		return err
	})
	return login, id, err
}

func (s *Service) passwordLink(r account.Reader, token secret.Value, now time.Time) (account.Link, account.User, error) {
	l, u, err := r.Link(token, account.PurposePassword, now)
	// A link is void after a change of password, a reset, a removed device or a change of address: each raises the epoch.
	if err == nil && (u.Status != account.StatusActive || !s.Accounts.CanReplacePassword(&u) || l.Epoch != u.Epoch) {
		err = errcode.New(errcode.InvalidLink)
	}
	return l, u, err
}

// StartWithPasswordLink starts a transaction with the password chosen by a mailed link. The password takes effect
// when the second step of the transaction is done.
func (s *Service) StartWithPasswordLink(ctx context.Context, req account.RequestInfo, token secret.Value,
	password string) (TransactionRef, error) {
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
		tr := s.newTransaction(tx, &u, u.KnowsBrowser(req.Browser, op.Now))
		tr.NewPassword = &NewPassword{Hash: hash, Link: token.Key(), Provenance: link.Provenance}
		tr.Mailed = link.Provenance == ""
		transaction := op.Secret("transaction")
		return TransactionRef{transaction, s.Next(&tr, &u, op.Now)}, s.PutTransaction(tx, transaction, tr)
	})
}
