package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// TestForbidden_SaysWhichRuleRefuses checks the reason of a 403. It depends only on what the caller may read.
func TestForbidden_SaysWhichRuleRefuses(t *testing.T) {
	d := open(t)
	boss, _, _ := d.Member("chef@garage.example", nil)
	peer, _, _ := d.Member("adjoint@garage.example", nil)
	zoe, _, _ := d.Member("zoe@garage.example", nil)
	for _, u := range []account.User{boss, peer} {
		if w := d.local("POST", "/api/v1/users/"+string(u.ID)+"/roles", `{"type":"SUPER_ADMIN"}`); w.Code != 201 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	super := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Owner = string(boss.ID) })
	desk := d.token(account.RoleHelpDesk, nil)
	scoped := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{d.CreateGroup("Garage du Nord")} })
	at := func(u account.User) string { return "/api/v1/users/" + string(u.ID) }
	for _, c := range []struct{ name, token, call, body, want string }{
		{"a SUPER_ADMIN suspends another", super, "POST " + at(peer) + "/lifecycle/suspend", "", "as high as the caller's"},
		{"a SUPER_ADMIN deactivates another", super, "POST " + at(peer) + "/lifecycle/deactivate", "", "as high as the caller's"},
		{"a SUPER_ADMIN puts another into a group", super, "PUT /api/v1/groups/" + string(d.CreateGroup("Garage du Port")) + "/users/" + string(peer.ID), "", "as high as the caller's"},
		{"an administrator suspends themselves", super, "POST " + at(boss) + "/lifecycle/suspend", "", "their own account"},
		{"support suspends a user", desk, "POST " + at(zoe) + "/lifecycle/suspend", "", "needs the role USER_ADMIN"},
		{"support reads the webhooks", desk, "GET /api/v1/webhooks", "", "needs the role SUPER_ADMIN"},
		{"support asks for a link", desk, "POST " + at(zoe) + "/lifecycle/reset_factors", `{"sendEmail":false}`, "allowance secrets"},
		{"a script asks for a password link", super, "POST " + at(zoe) + "/lifecycle/reset_password?sendEmail=false", "", "allowance secrets"},
		{"a script asks for a code on screen", super, "POST " + at(zoe) + "/lifecycle/reset_factors", `{"showCode":true}`, "only the operator"},
		{"a script asks for approval without an email", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Owner, n.Secrets = string(boss.ID), true }),
			"POST " + at(peer) + "/lifecycle/reset_factors", `{"sendEmail":false}`, "always mailed"},
		{"a manager makes a group", scoped, "POST /api/v1/groups", `{"profile":{"name":"G"}}`, "the groups to which the caller is limited"},
		{"a manager creates a user of no group", scoped, "POST /api/v1/users", `{"profile":{"login":"new@garage.example"}}`, "at least one"},
		{"a token makes a stronger one", super, "POST /api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN","allow":["secrets"]}`, "without allowances"},
		{"a token signs users in", super, "POST /api/v1/authn", `{"username":"zoe@garage.example","password":"x"}`, ""},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		w := d.call(method, path, c.token, c.body)
		if doc := problem(t, w, 403); !strings.Contains(doc.Detail, c.want) || doc.Detail == "Not allowed" {
			t.Errorf("%s: got %q, want %q in it", c.name, doc.Detail, c.want)
		}
	}
	// A user outside the scope stays indistinguishable from none.
	outside, none := d.call("POST", at(zoe)+"/lifecycle/suspend", scoped, ""), d.call("POST", "/api/v1/users/nobody/lifecycle/suspend", scoped, "")
	if a, b := problem(t, outside, 404), problem(t, none, 404); a.Detail != b.Detail {
		t.Errorf("got %q and %q", a.Detail, b.Detail)
	}
}
