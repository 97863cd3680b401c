package api_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/factors"
)

const totpBody = `{"factorType":"token:software:totp","provider":"OKTA","name":"Garage"}`

// enroller returns a token that may enrol devices for users.
func (d *apiEnv) enroller() string {
	return d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets = true })
}

// offered starts the enrolment of a phone for a user and reads its secret.
func (d *apiEnv) offered(token string, u account.User) (*authntest.Phone, tree) {
	d.T.Helper()
	x := read[tree](d.T, d.call("POST", "/api/v1/users/"+string(u.ID)+"/factors", token, totpBody), 200)
	secret, _ := x.get("_embedded", "activation", "sharedSecret").(string)
	id, _ := x.get("id").(string)
	return &authntest.Phone{Env: d.Env, Secret: secret, Device: factors.DeviceID(id)}, x
}

func code(p *authntest.Phone) string { return `{"passCode":"` + string(p.Code()) + `"}` }
func nextCode(p *authntest.Phone) string {
	p.Env.Clock.Advance(30 * time.Second)
	return code(p)
}

func TestEnrol_SecondPhoneNeedsConfirmation(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	token := d.enroller()
	phone, x := d.offered(token, u)
	self := "/api/v1/users/" + string(u.ID) + "/factors/" + string(phone.Device)
	activation := tree(x.get("_embedded", "activation").(map[string]any))
	if x.get("status") != "PENDING_ACTIVATION" || x.get("factorType") != "token:software:totp" || x.get("provider") != "OKTA" || x.get("vendorName") != "OKTA" ||
		x.get("profile", "credentialId") != u.Login || activation.get("timeStep") != 30.0 || activation.get("encoding") != "base32" ||
		activation.get("keyLength") != 32.0 || len(phone.Secret) != 32 || activation.get("_links", "qrcode", "href") != "https://login.example"+self+"/qr" ||
		x.get("_links", "activate", "href") != "https://login.example"+self+"/lifecycle/activate" {
		t.Errorf("got %v, want Okta's shape of an enrolment", x)
	}
	w := d.call("GET", self+"/qr", token, "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("the picture: got %d %v", w.Code, w.Header())
	}
	name := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(name, w.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "zbarimg", "--raw", "-q", "-Sdisable", "-Sqrcode.enable", name).Output()
	if err != nil || !strings.Contains(string(out), "?secret="+phone.Secret+"&issuer=") {
		t.Errorf("zbarimg, of the package zbar-tools: %v, want the secret of the answer", err)
	}
	pending := read[tree](t, d.call("GET", self, token, ""), 200)
	if pending.get("status") != "PENDING_ACTIVATION" || pending.get("_embedded") != nil {
		t.Errorf("read again: got %v, want it pending and without a secret", pending)
	}
	if list := read[[]tree](t, d.call("GET", "/api/v1/users/"+string(u.ID)+"/factors", token, ""), 200); len(list) != 2 {
		t.Errorf("got %d factors, want the person's and the pending one", len(list))
	}

	if doc := problem(t, d.call("POST", self+"/lifecycle/activate", token, `{"passCode":"12345"}`), 400); doc.ErrorCauses[0].ErrorSummary != "passCode: format" {
		t.Errorf("five digits: got %+v", doc)
	}
	if doc := problem(t, d.call("POST", self+"/lifecycle/activate", token, `{"passCode":"000000"}`), 403); doc.ErrorCode != "E0000068" {
		t.Errorf("a wrong code: got %+v", doc)
	}
	done := read[tree](t, d.call("POST", self+"/lifecycle/activate", token, code(phone)), 200)
	if done.get("status") != "INACTIVE" || done.get("pendingConfirmation") != true || done.get("enrolledBy") != "Garage Lumiere" || done.get("id") != string(phone.Device) {
		t.Errorf("got %v, want a device that waits for the person's word", done)
	}
	for _, path := range []string{self + "/qr", self + "/lifecycle/activate"} {
		method, body := "GET", ""
		if strings.HasSuffix(path, "activate") {
			method, body = "POST", nextCode(phone)
		}
		problem(t, d.call(method, path, token, body), 404)
	}
	if doc := problem(t, d.call("POST", self+"/verify", token, nextCode(phone)), 409); !strings.Contains(doc.Detail, "not confirmed") {
		t.Errorf("verifying one that waits: got %+v", doc)
	}
	if w := d.call("DELETE", self, token, ""); w.Code != http.StatusNoContent || len(d.User(u.Login).Devices) != 1 {
		t.Errorf("taking it away: got %d", w.Code)
	}
}

func TestEnrol_FirstPhoneIsUsableImmediately(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	token, help := d.enroller(), d.token(account.RoleHelpDesk, nil)
	if w := d.call("POST", "/api/v1/users/"+string(u.ID)+"/lifecycle/reset_factors", token, ""); w.Code != 200 {
		t.Fatalf("resetting: got %d %s", w.Code, w.Body)
	}
	phone, _ := d.offered(token, u)
	self := "/api/v1/users/" + string(u.ID) + "/factors/" + string(phone.Device)
	if done := read[tree](t, d.call("POST", self+"/lifecycle/activate", token, code(phone)), 200); done.get("status") != "ACTIVE" || done.get("pendingConfirmation") != nil {
		t.Errorf("got %v, want a device that counts", done)
	}
	if doc := problem(t, d.call("POST", self+"/verify", help, code(phone)), 403); doc.ErrorCode != "E0000082" {
		t.Errorf("the code that activated it: got %+v", doc)
	}
	if x := read[tree](t, d.call("POST", self+"/verify", help, nextCode(phone)), 200); x.get("factorResult") != "SUCCESS" || len(x) != 1 {
		t.Errorf("got %v", x)
	}
	if doc := problem(t, d.call("POST", self+"/verify", help, code(phone)), 403); doc.ErrorCode != "E0000082" {
		t.Errorf("the same again: got %+v", doc)
	}
	for _, bad := range []string{"12345", "1234567", "１２３４５", "+12345", "0x1234", ""} {
		if doc := problem(t, d.call("POST", self+"/verify", help, `{"passCode":"`+bad+`"}`), 400); doc.ErrorCode != "E0000001" {
			t.Errorf("%q: got %+v", bad, doc)
		}
	}
	for i := range 6 {
		w := d.call("POST", self+"/verify", help, `{"passCode":"000000"}`)
		if i < 5 && problem(t, w, 403).ErrorCode != "E0000068" {
			t.Errorf("wrong code %d: got %s", i, w.Body)
		}
		if i == 5 && (problem(t, w, 429).ErrorCode != "E0000047" || w.Header().Get("Retry-After") == "") {
			t.Errorf("past the limit: got %s", w.Body)
		}
	}
	d.Clock.Advance(time.Minute)
	if w := d.call("POST", self+"/verify", help, nextCode(phone)); w.Code != 200 {
		t.Errorf("after the wait: got %d %s", w.Code, w.Body)
	}
	d.Change(u.ID, func(u *account.User) { u.Password.Provenance = "operator:0" }) // the administrator who enrolled it
	if x := read[tree](t, d.call("GET", self, help, ""), 200); x.get("status") != "INACTIVE" {
		t.Errorf("both halves by one hand: got %v, want it inactive", x)
	}
	problem(t, d.call("POST", self+"/verify", help, nextCode(phone)), 409)
}

func TestEnrol_ReportsAWrongClock(t *testing.T) {
	d := open(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	path := "/api/v1/users/" + string(u.ID) + "/factors/" + string(phone.Device) + "/verify"
	d.Clock.Advance(10 * time.Minute)
	for i, want := range []string{"E0000068", "E0000083"} {
		d.Clock.Advance(30*time.Second + 3*time.Minute)
		body := code(phone)
		d.Clock.Advance(-3 * time.Minute)
		if doc := problem(t, d.call("POST", path, d.token(account.RoleHelpDesk, nil), body), 403); doc.ErrorCode != want {
			t.Errorf("code %d: got %+v, want %s", i, doc, want)
		}
	}
}

func TestEnrol_RequiresTheSecretsAllowance(t *testing.T) {
	d := open(t)
	u, phone, _ := d.Member("zoe@garage.example", nil)
	boss, _, _ := d.Member("boss@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleUserAdmin}} })
	garage := d.CreateGroup("Garage du Port")
	path := "/api/v1/users/" + string(u.ID) + "/factors"
	for name, token := range map[string]string{
		"no allowance":  d.admin(),
		"a help desk":   d.token(account.RoleHelpDesk, nil),
		"a reader":      d.token(account.RoleReadOnly, nil),
		"the other one": d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Authn = true }),
	} {
		if doc := problem(t, d.call("POST", path, token, totpBody), 403); doc.ErrorCode != "E0000006" {
			t.Errorf("%s: got %+v", name, doc)
		}
	}
	token := d.enroller()
	problem(t, d.call("POST", "/api/v1/users/"+string(boss.ID)+"/factors", token, totpBody), 403)
	limited := d.token(account.RoleUserAdmin, func(n *admin.NewToken) { n.Secrets, n.Groups = true, []account.GroupID{garage} })
	for _, call := range [][2]string{{"POST", ""}, {"GET", "/catalog"}, {"POST", "/" + string(phone.Device) + "/verify"}, {"GET", "/" + string(phone.Device) + "/qr"},
		{"POST", "/" + string(phone.Device) + "/lifecycle/activate"}} {
		body := ""
		if call[0] == "POST" {
			body = totpBody
			if call[1] != "" {
				body = `{"passCode":"123456"}`
			}
		}
		problem(t, d.call(call[0], path+call[1], limited, body), 404)
	}
	for name, c := range map[string]struct{ query, body, cause string }{
		"a security key":          {"", `{"factorType":"webauthn","provider":"FIDO","name":"x"}`, "factorType: browser_only"},
		"a kind that is not here": {"", `{"factorType":"sms","provider":"OKTA","name":"x"}`, "factorType: unknown"},
		"recovery codes":          {"", `{"factorType":"recovery","provider":"BARILLET","name":"x"}`, "factorType: unknown"},
		"another app":             {"", `{"factorType":"token:software:totp","provider":"DUO","name":"x"}`, "provider: unknown"},
		"no app":                  {"", `{"factorType":"token:software:totp"}`, "name: empty"},
		"a secret of its own":     {"", `{"factorType":"token:software:totp","provider":"OKTA","sharedSecret":"AAAA"}`, "sharedSecret"},
		"a secret for an app":     {"", `{"factorType":"token:software:totp","provider":"OKTA","name":"x","profile":{"sharedSecret":"GEZDGNBVGY3TQOJQ"}}`, "profile.sharedSecret: unsupported"},
		"a secret not in base32":  {"", `{"factorType":"token:hotp","provider":"CUSTOM","name":"x","profile":{"sharedSecret":"18"}}`, "profile.sharedSecret: base32"},
		"a short secret":          {"", `{"factorType":"token:hotp","provider":"CUSTOM","name":"x","profile":{"sharedSecret":"GEZDGNBV"}}`, "profile.sharedSecret: short"},
		"a counter out of range":  {"", `{"factorType":"token:hotp","provider":"CUSTOM","name":"x","profile":{"sharedSecret":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","counter":9007199254740993}}`, "profile.sharedSecret: counter"},
		"activation at once":      {"?activate=true", totpBody, "activate"},
	} {
		if doc := problem(t, d.call("POST", path+c.query, token, c.body), 400); len(doc.ErrorCauses) != 1 || doc.ErrorCauses[0].ErrorSummary != c.cause {
			t.Errorf("%s: got %+v, want %q", name, doc, c.cause)
		}
	}
	if doc := problem(t, d.call("POST", path, token, `{"factorType":"webauthn","provider":"FIDO","name":"x"}`), 400); !strings.Contains(doc.Detail, "/account/add") {
		t.Errorf("a security key: got %q, want what to do instead", doc.Detail)
	}
	if got := d.User(u.Login); len(got.Devices) != 1 || got.AdminEnrolment != nil {
		t.Error("a refused call left something behind")
	}
	// Members of Okta's model are accepted and ignored.
	x := read[tree](t, d.call("POST", path+"?activate=false", token, `{"id":"mine","factorType":"token:software:totp","provider":"GOOGLE","vendorName":"GOOGLE",`+
		`"status":"ACTIVE","profile":{"credentialId":"someone@else.example","platform":"ANDROID"},"verify":{"passCode":"1"},"_links":{}}`), 200)
	if x.get("id") == "mine" || x.get("status") != "PENDING_ACTIVATION" || x.get("name") != "Google Authenticator" || x.get("profile", "credentialId") != u.Login {
		t.Errorf("got %v", x)
	}
}

func TestEnrol_CatalogueListsKinds(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	list := read[[]tree](t, d.call("GET", "/api/v1/users/"+u.Login+"/factors/catalog", d.token(account.RoleReadOnly, nil), ""), 200)
	want := map[string]string{"token:software:totp OKTA": "NOT_SETUP enrol", "token:software:totp GOOGLE": "ACTIVE enrol", "webauthn FIDO": "NOT_SETUP",
		"token:hotp CUSTOM": "NOT_SETUP enrol"}
	for _, x := range list {
		name := x.get("factorType").(string) + " " + x.get("provider").(string)
		got := x.get("status").(string)
		if x.get("_links", "enroll") != nil {
			got += " enrol"
		}
		if want[name] != got || x.get("enrollment") != "OPTIONAL" || x.get("vendorName") != x.get("provider") {
			t.Errorf("%s: got %v, want %q", name, x, want[name])
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("not listed: %v", want)
	}
	problem(t, d.call("DELETE", "/api/v1/users/"+u.Login+"/factors/catalog", d.admin(), ""), 405)
}

func TestEnrol_SecretIsOnlyInTheFirstResponse(t *testing.T) {
	d := open(t)
	u, mine, _ := d.Member("zoe@garage.example", nil)
	token, other := d.enroller(), d.enroller()
	path := "/api/v1/users/" + string(u.ID) + "/factors"
	first := d.call("POST", path, token, totpBody, "Idempotency-Key", "k1")
	x := read[tree](t, first, 200)
	secret := x.get("_embedded", "activation", "sharedSecret").(string)
	again := d.call("POST", path, token, totpBody, "Idempotency-Key", "k1")
	if y := read[tree](t, again, 200); y.get("id") != x.get("id") || y.get("_embedded", "activation", "sharedSecret") != nil || again.Header().Get("Idempotency-Replayed") == "" {
		t.Errorf("a repeat: got %v, want the first answer without the secret", y)
	}
	problem(t, d.call("GET", path+"/"+x.get("id").(string)+"/qr", other, ""), 403)
	problem(t, d.call("POST", path+"/"+x.get("id").(string)+"/lifecycle/activate", other, `{"passCode":"123456"}`), 403)
	problem(t, d.call("GET", path+"/"+x.get("id").(string)+"/qr", "", ""), 401)
	d.advance()
	for _, pattern := range d.API.Patterns() {
		method, at := d.concrete(pattern, u)
		if method != "GET" || strings.HasSuffix(at, "/qr") {
			continue
		}
		for _, at := range []string{at, path + "/" + x.get("id").(string), path + "/" + string(mine.Device)} {
			body := d.call("GET", at, d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Secrets, n.Authn = true, true }), "").Body.String()
			if strings.Contains(body, secret) || strings.Contains(body, mine.Secret) {
				t.Errorf("%s shows a secret", at)
			}
		}
	}
	d.Clock.Advance(account.EnrolmentTTL)
	problem(t, d.call("GET", path+"/"+x.get("id").(string)+"/qr", token, ""), 404)
	problem(t, d.call("GET", path+"/"+x.get("id").(string), token, ""), 404)
}

func TestEnrol_DeleteCancelsEnrolment(t *testing.T) {
	d := open(t)
	u, _, session := d.Member("zoe@garage.example", nil)
	token := d.enroller()
	phone, _ := d.offered(token, u)
	self := "/api/v1/users/" + string(u.ID) + "/factors/" + string(phone.Device)
	if w := d.call("DELETE", self, token, ""); w.Code != http.StatusNoContent {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	problem(t, d.call("POST", self+"/lifecycle/activate", token, code(phone)), 404)
	if _, err := d.Sessions.Authenticate(t.Context(), session); err != nil {
		t.Errorf("nothing was taken from the person, yet their session ended: %v", err)
	}
}
