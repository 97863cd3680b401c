package admin_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store/storetest"
)

func TestRole_Permissions(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	const super, people, desk, reads = account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly
	const ok, no, gone, bad = errcode.Code(""), errcode.Forbidden, errcode.NotFound, errcode.Invalid
	userAdmin := admin.Principal{ID: "token:u", Owner: "operator:1", Role: people}
	s.NewSuperAdmin("stays@garage.example")
	n := 0
	for _, c := range []struct {
		name   string
		op     admin.Principal
		holder account.Role // what the user has already
		role   account.Role
		give   errcode.Code
		take   errcode.Code
	}{
		{"the operator gives any", authntest.AsOperator, "", super, ok, ok},
		{"SUPER_ADMIN gives its own", authntest.AsSuperAdmin, "", super, ok, ok},
		{"SUPER_ADMIN gives to its equal", authntest.AsSuperAdmin, super, reads, ok, ok},
		{"USER_ADMIN gives a lower one", userAdmin, "", desk, ok, ok},
		{"USER_ADMIN gives a lower one to a lower user", userAdmin, desk, reads, ok, ok},
		{"USER_ADMIN does not give its own", userAdmin, "", people, no, no},
		{"USER_ADMIN does not give a higher one", userAdmin, "", super, no, no},
		{"USER_ADMIN gives nothing to an equal", userAdmin, people, reads, no, no},
		{"USER_ADMIN gives nothing to a higher user", userAdmin, super, reads, no, no},
		{"HELP_DESK_ADMIN gives none", authntest.AsHelpDesk, "", reads, no, no},
		{"READ_ONLY_ADMIN gives none", authntest.WithRole(authntest.AsHelpDesk, reads), "", reads, no, no},
		{"a group scope assigns none, even as SUPER_ADMIN", authntest.Limited(authntest.AsSuperAdmin, s.Lumiere), "", reads, no, no},
		{"no role at all", admin.Principal{Owner: "operator:1"}, "", reads, no, no},
		{"a role that is none", authntest.AsSuperAdmin, "", "ORG_ADMIN", bad, gone},
		{"an empty role", authntest.AsSuperAdmin, "", "", bad, gone},
	} {
		t.Run(c.name, func(t *testing.T) {
			n++
			u := s.CreateUser(fmt.Sprintf("holder%d@garage.example", n), func(u *account.User) {
				u.Groups = []account.GroupID{s.Lumiere}
				if c.holder != "" {
					u.Roles = []account.RoleAssignment{authntest.Assignment(c.holder)}
				}
			})
			_, err := s.Directory.Admin.AssignRole(ctx, authntest.Approved(c.op), s.From, string(u.ID), admin.NewRoleAssignment{Role: c.role})
			authntest.WantCode(t, "giving", err, c.give)
			rid := "none"
			if c.take != gone {
				s.Change(u.ID, func(u *account.User) {
					u.Roles = append(u.Roles[:0:0], append(u.Roles, account.RoleAssignment{ID: "rx", Role: c.role})...)
				})
				rid = "rx"
			}
			authntest.WantCode(t, "taking", s.Directory.Admin.RevokeRole(ctx, c.op, s.From, string(u.ID), rid), c.take)
		})
	}
	own := admin.Principal{ID: "token:o", Owner: string(s.Administrator.ID), Role: super}
	_, err := s.Directory.Admin.AssignRole(ctx, own, s.From, s.Administrator.Login, admin.NewRoleAssignment{Role: reads})
	authntest.WantCode(t, "a role for oneself", err, no)
	authntest.WantCode(t, "one's own role", s.Directory.Admin.RevokeRole(ctx, own, s.From, s.Administrator.Login, "r2"), no)
	authntest.WantCode(t, "the limits of one's own role", s.Directory.Admin.AddTarget(ctx, own, s.From, s.Administrator.Login, "r2", s.Lumiere), no)
	_, err = s.Directory.Admin.AssignRole(ctx, authntest.AsSuperAdmin, s.From, "nobody@garage.example", admin.NewRoleAssignment{Role: reads})
	authntest.WantCode(t, "a role for no user", err, gone)
}

func TestAssignRole_Targets(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	many := make([]account.GroupID, 33)
	for i := range many {
		many[i] = account.GroupID(fmt.Sprintf("g%d", i))
	}
	for _, c := range []struct {
		name string
		n    admin.NewRoleAssignment
		want errcode.Code
	}{
		{"an empty list is not everybody", admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{}}, errcode.Invalid},
		{"a garage that is none", admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{"g0"}}, errcode.Invalid},
		{"too many", admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: many}, errcode.Invalid},
		{"SUPER_ADMIN is for everybody", admin.NewRoleAssignment{Role: account.RoleSuperAdmin, Targets: []account.GroupID{s.Lumiere}}, errcode.WrongState},
	} {
		_, err := s.Directory.Admin.AssignRole(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, c.n)
		authntest.WantCode(t, c.name, err, c.want)
	}
	if got := s.User(authntest.Technician).Roles; len(got) != 0 {
		t.Fatalf("got roles %v", got)
	}
	g := s.AssignRole(t, authntest.AsSuperAdmin, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk})
	_, err := s.Directory.Admin.AssignRole(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.Lumiere}})
	authntest.WantCode(t, "the same role again", err, errcode.WrongState)
	targets := func() string {
		t.Helper()
		groups, err := s.Directory.Admin.Targets(ctx, authntest.AsSuperAdmin, authntest.Technician, g.ID)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(len(s.User(authntest.Technician).Roles[0].Groups), " ", len(groups))
	}
	do := func(what string, err error, code errcode.Code, want string) {
		t.Helper()
		authntest.WantCode(t, what, err, code)
		if got := targets(); got != want {
			t.Errorf("%s: got targets stored and listed %s, want %s", what, got, want)
		}
	}
	do("before", nil, "", "0 0")
	do("a garage that is none", s.Directory.Admin.AddTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, "g0"), errcode.NotFound, "0 0")
	do("the first", s.Directory.Admin.AddTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Lumiere), "", "1 1")
	events := len(s.Events(audit.RoleLimited))
	do("the first again", s.Directory.Admin.AddTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Lumiere), "", "1 1")
	if got := len(s.Events(audit.RoleLimited)); events != 1 || got != 1 {
		t.Errorf("got %d, then %d events, want one", events, got)
	}
	do("the last stays", s.Directory.Admin.RemoveTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Lumiere), errcode.WrongState, "1 1")
	do("one that is not there", s.Directory.Admin.RemoveTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Nord), errcode.NotFound, "1 1")
	do("the second", s.Directory.Admin.AddTarget(ctx, authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, g.ID, s.Nord), "", "2 2")
	authntest.WantCode(t, "deleting a garage", s.Directory.DeleteGroup(ctx, authntest.AsOperator, s.From, s.Nord), "")
	do("of a deleted garage", nil, "", "2 1")
	do("the one that is left", s.Directory.Admin.RemoveTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Lumiere), "", "1 0")
	do("the deleted one, last", s.Directory.Admin.RemoveTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID, s.Nord), errcode.WrongState, "1 0")
	_, p := s.PrincipalOf(t, authntest.Technician, account.RoleHelpDesk)
	if users, _, err := s.Directory.Users(ctx, p, roster.UserQuery{}); err != nil || len(users) != 0 {
		t.Errorf("a role for a deleted garage sees %d users, %v", len(users), err)
	}
	super := s.AssignRole(t, authntest.AsOperator, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
	authntest.WantCode(t, "limiting SUPER_ADMIN", s.Directory.Admin.AddTarget(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, super.ID, s.Lumiere), errcode.WrongState)
}

func TestRevokeRole_EndsSessionsAndTokens(t *testing.T) {
	s := newEnv(t)
	g := s.AssignRole(t, authntest.AsSuperAdmin, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.Lumiere}})
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("a given role ended the session: %v", err)
	}
	before := s.User(authntest.Technician).Epoch
	s.EmptyOutbox()
	if err := s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, g.ID); err != nil {
		t.Fatal(err)
	}
	s.WantSignedOut(t, s.Session)
	if got := s.User(authntest.Technician); got.Epoch <= before || len(got.Roles) != 0 {
		t.Errorf("got epoch %d after %d, roles %v", got.Epoch, before, got.Roles)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"role_changed to " + authntest.Technician, "role_changed to " + authntest.SecondEmail})
	events := s.Events(audit.RoleGranted, audit.RoleRevoked)
	if len(events) != 2 || events[1].Actor.ID != authntest.AsSuperAdmin.ID || events[1].Subject != string(s.Amelie.ID) || events[1].Detail["role"] != "HELP_DESK_ADMIN" {
		t.Errorf("got %+v", events)
	}
}

func TestRevokeRole_RejectsLastSuperAdmin(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	_, admin := s.PrincipalOf(t, s.Administrator.Login, account.RoleSuperAdmin)
	authntest.WantCode(t, "the only one", s.Directory.Admin.RevokeRole(ctx, authntest.AsSuperAdmin, s.From, s.Administrator.Login, "r2"), errcode.WrongState)
	other := s.NewSuperAdmin("other@garage.example")
	s.Change(other.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	authntest.WantCode(t, "the only one who is active", s.Directory.Admin.RevokeRole(ctx, authntest.AsSuperAdmin, s.From, s.Administrator.Login, "r2"), errcode.WrongState)
	s.Change(other.ID, func(u *account.User) { u.Status = account.StatusActive })
	secret, p := s.PrincipalOf(t, other.Login, account.RoleSuperAdmin)
	s.EmptyOutbox()
	authntest.WantCode(t, "one of two", s.Directory.Admin.RevokeRole(ctx, p, s.From, s.Administrator.Login, "r2"), "")
	if m := authntest.Mailed[notice.RoleChanged](t, s.Env, s.Administrator.Email); m.Assigned || m.User != "" || m.Role != "SUPER_ADMIN" {
		t.Errorf("got %+v", m)
	}
	authntest.WantCode(t, "in return", s.Directory.Admin.RevokeRole(ctx, admin, s.From, other.Login, other.Roles[0].ID), errcode.WrongState)
	authntest.WantCode(t, "by the operator", s.Directory.Admin.RevokeRole(ctx, authntest.AsOperator, s.From, other.Login, other.Roles[0].ID), "")
	_, err := s.Directory.Admin.Authenticate(ctx, secret)
	authntest.WantCode(t, "their token", err, errcode.NoSession)
}

// TestAttack_LastSuperAdminBesideAFrozenOne: a freeze refuses to leave no SUPER_ADMIN who can sign in (protocol rule 12). Then the
// role of the one who stays is revoked.
func TestAttack_LastSuperAdminBesideAFrozenOne(t *testing.T) {
	s := newEnv(t)
	frozen, stays := s.NewSuperAdmin("frozen@garage.example"), s.NewSuperAdmin("stays@garage.example")
	role := stays.Roles[0].ID
	if _, err := s.Directory.Freeze.ByAdmin(t.Context(), authntest.AsOperator, s.From, string(frozen.ID), freeze.All, ""); err != nil {
		t.Fatal(err)
	}
	err := s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, string(stays.ID), role)
	if !errcode.HasReason(err, errcode.ReasonLastAdmin) {
		t.Errorf("beside a frozen SUPER_ADMIN: got %v, want a refusal", err)
	}
	s.Change(frozen.ID, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
	authntest.WantCode(t, "beside one who can sign in", s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, string(stays.ID), role), "")
}

// TestAttack_LastSuperAdminLosesTheirDeviceMeanwhile: the one who could administer is found before the Update that revokes the
// role of another, and can no longer sign in when it runs.
func TestAttack_LastSuperAdminLosesTheirDeviceMeanwhile(t *testing.T) {
	for name, change := range map[string]func(u *account.User){
		"no device":     func(u *account.User) { u.Devices = nil },
		"a frozen one":  func(u *account.User) { u.Devices[0].Frozen = time.Unix(1, 0) },
		"suspended":     func(u *account.User) { u.Status = account.StatusSuspended },
		"no longer one": func(u *account.User) { u.Roles = nil },
		"no password":   func(u *account.User) { u.Password.Hash = "" },
	} {
		s := newEnv(t)
		s.Change(s.Administrator.ID, func(u *account.User) { u.Status = account.StatusSuspended })
		stays, falls := s.NewSuperAdmin("stays@garage.example"), s.NewSuperAdmin("falls@garage.example")
		rerun := s.Store.(*storetest.Rerun)
		rerun.Between = func() {
			rerun.Between = nil
			s.Change(stays.ID, change)
		}
		err := s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, string(falls.ID), falls.Roles[0].ID)
		authntest.WantCode(t, name, err, errcode.Overloaded)
		if u := s.User(string(falls.ID)); len(u.Roles) != 1 {
			t.Errorf("%s: nobody can administer", name)
		}
	}
}

func TestAssignRole_RejectsDeactivatedUserAndTooManyGroups(t *testing.T) {
	s := newEnv(t)
	n := admin.NewRoleAssignment{Role: account.RoleHelpDesk}
	s.Change(s.Amelie.ID, func(u *account.User) { u.Status = account.StatusDeactivated })
	_, err := s.Directory.Admin.AssignRole(t.Context(), authntest.AsSuperAdmin, s.From, string(s.Amelie.ID), n)
	authntest.WantCode(t, "a deactivated user", err, errcode.WrongState)
	s.Change(s.Amelie.ID, func(u *account.User) { u.Status = account.StatusActive })
	for i := range admin.MaxGroups + 1 {
		n.Targets = append(n.Targets, account.GroupID(fmt.Sprint("g", i)))
	}
	_, err = s.Directory.Admin.AssignRole(t.Context(), authntest.AsSuperAdmin, s.From, string(s.Amelie.ID), n)
	if e, ok := errors.AsType[*errcode.Error](err); !ok || e.Reason != "too_many" {
		t.Errorf("more groups than a role can have: got %v", err)
	}
}

func TestAssignRole_NotifiesSuperAdmins(t *testing.T) {
	s := newEnv(t)
	s.NewAdministrator(t, "desk@garage.example", authntest.Assignment(account.RoleHelpDesk))
	s.AssignRole(t, authntest.AsOperator, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
	authntest.SameStrings(t, "mails", s.MailList(), []string{"role_changed to " + authntest.Technician, "role_changed to " + authntest.SecondEmail, "role_changed to " + s.Administrator.Email})
	if m := authntest.Mailed[notice.RoleChanged](t, s.Env, s.Administrator.Email); !m.Assigned || m.User != "Amélie Durand" {
		t.Errorf("got %+v", m)
	}
	s.EmptyOutbox()
	_, _, err := s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, directory.NewUser{Login: "born@garage.example", Role: account.RoleSuperAdmin}, false, true)
	if err != nil {
		t.Fatal(err)
	}
	authntest.SameStrings(t, "mails about one born so", s.MailList(), []string{"role_changed to " + authntest.Technician, "role_changed to " + s.Administrator.Email})
}
