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

// ExpirePassword has a person choose another password at their next complete sign-in. Who is signed in stays so.
// WrongState: not active, or without a password.
func (d *Service) ExpirePassword(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) (account.User, error) {
	u, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (account.User, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermManage, id)
		if err != nil {
			return account.User{}, err
		}
		if err := d.signIn.ExpirePassword(tx, &u); err != nil {
			return account.User{}, err
		}
		tx.AddAdminActivity(&u, audit.PasswordExpired, "")
		if err := tx.Audit(op.Event(audit.PasswordExpired, &u)); err != nil {
			return account.User{}, err
		}
		return stated(tx, u, tx.Save(&u))
	})
	return admin.WithoutSecrets(u), err
}

// TemporaryPassword gives an active person a password to be told to them, which they change at the next complete
// sign-in; to Machine or with Secrets only, and the person learns of it by mail (PROTOCOL 22). It came by the
// operator's hand and opens nothing without a device or a ticket of another. Every session ends. WrongState: not active.
func (d *Service) TemporaryPassword(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) (secret.Value, error) {
	if _, err := d.giving(ctx, op, id); err != nil {
		return secret.Value{}, err
	}
	a := d.accounts.NewOperation(req)
	temporary := temporaryPassword(a)
	phc, err := d.accounts.Hasher.Hash(ctx, false, temporary.Reveal())
	if err != nil {
		return secret.Value{}, fmt.Errorf("hashing a password: %w", err)
	}
	return account.Update(ctx, d.accounts, a, func(tx *account.Tx) (secret.Value, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermManage, id)
		if err != nil {
			return secret.Value{}, err
		}
		if err := d.signIn.SetPassword(tx, &u, phc, op.Owner, account.ChangeTemporary); err != nil {
			return secret.Value{}, err
		}
		if err := d.notifyPasswordSet(tx, op, &u, "temporary"); err != nil {
			return secret.Value{}, err
		}
		return temporary, tx.Save(&u)
	})
}

// temporaryPassword is 80 bits in four groups of small letters and digits, none of which is taken for another: to be
// said on the telephone and typed on one.
func temporaryPassword(op *account.Operation) secret.Value {
	text := op.Code("temporary password 1").Reveal() + "-" + op.Code("temporary password 2").Reveal()
	return secret.From(strings.ToLower(text))
}

// giving finds a person to whom the operator may give a password, before work is spent on hashing one.
func (d *Service) giving(ctx context.Context, op admin.Principal, id string) (account.User, error) {
	var u account.User
	err := d.accounts.View(ctx, func(r account.Reader) (err error) {
		if u, err = admin.FindUser(r, op, admin.PermManage, id); err == nil && !op.CanReadSecrets() {
			err = errcode.New(errcode.Forbidden)
		}
		if err == nil && u.Status != account.StatusActive {
			err = errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		return err
	})
	return u, err
}

// PasswordChanged is what the Update of ChangePassword comes to, unless it counted a wrong password.
type PasswordChanged struct{}

// ChangePassword changes the password of somebody whose present one the operator's program knows, with the limits and
// counters of the sign-in (PROTOCOL 22). The new one came by the operator's hand. Every session ends. Invalid,
// RateLimited, WrongState: authn.ChangePasswordByAdmin.
func (d *Service) ChangePassword(ctx context.Context, op admin.Principal, req account.RequestInfo, id, current, chosen string) (PasswordChanged, error) {
	return PasswordChanged{}, d.signIn.ChangePasswordByAdmin(ctx, req, authn.PasswordChange{Provenance: op.Owner, Current: current, Chosen: chosen,
		Find: func(r account.Reader) (account.User, error) { return admin.FindUser(r, op, admin.PermManage, id) },
		OnChange: func(tx *account.Tx, u *account.User, changed bool) error {
			if changed {
				tx.SetResult(PasswordChanged{})
				return d.notifyPasswordSet(tx, op, u, "changed")
			}
			e := op.Event(audit.PasswordUpdated, u)
			e.Outcome, e.Reason = audit.Failure, "wrong password"
			return tx.Audit(e)
		}})
}

// notifyPasswordSet writes down and tells the person that an operator chose their password; how is "set", "changed" or
// "temporary".
func (d *Service) notifyPasswordSet(tx *account.Tx, op admin.Principal, u *account.User, how string) error {
	action := audit.PasswordUpdated
	if how == "temporary" {
		action = audit.PasswordExpired // as Okta writes it down
	}
	e := op.Event(action, u)
	e.Detail = map[string]string{"way": how, "owner": op.Owner}
	if err := tx.Audit(e); err != nil {
		return err
	}
	// Nothing of the operator's own browser and address goes to the person.
	m := notice.PasswordSetByAdmin{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, By: op.DisplayName(d.accounts.Policy.Issuer), Temporary: how == "temporary"}
	return tx.SendTo(u.Addresses(), d.accounts.Locale(u), m, time.Time{})
}

// stated is a person who was stored, with their state for the answer.
func stated(tx *account.Tx, u account.User, err error) (account.User, error) {
	if err == nil {
		u.DisplayStatus, err = tx.DisplayStatus(&u, tx.Op.Now)
	}
	return u, err
}
