package admin

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// NewRoleAssignment describes a role to assign.
type NewRoleAssignment struct {
	Role    account.Role
	Targets []account.GroupID // the groups that it is limited to; nil: all users; an empty list is invalid
}

// wrongState returns a WrongState error with a reason.
func wrongState(reason string) error {
	return &errcode.Error{Code: errcode.WrongState, Reason: reason}
}

// Roles returns the role assignments of a user. It returns NotFound if the user is not in the scope of p.
func (s *Service) Roles(ctx context.Context, p Principal, id string) ([]account.RoleAssignment, account.UserID, error) {
	u, err := s.User(ctx, p, id)
	return u.Roles, u.ID, err
}

// RoleHolders returns a page of the administrators and where they hold which roles. next is the cursor of the next page, or empty at
// the end. A principal with a group scope may not: administrators are outside every scope (protocol rule 21).
func (s *Service) RoleHolders(ctx context.Context, p Principal, q roster.HoldingQuery) (found []roster.Holding, next string, err error) {
	if err := p.RequireUnscoped(PermRead); err != nil {
		return nil, "", err
	}
	found, next, err = roster.Holdings(ctx, s.Accounts, q)
	for i := range found {
		found[i].User = WithoutSecrets(found[i].User)
	}
	return found, next, err
}

// Role returns one role assignment of a user.
func (s *Service) Role(ctx context.Context, p Principal, id, rid string) (account.RoleAssignment, account.UserID, error) {
	u, err := s.User(ctx, p, id)
	if err != nil {
		return account.RoleAssignment{}, "", err
	}
	i, err := assignmentIndex(&u, rid)
	if err != nil {
		return account.RoleAssignment{}, "", err
	}
	return u.Roles[i], u.ID, nil
}

// assignmentIndex returns the index of a role assignment of u, or NotFound.
func assignmentIndex(u *account.User, rid string) (int, error) {
	i := slices.IndexFunc(u.Roles, func(g account.RoleAssignment) bool { return g.ID == rid })
	if i < 0 {
		return 0, errcode.New(errcode.NotFound)
	}
	return i, nil
}

// changeableRole returns the index of a role assignment of u that p may revoke or limit.
func (p Principal) changeableRole(u *account.User, rid string) (int, error) {
	i, err := assignmentIndex(u, rid)
	if err == nil {
		err = p.CheckAssignable(u.Roles[i].Role)
	}
	return i, err
}

// Targets returns the groups that a role assignment is limited to, in the order of their ids. It omits deleted groups,
// although the assignment remains limited to them.
func (s *Service) Targets(ctx context.Context, p Principal, id, rid string) (groups []account.Group, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		groups = nil
		u, err := FindUser(r, p, PermRead, id)
		if err != nil {
			return err
		}
		i, err := assignmentIndex(&u, rid)
		if err != nil {
			return err
		}
		for _, gid := range slices.Sorted(slices.Values(u.Roles[i].Groups)) {
			switch g, err := r.Group(gid); {
			case err == nil:
				groups = append(groups, g)
			case errcode.Of(err) != errcode.NotFound:
				return err
			}
		}
		return nil
	})
	return groups, err
}

// AssignedRole is the result of AssignRole.
type AssignedRole struct {
	Assignment account.RoleAssignment
	User       account.UserID
}

// AssignRole assigns a role to a user. SUPER_ADMIN can assign every role to any other user; other principals can assign
// a strictly lower role to a user with a strictly lower rank. A principal with a group scope can assign none.
// The operator confirms a role that rests by assigning it, with the groups that it shall have.
// AssignRole returns WrongState if the user has the role or is deactivated, and Invalid if the role or its groups are. It returns
// ApprovalRequired for one administrator without the consent of another (protocol rule 11).
func (s *Service) AssignRole(ctx context.Context, p Principal, req account.RequestInfo, id string, n NewRoleAssignment) (AssignedRole, error) {
	if err := p.CheckAssignable(n.Role); err != nil {
		return AssignedRole{}, err
	}
	targets := slices.Compact(slices.Sorted(slices.Values(n.Targets)))
	switch {
	case n.Targets != nil && len(targets) == 0: // an empty list must not mean all users
		return AssignedRole{}, errcode.InvalidField("targets", "empty")
	case len(targets) > MaxGroups:
		return AssignedRole{}, errcode.InvalidField("targets", "too_many")
	case len(targets) > 0 && n.Role == account.RoleSuperAdmin:
		return AssignedRole{}, wrongState(errcode.ReasonNoTargets)
	}
	out, err := s.changeRole(ctx, p, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		if u.Status == account.StatusDeactivated {
			return nil, wrongState(errcode.ReasonDeactivated)
		}
		if err := p.CheckNoCoolOff(u, tx.Op.Now); err != nil {
			return nil, err
		}
		held := slices.IndexFunc(u.Roles, func(g account.RoleAssignment) bool { return g.Role == n.Role })
		if held >= 0 && (!u.Roles[held].Rests || !p.Operator) {
			return nil, wrongState(errcode.ReasonHasRole)
		}
		for _, gid := range targets {
			if _, err := tx.Group(gid); errcode.Of(err) == errcode.NotFound {
				return nil, errcode.InvalidField("targets", "unknown")
			} else if err != nil {
				return nil, err
			}
		}
		if err := p.RequireConsent(); err != nil {
			return nil, err
		}
		g := account.RoleAssignment{ID: "r" + tx.Op.ID("grant"), Role: n.Role, Groups: targets, Created: tx.Op.Now, Changed: tx.Op.Now}
		u.Roles = append(slices.Clone(u.Roles), g)
		if held >= 0 { // the operator confirms it (protocol rule 33)
			u.Roles = slices.Delete(u.Roles, held, held+1)
		}
		if !slices.Contains(p.Owners(), u.DemotedBy) {
			u.DemotedBy = ""
		}
		tx.SetResult(AssignedRole{g, u.ID})
		return &RoleChange{Action: audit.RoleGranted, Assignment: g}, nil
	})
	if err != nil {
		return AssignedRole{}, err
	}
	return AssignedRole{out.Assignment, out.User.ID}, nil
}

// RevokeRole removes a role assignment, with the permission that AssignRole needs. It ends the sessions of the user and
// raises their epoch (protocol rule 2). It returns WrongState if no other SUPER_ADMIN can sign in; then only the operator can
// revoke that role.
func (s *Service) RevokeRole(ctx context.Context, p Principal, req account.RequestInfo, id, rid string) error {
	if err := p.RequireUnscoped(PermManage); err != nil {
		return err
	}
	other, err := s.otherSuperAdmin(ctx, p, id, rid)
	if err != nil {
		return err
	}
	_, err = s.changeRole(ctx, p, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		i, err := p.changeableRole(u, rid)
		if err != nil {
			return nil, err
		}
		g := u.Roles[i]
		if g.Role == account.RoleSuperAdmin && !p.Operator {
			if err := s.requireSuperAdmin(tx, other); err != nil {
				return nil, err
			}
			u.DemotedBy = p.Owner
		}
		u.Roles = slices.Delete(slices.Clone(u.Roles), i, i+1)
		_, err = tx.RevokeAllSessions(u, false)
		return &RoleChange{Action: audit.RoleRevoked, Assignment: g}, err
	})
	return err
}

// otherSuperAdmin returns another SUPER_ADMIN who can sign in, if RevokeRole needs one. It returns an empty id if there is none
// or none is needed.
func (s *Service) otherSuperAdmin(ctx context.Context, p Principal, id, rid string) (account.UserID, error) {
	if p.Operator {
		return "", nil
	}
	g, holder, err := s.Role(ctx, p, id, rid)
	if err != nil || g.Role != account.RoleSuperAdmin {
		return "", err
	}
	return OtherSuperAdmin(ctx, s.Accounts, holder)
}

// OtherSuperAdmin returns another SUPER_ADMIN who can sign in; "" if there is none.
func OtherSuperAdmin(ctx context.Context, accounts *account.Service, not account.UserID) (account.UserID, error) {
	found, err := roster.Holders(ctx, accounts, roster.HolderQuery{All: true, MinRank: account.RoleSuperAdmin.Rank(), Limit: 1,
		Filter: func(u *account.User) bool { return u.ID != not && CanAdminister(accounts, u) }})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

// CanAdminister reports whether u is a SUPER_ADMIN who can sign in: active, with a password and a device that is usable now. No change
// of others may leave the service without one.
func CanAdminister(accounts *account.Service, u *account.User) bool {
	return u.Status == account.StatusActive && u.Active().Rank() >= account.RoleSuperAdmin.Rank() && u.Password.Hash != "" &&
		len(accounts.UsableDevices(u)) > 0
}

// requireSuperAdmin returns an error unless the other user is still a SUPER_ADMIN who can sign in.
func (s *Service) requireSuperAdmin(tx *account.Tx, other account.UserID) error {
	if other == "" {
		return wrongState(errcode.ReasonLastAdmin)
	}
	u, err := tx.User(other)
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && !CanAdminister(s.Accounts, &u): // changed since otherSuperAdmin
		return &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
	}
	return err
}

// AddTarget limits a role assignment to one more group. The first group limits an assignment that was valid for all
// users. Each further one widens it, with the consent that AssignRole needs. A group that is already a target changes nothing.
func (s *Service) AddTarget(ctx context.Context, p Principal, req account.RequestInfo, id, rid string, gid account.GroupID) error {
	return s.changeTargets(ctx, p, req, id, rid, func(tx *account.Tx, groups []account.GroupID) ([]account.GroupID, error) {
		if _, err := tx.Group(gid); err != nil || slices.Contains(groups, gid) {
			return groups, err
		}
		if len(groups) >= MaxGroups {
			return nil, errcode.New(errcode.TooMany)
		}
		return append(slices.Clone(groups), gid), nil
	})
}

// RemoveTarget removes a group, which may be deleted, from the targets of a role assignment. It returns WrongState for
// the last target, as Okta does: without a target the role would be valid for all users.
func (s *Service) RemoveTarget(ctx context.Context, p Principal, req account.RequestInfo, id, rid string, gid account.GroupID) error {
	return s.changeTargets(ctx, p, req, id, rid, func(_ *account.Tx, groups []account.GroupID) ([]account.GroupID, error) {
		switch at := slices.Index(groups, gid); {
		case at < 0:
			return nil, errcode.New(errcode.NotFound)
		case len(groups) == 1:
			return nil, wrongState(errcode.ReasonLastTarget)
		default:
			return slices.Delete(slices.Clone(groups), at, at+1), nil
		}
	})
}

// changeTargets stores the groups that change returns for a role assignment.
func (s *Service) changeTargets(ctx context.Context, p Principal, req account.RequestInfo, id, rid string,
	change func(*account.Tx, []account.GroupID) ([]account.GroupID, error)) error {
	if err := p.RequireUnscoped(PermManage); err != nil {
		return err
	}
	_, err := s.changeRole(ctx, p, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		i, err := p.changeableRole(u, rid)
		if err != nil {
			return nil, err
		}
		g := u.Roles[i]
		if g.Role == account.RoleSuperAdmin {
			return nil, wrongState(errcode.ReasonNoTargets)
		}
		groups, err := change(tx, g.Groups)
		if err != nil || slices.Equal(groups, g.Groups) {
			return nil, err
		}
		if len(groups) > len(g.Groups) && len(g.Groups) > 0 { // the role gets a further group
			if err := p.CheckNoCoolOff(u, tx.Op.Now); err != nil {
				return nil, err
			}
			if err := p.RequireConsent(); err != nil {
				return nil, err
			}
		}
		g.Groups, g.Changed = groups, tx.Op.Now
		u.Roles = slices.Clone(u.Roles)
		u.Roles[i] = g
		tx.SetResult(AssignedRole{g, u.ID})
		return &RoleChange{Action: audit.RoleLimited, Assignment: g}, nil
	})
	return err
}

// RoleChange is a change of a role assignment and the user who holds it.
type RoleChange struct {
	Action     string
	Assignment account.RoleAssignment
	User       account.User
}

// changeRole checks, stores and audits a change of a role assignment in one transaction. If change returns nil, it does
// nothing. The user receives a notification of an assignment or revocation. If the role is SUPER_ADMIN, the other
// administrators with that role receive one too.
func (s *Service) changeRole(ctx context.Context, p Principal, req account.RequestInfo, id string,
	change func(*account.Tx, *account.User) (*RoleChange, error)) (RoleChange, error) {
	op := s.Accounts.NewOperation(req)
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (RoleChange, error) {
		u, err := FindUser(tx.Reader, p, PermAssignRoles, id)
		if err != nil {
			return RoleChange{}, err
		}
		if err := p.SpendConsent(tx, &u); err != nil {
			return RoleChange{}, err
		}
		done, err := change(tx, &u)
		if err != nil || done == nil {
			return RoleChange{}, err
		}
		if done.Action != audit.RoleRevoked {
			p.Sponsor(tx, &u)
		}
		done.User = u
		tx.AddAdminActivity(&u, done.Action, string(done.Assignment.Role))
		e := p.Event(done.Action, &u)
		e.Detail = map[string]string{"role": string(done.Assignment.Role), "roleId": done.Assignment.ID, "owner": p.Owner}
		p.DescribeConsent(&e)
		if done.Assignment.Role != account.RoleSuperAdmin {
			e.Detail["scope"] = ScopeName(done.Assignment.Groups)
		}
		if err := tx.Audit(e); err != nil {
			return RoleChange{}, err
		}
		if done.Action != audit.RoleLimited {
			m := notice.RoleChanged{Context: notice.Context{Name: u.DisplayName(), At: op.Now}, By: p.DisplayName(s.Accounts.Policy.Issuer),
				Role: string(done.Assignment.Role), Assigned: done.Action == audit.RoleGranted}
			if err := tx.Notify(&u, m, time.Time{}); err != nil {
				return RoleChange{}, err
			}
		}
		return *done, tx.Save(&u)
	})
	if err != nil || out.Action == "" || out.Assignment.Role != account.RoleSuperAdmin {
		return out, err
	}
	return out, s.NotifySuperAdmins(ctx, p, req, out, op.Now)
}

// NotifySuperAdmins notifies the other SUPER_ADMINs of a change of a SUPER_ADMIN assignment.
func (s *Service) NotifySuperAdmins(ctx context.Context, p Principal, req account.RequestInfo, c RoleChange, now time.Time) error {
	all, err := s.PeerAdministrators(ctx, p, &c.User, account.RoleSuperAdmin.Rank())
	if err != nil {
		return err
	}
	return s.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		return notice.RoleChanged{Context: notice.Context{Name: name, At: now}, User: c.User.DisplayName(), By: p.DisplayName(s.Accounts.Policy.Issuer),
			Role: string(c.Assignment.Role), Assigned: c.Action == audit.RoleGranted}
	}, all)
}

// PeerAdministrators returns the active administrators with at least this rank for all users, without u and the owner
// of p. It omits administrators with a group scope, who must not learn about users with a role (protocol rule 21).
func (s *Service) PeerAdministrators(ctx context.Context, p Principal, u *account.User, rank int) ([]Recipient, error) {
	return s.recipients(ctx, roster.HolderQuery{All: true, MinRank: rank, Filter: func(x *account.User) bool {
		return x.Status == account.StatusActive && x.Email != "" && x.ID != u.ID && string(x.ID) != p.Owner
	}})
}
