package admin

import (
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// ownedByOperator tells the owner of tokens that the machine's owner keeps, who is no person.
func ownedByOperator(owner string) bool { return strings.HasPrefix(owner, "operator:") }

// tokenOwner fills in whose a token to be made is and returns that person; nobody for one of the machine's owner.
func tokenOwner(r account.Reader, t *Token, named string) (account.User, error) {
	if named == "" && ownedByOperator(t.Owner) {
		return account.User{}, nil
	}
	who := t.Owner
	if named != "" {
		who = named
	}
	u, err := r.Find(who)
	switch {
	case errcode.Of(err) == errcode.NotFound:
		return u, errcode.InvalidField("owner", "unknown")
	case err != nil:
		return u, err
	case u.Status != account.StatusActive || u.Placeholder:
		return u, errcode.InvalidField("owner", "not_active")
	case t.Role.Rank() > u.Rank(): // it would do less than it says
		return u, errcode.InvalidField("owner", "role")
	}
	t.Owner = string(u.ID)
	return u, nil
}

// principalOf is the operator that a token makes, as its owner is at present (PROTOCOL 20). NoSession: the token is
// over, or its owner is not active, has no role left, or is no longer there.
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
	case errcode.Of(err) == errcode.NotFound, err == nil && (u.Status != account.StatusActive || u.Rank() <= 0):
		return Principal{}, errcode.New(errcode.NoSession)
	case err != nil:
		return Principal{}, err
	}
	p.Role, p.Groups = limitToOwner(t.Role, t.Groups, u.Roles)
	return p, nil
}

// limitToOwner is the rule for a token of a person with such grants: its role is the highest, from its own down, at which
// anything is left of its own scope within that of the owner; and that of the owner at a role is the groups of all
// grants of this role or a higher one, or everybody if one of these is for everybody. Where nothing is left at any,
// it is for nobody.
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

// limitGroups cuts a scope down to where the grants are of a role or a higher one. nil is everybody, empty nobody.
func limitGroups(groups []account.GroupID, r account.Role, grants []account.RoleAssignment) []account.GroupID {
	owned, everybody := []account.GroupID{}, false
	for _, g := range grants {
		if g.Role.Rank() >= r.Rank() {
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
