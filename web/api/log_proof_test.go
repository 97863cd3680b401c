package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

func TestLogs_ProofsAreForTokensWithoutGroupScope(t *testing.T) {
	d := open(t)
	ours, theirs := d.CreateGroup("Garage Lumière"), d.CreateGroup("Garage du Port")
	zoe, _, _ := d.Member("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{ours} })
	karim, _, _ := d.Member("karim@garage.example", func(u *account.User) { u.Groups = []account.GroupID{theirs} })
	d.write(audit.Event{Action: audit.FactorsReset, Outcome: audit.Success, Subject: string(zoe.ID), SubjectName: zoe.Login, Detail: map[string]string{"to": zoe.Email}},
		audit.Event{Action: audit.FactorsReset, Outcome: audit.Success, Subject: string(karim.ID), SubjectName: karim.Login})
	reader := d.token(account.RoleReadOnly, nil)
	scoped := d.token(account.RoleReadOnly, func(n *admin.NewToken) { n.Groups = []account.GroupID{ours} })
	events := read[[]tree](t, d.call("GET", "/api/v1/logs?filter="+`eventType%20eq%20%22user.mfa.factor.reset_all%22`, reader, ""), 200)
	if len(events) != 2 {
		t.Fatalf("got %d events, want both resets", len(events))
	}
	if w := d.call("GET", "/api/v1/logs/head", reader, ""); w.Header().Get("Retry-After") != "2" {
		t.Errorf("a log without a head: got Retry-After %q", w.Header().Get("Retry-After"))
	} else if p := problem(t, w, 409); !strings.Contains(p.Detail, "no signed head") {
		t.Errorf("got %+v", p)
	}
	path := func(i int) string { return "/api/v1/logs/" + events[i].get("uuid").(string) + "/proof" }
	problem(t, d.call("GET", path(0), reader, ""), 409)
	problem(t, d.call("GET", path(0), scoped, ""), 403)
	d.advance()
	for _, test := range []struct {
		path, token string
		status      int
	}{{path(0), reader, 200}, {path(1), reader, 200}, {path(0), scoped, 403}, {path(1), scoped, 403}, {"/api/v1/logs/x/proof", reader, 404},
		{"/api/v1/logs/" + audit.NewID(d.Clock.Now()) + "/proof", reader, 404}} {
		w := d.call("GET", test.path, test.token, "")
		if test.status != 200 {
			problem(t, w, test.status)
			continue
		}
		if p := read[tree](t, w, 200); p.get("event", "subject") == nil || p.get("event", "salt") == "" || !strings.Contains(p.get("head").(string), "barillet-audit-") {
			t.Errorf("%s: got %v", test.path, p)
		}
	}
	problem(t, d.call("GET", "/api/v1/logs/head", scoped, ""), 403)
	if head := read[tree](t, d.call("GET", "/api/v1/logs/head", reader, ""), 200); !strings.HasPrefix(head.get("key").(string), "barillet-audit-") {
		t.Errorf("got %v", head)
	}
}

// The salt would make a guess at an erased name possible.
func TestLogs_ShowNoSalt(t *testing.T) {
	d := open(t)
	reader := d.token(account.RoleReadOnly, nil)
	d.write(audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: "u1", SubjectName: "zoe@garage.example"})
	if got := d.call("GET", "/api/v1/logs", reader, "").Body.String(); strings.Contains(got, "salt") || !strings.Contains(got, "zoe@garage.example") {
		t.Errorf("got %s, want events without salt", got)
	}
}

func TestLogs_VerifyIsForSuperAdministratorsWithoutGroupScope(t *testing.T) {
	d := open(t)
	garage := d.CreateGroup("Garage Lumière")
	super := d.token(account.RoleSuperAdmin, nil)
	for _, token := range []string{d.token(account.RoleUserAdmin, nil), d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{garage} })} {
		problem(t, d.call("POST", "/api/v1/logs/verify", token, ""), 403)
	}
	if report := read[tree](t, d.call("POST", "/api/v1/logs/verify", super, ""), 200); report.get("bad") != nil || report.get("pending") == 0.0 {
		t.Errorf("before the first head: got %v", report)
	}
	d.advance()
	head := read[tree](t, d.call("GET", "/api/v1/logs/head", super, ""), 200).get("head").(string)
	body, err := json.Marshal(map[string]string{"head": head})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"", "{}", string(body)} {
		if report := read[tree](t, d.call("POST", "/api/v1/logs/verify", super, body), 200); report.get("bad") != nil || report.get("entries") == 0.0 {
			t.Errorf("got %v", report)
		}
	}
	for _, head := range []string{"x", strings.Replace(head, "\n", "\n1", 1)} {
		body, err := json.Marshal(map[string]string{"head": head})
		if err != nil {
			t.Fatal(err)
		}
		problem(t, d.call("POST", "/api/v1/logs/verify", super, string(body)), 400)
	}
}

// advance does what the service does once a second, at the latest.
func (d *apiEnv) advance() {
	d.T.Helper()
	if err := d.Directory.Admin.Tree.Advance(d.T.Context()); err != nil {
		d.T.Fatal(err)
	}
}
