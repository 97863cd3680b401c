package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/web/api"
)

func TestExport_IsForUnscopedSuperAdminsAndAudited(t *testing.T) {
	d := open(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/export"
	group := d.CreateGroup("Garage du Nord")
	problem(t, d.call("POST", path, d.token(account.RoleUserAdmin, nil), ""), 403)
	problem(t, d.call("POST", path, d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{group} }), ""), 403)
	problem(t, d.call("POST", "/api/v1/users/unknown@garage.example/export", d.admin(), ""), 404)
	if n := len(d.Events(audit.UserExported)); n != 0 {
		t.Errorf("refused exports have %d events", n)
	}
	w := d.call("POST", path, d.admin(), "")
	x := read[tree](t, w, 200)
	if x.get("user", "profile", "login") != "zoe@garage.example" {
		t.Errorf("got the user %v", x.get("user"))
	}
	for _, secret := range []string{phone.Secret, authntest.Password} {
		if strings.Contains(w.Body.String(), secret) {
			t.Error("the export has a secret")
		}
	}
	if events := d.Events(audit.UserExported); len(events) != 1 || events[0].Subject != string(u.ID) || !strings.HasPrefix(events[0].Actor.ID, "token:") {
		t.Errorf("got the events %+v", events)
	}
}

func TestLogEntries_RejectNumbersThatNoEntryHas(t *testing.T) {
	d := open(t)
	for _, first := range []string{"-1", "x", "9223372036854775808"} {
		problem(t, d.call("GET", "/api/v1/logs/entries?first="+first, d.admin(), ""), 400)
	}
}

func TestBackup_IsUnknownToAServiceThatMakesNone(t *testing.T) {
	d := open(t)
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, OIDC: d.Apps, Ring: d.Ring, PublicURL: "https://login.example/"})
	problem(t, d.call("POST", "/api/v1/backup", d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true }), ""), 404)
}
