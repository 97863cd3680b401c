package admin_test

import (
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"

	"pgregory.net/rapid"
)

// TestLimitToOwner_NeverExceedsTokenOrOwner draws tokens and role assignments. The result has no higher role than
// either and no group that is not in both.
func TestLimitToOwner_NeverExceedsTokenOrOwner(t *testing.T) {
	groups := []account.GroupID{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom(account.Roles()).Draw(t, "role")
		var scope []account.GroupID
		if !rapid.Bool().Draw(t, "all users") {
			scope = rapid.SliceOfN(rapid.SampledFrom(groups), 0, 3).Draw(t, "scope")
		}
		var grants []account.RoleAssignment
		for _, r := range rapid.SliceOfNDistinct(rapid.SampledFrom(account.Roles()), 1, 4, rapid.ID[account.Role]).Draw(t, "grants") {
			grants = append(grants, account.RoleAssignment{Role: r, Groups: rapid.SliceOfN(rapid.SampledFrom(groups), 0, 2).Draw(t, "of "+string(r))})
		}
		got, scopeLeft := admin.LimitToOwner(role, scope, grants)
		has := func(g account.GroupID) bool { // reports whether the owner has the role for group g, or for all users if g is empty
			return slices.ContainsFunc(grants, func(x account.RoleAssignment) bool {
				return x.Role.Rank() >= got.Rank() && (len(x.Groups) == 0 || g != "" && slices.Contains(x.Groups, g))
			})
		}
		if got.Rank() > role.Rank() {
			t.Errorf("got role %s for a token with role %s", got, role)
		}
		if scopeLeft == nil && (scope != nil || !has("")) {
			t.Errorf("got all users for token %v, grants %v", scope, grants)
		}
		for _, g := range scopeLeft {
			if scope != nil && !slices.Contains(scope, g) || !has(g) {
				t.Errorf("got group %s for token %v, grants %v", g, scope, grants)
			}
		}
	})
}
