package admin_test

import (
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"

	"pgregory.net/rapid"
)

// Whatever a token and its owner's grants are: no higher role than either, and no garage that is not in both.
func TestNoTokenReachesBeyondItselfOrItsOwner(t *testing.T) {
	garages := []account.GroupID{"a", "b", "c"}
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom(account.Roles()).Draw(t, "role")
		var scope []account.GroupID
		if !rapid.Bool().Draw(t, "everybody") {
			scope = rapid.SliceOfN(rapid.SampledFrom(garages), 0, 3).Draw(t, "scope")
		}
		var grants []account.RoleAssignment
		for _, r := range rapid.SliceOfNDistinct(rapid.SampledFrom(account.Roles()), 1, 4, rapid.ID[account.Role]).Draw(t, "grants") {
			grants = append(grants, account.RoleAssignment{Role: r, Groups: rapid.SliceOfN(rapid.SampledFrom(garages), 0, 2).Draw(t, "of "+string(r))})
		}
		got, reach := admin.LimitToOwner(role, scope, grants)
		has := func(g account.GroupID) bool { // whether the owner has the role there; "": everywhere
			return slices.ContainsFunc(grants, func(x account.RoleAssignment) bool {
				return x.Role.Rank() >= got.Rank() && (len(x.Groups) == 0 || g != "" && slices.Contains(x.Groups, g))
			})
		}
		if got.Rank() > role.Rank() {
			t.Errorf("got role %s of a token of %s", got, role)
		}
		if reach == nil && (scope != nil || !has("")) {
			t.Errorf("got everybody of token %v, grants %v", scope, grants)
		}
		for _, g := range reach {
			if scope != nil && !slices.Contains(scope, g) || !has(g) {
				t.Errorf("got garage %s of token %v, grants %v", g, scope, grants)
			}
		}
	})
}
