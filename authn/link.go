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

// Invite makes an invitation for a person who never had a device and returns its token; the caller mails it or
// hands it over, and saves the person. way is ProvenanceEmail or the operator's id, by is whom people read.
func (s *Service) Invite(tx *account.Tx, u *account.User, way, by string) (secret.Value, error) {
	if u.EverHadDevice || len(u.Devices) > 0 {
		return secret.Value{}, errcode.WrongStateFor(errcode.ReasonHadDevice) // PROTOCOL 10: it would carry both halves
	}
	if u.Status != account.StatusStaged && u.Status != account.StatusProvisioned && u.Status != account.StatusActive {
		return secret.Value{}, errcode.New(errcode.WrongState)
	}
	if err := tx.DeleteLink(u.Invited.Link); err != nil {
		return secret.Value{}, err
	}
	expires := tx.Op.Now.Add(account.InvitationTTL)
	token, err := tx.PutLink("invitation", account.Link{User: u.ID, Purpose: account.PurposeInvitation, Expires: expires})
	if err != nil {
		return secret.Value{}, err
	}
	u.Invited = account.Invitation{Link: token.Hash(), Provenance: way, By: by, At: tx.Op.Now, Expires: expires}
	if u.Status == account.StatusStaged {
		u.Status, u.StatusAt = account.StatusProvisioned, tx.Op.Now
	}
	return token, nil
}

// InvitationInfo is what the page of an invitation tells.
type InvitationInfo struct {
	By      string
	Login   string
	Name    string
	Locale  string
	Group   string
	Expires time.Time
}

// Invitation reads who is invited by a link; InvalidLink when it is no longer good.
func (s *Service) Invitation(ctx context.Context, token secret.Value) (InvitationInfo, error) {
	var out InvitationInfo
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.invitation(r, token, s.Accounts.Now())
		if err != nil {
			return err
		}
		out = InvitationInfo{By: u.Invited.By, Login: u.Login, Name: u.DisplayName(), Locale: s.Accounts.Locale(&u), Expires: u.Invited.Expires}
		if len(u.Groups) > 0 {
			g, err := r.Group(u.Groups[0])
			if err != nil && errcode.Of(err) != errcode.NotFound {
				return err
			}
			out.Group = g.Name
		}
		return nil
	})
	return out, err
}

func (s *Service) invitation(r account.Reader, token secret.Value, now time.Time) (account.Link, account.User, error) {
	l, u, err := r.Link(token, account.PurposeInvitation, now)
	if err == nil && (u.EverHadDevice || u.Invited.Link != token.Hash() ||
		u.Status != account.StatusProvisioned && u.Status != account.StatusActive) {
		err = errcode.New(errcode.InvalidLink)
	}
	return l, u, err
}

// AcceptInvitation takes the password chosen by an invitation. The login that it begins may enrol; the invitation is
// spent when the first device is confirmed, so a closed page is no dead end.
func (s *Service) AcceptInvitation(ctx context.Context, req account.RequestInfo, token secret.Value, password string) (TransactionRef, error) {
	op := s.Accounts.NewOperation(req)
	phc, err := s.newPassword(ctx, password, func(r account.Reader) (account.User, error) {
		_, u, err := s.invitation(r, token, op.Now)
		return u, err
	})
	if err != nil {
		return TransactionRef{}, err
	}
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (TransactionRef, error) {
		_, u, err := s.invitation(tx.Reader, token, op.Now)
		if err != nil {
			return TransactionRef{}, err
		}
		u.Password = account.Password{Hash: phc, Provenance: u.Invited.Provenance, Set: op.Now}
		u.Epoch++
		u.PasswordEpoch++
		if u.Status == account.StatusProvisioned {
			u.Status, u.StatusAt, u.Activated = account.StatusActive, op.Now, op.Now
		}
		if err := tx.AuditUser(&u, audit.InvitationAccepted, audit.Success, ""); err != nil {
			return TransactionRef{}, err
		}
		l := s.newTransaction(tx, &u, false, "")
		l.Ticket = TicketInvitation
		secret := op.Secret("login")
		if err := s.PutTransaction(tx, secret, l); err != nil {
			return TransactionRef{}, err
		}
		return TransactionRef{secret, s.Next(&l, &u, op.Now)}, tx.Save(&u)
	})
}

// newPassword judges and hashes a password chosen by somebody who is found by who.
func (s *Service) newPassword(ctx context.Context, password string, who func(account.Reader) (account.User, error)) (string, error) {
	var u account.User
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		var err error
		u, err = who(r)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := s.Accounts.Hasher.Validate(password, s.forbiddenWords(&u)); err != nil {
		return "", err
	}
	phc, err := s.Accounts.Hasher.Hash(ctx, false, password)
	if err != nil {
		return "", fmt.Errorf("hashing a password: %w", err)
	}
	return phc, nil
}

// forbiddenWords are the words that a person's password must not be made of.
func (s *Service) forbiddenWords(u *account.User) []string {
	return []string{u.Login, u.Email, u.SecondEmail, u.FirstName, u.LastName, s.Accounts.Policy.Issuer}
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

// URL is a path of ours as a link.
func (s *Service) URL(path string) string { return s.Accounts.Policy.PublicURL + path }

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
	phc, err := s.newPassword(ctx, password, func(r account.Reader) (account.User, error) {
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
		l := s.newTransaction(tx, &u, u.KnowsBrowser(req.Browser, op.Now), "")
		l.NewPassword = &NewPassword{PHC: phc, Link: token.Hash(), Provenance: link.Provenance}
		secret := op.Secret("login")
		return TransactionRef{secret, s.Next(&l, &u, op.Now)}, s.PutTransaction(tx, secret, l)
	})
}
