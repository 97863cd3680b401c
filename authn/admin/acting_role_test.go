package admin_test

import (
	"reflect"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
)

// A user with several roles acts as one of them at a time: with less, in more garages.
func TestSessionPrincipal_ActsAsALowerRoleInMoreGarages(t *testing.T) {
	const all, people, desk, reads = account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly
	e := newEnv(t)
	nord, sud := []account.GroupID{e.Nord}, e.CreateGroup("Garage du Soleil")
	give := authntest.Assignment
	for _, c := range []struct {
		name   string
		roles  []account.RoleAssignment
		want   []account.Role // as which the user can act
		as     account.Role
		role   account.Role
		groups []account.GroupID
	}{
		{"one role", []account.RoleAssignment{give(desk, e.Nord)}, []account.Role{desk}, desk, desk, nord},
		{"without a choice", []account.RoleAssignment{give(people, e.Nord), give(desk)}, []account.Role{people, desk}, "", people, nord},
		{"the lower role for all", []account.RoleAssignment{give(people, e.Nord), give(desk)}, []account.Role{people, desk}, desk, desk, nil},
		{"the lower role for another garage", []account.RoleAssignment{give(people, e.Nord), give(desk, sud)}, []account.Role{people, desk}, desk, desk, []account.GroupID{e.Nord, sud}},
		{"a lower role for the same garage", []account.RoleAssignment{give(people, e.Nord), give(desk, e.Nord)}, []account.Role{people}, desk, people, nord},
		{"a lower role below all garages", []account.RoleAssignment{give(people), give(desk, e.Nord)}, []account.Role{people}, desk, people, nil},
		{"a role between two", []account.RoleAssignment{give(people, e.Nord), give(desk, e.Nord), give(reads)}, []account.Role{people, reads}, reads, reads, nil},
		{"a forged higher role", []account.RoleAssignment{give(people, e.Nord), give(desk)}, []account.Role{people, desk}, all, people, nord},
		{"a forged role not held", []account.RoleAssignment{give(people, e.Nord), give(desk)}, []account.Role{people, desk}, reads, people, nord},
		{"a forged word", []account.RoleAssignment{give(people, e.Nord), give(desk)}, []account.Role{people, desk}, "OPERATOR", people, nord},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newSignedIn(t, c.roles...).principal(t)
			if got := p.Roles(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("roles: got %v, want %v", got, c.want)
			}
			as := p.As(c.as)
			if as.Role != c.role || !reflect.DeepEqual(as.Groups, c.groups) {
				t.Errorf("got %s for %v, want %s for %v", as.Role, as.Groups, c.role, c.groups)
			}
			if as.ID != p.ID || as.Owner != p.Owner || as.Proven() != p.Proven() || as.CanSeeSecrets || as.CanSignInUsers || as.Operator {
				t.Errorf("got %+v", as)
			}
		})
	}
}

// For each user and permission, the roles together allow what one of the assignments allows, and no more.
func TestAttack_ActingAsARoleNeverExceedsTheAssignments(t *testing.T) {
	a := newSignedIn(t, authntest.Assignment(account.RoleUserAdmin, "nord"), authntest.Assignment(account.RoleHelpDesk))
	p := a.principal(t)
	for _, as := range []account.Role{"", account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly} {
		p := p.As(as)
		for _, group := range []account.GroupID{"nord", "sud"} {
			u := account.User{ID: "x", Groups: []account.GroupID{group}}
			manages := p.InScope(&u) && p.Allows(admin.PermManage)
			if manages && group != "nord" {
				t.Errorf("as %q: manages a user of %s", as, group)
			}
			if p.Allows(admin.PermConfigure) || p.Allows(admin.PermAssignRoles) && p.InScope(&u) && group != "nord" {
				t.Errorf("as %q: gives roles to a user of %s, or configures", as, group)
			}
		}
	}
}
