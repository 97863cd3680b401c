package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

func TestUsersMe_IsTheOwnerOfTheToken(t *testing.T) {
	d := open(t)
	boss, _, _ := d.Member("chef@garage.example", nil)
	if w := d.local("POST", "/api/v1/users/"+string(boss.ID)+"/roles", `{"type":"SUPER_ADMIN"}`); w.Code != 201 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	gid := d.CreateGroup("Garage du Port")
	for name, change := range map[string]func(*admin.NewToken){
		"of all users":       func(n *admin.NewToken) { n.Owner = string(boss.ID) },
		"limited to a group": func(n *admin.NewToken) { n.Owner, n.Groups = string(boss.ID), []account.GroupID{gid} },
	} {
		me := read[tree](t, d.call("GET", "/api/v1/users/me", d.token(account.RoleReadOnly, change), ""), 200)
		if me.get("id") != string(boss.ID) || me.get("profile", "login") != boss.Login {
			t.Errorf("%s: got %v, want %s", name, me, boss.Login)
		}
	}
	for name, doc := range map[string]string{
		"a token of the operator": problem(t, d.call("GET", "/api/v1/users/me", d.admin(), ""), 404).Detail,
		"the operator":            problem(t, d.local("GET", "/api/v1/users/me", ""), 404).Detail,
	} {
		if !strings.Contains(doc, "--owner") {
			t.Errorf("%s: got %q, want what to do", name, doc)
		}
	}
}
