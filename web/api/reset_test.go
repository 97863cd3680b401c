package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// lost creates a user with devices to reset.
func (d *apiEnv) lost(address string) (account.User, *authntest.Phone, secret.Value) {
	d.T.Helper()
	return d.Member(address, nil)
}

func TestReset_RemovesEverythingAndReturnsResult(t *testing.T) {
	d := open(t)
	u, _, session := d.lost("zoe@garage.example")
	had := len(u.Devices)
	d.EmptyOutbox()
	admin := d.admin()
	path := "/api/v1/users/zoe@garage.example/lifecycle/reset_factors"
	receipt := read[tree](t, d.call("POST", path, admin, `{"reason":"téléphone perdu"}`), 200)
	if receipt.get("userId") != string(u.ID) || receipt.get("login") != u.Login || phonesCleared(receipt) != 1.0 || receipt.get("sessionsEnded") != 1.0 ||
		receipt.get("mailed") != true || receipt.get("repeated") != false || receipt.get("reason") != "téléphone perdu" || receipt.get("ticket", "expiresAt") == nil {
		t.Errorf("got %v of %d devices, want what was cleared", receipt, had)
	}
	if receipt.get("ticket", "url") != nil || receipt.get("ticket", "code") != nil || strings.Contains(mustJSON(t, receipt.get("mailedTo")), "zoe@") {
		t.Errorf("got %v, want neither ticket nor address", receipt)
	}
	if got := len(d.User(string(u.ID)).Devices); got != 0 {
		t.Errorf("got %d devices left", got)
	}
	if _, err := d.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want it dead", err)
	}
	mails := len(d.Mails())
	if mails == 0 {
		t.Error("nobody was told")
	}
	// Protocol rule 11: no device is left, and a ticket is open.
	again := read[tree](t, d.call("POST", path, admin, ""), 200)
	if again.get("repeated") != true || phonesCleared(again) != 1.0 || again.get("at") != receipt.get("at") ||
		again.get("ticket", "expiresAt") != receipt.get("ticket", "expiresAt") || len(d.Mails()) != mails || len(d.Events(audit.FactorsReset)) != 1 {
		t.Errorf("got %v with %d mails and %d events, want the same receipt", again, len(d.Mails()), len(d.Events(audit.FactorsReset)))
	}
	read[tree](t, d.call("POST", path, admin, `{"sendEmail":true}`), 200)
	if len(d.Mails()) != mails+1 {
		t.Errorf("got %d mails, want one more for being asked for", len(d.Mails()))
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReset_TicketRequiresTheSecretsAllowance(t *testing.T) {
	d := open(t)
	u, _, _ := d.lost("zoe@garage.example")
	path := "/api/v1/users/" + string(u.ID) + "/lifecycle/reset_factors"
	problem(t, d.call("POST", path, d.admin(), `{"sendEmail":false}`), 403)
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets = true })
	problem(t, d.call("POST", path, secrets, `{"showCode":true}`), 403)
	if got := len(d.User(string(u.ID)).Devices); got == 0 {
		t.Fatal("a refused reset took the devices")
	}
	receipt := read[tree](t, d.call("POST", path, secrets, `{"sendEmail":false}`), 200)
	if code, _ := receipt.get("ticket", "code").(string); len(code) != 9 || receipt.get("mailed") != false {
		t.Errorf("got %v, want a code and no mail", receipt)
	}
	v, _, _ := d.lost("ines@garage.example")
	handed := read[tree](t, d.local("POST", "/api/v1/users/"+string(v.ID)+"/lifecycle/reset_factors", `{"showCode":true,"reason":"au comptoir"}`), 200)
	if code, _ := handed.get("ticket", "code").(string); len(code) != 9 || handed.get("ticket", "url") != nil {
		t.Errorf("got %v, want a code alone", handed)
	}
}

func TestReset_ResolvesHelpRequest(t *testing.T) {
	d := open(t)
	u, _, _ := d.lost("zoe@garage.example")
	other, _, _ := d.lost("ines@garage.example")
	reference, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: "ZOE@garage.example", Topic: string(notice.TopicPhoneLost), Message: "<script>perdu</script>"})
	if err != nil {
		t.Fatal(err)
	}
	d.Clock.Advance(time.Minute)
	if _, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: "nobody@garage.example", Message: "?"}); err != nil {
		t.Fatal(err)
	}
	admin := d.admin()
	list := read[[]tree](t, d.call("GET", "/api/v1/help-requests?status=open&limit=1", admin, ""), 200)
	w := d.call("GET", "/api/v1/help-requests?status=open&limit=1", admin, "")
	second := read[[]tree](t, d.call("GET", next(t, w.Header()), admin, ""), 200)
	if len(list) != 1 || len(second) != 1 || second[0].get("userId") != nil {
		t.Fatalf("got %v and %v, want the two, who has waited longest first", list, second)
	}
	c := list[0]
	hid, _ := c.get("id").(string)
	texts, _ := c.get("texts").([]any)
	if len(texts) != 1 {
		t.Fatalf("got %v, want one text", c)
	}
	text, _ := texts[0].(map[string]any)
	if c.get("reference") != reference || c.get("status") != "open" || c.get("userId") != string(u.ID) || c.get("topic") != "phone_lost" ||
		text["message"] != "<script>perdu</script>" || text["passwordProven"] != false {
		t.Errorf("got %v, want the request", c)
	}
	for query, want := range map[string]int{reference: 1, strings.ToLower(reference): 1, "%E2%80%8B" + strings.ReplaceAll(reference, "-", "%E2%80%93") + "%C2%A0": 1,
		strings.ReplaceAll(reference, "-", ""): 1, "H-0000-0000": 0, "H-0000-0000-0000": 0} {
		if got := read[[]tree](t, d.call("GET", "/api/v1/help-requests?reference="+query, admin, ""), 200); len(got) != want {
			t.Errorf("reference %s: got %d, want %d", query, len(got), want)
		}
	}
	call := `{"status":"in_progress","note":"rappelée","identityCheck":{"method":"called_back"}}`
	d.Change(u.ID, func(u *account.User) { u.MobilePhone = account.Phone{Number: "+33612345678", Since: d.Clock.Now()} })
	problem(t, d.call("PATCH", "/api/v1/help-requests/"+hid, admin, call), 409)
	d.Change(u.ID, func(u *account.User) { u.MobilePhone.Since = d.Clock.Now().AddDate(0, 0, -3) })
	patched := read[tree](t, d.call("PATCH", "/api/v1/help-requests/"+hid, admin, call), 200)
	if patched.get("identityCheck", "number") != "…5678" {
		t.Errorf("got %v, want the end of the number", patched.get("identityCheck"))
	}
	if patched.get("status") != "in_progress" || patched.get("identityCheck", "method") != "called_back" || !strings.Contains(mustJSON(t, patched.get("history")), "rappelée") {
		t.Errorf("got %v, want the change and its history", patched)
	}
	for body, want := range map[string]int{`{"status":"done"}`: 400, `{"identityCheck":{"method":"mail"}}`: 400, `{"note":"` + strings.Repeat("x", 3000) + `"}`: 400, `{"reference":"x"}`: 400} {
		problem(t, d.call("PATCH", "/api/v1/help-requests/"+hid, admin, body), want)
	}
	problem(t, d.call("GET", "/api/v1/help-requests?status=done", admin, ""), 400)

	reset := `{"helpRequestId":"` + hid + `"}`
	problem(t, d.call("POST", "/api/v1/users/"+string(other.ID)+"/lifecycle/reset_factors", admin, reset), 409)
	if len(d.User(string(other.ID)).Devices) == 0 {
		t.Error("a case about somebody else took the devices")
	}
	if got := read[tree](t, d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", admin, reset), 200); got.get("helpRequestId") != hid {
		t.Errorf("got %v, want the case named", got)
	}
	if got := read[tree](t, d.call("GET", "/api/v1/help-requests/"+hid, admin, ""), 200); got.get("status") != "resolved" {
		t.Errorf("got %v, want it resolved", got.get("status"))
	}
}

func TestFactors_ReadAndDelete(t *testing.T) {
	d := open(t)
	u, phone, session := d.lost("zoe@garage.example")
	admin := d.admin()
	path := "/api/v1/users/" + string(u.ID) + "/factors"
	list := read[[]tree](t, d.call("GET", path, admin, ""), 200)
	var found tree
	for _, f := range list {
		if f.get("id") == string(phone.Device) {
			found = f
		}
	}
	if found.get("factorType") != "token:software:totp" || found.get("status") != "ACTIVE" || found.get("name") != "Téléphone" ||
		found.get("profile", "credentialId") != "zoe@garage.example" || found.get("provider") == "" || found.get("created") == nil {
		t.Errorf("got %v, want the phone in Okta's shape", list)
	}
	one := read[tree](t, d.call("GET", path+"/"+string(phone.Device), admin, ""), 200)
	if mustJSON(t, one) != mustJSON(t, found) {
		t.Errorf("got %v alone and %v in the list", one, found)
	}
	if w := d.call("DELETE", path+"/"+string(phone.Device), admin, ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	problem(t, d.call("DELETE", path+"/"+string(phone.Device), admin, ""), 404)
	if _, err := d.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want it dead", err)
	}
}

func TestResponses_ContainNoSecrets(t *testing.T) {
	d := open(t)
	u, phone, session := d.lost("zoe@garage.example")
	secrets := d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets, n.Authn = true, true })
	d.Change(u.ID, func(u *account.User) {
		u.Devices = append(u.Devices, factors.Device{ID: "dplanted", Kind: webauthn.Kind, Name: "Clef", Added: authntest.Start,
			Unique: "Y3JlZGVudGlhbA", Data: json.RawMessage(`{"publicKey":"planted-in-a-device"}`)})
	})
	stored := d.User(string(u.ID))
	planted := []string{phone.Secret, session.Reveal(), stored.Password.Hash, secrets, secret.From(secrets).Hash(), session.Key(), "$argon2id"}
	for _, dev := range stored.Devices {
		planted = append(planted, string(dev.Data))
	}
	before := d.call("GET", "/api/v1/users/"+string(u.ID)+"/factors", secrets, "")
	if !strings.Contains(before.Body.String(), "Y3JlZGVudGlhbA") {
		t.Errorf("got %s, want the key with its public credential id", before.Body)
	}
	reset := d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", d.admin(), "")
	for _, m := range d.Mails() {
		if x, ok := m.What.(notice.DevicesReset); ok {
			planted = append(planted, x.Code, x.Link)
		}
	}
	for _, ticket := range d.User(string(u.ID)).Tickets {
		planted = append(planted, ticket.Link, mustJSON(t, ticket.Code))
	}
	v, other, _ := d.lost("ines@garage.example")
	planted = append(planted, other.Secret)
	made := read[tree](t, d.call("POST", "/api/v1/api-tokens", d.admin(), `{"name":"shown once","role":"READ_ONLY_ADMIN"}`), 201)
	planted = append(planted, made.get("token").(string))

	answers := reset.Body.String() + before.Body.String()
	for _, path := range []string{"users", "users/" + string(u.ID), "users/" + string(v.ID), "users/" + string(v.ID) + "/factors", "users/" + string(u.ID) + "/factors",
		"users/" + string(v.ID) + "/factors/" + string(other.Device), "users?q=zoe", "groups", "help-requests", "api-tokens", "logs", "logs?sortOrder=DESCENDING"} {
		w := d.call("GET", "/api/v1/"+path, secrets, "")
		if w.Code != 200 {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
		answers += w.Body.String() + mustJSON(t, w.Header())
	}
	for i, secret := range planted {
		if len(secret) < 8 {
			t.Fatalf("secret %d is %q: it proves nothing", i, secret)
		}
		if strings.Contains(answers, secret) {
			t.Errorf("secret %d (%q) is in an answer", i, secret)
		}
	}
	for _, word := range []string{`"data"`, `"Data"`, `"phc"`, "otpauth", `"handle"`, `"epoch"`} {
		if strings.Contains(answers, word) {
			t.Errorf("%s is in an answer", word)
		}
	}
}

// TestCoolOff_IsInTheUserAndInTheRefusal: a caller reads until when a reset user, and a reset administrator, is limited.
func TestCoolOff_IsInTheUserAndInTheRefusal(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleUserAdmin}}
	})
	own := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Owner = u.Login })
	path := "/api/v1/users/" + string(u.ID)
	if got := read[tree](t, d.call("GET", path, d.admin(), ""), 200).get("barillet", "coolOff"); got != nil {
		t.Errorf("before a reset: got %v", got)
	}
	d.Change(u.ID, func(u *account.User) { u.Resets++ })
	if got := mustJSON(t, read[tree](t, d.call("GET", path, own, ""), 200).get("barillet", "coolOff")); got != `{"until":null}` {
		t.Errorf("after a reset: got %s", got)
	}
	d.Change(u.ID, func(u *account.User) { u.ReenrolledAt = d.Clock.Now() })
	until := d.Clock.Now().Add(24 * time.Hour).Format("2006-01-02T15:04:05.000Z")
	if got := mustJSON(t, read[tree](t, d.call("GET", path, own, ""), 200).get("barillet", "coolOff")); got != `{"until":"`+until+`"}` {
		t.Errorf("after the enrolment: got %s", got)
	}
	for body, w := range map[string]*httptest.ResponseRecorder{
		"their token":   d.call("POST", "/api/v1/users", own, `{"profile":{"login":"x@garage.example"}}`),
		"their address": d.call("POST", path, d.admin(), `{"profile":{"email":"x@garage.example"}}`),
		"their number":  d.call("POST", path, d.admin(), `{"profile":{"mobilePhone":"+33612345678"}}`),
	} {
		want := map[bool]int{true: 403, false: 409}[body == "their token"]
		if problem(t, w, want); !strings.Contains(w.Body.String(), "until "+until) {
			t.Errorf("%s: got %s, want until when", body, w.Body)
		}
	}
}
