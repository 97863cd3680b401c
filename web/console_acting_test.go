package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/authn/account"
)

// twoRoles is an administrator who manages the garage in the north, and helps in all.
func twoRoles(t *testing.T) (b *browser, admin *proving, inNord, inSud account.User) {
	t.Helper()
	p, nord, _, inNord, inSud := garages(t)
	b, admin = p.administrator(t, "zoe@nord.example", account.RoleUserAdmin, nord)
	p.Change(admin.user.ID, func(u *account.User) {
		u.Roles = append(u.Roles, account.RoleAssignment{ID: "r2", Role: account.RoleHelpDesk})
	})
	return b, admin, inNord, inSud
}

// An administrator with two roles helps in a garage where only the lower one counts, after a choice that the page offers.
func TestConsole_ActsAsTheLowerRoleInTheOtherGarages(t *testing.T) {
	b, admin, inNord, inSud := twoRoles(t)
	admin.proves("/console")
	if got := b.shows("/console"); !strings.Contains(got.body, "You act as: <b>User administrator</b>") || !strings.Contains(got.body, `name="role" value="HELP_DESK_ADMIN"`) {
		t.Error("the page does not offer the roles")
	}
	north, south := "/console/people/"+string(inNord.ID), "/console/people/"+string(inSud.ID)
	if got := b.get(south); got.StatusCode != http.StatusNotFound {
		t.Errorf("before the choice: got %d", got.StatusCode)
	}
	b.goes("/console", "/console/role", "role", "HELP_DESK_ADMIN")
	if got := b.shows(south); !strings.Contains(got.body, south+"/unlock") || strings.Contains(got.body, south+"/suspend") {
		t.Error("the page of a user of another garage offers other operations than help")
	}
	for _, at := range []string{north, south} {
		if got := b.post(at+"/suspend", "reason", "x"); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s/suspend as HELP_DESK_ADMIN: got %d to %q", at, got.StatusCode, got.next())
		}
	}
	b.goes("/console", "/console/role", "role", "USER_ADMIN")
	if got := b.get(south); got.StatusCode != http.StatusNotFound {
		t.Errorf("back to the higher role: got %d", got.StatusCode)
	}
}

// Neither the form nor the cookie gives a role that the user does not hold now.
func TestAttack_RoleThatIsNotHeld(t *testing.T) {
	b, admin, inNord, inSud := twoRoles(t)
	admin.proves("/console")
	for _, role := range []string{"SUPER_ADMIN", "READ_ONLY_ADMIN", "OPERATOR", ""} {
		if got := b.post("/console/role", "role", role); got.StatusCode < 400 {
			t.Errorf("%q: got %d to %q", role, got.StatusCode, got.next())
		}
		b.setCookie("__Host-barillet-role", role)
		if got := b.get("/console/people/" + string(inSud.ID)); got.StatusCode != http.StatusNotFound {
			t.Errorf("the cookie %q: got %d for a user outside", role, got.StatusCode)
		}
		if got := b.get("/console/webhooks"); got.StatusCode != http.StatusForbidden {
			t.Errorf("the cookie %q: got %d for webhooks", role, got.StatusCode)
		}
		if got := b.shows("/console/people/" + string(inNord.ID)); !strings.Contains(got.body, "/suspend") {
			t.Errorf("the cookie %q takes the highest role away", role)
		}
	}
	b.goes("/console", "/console/role", "role", "HELP_DESK_ADMIN")
	b.place.Change(admin.user.ID, func(u *account.User) { u.Roles = u.Roles[:1] })
	if got := b.get("/console/people/" + string(inSud.ID)); got.StatusCode != http.StatusNotFound {
		t.Errorf("after the role was taken away: got %d", got.StatusCode)
	}
	b.place.Change(admin.user.ID, func(u *account.User) { u.Roles = nil })
	if got := b.get("/console"); got.StatusCode != http.StatusForbidden {
		t.Errorf("without any role: got %d", got.StatusCode)
	}
}
