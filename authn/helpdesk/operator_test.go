package helpdesk_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/helpdesk"
)

func TestWhatAnOperatorMayDoToWhom(t *testing.T) {
	person := func(role authn.Role, groups ...authn.GroupID) authn.User {
		u := authn.User{ID: "u1", Groups: groups}
		if role != "" {
			u.Roles = []authn.RoleAssignment{{Role: role}}
		}
		return u
	}
	op := func(role authn.Role) helpdesk.Principal {
		return helpdesk.Principal{ID: "token:t", Owner: "u2", Role: role}
	}
	self := op(authn.RoleSuperAdmin)
	self.Owner = "u1"
	nobody := op(authn.RoleSuperAdmin)
	nobody.Owner = ""
	const ok, forbidden, gone = authn.Code(""), authn.CodeForbidden, authn.CodeNotFound
	for _, c := range []struct {
		name                       string
		op                         helpdesk.Principal
		user                       authn.User
		see, invite, reset, manage authn.Code
	}{
		{"an operator without a role does nothing", op(""), person(""), forbidden, forbidden, forbidden, forbidden},
		{"an unknown role does nothing", op("ORG_ADMIN"), person(""), forbidden, forbidden, forbidden, forbidden},
		{"an operator without an owner does nothing", nobody, person(""), forbidden, forbidden, forbidden, forbidden},
		{"who reads only reads", op(authn.RoleReadOnly), person(""), ok, forbidden, forbidden, forbidden},
		{"support resets people", op(authn.RoleHelpDesk), person(""), ok, ok, ok, forbidden},
		{"support resets who reads only", op(authn.RoleHelpDesk), person(authn.RoleReadOnly), ok, ok, ok, forbidden},
		{"support does not reset support", op(authn.RoleHelpDesk), person(authn.RoleHelpDesk), ok, forbidden, forbidden, forbidden},
		{"support does not reset an administrator", op(authn.RoleHelpDesk), person(authn.RoleSuperAdmin), ok, forbidden, forbidden, forbidden},
		{"an administrator of people resets support", op(authn.RoleUserAdmin), person(authn.RoleHelpDesk), ok, ok, ok, ok},
		{"an administrator of people resets none of their like", op(authn.RoleUserAdmin), person(authn.RoleUserAdmin), ok, forbidden, forbidden, forbidden},
		{"a super administrator resets none of their like", op(authn.RoleSuperAdmin), person(authn.RoleSuperAdmin), ok, forbidden, forbidden, forbidden},
		{"nobody resets themselves", self, person(authn.RoleReadOnly), ok, forbidden, forbidden, forbidden},
		{"the machine's owner resets anybody", machine, person(authn.RoleSuperAdmin), ok, ok, ok, ok},
		{"a manager resets people of the garage", limited(op(authn.RoleHelpDesk), "g1"), person("", "g1"), ok, ok, ok, forbidden},
		{"people of another garage are not there", limited(op(authn.RoleHelpDesk), "g1"), person("", "g2"), gone, gone, gone, forbidden},
		{"people of another garage as well are not there", limited(op(authn.RoleHelpDesk), "g1"), person("", "g1", "g2"), gone, gone, gone, forbidden},
		{"people of no garage are not there", limited(op(authn.RoleHelpDesk), "g1"), person(""), gone, gone, gone, forbidden},
		{"people with a role are not there", limited(op(authn.RoleUserAdmin), "g1"), person(authn.RoleReadOnly, "g1"), gone, gone, gone, gone},
		{"an empty scope is nobody", limited(op(authn.RoleSuperAdmin)), person("", "g1"), gone, gone, gone, gone},
		{"two garages make one scope", limited(op(authn.RoleHelpDesk), "g1", "g2"), person("", "g2", "g1"), ok, ok, ok, forbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantCode(t, "see", helpdesk.May(c.op, helpdesk.ActSee, &c.user), c.see)
			wantCode(t, "invite", helpdesk.May(c.op, helpdesk.ActInvite, &c.user), c.invite)
			wantCode(t, "reset", helpdesk.May(c.op, helpdesk.ActReset, &c.user), c.reset)
			wantCode(t, "manage", helpdesk.May(c.op, helpdesk.ActManage, &c.user), c.manage)
		})
	}
}

func TestSomebodyOutsideTheScopeIsNotThereByAnyDoor(t *testing.T) {
	s := openShop(t)
	north := limited(support, s.other)
	ctx := t.Context()
	for _, id := range []string{technician, string(s.amelie.ID), "nobody@garage.example"} {
		_, err := s.desk.User(ctx, north, id)
		wantCode(t, "reading "+id, err, authn.CodeNotFound)
		_, err = s.desk.Device(ctx, north, id, s.phone.Device)
		wantCode(t, "device of "+id, err, authn.CodeNotFound)
		wantCode(t, "taking it", s.desk.RemoveDevice(ctx, north, s.From, id, s.phone.Device), authn.CodeNotFound)
		_, err = s.desk.Reset(ctx, north, s.From, id, helpdesk.ResetRequest{})
		wantCode(t, "resetting "+id, err, authn.CodeNotFound)
		_, err = s.desk.Activate(ctx, north, s.From, id, true)
		wantCode(t, "inviting "+id, err, authn.CodeNotFound)
	}
	if people, next, err := s.desk.Users(ctx, north, authn.UserQuery{Prefix: "amelie"}); err != nil || len(people) != 0 || next != "" {
		t.Errorf("listing: got %d, %q, %v", len(people), next, err)
	}
	if _, err := s.desk.Submit(ctx, s.From, helpdesk.Submission{Email: technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	if cases, _, err := s.desk.Requests(ctx, north, helpdesk.RequestQuery{}); err != nil || len(cases) != 0 {
		t.Errorf("cases: got %d, %v", len(cases), err)
	}
	cases, _, err := s.desk.Requests(ctx, limited(support, s.garage), helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 {
		t.Fatalf("the manager's cases: got %d, %v", len(cases), err)
	}
	_, err = s.desk.Request(ctx, north, cases[0].ID)
	wantCode(t, "reading the case", err, authn.CodeNotFound)
	_, err = s.desk.Patch(ctx, north, s.From, cases[0].ID, helpdesk.RequestPatch{Note: "x"})
	wantCode(t, "changing the case", err, authn.CodeNotFound)
}
