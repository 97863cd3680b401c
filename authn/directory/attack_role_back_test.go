package directory_test

import (
	"context"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// TestAttack_OneAdministratorGivesARoleBack: a former administrator, whose account is suspended or deactivated, fools another one.
func TestAttack_OneAdministratorGivesARoleBack(t *testing.T) {
	s := newEnv(t)
	type change func(context.Context, admin.Principal, account.RequestInfo, string) error
	activate := func(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
		_, err := s.Directory.Activate(ctx, p, from, id, true)
		return err
	}
	for name, x := range map[string]struct{ end, back change }{"suspended": {s.Directory.Suspend, s.Directory.Unsuspend}, "deactivated": {s.Directory.Deactivate, activate}} {
		former := s.NewAdministrator(t, name+"@garage.example", authntest.Assignment(account.RoleUserAdmin))
		authntest.WantCode(t, name, x.end(t.Context(), authntest.AsSuperAdmin, s.From, former.Login), "")
		err := x.back(t.Context(), authntest.AsSuperAdmin, s.From, former.Login)
		authntest.WantCode(t, name+", and back with the role", err, errcode.WrongState)
		if !errcode.HasReason(err, errcode.ReasonReturnsRole) {
			t.Errorf("got %v, want the reason", err)
		}
		if err := s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, former.Login, former.Roles[0].ID); err != nil {
			t.Fatal(err)
		}
		authntest.WantCode(t, name+", and back without the role", x.back(t.Context(), authntest.AsSuperAdmin, s.From, former.Login), "")
	}
}
