package helpdesk_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// boss is somebody active with these roles.
func (s *shop) boss(t *testing.T, address string, grants ...account.RoleAssignment) account.User {
	t.Helper()
	u := s.CreateUser(address, func(u *account.User) { u.Roles = grants })
	s.Change(u.ID, func(u *account.User) { u.Status, u.EverHadDevice = account.StatusActive, true })
	return s.User(string(u.ID))
}

func grant(role account.Role, groups ...account.GroupID) account.RoleAssignment {
	return account.RoleAssignment{ID: "r" + string(role), Role: role, Groups: groups}
}

// owned is who acts by a token that the machine's owner made for a person.
func (s *shop) owned(t *testing.T, n admin.NewToken) (secret.Value, admin.Principal) {
	t.Helper()
	if n.Name == "" {
		n.Name = "of " + n.Owner
	}
	secret, _ := s.token(t, machine, n)
	op, err := s.Directory.Admin.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatalf("checking a token of %s: %v", n.Owner, err)
	}
	return secret, op
}

// The rule of PROTOCOL 20, cell by cell: what a token is, what its owner is, and what it may do.
func TestATokenNeverDoesMoreThanItsOwnerMayAtPresent(t *testing.T) {
	s := openShop(t)
	third := s.CreateGroup("Garage du Port")
	const super, people, desk, reads = account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly
	a, b := s.garage, s.other
	groups := func(ids ...account.GroupID) []account.GroupID { return append([]account.GroupID{}, ids...) }
	for i, c := range []struct {
		name   string
		role   account.Role
		scope  []account.GroupID
		grants []account.RoleAssignment
		want   account.Role
		reach  []account.GroupID // nil: everybody
	}{
		{"as much as the owner", people, nil, []account.RoleAssignment{grant(people)}, people, nil},
		{"less than the owner", reads, groups(a), []account.RoleAssignment{grant(super)}, reads, groups(a)},
		{"a role that the owner lost in part", super, nil, []account.RoleAssignment{grant(desk)}, desk, nil},
		{"a scope that the owner has in part", desk, nil, []account.RoleAssignment{grant(desk, a)}, desk, groups(a)},
		{"two scopes that meet", desk, groups(a, b), []account.RoleAssignment{grant(desk, b, third)}, desk, groups(b)},
		{"two scopes that do not meet", desk, groups(a), []account.RoleAssignment{grant(desk, b)}, reads, groups()},
		{"a token for nobody", desk, groups(), []account.RoleAssignment{grant(super)}, reads, groups()},
		{"grants that are joined", desk, nil, []account.RoleAssignment{grant(desk, a), grant(people, b)}, desk, groups(a, b)},
		{"the higher of two grants, where it is", people, nil, []account.RoleAssignment{grant(desk), grant(people, b)}, people, groups(b)},
		{"the lower of two grants, where the higher is not", people, groups(a), []account.RoleAssignment{grant(desk), grant(people, b)}, desk, groups(a)},
		{"the wider of two equal powers", desk, nil, []account.RoleAssignment{grant(desk), grant(people, b)}, desk, nil},
		{"a high role read from below", reads, nil, []account.RoleAssignment{grant(people, b)}, reads, groups(b)},
	} {
		t.Run(c.name, func(t *testing.T) {
			owner := s.boss(t, fmt.Sprintf("boss%d@garage.example", i), grant(super))
			secret, _ := s.owned(t, admin.NewToken{Role: c.role, Groups: c.scope, Owner: owner.Login})
			s.Change(owner.ID, func(u *account.User) { u.Roles = c.grants })
			op, err := s.Directory.Admin.Authenticate(t.Context(), secret)
			if err != nil || op.Role != c.want || fmt.Sprint(op.Groups) != fmt.Sprint(c.reach) || (op.Groups == nil) != (c.reach == nil) {
				t.Errorf("got %s of %v (everybody %v), %v, want %s of %v", op.Role, op.Groups, op.Groups == nil, err, c.want, c.reach)
			}
		})
	}
}

func TestATokenIsDeadWhileItsOwnerMayNotAct(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	owner := s.boss(t, "boss@garage.example", grant(account.RoleHelpDesk))
	secret, op := s.owned(t, admin.NewToken{Role: account.RoleHelpDesk, Owner: owner.Login})
	if op.Owner != string(owner.ID) {
		t.Fatalf("got owner %q", op.Owner)
	}
	alive := func(what string, want errcode.Code) {
		t.Helper()
		_, err := s.Directory.Admin.Authenticate(ctx, secret)
		wantCode(t, what, err, want)
	}
	do := func(what string, err error) {
		t.Helper()
		wantCode(t, what, err, "")
	}
	do("suspending", s.Directory.Suspend(ctx, machine, s.From, owner.Login))
	alive("of somebody suspended", errcode.NoSession)
	do("unsuspending", s.Directory.Unsuspend(ctx, machine, s.From, owner.Login))
	alive("of somebody active again", "")
	do("taking the role", s.Directory.Admin.RevokeRole(ctx, machine, s.From, owner.Login, owner.Roles[0].ID))
	alive("of somebody without a role", errcode.NoSession)
	_, err := s.Directory.Admin.GrantRole(ctx, machine, s.From, owner.Login, admin.NewRole{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.garage}})
	do("giving it again", err)
	if op, err := s.Directory.Admin.Authenticate(ctx, secret); err != nil || len(op.Groups) != 1 || op.Groups[0] != s.garage {
		t.Errorf("after the role was given again for one garage: got %+v, %v", op, err)
	}
	do("deactivating", s.Directory.Deactivate(ctx, machine, s.From, owner.Login))
	alive("of somebody deactivated", errcode.NoSession)
	do("deleting", s.Directory.Delete(ctx, machine, s.From, owner.Login))
	alive("of nobody", errcode.NoSession)
}

func TestTheMachinesOwnerAloneMakesTokensForPeople(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	boss := s.boss(t, "boss@garage.example", grant(account.RoleUserAdmin))
	suspended := s.boss(t, "gone@garage.example", grant(account.RoleUserAdmin))
	s.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	for _, c := range []struct {
		name  string
		op    admin.Principal
		owner string
		role  account.Role
		want  errcode.Code
	}{
		{"by address", machine, "BOSS@garage.example", account.RoleUserAdmin, ""},
		{"by id", machine, string(boss.ID), account.RoleReadOnly, ""},
		{"by the highest token", root, "boss@garage.example", account.RoleReadOnly, errcode.Forbidden},
		{"by a token for its own owner's name", admin.Principal{ID: "token:x", Owner: string(boss.ID), Role: account.RoleUserAdmin}, string(boss.ID), account.RoleReadOnly, errcode.Forbidden},
		{"above the person's role", machine, "boss@garage.example", account.RoleSuperAdmin, errcode.Invalid},
		{"of somebody without a role", machine, technician, account.RoleReadOnly, errcode.Invalid},
		{"of somebody suspended", machine, "gone@garage.example", account.RoleReadOnly, errcode.Invalid},
		{"of nobody", machine, "nobody@garage.example", account.RoleReadOnly, errcode.Invalid},
		{"of another unix user", machine, "operator:1", account.RoleReadOnly, errcode.Invalid},
	} {
		_, tok, err := s.Directory.Admin.CreateToken(ctx, c.op, s.From, admin.NewToken{Name: "x", Role: c.role, Owner: c.owner})
		wantCode(t, c.name, err, c.want)
		if err == nil && tok.Owner != string(boss.ID) {
			t.Errorf("%s: got owner %q", c.name, tok.Owner)
		}
	}
}

func TestATokenOfAPersonMakesTokensOfThatPersonAndTheyAreTold(t *testing.T) {
	s := openShop(t)
	boss := s.boss(t, "boss@garage.example", grant(account.RoleUserAdmin))
	_, op := s.owned(t, admin.NewToken{Name: "first", Role: account.RoleUserAdmin, Owner: boss.Login, Secrets: true})
	if m := mailed[notice.TokenCreated](t, s, boss.Email); m.Token != "first" || m.By != "Garage Lumiere" {
		t.Errorf("got %+v", m)
	}
	s.EmptyOutbox()
	s.Clock.Advance(time.Second)
	_, tok := s.token(t, op, admin.NewToken{Name: "second", Role: account.RoleHelpDesk})
	if tok.Owner != string(boss.ID) {
		t.Errorf("got owner %q, want the person's", tok.Owner)
	}
	if m := mailed[notice.TokenCreated](t, s, boss.Email); m.Token != "second" || m.By != "first" {
		t.Errorf("got %+v", m)
	}
	_, _, err := s.Directory.Admin.CreateToken(t.Context(), op, s.From, admin.NewToken{Name: "third", Role: account.RoleUserAdmin, Secrets: true})
	wantCode(t, "with the allowance that it has itself", err, errcode.Forbidden)
}
