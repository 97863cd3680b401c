package api_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

func TestLifecycle_FollowsOktasStatuses(t *testing.T) {
	d := open(t)
	admin := d.admin()
	u, _, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID)
	for _, c := range []struct {
		method, step string
		want         int
		okta, status string
	}{
		{"POST", "/lifecycle/unsuspend", 409, "E0000001", "ACTIVE"},
		{"POST", "/lifecycle/reactivate", 409, "E0000038", "ACTIVE"},
		{"POST", "/lifecycle/activate", 409, "E0000038", "ACTIVE"},
		{"POST", "/lifecycle/unlock", 200, "", "ACTIVE"},
		{"POST", "/lifecycle/suspend", 200, "", "SUSPENDED"},
		{"POST", "/lifecycle/suspend", 409, "E0000001", "SUSPENDED"},
		{"POST", "/lifecycle/unlock", 409, "E0000001", "SUSPENDED"},
		{"POST", "/lifecycle/unsuspend", 200, "", "ACTIVE"},
		{"POST", "/lifecycle/deactivate?sendEmail=true", 200, "", "DEPROVISIONED"},
		{"POST", "/lifecycle/deactivate", 409, "E0000038", "DEPROVISIONED"},
		{"POST", "/lifecycle/suspend", 409, "E0000001", "DEPROVISIONED"},
		{"POST", "/lifecycle/activate", 200, "", "ACTIVE"},
		{"DELETE", "", 204, "", "DEPROVISIONED"},
		{"DELETE", "?sendEmail=false", 204, "", ""},
		{"DELETE", "", 404, "E0000007", ""},
		{"POST", "/lifecycle/suspend", 404, "E0000007", ""},
		{"POST", "/lifecycle/deactivate?sendEmail=perhaps", 400, "E0000031", ""},
		{"DELETE", "?sendEmail=perhaps", 400, "E0000031", ""},
	} {
		name := c.method + " " + c.step + " of " + c.status
		w := d.call(c.method, path+c.step, admin, "")
		if w.Code != c.want {
			t.Fatalf("%s: got %d %s, want %d", name, w.Code, w.Body, c.want)
		}
		if c.okta != "" {
			if doc := problem(t, w, c.want); doc.ErrorCode != c.okta || c.want == 409 && !strings.Contains(doc.Detail, ": ") {
				t.Errorf("%s: got %s, want %s and what to do instead", name, w.Body, c.okta)
			}
		} else if c.want == 200 && !strings.Contains(c.step, "activate") && strings.TrimSpace(w.Body.String()) != "{}" {
			t.Errorf("%s: got %s, want an empty object", name, w.Body)
		}
		if c.status == "" {
			continue
		}
		if got := read[tree](t, d.call("GET", path, admin, ""), 200).get("status"); got != c.status {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if got := len(d.Events(audit.UserSuspended, audit.UserUnsuspended, audit.UserDeactivated, audit.UserReactivated, audit.UserDeleted, audit.UserUnlocked)); got != 7 {
		t.Errorf("got %d events, want one for each act", got)
	}
}

func TestLifecycle_ReactivateInvitesAgain(t *testing.T) {
	d := open(t)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	path := "/api/v1/users/" + read[tree](t, d.call("POST", "/api/v1/users", secrets, `{"profile":{"login":"new@garage.example"}}`), 200).get("id").(string)
	d.EmptyOutbox()
	if got := read[tree](t, d.call("POST", path+"/lifecycle/reactivate", secrets, ""), 200); got.get("mailed") != true || len(d.Mails()) != 1 {
		t.Errorf("got %v and %d mails", got, len(d.Mails()))
	}
	problem(t, d.call("POST", path+"/lifecycle/reactivate?sendEmail=false", d.admin(), ""), 403)
	first := d.keyed(path+"/lifecycle/reactivate?sendEmail=false", secrets, "", "k")
	again := d.keyed(path+"/lifecycle/reactivate?sendEmail=false", secrets, "", "k")
	if !strings.Contains(first.Body.String(), "/invite/") || again.Code != 200 || strings.Contains(again.Body.String(), "/invite/") {
		t.Errorf("got %s, then %s, want the link once", first.Body, again.Body)
	}
}
