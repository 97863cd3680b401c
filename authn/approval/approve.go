package approval

import (
	"context"
	"fmt"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/store"
)

// Done is the result of an approved operation: the one member of the operation is set.
type Done struct {
	Operation Operation
	Reset     helpdesk.ResetResult
	Role      admin.AssignedRole
	User      account.User // with the new profile
}

// Approve performs the operation that an administrator asked for, as p, against the present record of the user, and returns its errors.
// The owner of p must be neither the requesting owner nor the user. Both administrators need the permission and scope of the operation
// now. Approve returns NotFound if the approval is no longer pending; an operation that fails leaves it pending.
func (s *Service) Approve(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) (Done, error) {
	now := s.accounts.Now()
	var a Approval
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		if a, _, err = s.checkApprover(r, p, id, now); err == nil && a.Operation != OperationReset { // helpdesk compares each owner with the writer of the address
			err = checkUnrelated(r, a.Owner, p.Owner, now)
		}
		return err
	}); err != nil {
		return Done{}, err
	}
	both := p.WithConsent(&admin.Consent{Approval: a.ID, By: a.By, Owner: a.Owner, Spend: func(tx *account.Tx, u *account.User) error {
		return s.spend(tx, p, u, id)
	}})
	var err error
	done, user := Done{Operation: a.Operation}, string(a.User)
	switch a.Operation {
	case OperationReset:
		done.Reset, err = s.helpDesk.Reset(ctx, both, req, user, helpdesk.ResetRequest{Reason: a.Reason, HelpRequest: a.HelpRequest})
	case OperationRole:
		done.Role, err = s.giveRole(ctx, both, req, user, a.Role)
	case OperationProfile:
		done.User, err = s.directory.UpdateUser(ctx, both, req, user, a.Profile.Change())
	}
	return done, err
}

// giveRole assigns a role, or adds a group to the targets of an assignment.
func (s *Service) giveRole(ctx context.Context, p admin.Principal, req account.RequestInfo, user string, r *Role) (admin.AssignedRole, error) {
	if r.Assignment == "" {
		return s.admin.AssignRole(ctx, p, req, user, admin.NewRoleAssignment{Role: r.Role, Targets: r.Groups})
	}
	if err := s.admin.AddTarget(ctx, p, req, user, r.Assignment, r.Groups[0]); err != nil {
		return admin.AssignedRole{}, err
	}
	assignment, id, err := s.admin.Role(ctx, p, user, r.Assignment)
	return admin.AssignedRole{Assignment: assignment, User: id}, err
}

// spend deletes the approval in the transaction of the operation on u, if p may still approve it.
func (s *Service) spend(tx *account.Tx, p admin.Principal, u *account.User, id string) error {
	a, subject, err := s.checkApprover(tx.Reader, p, id, tx.Op.Now)
	if err != nil {
		return err
	}
	if subject.ID != u.ID {
		return errcode.New(errcode.NotFound)
	}
	return s.delete(tx.Raw, &a)
}

func (s *Service) delete(tx store.Tx, a *Approval) error {
	if err := s.approvals.Delete(tx, key(a.User, a.Operation)); err != nil {
		return fmt.Errorf("deleting approval: %w", err)
	}
	return nil
}

// allows returns nil if p may perform the operation on u, with the consent of another administrator.
func (a *Approval) allows(p admin.Principal, u *account.User) error {
	if err := admin.Authorize(p, a.Operation.permission(), u); err != nil {
		return err
	}
	switch {
	case a.Role != nil:
		return p.CheckAssignable(a.Role.Role)
	case a.Profile != nil && a.Profile.HasAddress() && p.Scoped():
		return errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	return nil
}

// allowsAny is allows for a user of a session who may have asked with one of several roles.
func (a *Approval) allowsAny(p admin.Principal, u *account.User) error {
	err := a.allows(p, u)
	for _, role := range p.Roles() {
		if err == nil {
			return nil
		}
		err = a.allows(p.As(role), u)
	}
	return err
}

// Decides reports whether p may decide about the approval with its role and scope, perhaps after a step-up. Pages offer the decision only
// then; Approve and Reject check more.
func (a *Approval) Decides(p admin.Principal) bool {
	return p.Allows(a.Operation.permission()) && (a.Profile == nil || !a.Profile.HasAddress() || !p.Scoped())
}

// checkApprover returns the approval and its user if p may approve it.
func (s *Service) checkApprover(r account.Reader, p admin.Principal, id string, now time.Time) (Approval, account.User, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return Approval{}, account.User{}, err
	}
	a, u, err := s.find(r, p, id, now)
	if err != nil {
		return a, u, err
	}
	if err := a.allows(p, &u); err != nil {
		return a, u, err
	}
	if p.Owner == a.Owner { // even with another token
		return a, u, errcode.ForbiddenFor(errcode.ReasonSameOwner)
	}
	first, err := s.requester(r, &a, now)
	if err == nil {
		err = a.allowsAny(first, &u)
	}
	if errcode.Of(err) != "" { // a refusal of the other administrator
		err = errcode.ForbiddenFor(errcode.ReasonRequesterRefused)
	}
	return a, u, err
}

// checkUnrelated returns Forbidden if two owners do not count as two: a fooled administrator would approve by an account that they made.
// A relation does not end within the transaction of the operation, whose keys are few.
func checkUnrelated(r account.Reader, first, second string, now time.Time) error {
	related, err := authn.RelatedOwners(r, first, second, now)
	if err == nil && related {
		err = errcode.ForbiddenFor(errcode.ReasonRelated)
	}
	return err
}

// requester returns the principal that requested an approval, with its present role and scope. It returns a refusal if its token
// or the sessions of that time have ended.
func (s *Service) requester(r account.Reader, a *Approval, now time.Time) (admin.Principal, error) {
	if a.Token == "" {
		return admin.UserPrincipal(r, account.UserID(a.Owner), a.Epoch, now)
	}
	return s.admin.TokenPrincipal(r.Raw, a.Token, now)
}

// approvers returns the recipients of the notification of a request of p: the administrators who may approve it.
func (s *Service) approvers(ctx context.Context, p admin.Principal, u *account.User, a *Approval) ([]admin.Recipient, error) {
	if a.Operation == OperationReset {
		return s.admin.PeerAdministrators(ctx, p, u, max(u.Rank(), p.Rank()))
	}
	return s.admin.Approvers(ctx, p, u, func(x admin.Principal) error { return a.allowsAny(x, u) })
}

// Reject deletes an approval. The requesting owner, the user and every administrator who could approve may reject it.
func (s *Service) Reject(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	if err := p.Require(admin.PermRead); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		a, u, err := s.find(tx.Reader, p, id, tx.Op.Now)
		if err != nil {
			return struct{}{}, err
		}
		if p.Owner != a.Owner && p.Owner != string(u.ID) {
			if err := a.allows(p, &u); err != nil {
				return struct{}{}, err
			}
		}
		if err := s.delete(tx.Raw, &a); err != nil {
			return struct{}{}, err
		}
		tx.AddAdminActivity(&u, a.refused(), "")
		if err := tx.Audit(event(p, a.refused(), &a)); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
