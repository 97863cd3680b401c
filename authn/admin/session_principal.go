package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/errcode"
)

// SessionPrefix begins the ID of a principal that is a user with a session.
const SessionPrefix = "user:"

// SessionPrincipal returns the principal of a session: the user with their highest role and its group scope, without
// allowances (protocol rule 35). It returns NoSession if the user is not active or the session has ended, and Forbidden if
// they have no role.
func (s *Service) SessionPrincipal(ctx context.Context, info session.Info) (p Principal, err error) {
	err = s.Accounts.View(ctx, func(r account.Reader) error {
		p, err = UserPrincipal(r, info.User, info.Epoch, s.Accounts.Now())
		return err
	})
	p.proven = err == nil && s.Accounts.Now().Before(info.StepUpUntil)
	return p, err
}

// UserPrincipal returns the principal of a user whose session had an epoch, as of now: for what they asked for earlier, with a
// proof. It returns the errors of SessionPrincipal.
func UserPrincipal(r account.Reader, id account.UserID, epoch uint64, now time.Time) (Principal, error) {
	u, err := r.User(id)
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && (u.Status != account.StatusActive || u.Epoch != epoch):
		return Principal{}, errcode.New(errcode.NoSession)
	case err != nil:
		return Principal{}, err
	case u.Active().Rank() <= 0:
		return Principal{}, errcode.ForbiddenFor(errcode.ReasonNeedsReadOnly)
	}
	return holder(&u, now), nil
}

// holder returns the principal that u, who has a role, is after a proof.
func holder(u *account.User, now time.Time) Principal {
	p := Principal{ID: SessionPrefix + string(u.ID), Name: u.Login, Owner: string(u.ID), Epoch: u.Epoch, proven: true}
	p.SetOwner(u, now)
	p.held = u.Roles
	p.Role, p.Groups = limitToOwner(account.RoleSuperAdmin, nil, u.Roles)
	return p
}

// Roles returns the roles as which the user of a session can act, the highest first. Each has groups that the ones before it lack.
func (p Principal) Roles() (out []account.Role) {
	had := []account.GroupID{}
	for _, r := range account.Roles() {
		groups := limitGroups(nil, r, p.held)
		wider := groups == nil || slices.ContainsFunc(groups, func(g account.GroupID) bool { return !slices.Contains(had, g) })
		if had != nil && wider {
			out, had = append(out, r), groups
		}
	}
	return out
}

// As returns the principal of a session with one of Roles and its group scope. Any other role leaves p as it is, with the highest.
func (p Principal) As(role account.Role) Principal {
	if slices.Contains(p.Roles(), role) {
		p.Role, p.Groups = limitToOwner(role, nil, p.held)
	}
	return p
}

// FromSession reports whether p is a user with a session.
func (p Principal) FromSession() bool { return strings.HasPrefix(p.ID, SessionPrefix) }

// Proven reports whether p may perform operations with a permission that NeedsProof. A token was proven when it was made.
func (p Principal) Proven() bool { return p.proven || !p.FromSession() }

// Allows reports whether p has the permission, perhaps after a step-up. Pages show an operation only then.
func (p Principal) Allows(perm Permission) bool {
	return p.Owner != "" && p.Rank() >= perm.minRole().Rank() && !p.limited(perm)
}

// NeedsProof reports whether an operation in a session needs a step-up of the last five minutes, other than the sign-in
// (protocol rule 35).
func (perm Permission) NeedsProof() bool {
	switch perm {
	case PermExport, PermReset, PermManage, PermApprove, PermAssignRoles, PermConfigure:
		return true
	}
	return false
}
