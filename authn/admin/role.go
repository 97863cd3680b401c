package admin

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// NewRole is a role to be given.
type NewRole struct {
	Role    account.Role
	Targets []account.GroupID // the garages that it is limited to; nil: everybody; an empty list is refused
}

func refused(reason string) error {
	return &errcode.Error{Code: errcode.WrongState, Reason: reason}
}

// Roles reads a person for their roles; NotFound when there is none that this operator may know of.
func (d *Service) Roles(ctx context.Context, op Principal, id string) ([]account.RoleAssignment, account.UserID, error) {
	u, err := d.User(ctx, op, id)
	return u.Roles, u.ID, err
}

// Role reads one role of a person.
func (d *Service) Role(ctx context.Context, op Principal, id, rid string) (account.RoleAssignment, account.UserID, error) {
	u, err := d.User(ctx, op, id)
	if err != nil {
		return account.RoleAssignment{}, "", err
	}
	i, err := roleAt(&u, rid)
	if err != nil {
		return account.RoleAssignment{}, "", err
	}
	return u.Roles[i], u.ID, nil
}

func roleAt(u *account.User, rid string) (int, error) {
	i := slices.IndexFunc(u.Roles, func(g account.RoleAssignment) bool { return g.ID == rid })
	if i < 0 {
		return 0, errcode.New(errcode.NotFound)
	}
	return i, nil
}

// changes is where a role stands that the operator may take or limit.
func (op Principal) changes(u *account.User, rid string) (int, error) {
	i, err := roleAt(u, rid)
	if err == nil {
		err = op.CheckAssignable(u.Roles[i].Role)
	}
	return i, err
}

// Targets lists the garages that a role of a person is limited to, in the order of their ids: none of one for
// everybody, and none that is deleted, though the role stays limited to it.
func (d *Service) Targets(ctx context.Context, op Principal, id, rid string) (groups []account.Group, err error) {
	err = d.Accounts.View(ctx, func(r account.Reader) error {
		groups = nil
		u, err := FindUser(r, op, PermRead, id)
		if err != nil {
			return err
		}
		i, err := roleAt(&u, rid)
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

// Granted is a role that was given, and to whom.
type Granted struct {
	Grant account.RoleAssignment
	User  account.UserID
}

// GrantRole gives a person a role: a strictly lower one to somebody strictly lower, SUPER_ADMIN any to anybody, nobody
// to themselves, nobody who is limited to groups. WrongState: the person has it, or is deactivated. Invalid.
func (d *Service) GrantRole(ctx context.Context, op Principal, req account.RequestInfo, id string, n NewRole) (Granted, error) {
	if err := op.CheckAssignable(n.Role); err != nil {
		return Granted{}, err
	}
	targets := slices.Compact(slices.Sorted(slices.Values(n.Targets)))
	switch {
	case n.Targets != nil && len(targets) == 0: // never taken for everybody
		return Granted{}, errcode.InvalidField("targets", "empty")
	case len(targets) > MaxGroups:
		return Granted{}, errcode.InvalidField("targets", "too_many")
	case len(targets) > 0 && n.Role == account.RoleSuperAdmin:
		return Granted{}, refused(errcode.ReasonNoTargets)
	}
	out, err := d.changeRole(ctx, op, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		if u.Status == account.StatusDeactivated {
			return nil, refused(errcode.ReasonDeactivated)
		}
		if slices.ContainsFunc(u.Roles, func(g account.RoleAssignment) bool { return g.Role == n.Role }) {
			return nil, refused(errcode.ReasonHasRole)
		}
		for _, gid := range targets {
			if _, err := tx.Group(gid); errcode.Of(err) == errcode.NotFound {
				return nil, errcode.InvalidField("targets", "unknown")
			} else if err != nil {
				return nil, err
			}
		}
		g := account.RoleAssignment{ID: "r" + tx.Op.ID("grant"), Role: n.Role, Groups: targets, Created: tx.Op.Now, Changed: tx.Op.Now}
		u.Roles = append(slices.Clone(u.Roles), g)
		if u.DemotedBy != op.Owner {
			u.DemotedBy = ""
		}
		tx.SetResult(Granted{g, u.ID})
		return &RoleChange{Action: audit.RoleGranted, Assignment: g}, nil
	})
	if err != nil {
		return Granted{}, err
	}
	return Granted{out.Assignment, out.User.ID}, nil
}

// RevokeRole takes a role from a person, by those who may give it. Their sessions end with it and the Epoch rises
// (PROTOCOL 2). WrongState: it is that of the last active SUPER_ADMIN, which the machine's owner alone takes.
func (d *Service) RevokeRole(ctx context.Context, op Principal, req account.RequestInfo, id, rid string) error {
	if err := op.RequireUnscoped(); err != nil {
		return err
	}
	spare, err := d.otherSuper(ctx, op, id, rid)
	if err != nil {
		return err
	}
	_, err = d.changeRole(ctx, op, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		i, err := op.changes(u, rid)
		if err != nil {
			return nil, err
		}
		g := u.Roles[i]
		if g.Role == account.RoleSuperAdmin && !op.Operator {
			if err := stillSuper(tx, spare); err != nil {
				return nil, err
			}
			u.DemotedBy = op.Owner
		}
		u.Roles = slices.Delete(slices.Clone(u.Roles), i, i+1)
		_, err = tx.RevokeAllSessions(u, false)
		return &RoleChange{Action: audit.RoleRevoked, Assignment: g}, err
	})
	return err
}

// otherSuper is somebody else who is SUPER_ADMIN, where that matters; "" for nobody.
func (d *Service) otherSuper(ctx context.Context, op Principal, id, rid string) (account.UserID, error) {
	if op.Operator {
		return "", nil
	}
	g, holder, err := d.Role(ctx, op, id, rid)
	if err != nil || g.Role != account.RoleSuperAdmin {
		return "", err
	}
	q := account.UserQuery{Limit: 1, Filter: func(u account.User) bool { return u.ID != holder && isSuper(&u) }}
	for {
		found, next, err := d.Accounts.ListUsers(ctx, q)
		if err != nil || len(found) > 0 || next == "" {
			if len(found) > 0 {
				return found[0].ID, nil
			}
			return "", err
		}
		q.After = next
	}
}

func isSuper(u *account.User) bool {
	return u.Status == account.StatusActive && u.Rank() >= account.RoleSuperAdmin.Rank()
}

// stillSuper refuses to leave the house without a SUPER_ADMIN: the one found before must still be one.
func stillSuper(tx *account.Tx, spare account.UserID) error {
	if spare == "" {
		return refused(errcode.ReasonLastAdmin)
	}
	u, err := tx.User(spare)
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && !isSuper(&u): // since a moment ago
		return &errcode.Error{Code: errcode.Overloaded, RetryAfter: time.Second}
	}
	return err
}

// AddTarget limits a role to one more garage. The first one narrows a role that was for everybody. One that is there
// already changes nothing.
func (d *Service) AddTarget(ctx context.Context, op Principal, req account.RequestInfo, id, rid string, gid account.GroupID) error {
	return d.changeTargets(ctx, op, req, id, rid, func(tx *account.Tx, groups []account.GroupID) ([]account.GroupID, error) {
		if _, err := tx.Group(gid); err != nil || slices.Contains(groups, gid) {
			return groups, err
		}
		if len(groups) >= MaxGroups {
			return nil, errcode.New(errcode.TooMany)
		}
		return append(slices.Clone(groups), gid), nil
	})
}

// RemoveTarget takes a garage, be it deleted, from those that a role is limited to. The last one stays, as with Okta
// (WrongState): without it the role would be for everybody.
func (d *Service) RemoveTarget(ctx context.Context, op Principal, req account.RequestInfo, id, rid string, gid account.GroupID) error {
	return d.changeTargets(ctx, op, req, id, rid, func(_ *account.Tx, groups []account.GroupID) ([]account.GroupID, error) {
		switch at := slices.Index(groups, gid); {
		case at < 0:
			return nil, errcode.New(errcode.NotFound)
		case len(groups) == 1:
			return nil, refused(errcode.ReasonLastTarget)
		default:
			return slices.Delete(slices.Clone(groups), at, at+1), nil
		}
	})
}

func (d *Service) changeTargets(ctx context.Context, op Principal, req account.RequestInfo, id, rid string,
	change func(*account.Tx, []account.GroupID) ([]account.GroupID, error)) error {
	if err := op.RequireUnscoped(); err != nil {
		return err
	}
	_, err := d.changeRole(ctx, op, req, id, func(tx *account.Tx, u *account.User) (*RoleChange, error) {
		i, err := op.changes(u, rid)
		if err != nil {
			return nil, err
		}
		g := u.Roles[i]
		if g.Role == account.RoleSuperAdmin {
			return nil, refused(errcode.ReasonNoTargets)
		}
		groups, err := change(tx, g.Groups)
		if err != nil || slices.Equal(groups, g.Groups) {
			return nil, err
		}
		g.Groups, g.Changed = groups, tx.Op.Now
		u.Roles = slices.Clone(u.Roles)
		u.Roles[i] = g
		return &RoleChange{Action: audit.RoleLimited, Assignment: g}, nil
	})
	return err
}

// RoleChange is what became of a role, user whose it is.
type RoleChange struct {
	Action     string
	Assignment account.RoleAssignment
	User       account.User
}

// changeRole judges, changes, audits, tells and stores in one Update. A change of nothing is no act. The person is
// told of a role given or taken, and of SUPER_ADMIN every other administrator of that role.
func (d *Service) changeRole(ctx context.Context, op Principal, req account.RequestInfo, id string,
	change func(*account.Tx, *account.User) (*RoleChange, error)) (RoleChange, error) {
	a := d.Accounts.NewOperation(req)
	out, err := account.Update(ctx, d.Accounts, a, func(tx *account.Tx) (RoleChange, error) {
		u, err := FindUser(tx.Reader, op, PermAssignRoles, id)
		if err != nil {
			return RoleChange{}, err
		}
		done, err := change(tx, &u)
		if err != nil || done == nil {
			return RoleChange{}, err
		}
		done.User = u
		tx.AddAdminActivity(&u, done.Action, string(done.Assignment.Role))
		e := op.Event(done.Action, &u)
		e.Detail = map[string]string{"role": string(done.Assignment.Role), "roleId": done.Assignment.ID, "owner": op.Owner}
		if done.Assignment.Role != account.RoleSuperAdmin {
			e.Detail["scope"] = ScopeName(done.Assignment.Groups)
		}
		if err := tx.Audit(e); err != nil {
			return RoleChange{}, err
		}
		if done.Action != audit.RoleLimited {
			m := notice.RoleChanged{Context: notice.Context{Name: u.DisplayName(), At: a.Now}, By: op.DisplayName(d.Accounts.Policy.Issuer),
				Role: string(done.Assignment.Role), Given: done.Action == audit.RoleGranted}
			if err := tx.Notify(&u, m, time.Time{}); err != nil {
				return RoleChange{}, err
			}
		}
		return *done, tx.Save(&u)
	})
	if err != nil || out.Action == "" || out.Assignment.Role != account.RoleSuperAdmin {
		return out, err
	}
	return out, d.NotifySuperAdmins(ctx, op, req, out, a.Now)
}

// NotifySuperAdmins tells the administrators of the highest role of a change to their ranks.
func (d *Service) NotifySuperAdmins(ctx context.Context, op Principal, req account.RequestInfo, c RoleChange, now time.Time) error {
	all, err := d.PeerAdministrators(ctx, op, &c.User, account.RoleSuperAdmin.Rank())
	if err != nil {
		return err
	}
	return d.NotifyRemaining(ctx, req, func(name string) notice.Notice {
		return notice.RoleChanged{Context: notice.Context{Name: name, At: now}, Person: c.User.DisplayName(), By: op.DisplayName(d.Accounts.Policy.Issuer),
			Role: string(c.Assignment.Role), Given: c.Action == audit.RoleGranted}
	}, all)
}

// PeerAdministrators are the active people of at least a rank for everybody, without the person and the one who acts. Whoever is
// limited to groups is not to learn of people with a role (PROTOCOL 21).
func (d *Service) PeerAdministrators(ctx context.Context, op Principal, u *account.User, rank int) (all []Recipient, err error) {
	q := account.UserQuery{Filter: func(x account.User) bool {
		return x.Status == account.StatusActive && x.Email != "" && x.ID != u.ID && string(x.ID) != op.Owner &&
			slices.ContainsFunc(x.Roles, func(g account.RoleAssignment) bool { return g.Role.Rank() >= rank && len(g.Groups) == 0 })
	}}
	for {
		people, next, err := d.Accounts.ListUsers(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range people {
			all = append(all, d.entry(&people[i]))
		}
		if next == "" || len(all) >= mostAreTold {
			return all[:min(len(all), mostAreTold)], nil
		}
		q.After = next
	}
}
