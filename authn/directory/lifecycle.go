package directory

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Suspend keeps an active person out and ends their sessions, at once. WrongState: not active.
func (s *Service) Suspend(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserSuspended, (*account.Tx).Suspend)
}

// Unsuspend lets a suspended person sign in again. WrongState: not suspended.
func (s *Service) Unsuspend(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserUnsuspended, (*account.Tx).Unsuspend)
}

// Deactivate ends sessions, tickets and invitation of a person and keeps them out. WrongState: deactivated already.
func (s *Service) Deactivate(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserDeactivated, (*account.Tx).Deactivate)
}

// Unlock ends the waits of an active person after wrong answers, and forgets these; there need be none. RateLimited: it was
// done too often today, but for the machine's owner (throttle.Unlocks).
func (s *Service) Unlock(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermAssist, id, audit.UserUnlocked, func(tx *account.Tx, u *account.User) error {
		if u.Status != account.StatusActive {
			return &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonNotActive}
		}
		return tx.Unlock(u, p.Operator)
	})
}

// changeStatus is one step of a person's life: judged, done, audited and stored in one Update.
func (s *Service) changeStatus(ctx context.Context, p admin.Principal, req account.RequestInfo, perm admin.Permission, id, action string, do func(*account.Tx, *account.User) error) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, p, perm, id)
		if err != nil {
			return struct{}{}, err
		}
		if err := do(tx, &u); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, action, "")
		if err := tx.Audit(p.Event(action, &u)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Delete deactivates a person first and, asked again, deletes them: Okta's two steps.
func (s *Service) Delete(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
		if err != nil {
			return struct{}{}, err
		}
		if u.Status == account.StatusDeactivated {
			if err := tx.Delete(&u); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Audit(p.Event(audit.UserDeleted, &u))
		}
		if err := tx.Deactivate(&u); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, audit.UserDeactivated, "")
		if err := tx.Audit(p.Event(audit.UserDeactivated, &u)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}

// Reactivate invites an invited person anew; WrongState for anybody else. The rest is as with Activate.
func (s *Service) Reactivate(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, sendEmail bool) (Invitation, error) {
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (Invitation, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if u.Status != account.StatusProvisioned {
			return Invitation{}, &errcode.Error{Code: errcode.WrongState, Reason: errcode.ReasonNotInvited}
		}
		if !sendEmail && !p.CanSeeInvitations() {
			return Invitation{}, errcode.New(errcode.Forbidden)
		}
		return s.invite(tx, p, &u, sendEmail)
	})
}

// reactivate ends a deactivation, which only those may who may deactivate. Whoever had a device is active as before
// and gets nothing; anybody else is invited.
func (s *Service) reactivate(tx *account.Tx, p admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	if err := admin.Authorize(p, admin.PermManage, u); err != nil {
		return Invitation{}, err
	}
	tx.Reactivate(u)
	tx.AddAdminActivity(u, audit.UserReactivated, "")
	if err := tx.Audit(p.Event(audit.UserReactivated, u)); err != nil {
		return Invitation{}, err
	}
	if u.Status == account.StatusActive {
		return Invitation{}, tx.Save(u)
	}
	return s.invite(tx, p, u, sendEmail)
}
