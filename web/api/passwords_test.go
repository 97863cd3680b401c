package api_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/secret"
)

func TestPassword_LinkIsSentOrReturned(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/lifecycle/reset_password"
	d.EmptyOutbox()
	desk := d.token(account.RoleHelpDesk, nil)
	for range 2 {
		if w := d.keyed(path, desk, "", "k"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != "{}" {
			t.Errorf("mailed: got %d %s, want an empty object", w.Code, w.Body)
		}
	}
	if got := len(d.Mails()); got != 1 {
		t.Errorf("got %d mails, want one", got)
	}
	problem(t, d.call("POST", path+"?sendEmail=false", desk, ""), 403)
	problem(t, d.call("POST", path+"?sendEmail=no", desk, ""), 400)
	secrets := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets = true })
	link, _ := read[tree](t, d.keyed(path+"?sendEmail=false", secrets, "", "s"), 200).get("resetPasswordUrl").(string)
	token := strings.TrimPrefix(link, "https://login.example/password/")
	if token == link || len(token) < 40 {
		t.Fatalf("got %q, want a link", link)
	}
	if login, _, err := d.Authn.PasswordLink(t.Context(), secret.From(token)); err != nil || login != u.Login {
		t.Errorf("the link: got %q, %v", login, err)
	}
	for _, w := range []string{d.keyed(path+"?sendEmail=false", secrets, "", "s").Body.String(), d.call("GET", "/api/v1/logs", d.admin(), "").Body.String(),
		d.call("GET", "/api/v1/users/"+string(u.ID), d.admin(), "").Body.String()} {
		if strings.Contains(w, token) {
			t.Errorf("the secret is in %s", w)
		}
	}
	d.Change(u.ID, func(u *account.User) { u.Devices = nil })
	if doc := problem(t, d.call("POST", path, desk, ""), 409); doc.ErrorCode != "E0000038" || !strings.Contains(doc.Detail, "reset_factors") {
		t.Errorf("without a device: got %+v, want to be told to reset", doc)
	}
}

func TestPassword_ExpireCreateAndChange(t *testing.T) {
	d := open(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID)
	secrets := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets = true })
	plain := d.token(account.RoleUserAdmin, nil)

	for _, query := range []string{"", "?tempPassword=false", "?revokeSessions=true"} {
		got := read[tree](t, d.call("POST", path+"/lifecycle/expire_password"+query, plain, ""), 200)
		if got.get("status") != "PASSWORD_EXPIRED" || got.get("id") != string(u.ID) {
			t.Errorf("%s: got %v", query, got)
		}
	}
	problem(t, d.call("POST", path+"/lifecycle/expire_password?tempPassword=perhaps", plain, ""), 400)
	for i, call := range []string{"/lifecycle/expire_password_with_temp_password", "/lifecycle/expire_password_with_temp_password?revokeSessions=true",
		"/lifecycle/expire_password?tempPassword=true"} {
		problem(t, d.call("POST", path+call, plain, ""), 403)
		key := "temp" + string(rune('a'+i))
		first := read[tree](t, d.keyed(path+call, secrets, "", key), 200)
		temporary, _ := first.get("tempPassword").(string)
		if len(temporary) != 19 || len(first) != 1 {
			t.Fatalf("%s: got %v", call, first)
		}
		started, err := d.Authn.StartWithPassword(t.Context(), d.From, u.Login, temporary)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := d.Authn.Verify(t.Context(), d.From, started.Secret, factors.InputCode, phone.Next()); err != nil || v.Step != authn.StepChangePassword {
			t.Errorf("signing in: got %q, %v", v.Step, err)
		}
		for _, w := range []string{d.keyed(path+call, secrets, "", key).Body.String(), d.call("GET", "/api/v1/logs", d.admin(), "").Body.String()} {
			if strings.Contains(w, temporary) {
				t.Errorf("the password is in %s", w)
			}
		}
	}

	change := path + "/credentials/change_password"
	body := func(old, new string) string {
		return `{"oldPassword":{"value":"` + old + `"},"newPassword":{"value":"` + new + `"}}`
	}
	d.Change(u.ID, func(u *account.User) { u.Password = d.hashed("dix clefs et un tournevis") })
	for _, c := range []struct{ body, says string }{
		{body("hunter2 hunter2", "huit chevaux bruns"), "oldPassword.value: wrong"},
		{body("dix clefs et un tournevis", "abc"), "newPassword.value: too_short"},
		{body("dix clefs et un tournevis", strings.Repeat("é", 257)), "newPassword.value: too_long"},
		{body(strings.Repeat("é", 257), "huit chevaux bruns"), "oldPassword.value: too_long"},
		{body("", "huit chevaux bruns"), "oldPassword.value: empty"},
		{`{"newPassword":{"value":"huit chevaux bruns"}}`, "oldPassword.value: empty"},
		{`{"oldPassword":{"value":"dix clefs et un tournevis"}}`, "newPassword.value: empty"},
		{`{"oldPassword":{"hash":{}},"newPassword":{"value":"x"}}`, "oldPassword.hash: unsupported"},
		{`{"oldPassword":{"value":"x"},"newPassword":{"hook":{}}}`, "newPassword.hook: unsupported"},
		{`{"oldPassword":"x"}`, "oldPassword"},
		{`{"password":"x"}`, "password"},
	} {
		w := d.call("POST", change, plain, c.body)
		if doc := problem(t, w, 400); len(doc.ErrorCauses) == 0 || doc.ErrorCauses[0].ErrorSummary != c.says || strings.Contains(w.Body.String(), "hunter2") {
			t.Errorf("%s: got %s", c.body, w.Body)
		}
	}
	problem(t, d.call("POST", change, plain, ""), 415)
	problem(t, d.call("POST", change+"?strict=very", plain, body("x", "y")), 400)
	if w := d.call("POST", change+"?strict=true", plain, `{"oldPassword":{"value":"dix clefs et un tournevis"},"newPassword":{"value":"huit chevaux bruns"},"revokeSessions":true}`); w.Code != 200 ||
		strings.TrimSpace(w.Body.String()) != `{"password":{},"provider":{"type":"OKTA","name":"OKTA"}}` {
		t.Errorf("changed: got %d %s", w.Code, w.Body)
	}
	d.SignIn(u.Login, "huit chevaux bruns", phone)
}

// hashed is a password as it is kept.
func (d *apiEnv) hashed(text string) account.Password {
	d.T.Helper()
	phc, err := d.Accounts.Hasher.Hash(d.T.Context(), false, text)
	if err != nil {
		d.T.Fatal(err)
	}
	return account.Password{Hash: phc, Provenance: account.ProvenanceUser}
}

func TestPassword_IsSetByPostAndPut(t *testing.T) {
	d := open(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID)
	secrets := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets = true })
	for method, text := range map[string]string{"POST": "dix clefs et un tournevis", "PUT": "onze clefs et deux tournevis"} {
		body := `{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"credentials":{"password":{"value":"` + text + `"}}}`
		problem(t, d.call(method, path, d.token(account.RoleUserAdmin, nil), body), 403)
		w := d.call(method, path, secrets, body)
		if got := read[tree](t, w, 200); got.get("status") != "ACTIVE" || strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: got %s", method, w.Body)
		}
		d.SignIn(u.Login, text, phone)
	}
	d.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	if doc := problem(t, d.call("POST", path, secrets, `{"credentials":{"password":{"value":"douze clefs de trop"}}}`), 409); doc.Type != "/problems/wrong_state" {
		t.Errorf("suspended: got %+v", doc)
	}
}

func TestUsers_StatusFilterAndLinks(t *testing.T) {
	d := open(t)
	admin := d.admin()
	links := func(u tree) string {
		var out []string
		for _, name := range []string{"activate", "reactivate", "suspend", "unsuspend", "deactivate", "unlock", "resetPassword", "expirePassword", "changePassword"} {
			if href, ok := u.get("_links", name, "href").(string); ok {
				out = append(out, name+"="+href[strings.Index(href, "/users/")+len("/users/")+27:])
			}
		}
		return strings.Join(out, " ")
	}
	const active = "suspend=/lifecycle/suspend deactivate=/lifecycle/deactivate "
	const passwords = "resetPassword=/lifecycle/reset_password expirePassword=/lifecycle/expire_password changePassword=/credentials/change_password"
	for _, c := range []struct {
		status, links string
		become        func(id account.UserID, path string)
	}{
		{"ACTIVE", active + passwords, func(account.UserID, string) {}},
		{"PASSWORD_EXPIRED", active + passwords, func(_ account.UserID, path string) { d.call("POST", path+"/lifecycle/expire_password", admin, "") }},
		{"RECOVERY", active + passwords, func(_ account.UserID, path string) { d.call("POST", path+"/lifecycle/reset_password", admin, "") }},
		{"LOCKED_OUT", active + "unlock=/lifecycle/unlock " + passwords, func(id account.UserID, _ string) {
			for range 5 {
				_, _ = d.Authn.StartWithPassword(t.Context(), d.From, string(d.User(string(id)).Login), "pas le bon du tout")
			}
		}},
		{"SUSPENDED", "unsuspend=/lifecycle/unsuspend deactivate=/lifecycle/deactivate", func(_ account.UserID, path string) { d.call("POST", path+"/lifecycle/suspend", admin, "") }},
		{"DEPROVISIONED", "activate=/lifecycle/activate", func(_ account.UserID, path string) { d.call("POST", path+"/lifecycle/deactivate", admin, "") }},
		{"STAGED", "activate=/lifecycle/activate deactivate=/lifecycle/deactivate", func(id account.UserID, _ string) {
			d.Change(id, func(u *account.User) { u.Status = account.StatusStaged })
		}},
		{"PROVISIONED", "activate=/lifecycle/activate reactivate=/lifecycle/reactivate deactivate=/lifecycle/deactivate", func(id account.UserID, _ string) {
			d.Change(id, func(u *account.User) { u.Status = account.StatusProvisioned })
		}},
	} {
		u, _, _ := d.Member(strings.ToLower(c.status)+"@garage.example", nil)
		path := "/api/v1/users/" + string(u.ID)
		c.become(u.ID, path)
		got := read[tree](t, d.call("GET", path, admin, ""), 200)
		if got.get("status") != c.status || links(got) != c.links {
			t.Errorf("got %v with %s, want %s with %s", got.get("status"), links(got), c.status, c.links)
		}
		found := read[[]tree](t, d.call("GET", "/api/v1/users?filter=status+eq+%22"+c.status+"%22", admin, ""), 200)
		if len(found) != 1 || found[0].get("id") != string(u.ID) || found[0].get("status") != c.status {
			t.Errorf("filter by %s: got %v", c.status, found)
		}
		d.Clock.Advance(time.Second)
	}
}
