package api_test

import (
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

func TestProfile_PostUpdatesAndPutReplaces(t *testing.T) {
	d := open(t)
	admin := d.admin()
	made := read[tree](t, d.call("POST", "/api/v1/users?activate=false", admin, `{"profile":{"login":"zoe@garage.example","secondEmail":"zoe@home.example",
		"firstName":"Zoé","locale":"tlh","badge":"<7>","old":1}}`), 200)
	path := "/api/v1/users/" + made.get("id").(string)
	profile := func(u tree) string {
		var out []string
		for _, name := range []string{"login", "email", "secondEmail", "firstName", "locale", "badge", "old", "new"} {
			out = append(out, fmt.Sprintf("%s=%v", name, u.get("profile", name)))
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct{ name, method, body, want string }{
		{"nothing", "POST", `{}`, "login=zoe@garage.example email=zoe@garage.example secondEmail=zoe@home.example firstName=Zoé locale=tlh badge=<7> old=1 new=<nil>"},
		{"some members", "POST", `{"profile":{"firstName":"Zoë","old":null,"new":[1],"locale":"fr-CH"}}`,
			"login=zoe@garage.example email=zoe@garage.example secondEmail=zoe@home.example firstName=Zoë locale=fr-CH badge=<7> old=<nil> new=[1]"},
		{"a language of their own", "POST", `{"profile":{"locale":"tlh"}}`,
			"login=zoe@garage.example email=zoe@garage.example secondEmail=zoe@home.example firstName=Zoë locale=tlh badge=<7> old=<nil> new=[1]"},
		{"an address", "POST", `{"profile":{"email":"Z@Garage.example","secondEmail":null}}`,
			"login=zoe@garage.example email=Z@Garage.example secondEmail=<nil> firstName=Zoë locale=tlh badge=<7> old=<nil> new=[1]"},
		{"the whole", "PUT", `{"profile":{"login":"z@garage.example","email":"z@garage.example","badge":8}}`,
			"login=z@garage.example email=z@garage.example secondEmail=<nil> firstName=<nil> locale=<nil> badge=8 old=<nil> new=<nil>"},
	} {
		got := read[tree](t, d.call(c.method, path, admin, c.body), 200)
		if profile(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, profile(got), c.want)
		}
	}
	// What was read can be sent back as it is.
	whole := d.call("GET", path, admin, "").Body.String()
	before := len(d.Events(audit.ProfileUpdated, audit.AddressUpdated))
	if got := read[tree](t, d.call("PUT", path, admin, whole), 200); got.get("profile", "badge") != 8.0 {
		t.Errorf("got %v", got)
	}
	if got := len(d.Events(audit.ProfileUpdated, audit.AddressUpdated)); got != before {
		t.Errorf("sending back what was read wrote %d events", got-before)
	}
}

func TestProfile_RejectsInvalidValues(t *testing.T) {
	d := open(t)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	u, _, session := d.Member("zoe@garage.example", nil)
	d.CreateUser("there@garage.example", nil)
	d.EmptyOutbox()
	for _, method := range []string{"POST", "PUT"} {
		for _, c := range []struct {
			body, says string
			want       int
		}{
			{`{"profile":{"login":"There@garage.example","email":"zoe@garage.example"}}`, "", 409},
			{`{"profile":{"login":"hunter2 x","email":"zoe@garage.example"}}`, "login", 400},
			{`{"profile":{"login":null,"email":"zoe@garage.example"}}`, "login", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example","firstName":1}}`, "profile.firstName", 400},
			{`{"profile":{"login":"a@garage.example","login":"b@garage.example"}}`, "profile.login", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"credentials":{"password":{"value":"hunter2"}}}`, "password", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"credentials":{"recovery_question":{"question":"x","answer":"hunter2 x"}}}`,
				"credentials.recovery_question", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"credentials":{"password":{"hook":{"type":"default"}}}}`, "credentials.password.hook", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"credentials":{"password":{"hash":{}}}}`, "credentials.password.hash", 400},
			{`{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example"},"role":"SUPER_ADMIN"}`, "role", 400},
			{`{"profile":[]}`, "", 400},
			{`{"hunter2":1}`, "", 400},
		} {
			w := d.call(method, "/api/v1/users/"+string(u.ID), secrets, c.body)
			doc := problem(t, w, c.want)
			if !strings.Contains(doc.Detail, c.says) || strings.Contains(w.Body.String(), "hunter2 ") || strings.Contains(w.Body.String(), "there@") {
				t.Errorf("%s %s: got %s", method, c.body, w.Body)
			}
		}
		problem(t, d.call(method, "/api/v1/users/nobody", secrets, `{"profile":{"login":"a@b.example","email":"a@b.example"}}`), 404)
		problem(t, d.call(method, "/api/v1/users/"+string(u.ID), d.token(account.RoleHelpDesk, nil), `{"profile":{"login":"a@b.example","email":"a@b.example"}}`), 403)
	}
	if _, err := d.Sessions.Authenticate(t.Context(), session); err != nil || len(d.Mails()) != 0 {
		t.Errorf("a refused change: got %v and %d mails", err, len(d.Mails()))
	}
}
