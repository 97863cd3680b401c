package admin_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// TestAuthenticate_LimitsTokenToItsOwner is the table of protocol rule 20: the role and scope of a token, those of its
// owner, and the result.
func TestAuthenticate_LimitsTokenToItsOwner(t *testing.T) {
	s := newEnv(t)
	third := s.CreateGroup("Garage du Port")
	const super, people, desk, reads = account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly
	a, b := s.Lumiere, s.Nord
	groups := func(ids ...account.GroupID) []account.GroupID { return append([]account.GroupID{}, ids...) }
	for i, c := range []struct {
		name   string
		role   account.Role
		scope  []account.GroupID
		grants []account.RoleAssignment
		want   account.Role
		reach  []account.GroupID // nil: everybody
	}{
		{"as much as the owner", people, nil, []account.RoleAssignment{authntest.Assignment(people)}, people, nil},
		{"less than the owner", reads, groups(a), []account.RoleAssignment{authntest.Assignment(super)}, reads, groups(a)},
		{"a role that the owner lost in part", super, nil, []account.RoleAssignment{authntest.Assignment(desk)}, desk, nil},
		{"a scope that the owner has in part", desk, nil, []account.RoleAssignment{authntest.Assignment(desk, a)}, desk, groups(a)},
		{"two scopes that meet", desk, groups(a, b), []account.RoleAssignment{authntest.Assignment(desk, b, third)}, desk, groups(b)},
		{"two scopes that do not meet", desk, groups(a), []account.RoleAssignment{authntest.Assignment(desk, b)}, reads, groups()},
		{"a token for no user", desk, groups(), []account.RoleAssignment{authntest.Assignment(super)}, reads, groups()},
		{"grants that are joined", desk, nil, []account.RoleAssignment{authntest.Assignment(desk, a), authntest.Assignment(people, b)}, desk, groups(a, b)},
		{"the higher of two grants, where it is", people, nil, []account.RoleAssignment{authntest.Assignment(desk), authntest.Assignment(people, b)}, people, groups(b)},
		{"the lower of two grants, where the higher is not", people, groups(a), []account.RoleAssignment{authntest.Assignment(desk), authntest.Assignment(people, b)}, desk, groups(a)},
		{"the wider of two equal powers", desk, nil, []account.RoleAssignment{authntest.Assignment(desk), authntest.Assignment(people, b)}, desk, nil},
		{"a high role read from below", reads, nil, []account.RoleAssignment{authntest.Assignment(people, b)}, reads, groups(b)},
	} {
		t.Run(c.name, func(t *testing.T) {
			owner := s.NewAdministrator(t, fmt.Sprintf("boss%d@garage.example", i), authntest.Assignment(super))
			secret, _ := s.TokenPrincipal(t, admin.NewToken{Role: c.role, Groups: c.scope, Owner: owner.Login})
			s.Change(owner.ID, func(u *account.User) { u.Roles = c.grants })
			p, err := s.Directory.Admin.Authenticate(t.Context(), secret)
			if err != nil || p.Role != c.want || fmt.Sprint(p.Groups) != fmt.Sprint(c.reach) || (p.Groups == nil) != (c.reach == nil) {
				t.Errorf("got %s of %v (everybody %v), %v, want %s of %v", p.Role, p.Groups, p.Groups == nil, err, c.want, c.reach)
			}
		})
	}
}

func TestAuthenticate_RejectsTokenWithoutActiveOwner(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	owner := s.NewAdministrator(t, "boss@garage.example", authntest.Assignment(account.RoleHelpDesk))
	secret, p := s.TokenPrincipal(t, admin.NewToken{Role: account.RoleHelpDesk, Owner: owner.Login})
	if p.Owner != string(owner.ID) {
		t.Fatalf("got owner %q", p.Owner)
	}
	alive := func(what string, want errcode.Code) {
		t.Helper()
		_, err := s.Directory.Admin.Authenticate(ctx, secret)
		authntest.WantCode(t, what, err, want)
	}
	do := func(what string, err error) {
		t.Helper()
		authntest.WantCode(t, what, err, "")
	}
	do("suspending", s.Directory.Suspend(ctx, authntest.AsOperator, s.From, owner.Login))
	alive("of a suspended user", errcode.NoSession)
	do("unsuspending", s.Directory.Unsuspend(ctx, authntest.AsOperator, s.From, owner.Login))
	alive("of an active user", "")
	do("taking the role", s.Directory.Admin.RevokeRole(ctx, authntest.AsOperator, s.From, owner.Login, owner.Roles[0].ID))
	alive("of a user without a role", errcode.NoSession)
	_, err := s.Directory.Admin.AssignRole(ctx, authntest.AsOperator, s.From, owner.Login, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.Lumiere}})
	do("giving it again", err)
	if p, err := s.Directory.Admin.Authenticate(ctx, secret); err != nil || len(p.Groups) != 1 || p.Groups[0] != s.Lumiere {
		t.Errorf("after the role was given again for one garage: got %+v, %v", p, err)
	}
	do("deactivating", s.Directory.Deactivate(ctx, authntest.AsOperator, s.From, owner.Login))
	alive("of a deactivated user", errcode.NoSession)
	do("deleting", s.Directory.Delete(ctx, authntest.AsOperator, s.From, owner.Login))
	alive("of none", errcode.NoSession)
}

func TestCreateToken_OnlyOperatorNamesOwner(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	boss := s.NewAdministrator(t, "boss@garage.example", authntest.Assignment(account.RoleUserAdmin))
	suspended := s.NewAdministrator(t, "gone@garage.example", authntest.Assignment(account.RoleUserAdmin))
	s.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	for _, c := range []struct {
		name  string
		op    admin.Principal
		owner string
		role  account.Role
		want  errcode.Code
	}{
		{"by address", authntest.AsOperator, "BOSS@garage.example", account.RoleUserAdmin, ""},
		{"by id", authntest.AsOperator, string(boss.ID), account.RoleReadOnly, ""},
		{"by the highest token", authntest.AsSuperAdmin, "boss@garage.example", account.RoleReadOnly, errcode.Forbidden},
		{"by a token for its own owner's name", admin.Principal{ID: "token:x", Owner: string(boss.ID), Role: account.RoleUserAdmin}, string(boss.ID), account.RoleReadOnly, errcode.Forbidden},
		{"above the user's role", authntest.AsOperator, "boss@garage.example", account.RoleSuperAdmin, errcode.Invalid},
		{"of a user without a role", authntest.AsOperator, authntest.Technician, account.RoleReadOnly, errcode.Invalid},
		{"of a suspended user", authntest.AsOperator, "gone@garage.example", account.RoleReadOnly, errcode.Invalid},
		{"of none", authntest.AsOperator, "nobody@garage.example", account.RoleReadOnly, errcode.Invalid},
		{"of another unix user", authntest.AsOperator, "operator:1", account.RoleReadOnly, errcode.Invalid},
	} {
		_, tok, err := s.Directory.Admin.CreateToken(ctx, c.op, s.From, admin.NewToken{Name: "x", Role: c.role, Owner: c.owner})
		authntest.WantCode(t, c.name, err, c.want)
		if err == nil && tok.Owner != string(boss.ID) {
			t.Errorf("%s: got owner %q", c.name, tok.Owner)
		}
	}
}

func TestCreateToken_KeepsOwnerAndNotifies(t *testing.T) {
	s := newEnv(t)
	boss := s.NewAdministrator(t, "boss@garage.example", authntest.Assignment(account.RoleUserAdmin))
	_, p := s.TokenPrincipal(t, admin.NewToken{Name: "first", Role: account.RoleUserAdmin, Owner: boss.Login, Secrets: true})
	if m := authntest.Mailed[notice.TokenCreated](t, s.Env, boss.Email); m.TokenName != "first" || m.By != "Garage Lumiere" {
		t.Errorf("got %+v", m)
	}
	s.EmptyOutbox()
	s.Clock.Advance(time.Second)
	_, tok := s.NewToken(t, p, admin.NewToken{Name: "second", Role: account.RoleHelpDesk})
	if tok.Owner != string(boss.ID) {
		t.Errorf("got owner %q, want the user's", tok.Owner)
	}
	if m := authntest.Mailed[notice.TokenCreated](t, s.Env, boss.Email); m.TokenName != "second" || m.By != boss.DisplayName() {
		t.Errorf("got %+v", m)
	}
	_, _, err := s.Directory.Admin.CreateToken(t.Context(), p, s.From, admin.NewToken{Name: "third", Role: account.RoleUserAdmin, Secrets: true})
	authntest.WantCode(t, "with the allowance that it has itself", err, errcode.Forbidden)
}
