package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ExpirePassword requires a user to change their password at the next complete sign-in. Their sessions remain. It
// returns WrongState if the user is not active or has no password.
func (s *Service) ExpirePassword(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) (account.User, error) {
	u, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (account.User, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
		if err != nil {
			return account.User{}, err
		}
		if err := s.signIn.ExpirePassword(tx, &u); err != nil {
			return account.User{}, err
		}
		tx.AddAdminActivity(&u, audit.PasswordExpired, "")
		if err := tx.Audit(p.Event(audit.PasswordExpired, &u)); err != nil {
			return account.User{}, err
		}
		return withDisplayStatus(tx, u, tx.Save(&u))
	})
	return admin.WithoutSecrets(u), err
}

// TemporaryPassword sets a temporary password of an active user and returns it; the user must change it at the next
// complete sign-in. It requires CanReadSecrets. The user receives a notification (protocol rule 22), and all their
// sessions end. The provenance of the password is the owner of p, so it cannot be used with a device or ticket of the
// same provenance. It returns WrongState if the user is not active.
func (s *Service) TemporaryPassword(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) (secret.Value, error) {
	if _, err := s.findForPassword(ctx, p, id); err != nil {
		return secret.Value{}, err
	}
	op := s.accounts.NewOperation(req)
	temporary := temporaryPassword(op)
	hash, err := s.accounts.Hasher.Hash(ctx, false, temporary.Reveal())
	if err != nil {
		return secret.Value{}, fmt.Errorf("hashing password: %w", err)
	}
	return account.Update(ctx, s.accounts, op, func(tx *account.Tx) (secret.Value, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
		if err != nil {
			return secret.Value{}, err
		}
		if err := s.signIn.SetPassword(tx, &u, hash, p.Owner, account.ChangeTemporary); err != nil {
			return secret.Value{}, err
		}
		if err := s.notifyPasswordSet(tx, p, &u, "temporary"); err != nil {
			return secret.Value{}, err
		}
		return temporary, tx.Save(&u)
	})
}

// temporaryPassword returns a password of 80 bits: four groups of lower-case letters and digits that are not confused
// with each other. It can be read out and typed on a telephone.
func temporaryPassword(op *account.Operation) secret.Value {
	text := op.Code("temporary password 1").Reveal() + "-" + op.Code("temporary password 2").Reveal()
	return secret.From(strings.ToLower(text))
}

// findForPassword returns a user whose password p may set. It runs before the password is hashed, which is expensive.
func (s *Service) findForPassword(ctx context.Context, p admin.Principal, id string) (account.User, error) {
	var u account.User
	err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = admin.FindUser(r, p, admin.PermManage, id); err == nil && !p.CanReadSecrets() {
			err = errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
		}
		if err == nil && u.Status != account.StatusActive {
			err = errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		return err
	})
	return u, err
}

// PasswordChanged is the result of the transaction of ChangePassword, unless the current password was wrong.
type PasswordChanged struct{}

// ChangePassword changes the password of a user whose current password the caller states, with the limits and failure
// counters of the sign-in (protocol rule 22). The provenance of the new password is the owner of p. All sessions of the
// user end. It returns the errors of authn.ChangePasswordByAdmin: Invalid, RateLimited or WrongState.
func (s *Service) ChangePassword(ctx context.Context, p admin.Principal, req account.RequestInfo, id, current, chosen string) (PasswordChanged, error) {
	return PasswordChanged{}, s.signIn.ChangePasswordByAdmin(ctx, req, authn.PasswordChange{Provenance: p.Owner, Current: current, Chosen: chosen,
		Find: func(r account.Reader) (account.User, error) { return admin.FindUser(r, p, admin.PermManage, id) },
		OnChange: func(tx *account.Tx, u *account.User, changed bool) error {
			if changed {
				tx.SetResult(PasswordChanged{})
				return s.notifyPasswordSet(tx, p, u, "changed")
			}
			e := p.Event(audit.PasswordUpdated, u)
			e.Outcome, e.Reason = audit.Failure, audit.WrongPassword
			return tx.Audit(e)
		}})
}

// notifyPasswordSet audits that an administrator chose the password of u, and notifies u. how is "set", "changed" or
// "temporary".
func (s *Service) notifyPasswordSet(tx *account.Tx, p admin.Principal, u *account.User, how string) error {
	action := audit.PasswordUpdated
	u.Sponsors = u.Sponsors.Add(p.Owner, tx.Op.Now)
	if how == "temporary" {
		action = audit.PasswordExpired // Okta's event for a temporary password
	}
	e := p.Event(action, u)
	e.Detail = map[string]string{"method": how, "owner": p.Owner}
	if err := tx.Audit(e); err != nil {
		return err
	}
	// The email does not contain the browser and address of the administrator.
	m := notice.PasswordSetByAdmin{Context: tx.OfferFreeze(u, notice.Context{Name: u.DisplayName(), At: tx.Op.Now}), By: p.DisplayName(s.accounts.Policy.Issuer), Temporary: how == "temporary"}
	return tx.SendByAdmin(u, u.Addresses(), m, time.Time{})
}

// withDisplayStatus returns u with its display status. It returns err if that is not nil.
func withDisplayStatus(tx *account.Tx, u account.User, err error) (account.User, error) {
	if err == nil {
		u.DisplayStatus, err = tx.DisplayStatus(&u, tx.Op.Now)
	}
	return u, err
}
