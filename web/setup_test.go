package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

// setupPath makes a setup link and returns its path.
func (p *place) setupPath() string {
	p.T.Helper()
	link, err := p.Directory.NewSetupLink(p.T.Context())
	if err != nil || link.URL.IsZero() {
		p.T.Fatalf("got %v, want a link", err)
	}
	return strings.TrimPrefix(link.URL.Reveal(), p.url)
}

func TestSetup_FirstAdministratorEnrolsAndSignsIn(t *testing.T) {
	p := open(t, nil)
	link, b := p.setupPath(), p.browser(t)
	if got := b.shows(link); !strings.Contains(got.body, "First administrator") {
		t.Error("the page does not say what it is for")
	}
	fields := []string{"email", "anne@garage.example", "first", "Anne", "last", "Roux", "password", authntest.Password}
	for field, c := range map[string]struct{ value, want string }{
		"first": {"", "missing"}, "email": {"anne", "not complete"}, "password": {"short", "at least 8"}, "last": {"A\u202eb", "cannot be seen"},
	} {
		wrong := strings.Split(strings.Join(fields, "\n"), "\n")
		for i := 0; i < len(wrong); i += 2 {
			if wrong[i] == field {
				wrong[i+1] = c.value
			}
		}
		got := b.post(link, wrong...)
		if got.StatusCode != http.StatusUnprocessableEntity || field != "first" && !strings.Contains(got.body, c.want) || field != "email" && !strings.Contains(got.body, `value="anne@garage.example"`) {
			t.Errorf("%s: got %d %q", field, got.StatusCode, problemIn(got.body))
		}
	}
	again := p.browser(t)
	again.shows(link)
	b.goes("/enrol", link, fields...)
	if b.cookie("__Host-barillet") != "" {
		t.Error("the password alone signed in")
	}
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	b.goes("/enrol/second", "/enrol/phone", "name", "Phone", "code", string(phone.Code()))
	b.shows("/account")
	if u := p.User("anne@garage.example"); u.Rank() != account.RoleSuperAdmin.Rank() {
		t.Error("the user is no administrator")
	}
	for name, got := range map[string]page{"the form of another browser": again.post(link, fields...), "the link": again.get(link), "a link that never was": again.get("/setup/abc")} {
		if got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, "restart the service") || !strings.Contains(got.body, "barillet user add") {
			t.Errorf("%s: got %d, want 404 with what to do", name, got.StatusCode)
		}
	}
	if log := p.log.String(); strings.Contains(log, strings.TrimPrefix(link, "/setup/")) || !strings.Contains(log, "/setup/") {
		t.Errorf("the log holds the token, or no line of the page:\n%s", log)
	}
}

func TestSetup_TakenAddressAndOtherUserAreSaid(t *testing.T) {
	p := open(t, nil)
	b, u, _ := p.signedIn(t)
	link := p.setupPath()
	if got := b.get(link); !strings.Contains(got.body, "signed in") || strings.Contains(got.body, `name="password"`) {
		t.Errorf("in the browser of %s: got %d, want a page that says so", u.Login, got.StatusCode)
	}
	other := p.browser(t)
	got := other.post(link, "email", strings.ToUpper(u.Login), "first", "Anne", "last", "Roux", "password", authntest.Password)
	if got.StatusCode != http.StatusConflict || !strings.Contains(problemIn(got.body), "already belongs") {
		t.Errorf("the address of a user: got %d %q, want 409", got.StatusCode, problemIn(got.body))
	}
	other.goes("/enrol", link, "email", "anne@garage.example", "first", "Anne", "last", "Roux", "password", authntest.Password)
}
