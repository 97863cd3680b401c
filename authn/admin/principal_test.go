package admin_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// TestAuthorize_UnusualPrincipals adds principals that TestPermissions_EveryOperationOnEveryUser does not have.
func TestAuthorize_UnusualPrincipals(t *testing.T) {
	op := func(role account.Role, owner string) admin.Principal {
		return admin.Principal{ID: "token:t", Owner: owner, Role: role}
	}
	const ok, forbidden = errcode.Code(""), errcode.Forbidden
	for _, c := range []struct {
		name                       string
		op                         admin.Principal
		user                       account.User
		see, invite, reset, manage errcode.Code
	}{
		{"an unknown role does nothing", op("ORG_ADMIN", "u2"), account.User{ID: "u1"}, forbidden, forbidden, forbidden, forbidden},
		{"an operator without an owner does nothing", op(account.RoleSuperAdmin, ""), account.User{ID: "u1"}, forbidden, forbidden, forbidden, forbidden},
		{"a scope has no user without a group", authntest.Limited(op(account.RoleHelpDesk, "u2"), "g1"), account.User{ID: "u1"}, errcode.NotFound, errcode.NotFound, errcode.NotFound, forbidden},
		{"a scope has no administrator", authntest.Limited(op(account.RoleUserAdmin, "u2"), "g1"), account.User{ID: "u1", Groups: []account.GroupID{"g1"},
			Roles: []account.RoleAssignment{{ID: "r", Role: account.RoleReadOnly}}}, errcode.NotFound, errcode.NotFound, errcode.NotFound, errcode.NotFound},
		{"two garages make one scope", authntest.Limited(op(account.RoleHelpDesk, "u2"), "g1", "g2"), account.User{ID: "u1", Groups: []account.GroupID{"g2", "g1"}}, ok, ok, ok, forbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			authntest.WantCode(t, "see", admin.Authorize(c.op, admin.PermRead, &c.user), c.see)
			authntest.WantCode(t, "invite", admin.Authorize(c.op, admin.PermInvite, &c.user), c.invite)
			authntest.WantCode(t, "reset", admin.Authorize(c.op, admin.PermReset, &c.user), c.reset)
			authntest.WantCode(t, "manage", admin.Authorize(c.op, admin.PermManage, &c.user), c.manage)
		})
	}
}
