package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
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
		{"two garages make one scope", Limited(op(account.RoleHelpDesk, "u2"), "g1", "g2"), account.User{ID: "u1", Groups: []account.GroupID{"g2", "g1"}}, ok, ok, ok, forbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			WantCode(t, "see", admin.Authorize(c.op, admin.PermRead, &c.user), c.see)
			WantCode(t, "invite", admin.Authorize(c.op, admin.PermInvite, &c.user), c.invite)
			WantCode(t, "reset", admin.Authorize(c.op, admin.PermReset, &c.user), c.reset)
			WantCode(t, "manage", admin.Authorize(c.op, admin.PermManage, &c.user), c.manage)
		})
	}
}

func TestScope_HidesUserFromEveryOperation(t *testing.T) {
	s := newEnv(t)
	north := Limited(AsHelpDesk, s.Nord)
	ctx := t.Context()
	for _, id := range []string{Technician, string(s.Amelie.ID), "nobody@garage.example"} {
		_, err := s.Directory.Admin.User(ctx, north, id)
		WantCode(t, "reading "+id, err, errcode.NotFound)
		_, err = s.Directory.Device(ctx, north, id, s.Phone.Device)
		WantCode(t, "device of "+id, err, errcode.NotFound)
		WantCode(t, "taking it", s.Directory.RemoveDevice(ctx, north, s.From, id, s.Phone.Device), errcode.NotFound)
		_, err = s.Directory.HelpDesk.Reset(ctx, north, s.From, id, helpdesk.ResetRequest{})
		WantCode(t, "resetting "+id, err, errcode.NotFound)
		_, err = s.Directory.Activate(ctx, north, s.From, id, true)
		WantCode(t, "inviting "+id, err, errcode.NotFound)
	}
	if people, next, err := s.Directory.Users(ctx, north, account.UserQuery{Prefix: "amelie"}); err != nil || len(people) != 0 || next != "" {
		t.Errorf("listing: got %d, %q, %v", len(people), next, err)
	}
	if _, err := s.Directory.HelpDesk.Submit(ctx, s.From, helpdesk.Submission{Email: Technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	if cases, _, err := s.Directory.HelpDesk.Requests(ctx, north, helpdesk.RequestQuery{}); err != nil || len(cases) != 0 {
		t.Errorf("cases: got %d, %v", len(cases), err)
	}
	cases, _, err := s.Directory.HelpDesk.Requests(ctx, Limited(AsHelpDesk, s.Lumiere), helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 {
		t.Fatalf("the manager's cases: got %d, %v", len(cases), err)
	}
	_, err = s.Directory.HelpDesk.Request(ctx, north, cases[0].ID)
	WantCode(t, "reading the case", err, errcode.NotFound)
	_, err = s.Directory.HelpDesk.Patch(ctx, north, s.From, cases[0].ID, helpdesk.RequestPatch{Note: "x"})
	WantCode(t, "changing the case", err, errcode.NotFound)
}
