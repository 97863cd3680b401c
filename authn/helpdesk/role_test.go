package helpdesk_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// give gives a role and returns it.
func (s *shop) give(t *testing.T, op admin.Principal, id string, n admin.NewRole) account.RoleAssignment {
	t.Helper()
	g, err := s.Directory.Admin.GrantRole(t.Context(), op, s.From, id, n)
	if err != nil {
		t.Fatalf("giving %s to %s: %v", n.Role, id, err)
	}
	return g.Grant
}

func TestWhoGivesAndTakesWhichRole(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	const super, people, desk, reads = account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly
	const ok, no, gone, bad = errcode.Code(""), errcode.Forbidden, errcode.NotFound, errcode.Invalid
	userAdmin := admin.Principal{ID: "token:u", Owner: "operator:1", Role: people}
	n := 0
	for _, c := range []struct {
		name   string
		op     admin.Principal
		holder account.Role // what the person has already
		role   account.Role
		give   errcode.Code
		take   errcode.Code
	}{
		{"the machine's owner gives any", machine, "", super, ok, ok},
		{"SUPER_ADMIN gives its own", root, "", super, ok, ok},
		{"SUPER_ADMIN gives to its equal", root, super, reads, ok, ok},
		{"USER_ADMIN gives a lower one", userAdmin, "", desk, ok, ok},
		{"USER_ADMIN gives a lower one to somebody lower", userAdmin, desk, reads, ok, ok},
		{"USER_ADMIN does not give its own", userAdmin, "", people, no, no},
		{"USER_ADMIN does not give a higher one", userAdmin, "", super, no, no},
		{"USER_ADMIN gives nothing to an equal", userAdmin, people, reads, no, no},
		{"USER_ADMIN gives nothing to somebody higher", userAdmin, super, reads, no, no},
		{"HELP_DESK_ADMIN gives none", support, "", reads, no, no},
		{"READ_ONLY_ADMIN gives none", withRole(support, reads), "", reads, no, no},
		{"whoever is limited gives none, be it SUPER_ADMIN", limited(root, s.garage), "", reads, no, no},
		{"no role at all", admin.Principal{Owner: "operator:1"}, "", reads, no, no},
		{"a role that is none", root, "", "ORG_ADMIN", bad, gone},
		{"an empty role", root, "", "", bad, gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			n++
			u := s.CreateUser(fmt.Sprintf("holder%d@garage.example", n), func(u *account.User) {
				u.Groups = []account.GroupID{s.garage}
				if c.holder != "" {
					u.Roles = []account.RoleAssignment{grant(c.holder)}
				}
			})
			_, err := s.Directory.Admin.GrantRole(ctx, c.op, s.From, string(u.ID), admin.NewRole{Role: c.role})
			wantCode(t, "giving", err, c.give)
			rid := "none"
			if c.take != gone {
				s.Change(u.ID, func(u *account.User) {
					u.Roles = append(u.Roles[:0:0], append(u.Roles, account.RoleAssignment{ID: "rx", Role: c.role})...)
				})
				rid = "rx"
			}
			wantCode(t, "taking", s.Directory.Admin.RevokeRole(ctx, c.op, s.From, string(u.ID), rid), c.take)
		})
	}
	own := admin.Principal{ID: "token:o", Owner: string(s.admin.ID), Role: super}
	_, err := s.Directory.Admin.GrantRole(ctx, own, s.From, s.admin.Login, admin.NewRole{Role: reads})
	wantCode(t, "a role for oneself", err, no)
	wantCode(t, "one's own role", s.Directory.Admin.RevokeRole(ctx, own, s.From, s.admin.Login, "r2"), no)
	wantCode(t, "the limits of one's own role", s.Directory.Admin.AddTarget(ctx, own, s.From, s.admin.Login, "r2", s.garage), no)
	_, err = s.Directory.Admin.GrantRole(ctx, root, s.From, "nobody@garage.example", admin.NewRole{Role: reads})
	wantCode(t, "a role for nobody", err, gone)
}

func TestWhatARoleCanBeLimitedTo(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	many := make([]account.GroupID, 33)
	for i := range many {
		many[i] = account.GroupID(fmt.Sprintf("g%d", i))
	}
	for _, c := range []struct {
		name string
		n    admin.NewRole
		want errcode.Code
	}{
		{"an empty list is not everybody", admin.NewRole{Role: account.RoleHelpDesk, Targets: []account.GroupID{}}, errcode.Invalid},
		{"a garage that is none", admin.NewRole{Role: account.RoleHelpDesk, Targets: []account.GroupID{"g0"}}, errcode.Invalid},
		{"too many", admin.NewRole{Role: account.RoleHelpDesk, Targets: many}, errcode.Invalid},
		{"SUPER_ADMIN is for everybody", admin.NewRole{Role: account.RoleSuperAdmin, Targets: []account.GroupID{s.garage}}, errcode.WrongState},
	} {
		_, err := s.Directory.Admin.GrantRole(ctx, root, s.From, technician, c.n)
		wantCode(t, c.name, err, c.want)
	}
	if got := s.User(technician).Roles; len(got) != 0 {
		t.Fatalf("got roles %v", got)
	}
	g := s.give(t, root, technician, admin.NewRole{Role: account.RoleHelpDesk})
	_, err := s.Directory.Admin.GrantRole(ctx, root, s.From, technician, admin.NewRole{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.garage}})
	wantCode(t, "the same role again", err, errcode.WrongState)
	targets := func() string {
		t.Helper()
		groups, err := s.Directory.Admin.Targets(ctx, root, technician, g.ID)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(s.User(technician).Roles[0].Groups), " ", len(groups))
	}
	do := func(what string, err error, code errcode.Code, want string) {
		t.Helper()
		wantCode(t, what, err, code)
		if got := targets(); got != want {
			t.Errorf("%s: got targets stored and listed %s, want %s", what, got, want)
		}
	}
	do("before", nil, "", "0 0")
	do("a garage that is none", s.Directory.Admin.AddTarget(ctx, root, s.From, technician, g.ID, "g0"), errcode.NotFound, "0 0")
	do("the first", s.Directory.Admin.AddTarget(ctx, root, s.From, technician, g.ID, s.garage), "", "1 1")
	events := len(s.Events(audit.RoleLimited))
	do("the first again", s.Directory.Admin.AddTarget(ctx, root, s.From, technician, g.ID, s.garage), "", "1 1")
	if got := len(s.Events(audit.RoleLimited)); events != 1 || got != 1 {
		t.Errorf("got %d, then %d events, want one", events, got)
	}
	do("the last stays", s.Directory.Admin.RemoveTarget(ctx, root, s.From, technician, g.ID, s.garage), errcode.WrongState, "1 1")
	do("one that is not there", s.Directory.Admin.RemoveTarget(ctx, root, s.From, technician, g.ID, s.other), errcode.NotFound, "1 1")
	do("the second", s.Directory.Admin.AddTarget(ctx, root, s.From, technician, g.ID, s.other), "", "2 2")
	wantCode(t, "deleting a garage", s.Directory.DeleteGroup(ctx, machine, s.From, s.other), "")
	do("of a deleted garage", nil, "", "2 1")
	do("the one that is left", s.Directory.Admin.RemoveTarget(ctx, root, s.From, technician, g.ID, s.garage), "", "1 0")
	do("the deleted one, last", s.Directory.Admin.RemoveTarget(ctx, root, s.From, technician, g.ID, s.other), errcode.WrongState, "1 0")
	_, op := s.ownedAfter(t, technician, account.RoleHelpDesk)
	if people, _, err := s.Directory.Users(ctx, op, account.UserQuery{}); err != nil || len(people) != 0 {
		t.Errorf("a role for a deleted garage sees %d people, %v", len(people), err)
	}
	super := s.give(t, machine, technician, admin.NewRole{Role: account.RoleSuperAdmin})
	wantCode(t, "limiting SUPER_ADMIN", s.Directory.Admin.AddTarget(ctx, root, s.From, technician, super.ID, s.garage), errcode.WrongState)
}

// ownedAfter is who acts by a token for somebody who is there.
func (s *shop) ownedAfter(t *testing.T, login string, role account.Role) (secret.Value, admin.Principal) {
	t.Helper()
	return s.owned(t, admin.NewToken{Role: role, Owner: login})
}

func TestALostRoleEndsWhatStandsOnIt(t *testing.T) {
	s := openShop(t)
	g := s.give(t, root, technician, admin.NewRole{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.garage}})
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("a given role ended the session: %v", err)
	}
	before := s.User(technician).Epoch
	s.EmptyOutbox()
	if err := s.Directory.Admin.RevokeRole(t.Context(), root, s.From, technician, g.ID); err != nil {
		t.Fatal(err)
	}
	s.dead(t, s.session)
	if got := s.User(technician); got.Epoch <= before || len(got.Roles) != 0 {
		t.Errorf("got epoch %d after %d, roles %v", got.Epoch, before, got.Roles)
	}
	sameStrings(t, "mails", s.letters(), []string{"role_changed to " + technician, "role_changed to " + second})
	events := s.Events(audit.RoleGranted, audit.RoleRevoked)
	if len(events) != 2 || events[1].Actor.ID != root.ID || events[1].Subject != string(s.amelie.ID) || events[1].Detail["role"] != "HELP_DESK_ADMIN" {
		t.Errorf("got %+v", events)
	}
}

func TestTheLastSuperAdministratorStays(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	_, admin := s.ownedAfter(t, s.admin.Login, account.RoleSuperAdmin)
	wantCode(t, "the only one", s.Directory.Admin.RevokeRole(ctx, root, s.From, s.admin.Login, "r2"), errcode.WrongState)
	other := s.boss(t, "other@garage.example", grant(account.RoleSuperAdmin))
	s.Change(other.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	wantCode(t, "the only one who is active", s.Directory.Admin.RevokeRole(ctx, root, s.From, s.admin.Login, "r2"), errcode.WrongState)
	s.Change(other.ID, func(u *account.User) { u.Status = account.StatusActive })
	secret, op := s.ownedAfter(t, other.Login, account.RoleSuperAdmin)
	s.EmptyOutbox()
	wantCode(t, "one of two", s.Directory.Admin.RevokeRole(ctx, op, s.From, s.admin.Login, "r2"), "")
	if m := mailed[notice.RoleChanged](t, s, s.admin.Email); m.Given || m.Person != "" || m.Role != "SUPER_ADMIN" {
		t.Errorf("got %+v", m)
	}
	wantCode(t, "in return", s.Directory.Admin.RevokeRole(ctx, admin, s.From, other.Login, other.Roles[0].ID), errcode.WrongState)
	wantCode(t, "by the machine's owner", s.Directory.Admin.RevokeRole(ctx, machine, s.From, other.Login, other.Roles[0].ID), "")
	_, err := s.Directory.Admin.Authenticate(ctx, secret)
	wantCode(t, "their token", err, errcode.NoSession)
}

func TestSuperAdministratorsHearOfEachOther(t *testing.T) {
	s := openShop(t)
	s.boss(t, "desk@garage.example", grant(account.RoleHelpDesk))
	s.give(t, machine, technician, admin.NewRole{Role: account.RoleSuperAdmin})
	sameStrings(t, "mails", s.letters(), []string{"role_changed to " + technician, "role_changed to " + second, "role_changed to " + s.admin.Email})
	if m := mailed[notice.RoleChanged](t, s, s.admin.Email); !m.Given || m.Person != "Amélie Durand" {
		t.Errorf("got %+v", m)
	}
	s.EmptyOutbox()
	_, _, err := s.Directory.CreateUser(t.Context(), root, s.From, directory.NewUser{Login: "born@garage.example", Role: account.RoleSuperAdmin}, false, true)
	if err != nil {
		t.Fatal(err)
	}
	sameStrings(t, "mails about one born so", s.letters(), []string{"role_changed to " + technician, "role_changed to " + s.admin.Email})
}
