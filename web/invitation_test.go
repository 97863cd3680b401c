package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

const amelie = "amelie.durand@garage.example"

func TestInvitation_UserEnrolsAndSignsIn(t *testing.T) {
	p := open(t, nil)
	u := p.CreateUser(amelie, func(u *account.User) { u.FirstName, u.LastName = "Amélie", "Durand" })
	link := "/invite/" + p.Invite(u.ID).Reveal()
	b := p.browser(t)

	if got := b.shows(link); !strings.Contains(got.body, amelie) || !strings.Contains(got.body, "Garage Lumiere") {
		t.Error("the invitation does not tell who invites whom")
	}
	if got := b.post(link, "password", "short"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(problemIn(got.body), "at least 8") {
		t.Errorf("a short password: got %d %q, want 422 with the reason", got.StatusCode, problemIn(got.body))
	}
	b.goes("/enrol", link, "password", authntest.Password)
	b.shows("/enrol")
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	if got := b.post("/enrol/phone", "name", "Phone", "code", "000000"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong code at enrolment: got %d, want 422", got.StatusCode)
	}
	b.goes("/enrol/second", "/enrol/phone", "name", "Téléphone d’Amélie", "code", string(phone.Code()))
	if b.cookie("__Host-barillet-login") != "" || b.cookie("__Host-barillet") == "" {
		t.Error("after the first device the browser should hold a session and no login")
	}
	if got := b.shows("/enrol/second"); !strings.Contains(got.body, "Téléphone d’Amélie") {
		t.Error("the page does not name the device just enrolled")
	}
	b.goes("/enrol/recovery", "/enrol/later")
	codes := b.shows("/enrol/recovery").body
	if n := strings.Count(codes, "<code>"); n != 10 {
		t.Errorf("got %d recovery codes, want 10", n)
	}
	if got := b.post("/enrol/recovery"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("codes not kept: got %d, want 422", got.StatusCode)
	}
	b.savesCodes()
	account := b.shows("/account?done=codes_kept").body
	for _, want := range []string{"Amélie Durand", "Téléphone d’Amélie", "Your new recovery codes are in use."} {
		if !strings.Contains(account, want) {
			t.Errorf("the account does not say %q", want)
		}
	}
	b.goes("/logged-out", "/logout")
	if got := b.get("/account"); got.StatusCode != http.StatusSeeOther || got.next() != "/login?next=%2Faccount" {
		t.Errorf("the account after signing out: got %d to %q", got.StatusCode, got.next())
	}
	b.shows("/logged-out")

	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", strings.ToUpper(amelie), "password", authntest.Password)
	if got := again.shows("/login/factor"); !strings.Contains(got.body, "/login/recovery") || !strings.Contains(got.body, "Téléphone d’Amélie") {
		t.Error("the second step does not name the phone, or does not offer the recovery codes")
	}
	if got := again.post("/login/factor", "code", "000000"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong code: got %d, want 401", got.StatusCode)
	}
	code := string(phone.Next())
	again.goes("/account", "/login/factor", "code", code)
	other := p.browser(t)
	other.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := other.post("/login/factor", "code", code); got.StatusCode != http.StatusUnauthorized || !strings.Contains(problemIn(got.body), "already used") {
		t.Errorf("a code used before: got %d %q, want 401 that says so", got.StatusCode, problemIn(got.body))
	}
	first := strings.TrimSuffix(strings.SplitN(strings.SplitN(codes, "<code>", 2)[1], "<", 2)[0], "<")
	other.shows("/login/recovery")
	other.goes("/enrol?done=recovery_used", "/login/factor/recovery", "code", first)
	if got := other.shows("/enrol?done=recovery_used"); !strings.Contains(got.body, "You have 9 codes left") {
		t.Error("the page after a recovery code does not tell how many are left")
	}
}
