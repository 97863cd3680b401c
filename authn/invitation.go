package authn

import (
	"context"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// Invite issues an invitation for a user who never had a device and returns its token. The caller delivers the token
// and saves the user. provenance is ProvenanceEmail or the ID of the administrator; by is the name of the inviter,
// for display.
func (s *Service) Invite(tx *account.Tx, u *account.User, provenance, by string) (secret.Value, error) {
	if u.EverHadDevice || len(u.Devices) > 0 {
		// Protocol rule 10: an invitation replaces password and device at once.
		return secret.Value{}, errcode.WrongStateFor(errcode.ReasonHadDevice)
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
	u.Invited = account.Invitation{Link: token.Key(), Provenance: provenance, By: by, At: tx.Op.Now, Expires: expires}
	if u.Status == account.StatusStaged {
		u.Status, u.StatusAt = account.StatusProvisioned, tx.Op.Now
	}
	return token, nil
}

// InvitationInfo is what the page of an invitation shows.
type InvitationInfo struct {
	User    account.UserID
	By      string // name of the inviter
	Login   string
	Name    string
	Locale  string
	Group   string
	Expires time.Time
}

// Invitation returns the invitation of a token. It returns InvalidLink if the token is no longer valid.
func (s *Service) Invitation(ctx context.Context, token secret.Value) (InvitationInfo, error) {
	var out InvitationInfo
	err := s.Accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.invitation(r, token, s.Accounts.Now())
		if err != nil {
			return err
		}
		out = InvitationInfo{User: u.ID, By: u.Invited.By, Login: u.AsGiven().Login, Name: u.DisplayName(), Locale: s.Accounts.Locale(&u), Expires: u.Invited.Expires}
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
	if err == nil && (u.EverHadDevice || u.Invited.Link != token.Key() ||
		u.Status != account.StatusProvisioned && u.Status != account.StatusActive) {
		err = errcode.New(errcode.InvalidLink)
	}
	return l, u, err
}

// AcceptInvitation sets the password that the user chose and starts a transaction that may enrol. The invitation
// stays valid until the first device is confirmed, so the user can close the page and continue later.
func (s *Service) AcceptInvitation(ctx context.Context, req account.RequestInfo, token secret.Value,
	password string) (TransactionRef, error) {
	op := s.Accounts.NewOperation(req)
	hash, err := s.newPassword(ctx, password, func(r account.Reader) (account.User, error) {
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
		return s.BeginInvited(tx, &u, hash)
	})
}

// BeginInvited sets the password that the invited user chose, as its hash, and starts a transaction that may enrol. The
// caller has checked the invitation. BeginInvited saves the user.
func (s *Service) BeginInvited(tx *account.Tx, u *account.User, hash string) (TransactionRef, error) {
	now := tx.Op.Now
	u.Password = account.Password{Hash: hash, Provenance: u.Invited.Provenance, Set: now}
	u.Epoch++
	u.PasswordEpoch++
	if u.Status == account.StatusProvisioned {
		u.Status, u.StatusAt, u.Activated = account.StatusActive, now, now
	}
	if err := tx.AuditUser(u, audit.InvitationAccepted, audit.Success, ""); err != nil {
		return TransactionRef{}, err
	}
	tr := s.newTransaction(tx, u, false)
	tr.Ticket, tr.Mailed = ticketInvitation, u.Invited.Provenance == account.ProvenanceEmail
	transaction := tx.Op.Secret("transaction")
	if err := s.PutTransaction(tx, transaction, tr); err != nil {
		return TransactionRef{}, err
	}
	return TransactionRef{transaction, s.Next(&tr, u, now)}, tx.Save(u)
}
