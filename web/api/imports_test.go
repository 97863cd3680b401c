package api_test

import (
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
)

const otpauth = "otpauth://totp/Okta:zoe?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// outcomes returns a text for each user of a response: outcome, invited, causes.
func outcomes(t *testing.T, got tree) (all []string) {
	t.Helper()
	people, ok := got["users"].([]any)
	if !ok {
		t.Fatalf("got %v", got)
	}
	for _, one := range people {
		p := tree(one.(map[string]any))
		text := fmt.Sprint(p["outcome"], " ", p["invited"])
		causes, _ := p["causes"].([]any)
		for _, c := range causes {
			cause := tree(c.(map[string]any))
			text += fmt.Sprint(" ", cause["field"], ":", cause["reason"])
			if cause["message"] == "" || cause["message"] == cause["reason"] {
				t.Errorf("%v has no message", cause)
			}
		}
		if (p["id"] == nil) != (p["outcome"] == "new" || p["outcome"] == "invalid") {
			t.Errorf("got id %v of %s", p["id"], text)
		}
		all = append(all, text)
	}
	return all
}

func TestImports_DryRunThenCreateOnce(t *testing.T) {
	d := open(t)
	gid := d.CreateGroup("Garage Lumière")
	d.CreateUser("there@garage.example", nil)
	body := `{"users":[
		{"profile":{"login":"zoe@garage.example","firstName":"Zoé","badge":"K-17"},"groupIds":["` + string(gid) + `"],"otpauth":"` + otpauth + `"},
		{"profile":{"email":"luc@garage.example"}},
		{"profile":{"login":"THERE@garage.example","firstName":"Mallory"}},
		{"profile":{"login":"hunter2","firstName":"a\u0000b"},"groupIds":["g0"],"role":"KING","otpauth":"otpauth://totp/x?secret=HUNTER2"}]}`
	invalid := "invalid false profile.email:address otpauth:short role:unknown profile.firstName:control groupIds:unknown"
	check := func(name, query string, want ...string) {
		t.Helper()
		w := d.local("POST", "/api/v1/imports"+query, body)
		got := outcomes(t, read[tree](t, w, 200))
		if strings.Join(got, "\n") != strings.Join(append(want, invalid), "\n") {
			t.Errorf("%s: got\n%s", name, strings.Join(got, "\n"))
		}
		if strings.Contains(strings.ToLower(w.Body.String()), "hunter2") || strings.Contains(w.Body.String(), "JBSWY") {
			t.Errorf("%s: got %s, want nothing of what was submitted", name, w.Body)
		}
	}
	check("tried", "?dryRun=true&activate=true", "new false", "new false", "exists false")
	if len(d.Events()) != 0 || len(d.Mails()) != 0 {
		t.Errorf("trying did something: %v", d.Events())
	}
	check("done", "?activate=true", "created true", "created true", "exists false")
	check("done again", "?activate=true", "exists false", "exists false", "exists false")
	if got := len(d.Mails()); got != 2 {
		t.Errorf("got %d mails, want one each", got)
	}
	zoe := read[tree](t, d.local("GET", "/api/v1/users/zoe@garage.example", ""), 200)
	if zoe.get("status") != "ACTIVE" || zoe.get("profile", "badge") != "K-17" || fmt.Sprint(zoe["groupIds"]) != "["+string(gid)+"]" {
		t.Errorf("got %v", zoe)
	}
	devices := d.local("GET", "/api/v1/users/zoe@garage.example/factors", "").Body.String()
	if !strings.Contains(devices, `"credentialId":"zoe@garage.example"`) || strings.Contains(devices, "key:") {
		t.Errorf("got %s, want nothing of the key", devices)
	}
	if luc := read[tree](t, d.local("GET", "/api/v1/users/luc@garage.example", ""), 200); luc.get("status") != "PROVISIONED" {
		t.Errorf("got %v", luc)
	}
}

func TestImports_RejectsMalformedAndForbiddenCalls(t *testing.T) {
	d := open(t)
	good := `{"profile":{"login":"luc@garage.example"}}`
	many := strings.Repeat(good+",", 100) + good
	for _, c := range []struct {
		name, query, body string
		token             string
		want              int
	}{
		{"nobody", "", `{"users":[]}`, d.admin(), 400},
		{"no list", "", `{}`, d.admin(), 400},
		{"a hundred and one", "", `{"users":[` + many + `]}`, d.admin(), 400},
		{"a login that is a number", "", `{"users":[` + good + `,{"profile":{"login":17}}]}`, d.admin(), 400},
		{"an unknown member", "", `{"users":[` + good + `,{"password":"x"}]}`, d.admin(), 400},
		{"a login twice", "", `{"users":[` + good + `,{"profile":{"login":"a@b.example","login":"c@d.example"}}]}`, d.admin(), 400},
		{"neither true nor false", "?dryRun=maybe", `{"users":[` + good + `]}`, d.admin(), 400},
		{"a key by a token", "", `{"users":[` + good + `,{"profile":{"login":"zoe@garage.example"},"otpauth":"` + otpauth + `"}]}`, d.admin(), 403},
		{"a key by a token, tried", "?dryRun=true", `{"users":[{"profile":{"login":"zoe@garage.example"},"otpauth":"` + otpauth + `"}]}`, d.admin(), 403},
		{"a read-only token", "", `{"users":[` + good + `]}`, d.token(account.RoleReadOnly, nil), 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			problem(t, d.call("POST", "/api/v1/imports"+c.query, c.token, c.body), c.want)
			problem(t, d.local("GET", "/api/v1/users/luc@garage.example", ""), 404)
		})
	}
	problem(t, d.call("POST", "/api/v1/imports", d.admin(), `{"users":[{"profile":{"x":"`+strings.Repeat("y", 64<<10)+`"}}]}`), 413)
	if got := outcomes(t, read[tree](t, d.call("POST", "/api/v1/imports", d.admin(), `{"users":[`+good+`,{"profile":null}]}`), 200)); got[0] != "created false" || !strings.HasPrefix(got[1], "invalid") {
		t.Errorf("got %v", got)
	}
}

func TestImports_GroupNamesAndDuplicates(t *testing.T) {
	d := open(t)
	gid := d.CreateGroup("Garage Lumière")
	body := `{"users":[
		{"profile":{"login":"zoe@garage.example"},"groups":["Garage Lumière"]},
		{"profile":{"login":"luc@garage.example"},"groups":["` + string(gid) + `","Nowhere"]},
		{"profile":{"login":"eve@garage.example","secondEmail":"ZOE@garage.example"}}]}`
	got := outcomes(t, read[tree](t, d.call("POST", "/api/v1/imports?dryRun=true", d.admin(), body), 200))
	want := []string{"new false", "invalid false groups:unknown", "invalid false profile.secondEmail:duplicate"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
