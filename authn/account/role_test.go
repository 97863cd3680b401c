package account_test

import (
	"testing"

	"barillet/authn/account"
)

func TestRole_Rank(t *testing.T) {
	last := 0
	for _, r := range []account.Role{account.RoleReadOnly, account.RoleHelpDesk, account.RoleUserAdmin, account.RoleSuperAdmin} {
		if r.Rank() <= last {
			t.Errorf("%s has rank %d", r, r.Rank())
		}
		last = r.Rank()
	}
	if got := account.Role("EMPEROR").Rank(); got >= 0 {
		t.Errorf("got rank %d", got)
	}
}
