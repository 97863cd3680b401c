package admin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// Principal is the caller of an administrative operation. The zero value has no permissions.
type Principal struct {
	ID             string            // "token:<id>", "client:<id>", "user:<id>" of a session, "operator:<uid>"
	Name           string            // of the token or the Unix user
	OwnerName      string            // display name of the owner; "": the operator
	Owner          string            // user id or "operator:<uid>"; self-service and provenance are decided by owner, not by ID
	Role           account.Role      // ignored if Operator is set
	Epoch          uint64            // of the user of a session (protocol rule 2)
	Groups         []account.GroupID // the group scope; nil: all users; empty but not nil: none (protocol rule 21)
	Operator       bool              // the caller uses the admin socket or the offline mode
	CanSeeSecrets  bool              // results may contain links and codes (protocol rule 20)
	CanSignInUsers bool              // may use API sign-in (protocol rule 25)

	CannotAssignRoles bool // an access token without the scope for roles

	expires      time.Time                // of the token; zero: does not expire
	proven       bool                     // a step-up of the session is valid
	coolOff      bool                     // the owner is in cool-off (protocol rule 11)
	coolOffUntil time.Time                // see account.User.CoolOff
	held         []account.RoleAssignment // of the user of a session
}

// SetOwner sets the name of the owner of p, who is a user, and limits p while they are in cool-off (protocol rule 11).
func (p *Principal) SetOwner(u *account.User, now time.Time) {
	p.OwnerName = u.DisplayName()
	p.coolOffUntil, p.coolOff = u.CoolOff(now)
}

// CoolOff reports whether the owner of p is in cool-off, and until when: see account.User.CoolOff.
func (p Principal) CoolOff() (until time.Time, ok bool) { return p.coolOffUntil, p.coolOff }

// limited reports whether the cool-off of the owner prevents operations with the permission: all but to read and to help (protocol rule
// 11).
func (p Principal) limited(perm Permission) bool {
	return p.coolOff && !slices.Contains([]Permission{PermRead, PermHelp, PermListTokens, PermReadConfiguration}, perm)
}

// Permission is a class of administrative operations.
type Permission int

const (
	PermRead              Permission = iota // read users, help requests and the audit log
	PermHelp                                // work on help requests, without identity checks
	PermVouch                               // record identity checks
	PermExport                              // write users or events to a file
	PermInvite                              // create and invite users
	PermReset                               // remove one or all devices
	PermAssist                              // unlock, end sessions, send a password link
	PermManage                              // profiles, life cycle, groups and tokens
	PermApprove                             // request or approve the reset of an equal (protocol rule 11)
	PermAssignRoles                         // assign and revoke roles
	PermConfigure                           // webhooks and OAuth clients, which concern all users
	PermListTokens                          // read API tokens
	PermReadConfiguration                   // read webhooks and OAuth clients
)

// minRole returns the lowest role that has the permission.
func (perm Permission) minRole() account.Role {
	switch perm {
	case PermRead, PermExport:
		return account.RoleReadOnly
	case PermHelp, PermVouch, PermInvite, PermReset, PermAssist, PermApprove:
		return account.RoleHelpDesk
	case PermConfigure, PermReadConfiguration:
		return account.RoleSuperAdmin
	}
	return account.RoleUserAdmin
}

// Rank returns the rank of the role. The rank of the operator is above all roles.
func (p Principal) Rank() int {
	if p.Operator {
		return account.RoleSuperAdmin.Rank() + 1
	}
	return p.Role.Rank()
}

// Scoped reports whether the principal has a group scope.
func (p Principal) Scoped() bool { return p.Groups != nil && !p.Operator }

// InScope reports whether u is in the group scope: u has at least one group, all groups of u are in the scope, and u
// has no role. A placeholder is visible only to principals with a group scope (protocol rule 21).
func (p Principal) InScope(u *account.User) bool {
	if !p.Scoped() {
		return !u.Placeholder
	}
	return p.covers(u.Groups, len(u.Roles))
}

// covers reports whether a group scope has a user with these groups and so many roles.
func (p Principal) covers(groups []account.GroupID, roles int) bool {
	return len(groups) > 0 && roles == 0 &&
		!slices.ContainsFunc(groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })
}

// needs has the reason to refuse a principal below each role.
var needs = map[account.Role]string{account.RoleReadOnly: errcode.ReasonNeedsReadOnly, account.RoleHelpDesk: errcode.ReasonNeedsHelpDesk,
	account.RoleUserAdmin: errcode.ReasonNeedsUserAdmin, account.RoleSuperAdmin: errcode.ReasonNeedsSuperAdmin}

// Require returns Forbidden unless the role of p has the permission, and StepUpRequired if the permission needs a step-up
// that the session of p lacks. It is the check of an operation without a user.
func (p Principal) Require(perm Permission) error {
	switch {
	case p.Owner == "":
		return errcode.ForbiddenFor(errcode.ReasonOwnClientOnly)
	case p.Rank() < perm.minRole().Rank():
		return errcode.ForbiddenFor(needs[perm.minRole()])
	case p.limited(perm):
		err := errcode.ForbiddenFor(errcode.ReasonCoolOff)
		err.Until = p.coolOffUntil
		return err
	case perm.NeedsProof() && !p.Proven():
		return errcode.New(errcode.StepUpRequired)
	}
	return nil
}

// CheckNoCoolOff returns WrongState if u is in cool-off and p is not the operator (protocol rule 11). It is the check of operations
// that give u a role, another address or another telephone number.
func (p Principal) CheckNoCoolOff(u *account.User, now time.Time) error {
	until, ok := u.CoolOff(now)
	if !ok || p.Operator {
		return nil
	}
	err := errcode.WrongStateFor(errcode.ReasonUserCoolOff)
	err.Until = until
	return err
}

// RequireUnscoped returns Forbidden unless the role of p has the permission and p has no group scope. Operations on
// groups, roles, webhooks and OAuth clients concern users outside every scope.
func (p Principal) RequireUnscoped(perm Permission) error {
	if err := p.Require(perm); err != nil {
		return err
	}
	if p.Scoped() {
		return errcode.ForbiddenFor(errcode.ReasonGroupScope)
	}
	return nil
}

// Authorize returns nil if p may perform the operation on u. It returns Forbidden, or NotFound if u is outside the
// group scope of p (protocol rules 11 and 21).
func Authorize(p Principal, perm Permission, u *account.User) error {
	switch err := p.Require(perm); {
	case err != nil:
		return err
	case !p.InScope(u):
		return errcode.New(errcode.NotFound)
	case perm == PermRead:
		return nil
	case p.Owner == string(u.ID): // an administrator cannot operate on their own account
		return errcode.ForbiddenFor(errcode.ReasonOneself)
	case perm == PermApprove && p.Rank() >= u.Rank(), perm == PermAssignRoles && p.Rank() >= account.RoleSuperAdmin.Rank():
		return nil
	case p.Rank() <= u.Rank(): // u must have a strictly lower role
		return errcode.ForbiddenFor(errcode.ReasonNotLower)
	case perm == PermReset && p.NeedsApproval(u):
		return errcode.ForbiddenFor(errcode.ReasonNeedsApproval)
	}
	return nil
}

// NeedsApproval reports whether a reset of u by p needs the approval of a second administrator (protocol rule 11). It
// does if u has an equal or higher role. It also does if p revoked a role of u, because a revocation would otherwise
// avoid the approval.
func (p Principal) NeedsApproval(u *account.User) bool {
	return !p.Operator && (p.Rank() <= u.Rank() || u.DemotedBy != "" && u.DemotedBy == p.Owner)
}

// RequireInvitationLink returns Forbidden unless p may see an invitation link or choose the password of a new user. A
// principal with a group scope may not, because the link would reveal whether the address exists outside the scope
// (protocol rule 21).
func (p Principal) RequireInvitationLink() error {
	switch {
	case !p.CanReadSecrets():
		return errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
	case p.Scoped():
		return errcode.ForbiddenFor(errcode.ReasonLinkInGroupScope)
	}
	return nil
}

// CanReadSecrets reports whether a result for p may contain a link or a code. HELP_DESK_ADMIN never sees one (protocol
// rule 20).
func (p Principal) CanReadSecrets() bool {
	return p.Operator || p.CanSeeSecrets && p.Rank() > account.RoleHelpDesk.Rank()
}

// RequireSignIn returns Forbidden unless p may use API sign-in (protocol rule 25). The role does not matter, because
// the user proves password and device.
func (p Principal) RequireSignIn() error {
	if p.Owner == "" || !p.CanSignInUsers && !p.Operator {
		return errcode.ForbiddenFor(errcode.ReasonNeedsAuthn)
	}
	return nil
}

// CheckInitialRole returns nil if p may create a user with role r; an empty r means no role. SUPER_ADMIN can assign
// every role, and other principals strictly lower ones. A principal with a group scope can assign none: users with a
// role are outside every scope.
func (p Principal) CheckInitialRole(r account.Role) error {
	switch {
	case r == "":
		return nil
	case r.Rank() < 0:
		return errcode.InvalidField("role", "unknown")
	case p.CannotAssignRoles:
		return errcode.ForbiddenFor(errcode.ReasonNeedsScope)
	case p.Scoped():
		return errcode.ForbiddenFor(errcode.ReasonGroupScope)
	case p.Rank() < account.RoleSuperAdmin.Rank() && p.Rank() <= r.Rank():
		return errcode.ForbiddenFor(errcode.ReasonRoleTooHigh)
	}
	return nil
}

// CheckAssignable returns nil if p may assign or revoke role r, or change its groups. Authorize checks the holder.
func (p Principal) CheckAssignable(r account.Role) error {
	if err := p.RequireUnscoped(PermManage); err != nil {
		return err
	}
	if r.Rank() <= 0 {
		return errcode.InvalidField("type", "unknown")
	}
	return p.CheckInitialRole(r)
}

// CoversGroups reports whether all groups are in the scope of p. An empty list is in no group scope.
func (p Principal) CoversGroups(groups []account.GroupID) bool {
	return !p.Scoped() || len(groups) > 0 &&
		!slices.ContainsFunc(groups, func(g account.GroupID) bool { return !slices.Contains(p.Groups, g) })
}

// Rights returns the role and the group scope of p as text. Two principals with one ID and equal rights may read the
// same answers.
func (p Principal) Rights() []byte {
	return fmt.Appendf(nil, "%s %q %t %t", p.Role, p.Groups, p.Groups == nil, p.coolOff)
}

// Actor returns the principal as the actor of audit events.
func (p Principal) Actor() audit.Actor {
	kind := audit.TypeUser
	switch {
	case p.FromSession():
		// Without a name: the event is about another user, and an erasure of this one would not find it (promise S3).
		return audit.Actor{Type: kind, ID: p.Owner}
	case strings.HasPrefix(p.ID, "token:"):
		kind = audit.TypeToken
	case strings.HasPrefix(p.ID, ClientPrefix):
		kind = audit.TypeApplication
	case strings.HasPrefix(p.ID, "operator:"):
		kind = audit.TypeOperator
	}
	return audit.Actor{Type: kind, ID: p.ID, Name: p.Name}
}

// Event returns the audit event of a successful operation of p on u.
func (p Principal) Event(action string, u *account.User) audit.Event {
	return audit.Event{Actor: p.Actor(), Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success}
}

// DisplayName returns the name of p in notifications: that of its owner, whom the recipient may know, and not of a
// token. For the operator and their tokens it is the name of the service.
func (p Principal) DisplayName(issuer string) string {
	if p.Operator || ownedByOperator(p.Owner) || p.PersonalName() == "" {
		return issuer
	}
	return p.PersonalName()
}

// PersonalName returns the name of p for other administrators: that of its owner, or that of the token or Unix user.
func (p Principal) PersonalName() string { return cmp.Or(p.OwnerName, p.Name) }
