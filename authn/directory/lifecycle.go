package directory

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Suspend suspends an active user and ends their sessions. It returns WrongState if the user is not active.
func (s *Service) Suspend(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserSuspended, (*account.Tx).Suspend)
}

// Unsuspend makes a suspended user active. The account then rests on the owner of p (protocol rule 9). It returns WrongState if the
// user is not suspended, or would have a role again.
func (s *Service) Unsuspend(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserUnsuspended, func(tx *account.Tx, u *account.User) error {
		u.Sponsors = u.Sponsors.Add(p.Owner, tx.Op.Now)
		if err := tx.Unsuspend(u); err != nil {
			return err
		}
		return checkReturn(p, u)
	})
}

// checkReturn returns WrongState if u has a role, which would count again, and p is one administrator: a role needs two (protocol rule 11).
func checkReturn(p admin.Principal, u *account.User) error {
	if len(u.Roles) > 0 && p.RequireConsent() != nil {
		return errcode.WrongStateFor(errcode.ReasonReturnsRole)
	}
	return nil
}

// Deactivate deactivates a user and ends their sessions, tickets and invitation. It returns WrongState if the user is
// deactivated.
func (s *Service) Deactivate(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermManage, id, audit.UserDeactivated, (*account.Tx).Deactivate)
}

// Unlock clears the failure counters of an active user and so ends their waiting times. It returns RateLimited after
// too many calls in a day (throttle.Unlocks), except for the operator.
func (s *Service) Unlock(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermAssist, id, audit.UserUnlocked, func(tx *account.Tx, u *account.User) error {
		if u.Status != account.StatusActive {
			return errcode.WrongStateFor(errcode.ReasonNotActive)
		}
		return tx.Unlock(u, p.Operator)
	})
}

// changeStatus applies do to a user. It checks, audits and stores it in one transaction.
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

// Delete deactivates an active user and deletes a deactivated one, as Okta's two steps do. If the principal has no group scope, the
// placeholders of the user's addresses are deleted too: only they would still name the user.
func (s *Service) Delete(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	if err := s.deletePlaceholders(ctx, p, id); err != nil {
		return err
	}
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

// deletePlaceholders deletes the placeholders of a deactivated user. It does nothing for a principal with a group scope, who cannot see
// them.
func (s *Service) deletePlaceholders(ctx context.Context, p admin.Principal, id string) error {
	if p.Scoped() {
		return nil
	}
	var u account.User
	err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, p, admin.PermManage, id)
		return err
	})
	if err != nil || u.Status != account.StatusDeactivated {
		return nil // Delete returns the error, and counts the refusal
	}
	return s.accounts.DeletePlaceholders(ctx, u.ID, true)
}

// Reactivate replaces the invitation of an invited user. It returns WrongState for other users; sendEmail is as for
// CreateUser.
func (s *Service) Reactivate(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, sendEmail bool) (Invitation, error) {
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (Invitation, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermInvite, id)
		if err != nil {
			return Invitation{}, err
		}
		if u.Status != account.StatusProvisioned {
			return Invitation{}, errcode.WrongStateFor(errcode.ReasonNotInvited)
		}
		if !sendEmail {
			if err := p.RequireInvitationLink(); err != nil {
				return Invitation{}, err
			}
		}
		return s.invite(tx, p, &u, sendEmail)
	})
}

// reactivate ends a deactivation, with the permission to deactivate. A user who had a device is active again; other
// users are invited. It returns WrongState for a user who would have a role again.
func (s *Service) reactivate(tx *account.Tx, p admin.Principal, u *account.User, sendEmail bool) (Invitation, error) {
	if err := admin.Authorize(p, admin.PermManage, u); err != nil {
		return Invitation{}, err
	}
	if err := checkReturn(p, u); err != nil {
		return Invitation{}, err
	}
	tx.Reactivate(u)
	u.Sponsors = u.Sponsors.Add(p.Owner, tx.Op.Now)
	tx.AddAdminActivity(u, audit.UserReactivated, "")
	if err := tx.Audit(p.Event(audit.UserReactivated, u)); err != nil {
		return Invitation{}, err
	}
	if u.Status == account.StatusActive {
		return Invitation{}, tx.Save(u)
	}
	return s.invite(tx, p, u, sendEmail)
}
