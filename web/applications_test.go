package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/oidc"
	"barillet/oidc/client"
)

// agrees says yes on the page of consent that a request leads to, and gives the code.
func (a *app) agrees(b *browser, verifier string) string {
	t := a.place.T
	t.Helper()
	_, rest, _ := strings.Cut(b.get(a.begin(verifier)).body, `name="request" value="`)
	request, _, _ := strings.Cut(rest, `"`)
	code := back(t, onward(t, b.post("/oauth2/v1/consent", "request", request, "decision", "yes"))).Get("code")
	if code == "" {
		t.Fatal("no code after a yes")
	}
	return code
}

func TestApplications_UserListsAndRevokesAccess(t *testing.T) {
	at := newReceiver(t)
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	asks := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.Consent, r.Backchannel = "Stock & Pneus", nil, at.URL+"/logout"
	})
	trusted := p.app(t, provider, nil)
	unused := p.app(t, provider, func(r *client.Registration) { r.Name = "Paie" })
	_, _, b := signedIn(p, "lea@garage.example")
	_, _, paul := signedIn(p, "paul@garage.example")
	if body := b.shows("/account").body; strings.Contains(body, "/account/applications/") {
		t.Error("a user without applications sees some")
	}
	verifier := oauth2.GenerateVerifier()
	tok, err := asks.config.Exchange(asks.ctx(), asks.agrees(b, verifier), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	other := trusted.tokens(b)
	pauls := asks.agrees(paul, verifier)
	body := b.shows("/account").body
	for _, want := range []string{"Stock &amp; Pneus", "Planning", "/account/applications/" + string(asks.ID) + "/withdraw", "/account/applications/" + string(trusted.ID) + "/withdraw"} {
		if !strings.Contains(body, want) {
			t.Errorf("the account lacks %s", want)
		}
	}
	if strings.Contains(body, string(unused.ID)) {
		t.Error("the account names an application that the person never went to")
	}
	late := oauth2.GenerateVerifier()
	code := asks.code(b, late)
	withdraw := "/account/applications/" + string(asks.ID) + "/withdraw"
	if res := b.get(withdraw); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("by GET: got %d, want 405", res.StatusCode)
	}
	b.goes("/account?done=app_withdrawn", withdraw)
	if asks.alive(tok.AccessToken) || !trusted.alive(other.AccessToken) {
		t.Errorf("tokens alive: of the one withdrawn %v, of another %v", asks.alive(tok.AccessToken), trusted.alive(other.AccessToken))
	}
	if _, err := asks.config.Exchange(asks.ctx(), code, oauth2.VerifierOption(late)); refused(t, err) != "invalid_grant" {
		t.Errorf("a code from before: got %v", err)
	}
	if body := b.shows("/account").body; strings.Contains(body, withdraw) {
		t.Error("what was withdrawn is still there")
	}
	if got := asks.silent(b); got != "consent_required" {
		t.Errorf("coming back: got %q, want to be asked again", got)
	}
	if _, err := asks.config.Exchange(asks.ctx(), pauls, oauth2.VerifierOption(verifier)); err != nil {
		t.Errorf("the consent of another user: %v", err)
	}
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil || len(at.got()) != 1 {
		t.Errorf("the application was notified %d times, %v", len(at.got()), err)
	}
	events := p.Events("app.oauth2.as.token.revoke")
	if len(events) != 1 || events[0].Outcome != "SUCCESS" || events[0].Reason != "by the user" {
		t.Errorf("got %+v", events)
	}
	b.goes("/account?done=app_withdrawn", withdraw) // twice is no error, and no event
	b.goes("/account?done=app_withdrawn", "/account/applications/nobody/withdraw")
	if got := len(p.Events("app.oauth2.as.token.revoke")); got != 1 {
		t.Errorf("got %d events after nothing was withdrawn", got)
	}
	if res := p.browser(t).post(withdraw); !strings.HasPrefix(res.next(), "/login") {
		t.Errorf("without a session: got %d to %q", res.StatusCode, res.next())
	}
}

func TestApplications_EndWithTheirLastGrant(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	p.Clock.Advance(31 * 24 * time.Hour)
	again := p.browser(t)
	again.signIn("lea@garage.example", phone)
	if body := again.shows("/account").body; strings.Contains(body, "/account/applications/") {
		t.Error("an application whose grants are over is shown")
	}
}
