package directory

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Suspend keeps an active person out and ends their sessions, at once. WrongState: not active.
func (d *Service) Suspend(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	return d.step(ctx, op, req, admin.PermManage, id, audit.UserSuspended, (*account.Tx).Suspend)
}

// Unsuspend lets a suspended person sign in again. WrongState: not suspended.
func (d *Service) Unsuspend(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	return d.step(ctx, op, req, admin.PermManage, id, audit.UserUnsuspended, (*account.Tx).Unsuspend)
}

// Deactivate ends sessions, tickets and invitation of a person and keeps them out. WrongState: deactivated already.
func (d *Service) Deactivate(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	return d.step(ctx, op, req, admin.PermManage, id, audit.UserDeactivated, (*account.Tx).Deactivate)
}

// Unlock ends the waits of an active person after wrong answers, and forgets these; there need be none. RateLimited: it was
// done too often today, but for the machine's owner (throttle.Unlocks).
func (d *Service) Unlock(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	return d.step(ctx, op, req, admin.PermAssist, id, audit.UserUnlocked, func(tx *account.Tx, u *account.User) error {
		if u.Status != account.StatusActive {
			return errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		return tx.Unlock(u, op.Operator)
	})
}

// step is one step of a person's life: judged, done, audited and stored in one Update.
func (d *Service) step(ctx context.Context, op admin.Principal, req account.RequestInfo, a admin.Permission, id, action string, do func(*account.Tx, *account.User) error) error {
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, op, a, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := do(tx, &u); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, action, "")
		if err := tx.Audit(op.Event(action, &u)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Delete deactivates a person first and, asked again, deletes them: Okta's two steps.
func (d *Service) Delete(ctx context.Context, op admin.Principal, req account.RequestInfo, id string) error {
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermManage, id)
		if err != nil {
			return struct{}{}, err
		}
		if u.Status == account.StatusDeactivated {
			if err := tx.Delete(&u); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Audit(op.Event(audit.UserDeleted, &u))
		}
		if err := tx.Deactivate(&u); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.UserDeactivated, "")
		if err := tx.Audit(op.Event(audit.UserDeactivated, &u)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Reactivate invites an invited person anew; WrongState for anybody else. The rest is as with Activate.
func (d *Service) Reactivate(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, sendEmail bool) (Invitation, error) {
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (Invitation, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if u.Status != account.StatusProvisioned {
			return Invitation{}, errcode.WrongStateFor(errcode.ReasonNotInvited)
		}
		if !sendEmail && !op.CanSeeInvitations() {
			return Invitation{}, errcode.New(errcode.Forbidden)
		}
		return d.invite(tx, op, &u, sendEmail)
	})
}

// revive ends a deactivation, which only those may who may deactivate. Whoever had a device is active as before
// and gets nothing; anybody else is invited.
func (d *Service) revive(tx *account.Tx, op admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	if err := admin.Authorize(op, admin.PermManage, u); err != nil {
		return Invitation{}, err
	}
	tx.Reactivate(u)
	tx.AddAdminActivity(u, audit.UserReactivated, "")
	if err := tx.Audit(op.Event(audit.UserReactivated, u)); err != nil {
		return Invitation{}, err
	}
	if u.Status == account.StatusActive {
		return Invitation{}, tx.Save(u)
	}
	return d.invite(tx, op, u, sendEmail)
}
