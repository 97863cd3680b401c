package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
)

// proofFirst fails unless a page asks for a step-up before it shows anything.
func (a *proving) proofFirst(path string) {
	a.t.Helper()
	if got := a.get(path); !strings.HasPrefix(got.next(), "/account/prove?next=") {
		a.t.Errorf("GET %s: got %d to %q, want the proof first", path, got.StatusCode, got.next())
	}
}

// performs sends an act without and with a reason, and again, and returns the answer. done is where a redirect leads; "": a page.
func (a *proving) performs(path, done string, fields ...string) page {
	a.t.Helper()
	once := path + fmt.Sprint(fields)
	fields = append(fields, "once", once)
	if got := a.post(path, fields...); got.StatusCode != http.StatusUnprocessableEntity {
		a.t.Errorf("POST %s without a reason: got %d to %q, want 422", path, got.StatusCode, got.next())
	}
	fields = append(fields, "reason", "asked by the chief")
	got := a.post(path, fields...)
	if want := map[bool]int{true: http.StatusOK, false: http.StatusSeeOther}[done == ""]; got.StatusCode != want || got.next() != done {
		a.t.Fatalf("POST %s: got %d to %q, want %d to %q\n%s", path, got.StatusCode, got.next(), want, done, problemIn(got.body))
	}
	return got
}

// repeated sends an act again and fails unless nothing is done.
func (a *proving) repeated(path string, fields ...string) {
	a.t.Helper()
	once := path + fmt.Sprint(fields)
	if got := a.post(path, append(fields, "once", once, "reason", "asked by the chief")...); !strings.Contains(got.next(), "again=sent_before") || strings.Contains(got.body, "secret-once") {
		a.t.Errorf("POST %s again: got %d to %q, want the answer that it was sent before", path, got.StatusCode, got.next())
	}
}

// reasoned fails unless the newest event of an action names the administrator and the reason.
func (a *proving) reasoned(action string) audit.Entry {
	a.t.Helper()
	all := a.place.Events(action)
	if len(all) == 0 {
		a.t.Fatalf("no event %s", action)
	}
	e := all[len(all)-1]
	if e.Detail["reason"] != "asked by the chief" || e.Actor.ID != string(a.user.ID) {
		a.t.Errorf("%s: got reason %q by %q, want that of the form by %q", action, e.Detail["reason"], e.Actor.ID, a.user.ID)
	}
	return e
}

func TestConsole_ManagesApplications(t *testing.T) {
	p, _ := appPlace(t, nil)
	canal := p.CreateGroup("Garage du Canal")
	_, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	const list = "/console/applications"
	admin.proofFirst(list + "/register")
	admin.proves(list + "/register")
	fields := []string{"name", "Planning", "redirects", "https://app.example/cb\r\nhttps://app.example/other", "kind", "web"}
	made := admin.performs(list+"/register", "", fields...)
	secret := secretIn(t, made.body)
	if !strings.HasPrefix(secret, "bcs_") || !strings.Contains(made.body, "It is shown only now") {
		t.Fatalf("got %q, want the secret shown once", secret)
	}
	admin.repeated(list+"/register", fields...)
	admin.reasoned(audit.AppCreated)
	found := regexp.MustCompile(list+`/(c[0-9a-z]+)"`).FindAllStringSubmatch(admin.shows(list).body, -1)
	if len(found) != 1 {
		t.Fatalf("got %d applications in the list, want 1", len(found))
	}
	at := list + "/" + found[0][1]
	if got := admin.shows(at).body; strings.Contains(got, secret) || !strings.Contains(got, "https://app.example/other") || !strings.Contains(got, "Everybody") {
		t.Error("the page shows the secret, or not the application")
	}
	if got := admin.post(at+"/policy", "who", "groups", "groups", "Garage inventé", "strong", "yes", "reason", "r"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "No garage has this name") {
		t.Errorf("got %d for an unknown garage, want 422", got.StatusCode)
	}
	admin.performs(at+"/policy", at+"?done=app_policy", "who", "groups", "groups", "garage du canal", "strong", "yes")
	if got := admin.shows(at).body; !strings.Contains(got, "<li>Garage du Canal</li>") || !strings.Contains(got, "<code translate=\"no\">phr</code>") || !strings.Contains(got, "Nobody is asked") {
		t.Errorf("the page does not show the new rules for %s", canal)
	}
	if got := admin.shows("/console/groups/" + string(canal)).body; !strings.Contains(got, `<a href="`+at+`">`) {
		t.Error("the page of the garage does not name the application that has a rule for it")
	}
	if got := admin.post(at+"/edit", "name", "Planning", "redirects", "javascript:alert(1)", "reason", "r"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d for an address of a script, want 422", got.StatusCode)
	}
	admin.performs(at+"/edit", at+"?done=app_edit", "name", "Planning 2", "redirects", "https://app.example/cb")
	if got := admin.shows(at).body; strings.Contains(got, "https://app.example/other") || !strings.Contains(got, "Garage du Canal") {
		t.Error("the change of the addresses is missing, or lost the rules")
	}
	if next := secretIn(t, admin.performs(at+"/secret", "").body); next == secret || !strings.HasPrefix(next, "bcs_") {
		t.Errorf("got %q, want another secret", next)
	}
	admin.repeated(at + "/secret")
	admin.performs(list+"/keys/rotate", list+"?done=keys_rotate")
	admin.reasoned(audit.AppKeysRotated)
	admin.performs(at+"/delete", list+"?done=app_delete")
	admin.reasoned(audit.AppDeleted)
	if got := admin.get(at); got.StatusCode != http.StatusNotFound {
		t.Errorf("got %d for a deleted application, want 404", got.StatusCode)
	}
	got := admin.post(list+"/register", "name", "Télé", "redirects", "com.example.tele:/cb", "kind", "native", "once", "x", "reason", "r")
	if !strings.HasSuffix(got.next(), "?done=app_register") || admin.shows(got.next()).StatusCode != http.StatusOK {
		t.Errorf("got %d to %q for an application without a secret, want its page", got.StatusCode, got.next())
	}
}

func TestConsole_ManagesWebhooks(t *testing.T) {
	p := open(t, nil)
	_, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	const list = "/console/webhooks"
	admin.proofFirst(list + "/create")
	admin.proves(list + "/create")
	for field, value := range map[string]string{"url": "http://127.0.0.1/hook", "events": "user.sesion.start"} {
		sent := map[string]string{"name": "SIEM", "url": "https://siem.example/hook?key=geheim", "events": "user.session.*", "reason": "r"}
		sent[field] = value
		if got := admin.post(list+"/create", "name", sent["name"], "url", sent["url"], "events", sent["events"], "reason", "r"); got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s %q: got %d, want 422", field, value, got.StatusCode)
		}
	}
	fields := []string{"name", "SIEM", "url", "https://siem.example/hook?key=geheim", "events", "user.session.*\r\nbarillet.help.*"}
	secret := secretIn(t, admin.performs(list+"/create", "", fields...).body)
	if !strings.HasPrefix(secret, "whsec_") {
		t.Fatalf("got %q, want the secret", secret)
	}
	admin.repeated(list+"/create", fields...)
	admin.reasoned(audit.WebhookCreated)
	m := regexp.MustCompile(list + `/(webhook[^"/]*|[0-9a-z-]+)" data-row`).FindStringSubmatch(admin.shows(list).body)
	if m == nil {
		t.Fatal("the list does not show the webhook")
	}
	at := list + "/" + m[1]
	if got := admin.shows(at).body; strings.Contains(got, "geheim") || strings.Contains(got, secret) || !strings.Contains(got, "siem.example") {
		t.Error("the page shows a credential, or not the receiver")
	}
	admin.performs(at+"/test", at+"?done=hook_test")
	admin.repeated(at + "/test")
	if got := len(p.Events(audit.WebhookTested)); got != 1 {
		t.Errorf("got %d tests, want 1", got)
	}
	admin.performs(at+"/disable", at+"?done=hook_disable")
	if got := admin.post(at+"/test", "reason", "r", "once", "x"); got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "The webhook is off") {
		t.Errorf("got %d for a test of a webhook that is off, want 409", got.StatusCode)
	}
	admin.performs(at+"/edit", at+"?done=hook_edit", "name", "SIEM 2", "url", "https://siem.example/new", "events", "*")
	if got := admin.shows(at).body; !strings.Contains(got, "Switched off") || !strings.Contains(got, "SIEM 2") {
		t.Error("a change switched the webhook on, or is missing")
	}
	admin.performs(at+"/enable", at+"?done=hook_enable")
	if next := secretIn(t, admin.performs(at+"/rotate", "").body); next == secret {
		t.Error("the secret is the same")
	}
	admin.performs(at+"/delete", list+"?done=hook_delete")
	admin.reasoned(audit.WebhookDeleted)
}

// deadLetter stores an email that was given up, and returns its id.
func (p *place) deadLetter(t *testing.T, change func(*mail.Message)) string {
	t.Helper()
	p.Clock.Advance(time.Second)
	id, now := store.NewTimeID(p.Clock.Now()), p.Clock.Now()
	m := mail.Message{Template: "device_added", Lang: "fr", To: []string{bruno}, MessageID: "m@login.example", Data: json.RawMessage(`{"device":"Clé secrète"}`), Queued: now, Tried: now,
		AttemptCount: 12, LastError: "550 no such user\u202e", Dead: true, Died: now}
	if change != nil {
		change(&m)
	}
	table := store.NewTable[mail.Message](p.Ring, store.Outbox)
	if err := p.Store.Update(t.Context(), func(tx store.Tx) error { return table.Put(tx, id, m) }); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestConsole_SendsAnEmailThatWasGivenUpAgainOrDropsIt(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, nil)
	_, admin := p.administrator(t, "root@garage.example", account.RoleUserAdmin)
	p.EmptyOutbox()
	ofMember := func(m *mail.Message) { m.Recipient = string(member.ID) }
	id := p.deadLetter(t, ofMember)
	at := "/console/mail/" + id
	got := admin.shows("/console/mail").body
	for _, want := range []string{"Device added", bruno, "550 no such user<", "12 attempts", at + "/retry", "email given up"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(got, "Clé secrète") {
		t.Error("the page shows the content of the email")
	}
	admin.proofFirst(at + "/retry")
	admin.proves(at + "/retry")
	admin.performs(at+"/retry", "/console/mail?done=mail_retry")
	if e := admin.reasoned(audit.MailRetried); e.Subject != string(member.ID) || e.Targets[0].ID != id {
		t.Errorf("got an event about %q and %v, want the recipient and the email", e.Subject, e.Targets)
	}
	if waiting := p.Mails(); len(waiting) != 1 || waiting[0].ID != id {
		t.Errorf("got %v, want the email in the outbox", waiting)
	}
	for _, path := range []string{at + "/drop", at + "/retry"} {
		if got := admin.get(path); got.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s of an email that waits: got %d, want 404", path, got.StatusCode)
		}
		if got := admin.post(path, "reason", "r"); got.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s of an email that waits: got %d, want 404", path, got.StatusCode)
		}
	}
	expired := p.deadLetter(t, func(m *mail.Message) { ofMember(m); m.Template, m.ExpiresAt = "devices_reset", m.Queued })
	if got := admin.post("/console/mail/"+expired+"/retry", "reason", "r"); got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "has expired") {
		t.Errorf("got %d for an expired ticket, want 409", got.StatusCode)
	}
	admin.performs("/console/mail/"+expired+"/drop", "/console/mail?done=mail_drop")
	admin.reasoned(audit.MailDropped)
	if got := admin.shows("/console/mail").body; strings.Contains(got, expired) {
		t.Error("the email is still there")
	}
}

// Many dead letters fill no mailbox (protocol rule 18).
func TestAttack_DeadLettersSentAgainFillAMailbox(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, nil)
	_, admin := p.administrator(t, "root@garage.example", account.RoleUserAdmin)
	admin.proves("/console/mail")
	sent := 0
	for range 8 {
		id := p.deadLetter(t, func(m *mail.Message) { m.Recipient = string(member.ID) })
		if got := admin.post("/console/mail/"+id+"/retry", "reason", "r"); got.StatusCode == http.StatusSeeOther {
			sent++
		} else if got.StatusCode != http.StatusTooManyRequests {
			t.Errorf("got %d, want 429", got.StatusCode)
		}
	}
	if sent != 5 {
		t.Errorf("got %d emails sent again, want 5 in an hour", sent)
	}
}

// registerApp registers an application and returns its id.
func registerApp(t *testing.T, provider *oidc.Provider) string {
	t.Helper()
	made, err := provider.Clients.Register(throttle.WithCharge(t.Context()), client.Registrar{Actor: audit.System}, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(made.ID)
}

// Applications, webhooks and email concern all users, so no role in a group scope sees them.
func TestConsole_ServicePagesAreForUnscopedRoles(t *testing.T) {
	p, provider := appPlace(t, nil)
	canal := p.CreateGroup("Garage du Canal")
	made := registerApp(t, provider)
	id := p.deadLetter(t, nil)
	pages := map[string]account.Role{"/console/applications": account.RoleSuperAdmin, "/console/applications/" + made: account.RoleSuperAdmin, "/console/webhooks": account.RoleSuperAdmin, "/console/mail": account.RoleReadOnly}
	acts := map[string]account.Role{"/console/applications/register": account.RoleSuperAdmin, "/console/applications/keys/rotate": account.RoleSuperAdmin, "/console/webhooks/create": account.RoleSuperAdmin,
		"/console/mail/" + id + "/retry": account.RoleUserAdmin, "/console/mail/" + id + "/drop": account.RoleUserAdmin}
	for _, act := range []string{"edit", "policy", "secret", "delete"} {
		acts["/console/applications/"+made+"/"+act] = account.RoleSuperAdmin
	}
	for i, who := range []struct {
		role   account.Role
		groups []account.GroupID
	}{{account.RoleReadOnly, nil}, {account.RoleHelpDesk, nil}, {account.RoleUserAdmin, nil}, {account.RoleSuperAdmin, []account.GroupID{canal}}, {account.RoleUserAdmin, []account.GroupID{canal}}} {
		_, admin := p.administrator(t, fmt.Sprintf("admin%d@garage.example", i), who.role, who.groups...)
		admin.proves("/console")
		for path, least := range pages {
			want := http.StatusForbidden
			if who.groups == nil && who.role.Rank() >= least.Rank() {
				want = http.StatusOK
			}
			if got := admin.get(path); got.StatusCode != want {
				t.Errorf("GET %s as %s of %v: got %d, want %d", path, who.role, who.groups, got.StatusCode, want)
			}
		}
		before := len(p.Events())
		for path, least := range acts {
			if who.groups == nil && who.role.Rank() >= least.Rank() {
				continue
			}
			for _, got := range []page{admin.get(path), admin.post(path, "name", "A", "redirects", "https://a.example", "kind", "web", "url", "https://a.example", "events", "*", "who", "all", "reason", "r")} {
				if got.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s as %s of %v: got %d, want 403", got.Request.Method, path, who.role, who.groups, got.StatusCode)
				}
			}
		}
		if after := len(p.Events()); after != before {
			t.Errorf("%s of %v caused %d events", who.role, who.groups, after-before)
		}
	}
}
