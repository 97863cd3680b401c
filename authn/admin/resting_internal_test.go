package admin

import (
	"testing"

	"barillet/authn/account"
)

func TestLimitGroups_ARestingRoleGivesNothing(t *testing.T) {
	held := []account.RoleAssignment{{Role: account.RoleSuperAdmin, Rests: true}, {Role: account.RoleHelpDesk, Groups: []account.GroupID{"g1"}}}
	if role, groups := limitToOwner(account.RoleSuperAdmin, nil, held); role != account.RoleHelpDesk || len(groups) != 1 {
		t.Errorf("a resting SUPER_ADMIN with another role is %s of %q, want HELP_DESK_ADMIN of g1", role, groups)
	}
}
