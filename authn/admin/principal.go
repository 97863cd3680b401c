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
func (a Permission) minRole() account.Role {
	switch a {
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
func (op Principal) Rank() int {
	if op.Operator {
		return account.RoleSuperAdmin.Rank() + 1
	}
	return op.Role.Rank()
}

// Scoped tells whether the operator is limited to groups.
func (op Principal) Scoped() bool { return op.Groups != nil && !op.Operator }

// InScope tells whether a person lies within the scope: every group of theirs, at least one, and no role. A shadow
// is there for operators limited to groups alone.
func (op Principal) InScope(u *account.User) bool {
	if !op.Scoped() {
		return !u.Placeholder
	}
	return len(u.Groups) > 0 && len(u.Roles) == 0 &&
		!slices.ContainsFunc(u.Groups, func(g account.GroupID) bool { return !slices.Contains(op.Groups, g) })
}

// Require judges an act that is about nobody in particular.
func (op Principal) Require(a Permission) error {
	if op.Owner == "" || op.Rank() < a.minRole().Rank() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// RequireUnscoped judges an act on garages themselves: for administrators of people who are not limited to groups,
// whatever garage they name.
func (op Principal) RequireUnscoped() error { return op.requireAllGroups(PermManage) }

// requireAllGroups judges an act about nobody in particular that whoever is limited to groups does not do.
func (op Principal) requireAllGroups(a Permission) error {
	if err := op.Require(a); err != nil {
		return err
	}
	if op.Scoped() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// MayManageClients judges acts on applications: whoever registers one decides who is told what of everybody, so it is
// for SUPER_ADMIN who is not limited to groups.
func (op Principal) MayManageClients() error {
	if op.Owner == "" || op.Scoped() || op.Rank() < account.RoleSuperAdmin.Rank() {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// Authorize is the one judgement of an operator's act on a person: nil, Forbidden, or NotFound for somebody
// outside the scope, who to this operator is not there (PROTOCOL 11, 21).
func Authorize(op Principal, a Permission, u *account.User) error {
	switch err := op.Require(a); {
	case err != nil:
		return err
	case !op.InScope(u):
		return errcode.New(errcode.NotFound)
	case a == PermRead:
		return nil
	case op.Owner == string(u.ID): // nobody themselves, judged by owner
		return errcode.New(errcode.Forbidden)
	case a == PermApprove && op.Rank() >= u.Rank(), a == PermAssignRoles && op.Rank() >= account.RoleSuperAdmin.Rank():
		return nil
	case op.Rank() <= u.Rank(), a == PermReset && op.NeedsApproval(u): // strictly lower roles only
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// NeedsApproval tells whether a reset that the operator may ask for needs a second administrator's word: of an equal,
// and of somebody whom they themselves made lower, or taking a role away would be the way around it.
func (op Principal) NeedsApproval(u *account.User) bool {
	return !op.Operator && (op.Rank() <= u.Rank() || u.DemotedBy != "" && u.DemotedBy == op.Owner)
}

// CanSeeInvitations tells whether the operator may see an invitation's link or choose a password. Whoever is limited
// to groups may not: by such a link it would show that somebody is known elsewhere (PROTOCOL 21).
func (op Principal) CanSeeInvitations() bool { return op.CanReadSecrets() && !op.Scoped() }

// CanReadSecrets tells whether an answer to this operator may hold a link. HELP_DESK_ADMIN never (PROTOCOL 20).
func (op Principal) CanReadSecrets() bool {
	return op.Operator || op.CanSeeSecrets && op.Rank() > account.RoleHelpDesk.Rank()
}

// RequireSignIn judges whether the operator's programs may sign people in (PROTOCOL 25). A role is no part of it: the person's own
// password and device are what is proven.
func (op Principal) RequireSignIn() error {
	if op.Owner == "" || !op.CanSignInUsers && !op.Operator {
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// CheckInitialRole judges whether the operator may give a role: strictly lower ones, and SUPER_ADMIN any. Whoever is
// limited to groups gives none, for people with a role lie outside every scope.
func (op Principal) CheckInitialRole(r account.Role) error {
	switch {
	case r == "":
		return nil
	case r.Rank() < 0:
		return errcode.InvalidField("role", "unknown")
	case op.Scoped(), op.Rank() < account.RoleSuperAdmin.Rank() && op.Rank() <= r.Rank():
		return errcode.New(errcode.Forbidden)
	}
	return nil
}

// CheckAssignable judges giving or taking a role, or changing what it is limited to. The holder is judged by may.
func (op Principal) CheckAssignable(r account.Role) error {
	if err := op.RequireUnscoped(); err != nil {
		return err
	}
	if r.Rank() <= 0 {
		return errcode.InvalidField("type", "unknown")
	}
	return op.CheckInitialRole(r)
}

// CoversGroups tells whether groups lie within the operator's scope; none at all lies in nobody's.
func (op Principal) CoversGroups(groups []account.GroupID) bool {
	return !op.Scoped() || len(groups) > 0 &&
		!slices.ContainsFunc(groups, func(g account.GroupID) bool { return !slices.Contains(op.Groups, g) })
}

// Actor returns the principal as the actor of audit events.
func (op Principal) Actor() audit.Actor {
	kind := audit.TypeUser
	switch {
	case strings.HasPrefix(op.ID, "token:"):
		kind = audit.TypeToken
	case strings.HasPrefix(op.ID, "client:"):
		kind = audit.TypeApplication
	case strings.HasPrefix(op.ID, "operator:"):
		kind = audit.TypeOperator
	}
	return audit.Actor{Type: kind, ID: op.ID, Name: op.Name}
}

// Event is an act of the operator on a person, done.
func (op Principal) Event(action string, u *account.User) audit.Event {
	return audit.Event{Actor: op.Actor(), Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success}
}

// DisplayName returns the name of the principal in notifications: that of the service for the operator.
func (op Principal) DisplayName(issuer string) string {
	if op.Operator || op.Name == "" {
		return issuer
	}
	return op.Name
}
