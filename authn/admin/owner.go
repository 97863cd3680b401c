package admin

import (
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// ownedByOperator reports whether the owner of a token is the operator, who is not a user.
func ownedByOperator(owner string) bool { return strings.HasPrefix(owner, "operator:") }

// tokenOwner sets the owner of a new token and returns that user, or a zero User if the operator owns it.
func tokenOwner(r account.Reader, t *Token, named string, now time.Time) (account.User, error) {
	if named == "" && ownedByOperator(t.Owner) {
		return account.User{}, nil
	}
	who := t.Owner
	if named != "" {
		who = named
	}
	u, err := r.Find(who)
	until, coolOff := u.CoolOff(now)
	switch {
	case errcode.Of(err) == errcode.NotFound:
		return u, errcode.InvalidField("owner", "unknown")
	case err != nil:
		return u, err
	case u.Status != account.StatusActive || u.Placeholder:
		return u, errcode.InvalidField("owner", "not_active")
	case coolOff: // protocol rule 11
		return u, &errcode.Error{Code: errcode.Invalid, Field: "owner", Reason: errcode.ReasonUserCoolOff, Until: until}
	case t.Role.Rank() > u.Active().Rank(): // the token would have a lower role than it states
		return u, errcode.InvalidField("owner", "role")
	}
	t.Owner = string(u.ID)
	return u, nil
}

// principalOf returns the principal of a token, limited to the present roles of its owner (protocol rule 20). It
// returns NoSession if the token is expired, or if its owner is deleted, not active or without a role.
func principalOf(r account.Reader, t *Token, now time.Time) (Principal, error) {
	p := Principal{ID: "token:" + t.ID, Name: t.Name, Owner: t.Owner, Role: t.Role, Groups: t.Groups,
		CanSeeSecrets: t.Secrets, CanSignInUsers: t.Authn, expires: t.Expires}
	if !now.Before(t.Expires) {
		return Principal{}, errcode.New(errcode.NoSession)
	}
	if ownedByOperator(t.Owner) {
		return p, nil
	}
	u, err := r.User(account.UserID(t.Owner))
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && (u.Status != account.StatusActive || u.Active().Rank() <= 0):
		return Principal{}, errcode.New(errcode.NoSession)
	case err != nil:
		return Principal{}, err
	}
	p.SetOwner(&u, now)
	p.Role, p.Groups = limitToOwner(t.Role, t.Groups, u.Roles)
	return p, nil
}

// limitToOwner returns the role and the groups of a token whose owner has these role assignments. The role is the
// highest one, not above that of the token, for which the owner still has groups in the scope of the token. The groups
// of the owner at a role are those of all assignments of that role or a higher one. Without such a role the result is a
// principal with no groups.
func limitToOwner(role account.Role, groups []account.GroupID, grants []account.RoleAssignment) (account.Role, []account.GroupID) {
	for _, r := range account.Roles() {
		if r.Rank() > role.Rank() {
			continue
		}
		if left := limitGroups(groups, r, grants); left == nil || len(left) > 0 {
			return r, left
		}
	}
	return account.RoleReadOnly, []account.GroupID{}
}

// limitGroups returns the groups that are also in an assignment of role r or a higher role. A nil list means all users,
// an empty one none. Each principal of a user gets its permissions here, so a role that rests gives none (protocol rule 33).
func limitGroups(groups []account.GroupID, r account.Role, grants []account.RoleAssignment) []account.GroupID {
	owned, everybody := []account.GroupID{}, false
	for _, g := range grants {
		if g.Role.Rank() >= r.Rank() && !g.Rests {
			owned, everybody = append(owned, g.Groups...), everybody || len(g.Groups) == 0
		}
	}
	switch {
	case everybody:
		return groups
	case groups == nil:
		return owned
	}
	return slices.DeleteFunc(slices.Clone(groups), func(g account.GroupID) bool { return !slices.Contains(owned, g) })
}
