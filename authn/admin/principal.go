package admin

import (
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Principal is who acts on others. The zero value may do nothing.
type Principal struct {
	ID             string            // "token:<id>", "operator:<uid>"
	Name           string            // of the token or the unix user
	Owner          string            // user id or "operator:<uid>": self and the two hands are judged by owner
	Role           account.Role      // what it may do; nothing with Machine
	Groups         []account.GroupID // the scope; nil: everybody; empty and not nil: nobody (PROTOCOL 21)
	Operator       bool              // at the socket or the closed folder: the machine's owner
	CanSeeSecrets  bool              // answers may hold links (PROTOCOL 20)
	CanSignInUsers bool              // may use the sign-in for programs

	expires time.Time // of the token; zero: never
}

// Permission is what an operator wants to do about a person.
type Permission int

const (
	PermRead        Permission = iota
	PermInvite                 // make, invite, work on a help request
	PermReset                  // take away devices, one or all
	PermAssist                 // unlock, end sessions, start a mail for a new password
	PermManage                 // profile, life cycle, tokens and what only administrators do
	PermApprove                // ask a second administrator for the reset of an equal, or be that one (PROTOCOL 11)
	PermAssignRoles            // give and take roles
	PermConfigure              // what concerns everybody at once, such as who is told of events
)

// minRole is the lowest role that may do an act.
func (perm Permission) minRole() account.Role {
	switch perm {
	case PermRead:
		return account.RoleReadOnly
	case PermInvite, PermReset, PermAssist, PermApprove:
		return account.RoleHelpDesk
	case PermConfigure:
		return account.RoleSuperAdmin
	}
	return account.RoleUserAdmin
}

// Rank is that of the role; the machine's owner stands above all.
func (p Principal) Rank() int {
	if p.Operator {
		return account.RoleSuperAdmin.Rank() + 1
	}
	return p.Role.Rank()
}

// Scoped tells whether the operator is limited to groups.
func (p Principal) Scoped() bool { return p.Groups != nil && !p.Operator }

// InScope tells whether a person lies within the scope: every group of theirs, at least one, and no role. A shadow
// is there for operators limited to groups alone.
func (p Principal) InScope(u *account.User) bool {
	if !p.Scoped() {
		return !u.Placeholder
	}
	return len(u.Groups) > 0 && len(u.Roles) == 0 &&
		!slices.ContainsFunc(u.Groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })
}

// Require judges an act that is about nobody in particular.
func (p Principal) Require(perm Permission) error {
	if p.Owner == "" || p.Rank() < perm.minRole().Rank() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// RequireUnscoped judges an act on garages themselves: for administrators of people who are not limited to groups,
// whatever garage they name.
func (p Principal) RequireUnscoped() error { return p.requireAllGroups(PermManage) }

// requireAllGroups judges an act about nobody in particular that whoever is limited to groups does not do.
func (p Principal) requireAllGroups(perm Permission) error {
	if err := p.Require(perm); err != nil {
		return err
	}
	if p.Scoped() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// MayManageClients judges acts on applications: whoever registers one decides who is told what of everybody, so it is
// for SUPER_ADMIN who is not limited to groups.
func (p Principal) MayManageClients() error {
	if p.Owner == "" || p.Scoped() || p.Rank() < account.RoleSuperAdmin.Rank() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// Authorize is the one judgement of an operator's act on a person: nil, Forbidden, or NotFound for somebody
// outside the scope, who to this operator is not there (PROTOCOL 11, 21).
func Authorize(p Principal, perm Permission, u *account.User) error {
	switch err := p.Require(perm); {
	case err != nil:
		return err
	case !p.InScope(u):
		return errcode.New(errcode.NotFound)
	case perm == PermRead:
		return nil
	case p.Owner == string(u.ID): // nobody themselves, judged by owner
		return errcode.New(errcode.Forbidden)
	case perm == PermApprove && p.Rank() >= u.Rank(), perm == PermAssignRoles && p.Rank() >= account.RoleSuperAdmin.Rank():
		return nil
	case p.Rank() <= u.Rank(), perm == PermReset && p.NeedsApproval(u): // strictly lower roles only
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// NeedsApproval tells whether a reset that the operator may ask for needs a second administrator's word: of an equal,
// and of somebody whom they themselves made lower, or taking a role away would be the way around it.
func (p Principal) NeedsApproval(u *account.User) bool {
	return !p.Operator && (p.Rank() <= u.Rank() || u.DemotedBy != "" && u.DemotedBy == p.Owner)
}

// CanSeeInvitations tells whether the operator may see an invitation's link or choose a password. Whoever is limited
// to groups may not: by such a link it would show that somebody is known elsewhere (PROTOCOL 21).
func (p Principal) CanSeeInvitations() bool { return p.CanReadSecrets() && !p.Scoped() }

// CanReadSecrets tells whether an answer to this operator may hold a link. HELP_DESK_ADMIN never (PROTOCOL 20).
func (p Principal) CanReadSecrets() bool {
	return p.Operator || p.CanSeeSecrets && p.Rank() > account.RoleHelpDesk.Rank()
}

// RequireSignIn judges whether the operator's programs may sign people in (PROTOCOL 25). A role is no part of it: the person's own
// password and device are what is proven.
func (p Principal) RequireSignIn() error {
	if p.Owner == "" || !p.CanSignInUsers && !p.Operator {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// CheckInitialRole judges whether the operator may give a role: strictly lower ones, and SUPER_ADMIN any. Whoever is
// limited to groups gives none, for people with a role lie outside every scope.
func (p Principal) CheckInitialRole(r account.Role) error {
	switch {
	case r == "":
		return nil
	case r.Rank() < 0:
		return errcode.InvalidField("role", "unknown")
	case p.Scoped(), p.Rank() < account.RoleSuperAdmin.Rank() && p.Rank() <= r.Rank():
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// CheckAssignable judges giving or taking a role, or changing what it is limited to. The holder is judged by may.
func (p Principal) CheckAssignable(r account.Role) error {
	if err := p.RequireUnscoped(); err != nil {
		return err
	}
	if r.Rank() <= 0 {
		return errcode.InvalidField("type", "unknown")
	}
	return p.CheckInitialRole(r)
}

// CoversGroups tells whether groups lie within the operator's scope; none at all lies in nobody's.
func (p Principal) CoversGroups(groups []account.GroupID) bool {
	return !p.Scoped() || len(groups) > 0 &&
		!slices.ContainsFunc(groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })
}

// Actor returns the principal as the actor of audit events.
func (p Principal) Actor() audit.Actor {
	kind := audit.TypeUser
	switch {
	case strings.HasPrefix(p.ID, "token:"):
		kind = audit.TypeToken
	case strings.HasPrefix(p.ID, "client:"):
		kind = audit.TypeApplication
	case strings.HasPrefix(p.ID, "operator:"):
		kind = audit.TypeOperator
	}
	return audit.Actor{Type: kind, ID: p.ID, Name: p.Name}
}

// Event is an act of the operator on a person, done.
func (p Principal) Event(action string, u *account.User) audit.Event {
	return audit.Event{Actor: p.Actor(), Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success}
}

// DisplayName returns the name of the principal in notifications: that of the service for the operator.
func (p Principal) DisplayName(issuer string) string {
	if p.Operator || p.Name == "" {
		return issuer
	}
	return p.Name
}
