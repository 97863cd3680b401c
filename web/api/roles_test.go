package api_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

func TestRoles_AssignLimitAndRevoke(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	port, canal := d.CreateGroup("Garage du Port"), d.CreateGroup("Garage du Canal")
	admin := d.admin()
	roles := "/api/v1/users/" + string(u.ID) + "/roles"
	if got := read[[]tree](t, d.call("GET", roles, admin, ""), 200); len(got) != 0 {
		t.Errorf("before: got %v", got)
	}
	role := read[tree](t, d.call("POST", roles+"?disableNotifications=true", admin, `{"type":"HELP_DESK_ADMIN"}`), 201)
	rid, _ := role.get("id").(string)
	for name, want := range map[string]any{"type": "HELP_DESK_ADMIN", "label": "Help Desk Administrator", "status": "ACTIVE", "assignmentType": "USER", "targets": nil} {
		if got := role[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	if role.get("created") == nil || role.get("lastUpdated") == nil || role.get("_links", "assignee", "href") != "https://login.example/api/v1/users/"+string(u.ID) {
		t.Errorf("got %v", role)
	}
	if doc := problem(t, d.call("POST", roles, admin, `{"type":"HELP_DESK_ADMIN"}`), 409); doc.ErrorCode != "E0000090" {
		t.Errorf("twice: got %s", doc.ErrorCode)
	}
	one := roles + "/" + rid
	if got := read[tree](t, d.call("GET", one, admin, ""), 200); got.get("id") != rid {
		t.Errorf("got %v", got)
	}
	target := func(gid account.GroupID) string { return one + "/targets/groups/" + string(gid) }
	for _, step := range []struct {
		method, path string
		want         int
		targets      int
	}{
		{"GET", target(port), 404, 0},
		{"PUT", target(port), 204, 1},
		{"PUT", target(port), 204, 1},
		{"GET", target(port), 200, 1},
		{"GET", target(canal), 404, 1},
		{"DELETE", target(port), 409, 1},
		{"PUT", target(canal), 204, 2},
		{"PUT", target("gnone"), 404, 2},
		{"DELETE", target(port), 204, 1},
		{"DELETE", target(port), 404, 1},
	} {
		if w := d.call(step.method, step.path, admin, ""); w.Code != step.want {
			t.Errorf("%s %s: got %d %s, want %d", step.method, step.path, w.Code, w.Body, step.want)
		}
		if got := read[[]tree](t, d.call("GET", one+"/targets/groups", admin, ""), 200); len(got) != step.targets {
			t.Errorf("%s %s: got %d targets, want %d", step.method, step.path, len(got), step.targets)
		}
	}
	if got := read[tree](t, d.call("GET", one, admin, ""), 200); fmt.Sprint(got.get("targets")) != fmt.Sprint([]any{string(canal)}) {
		t.Errorf("got targets %v", got.get("targets"))
	}
	if w := d.call("DELETE", one, admin, ""); w.Code != 204 {
		t.Errorf("taking it: got %d %s", w.Code, w.Body)
	}
	problem(t, d.call("DELETE", one, admin, ""), 404)
	born := read[tree](t, d.call("POST", roles, admin, `{"type":"USER_ADMIN","targets":["`+string(port)+`"]}`), 201)
	if fmt.Sprint(born.get("targets")) != fmt.Sprint([]any{string(port)}) {
		t.Errorf("born limited: got %v", born)
	}
}

func TestRoles_RejectInvalidBody(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	roles := "/api/v1/users/" + string(u.ID) + "/roles"
	for body, want := range map[string]int{
		`{}`: 400, `{"type":""}`: 400, `{"type":"ORG_ADMIN"}`: 400, `{"type":"help_desk_admin"}`: 400, `{"type":7}`: 400,
		`{"type":"HELP_DESK_ADMIN","targets":[]}`: 400, `{"type":"HELP_DESK_ADMIN","targets":["g0"]}`: 400,
		`{"type":"HELP_DESK_ADMIN","targets":"g0"}`: 400, `{"type":"HELP_DESK_ADMIN","role":"SUPER_ADMIN"}`: 400,
		`{"type":"SUPER_ADMIN","targets":["g0"]}`: 409,
	} {
		problem(t, d.call("POST", roles, d.admin(), body), want)
	}
	problem(t, d.call("POST", roles+"?disableNotifications=perhaps", d.admin(), `{"type":"HELP_DESK_ADMIN"}`), 400)
	if got := d.User(string(u.ID)).Roles; len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestTokens_OnlyOperatorCreatesTokensOfUsers(t *testing.T) {
	d := open(t)
	boss, _, _ := d.Member("boss@garage.example", nil)
	d.Change(boss.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleUserAdmin}} })
	body := `{"name":"x","role":"USER_ADMIN","owner":"boss@garage.example"}`
	made := read[tree](t, d.local("POST", "/api/v1/api-tokens", body), 201)
	if made.get("owner") != string(boss.ID) {
		t.Errorf("got %v", made)
	}
	problem(t, d.call("POST", "/api/v1/api-tokens", d.admin(), body), 403)
	token, _ := made.get("token").(string)
	if w := d.call("GET", "/api/v1/users", token, ""); w.Code != 200 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if err := d.Directory.Suspend(t.Context(), operator, d.From, string(boss.ID)); err != nil {
		t.Fatal(err)
	}
	problem(t, d.call("GET", "/api/v1/users", token, ""), 401)
}

func limitedTo(groups ...account.GroupID) func(*admin.NewToken) {
	return func(n *admin.NewToken) { n.Groups = groups }
}
