package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc"
	"barillet/oidc/client"
)

// Another program on the person's machine has the browser ask in the name of an application that it knows the id of, and
// takes the answer at a port of its own, or by the application's scheme. The browser is signed in: the user sees nothing.
func TestAttack_LocalProgramImpersonatesAPublicClient(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) {
		r.ApplicationType, r.AuthMethod = "native", "none"
		r.Redirects = []string{"http://127.0.0.1/cb", "com.example.planning:/cb", callback}
	})
	_, _, b := signedIn(p, "lea@garage.example")
	for _, to := range []string{"http://127.0.0.1:4321/cb", "com.example.planning:/cb"} {
		a.config.RedirectURL = to
		for _, turn := range []string{"the first time", "again"} {
			res := b.get(a.begin(oauth2.GenerateVerifier()))
			if res.StatusCode != http.StatusOK || !strings.Contains(res.body, `action="/oauth2/v1/consent"`) {
				t.Fatalf("%s, %s: got %d to %q, want the person asked", to, turn, res.StatusCode, res.next())
			}
			_, rest, _ := strings.Cut(res.body, `name="request" value="`)
			request, _, _ := strings.Cut(rest, `"`)
			if got := onward(t, b.post("/oauth2/v1/consent", "request", request, "decision", "yes")); !strings.HasPrefix(got, to+"?code=") {
				t.Errorf("%s, %s: got %q after a yes", to, turn, got)
			}
		}
		if got := b.get(a.begin(oauth2.GenerateVerifier(), "prompt", "none")).next(); !strings.Contains(got, "error=consent_required") {
			t.Errorf("%s, silently: got %q", to, got)
		}
	}
	a.config.RedirectURL = callback
	if q := back(t, b.get(a.begin(oauth2.GenerateVerifier())).next()); q.Get("code") == "" {
		t.Errorf("an address that has an owner: got %v, want a code", q)
	}
}

// A refresh token, which lives for weeks, is shown to a program that guards something and asks us whether it is good.
func TestAttack_RefreshTokenAsAccessToken(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	guard := p.app(t, provider, func(r *client.Registration) { r.Name, r.IntrospectsAll = "Gate", true })
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	if _, _, got := guard.post(oidc.PathIntrospect, url.Values{"token": {tok.RefreshToken}}, nil); got["active"] != false || len(got) != 1 {
		t.Errorf("to who guards something: got %v", got)
	}
	if _, _, got := a.post(oidc.PathIntrospect, url.Values{"token": {tok.RefreshToken}}, nil); got["active"] != true || got["token_type"] != nil {
		t.Errorf("to its own client: got %v, want it active and no bearer token", got)
	}
}

// An administrator asks for security keys. A user who signed in with a code before continues with refresh tokens, for up to a year.
func TestAttack_WeakerSignInOutlivesAStricterPolicy(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage := p.CreateGroup("Canal")
	ruled := func(r *client.Registration) {
		r.Rules = []client.RegistrationRule{{Group: garage, PhishingResistant: true}}
	}
	_, key, b := keyed(t, p)
	plain := p.app(t, provider, nil)
	code := plain.tokens(b)
	_, _, other := signedIn(p, "paul@garage.example")
	weak := plain.tokens(other)
	p.Change(p.User("paul@garage.example").ID, func(u *account.User) { u.Groups = []account.GroupID{garage} })
	p.Change(p.User(amelie).ID, func(u *account.User) { u.Groups = []account.GroupID{garage} })
	if !plain.alive(weak.AccessToken) {
		t.Fatal("a token is dead for no reason")
	}
	r := usual()
	ruled(&r)
	if _, err := provider.Clients.Replace(t.Context(), by, plain.ID, r, false); err != nil {
		t.Fatal(err)
	}
	if plain.alive(weak.AccessToken) {
		t.Error("the access token of a sign-in by code is good where a key is asked for")
	}
	if _, err := plain.refresh(weak.RefreshToken); err == nil || refused(t, err) != "invalid_grant" {
		t.Errorf("refreshing: got %v", err)
	}
	if !plain.alive(code.AccessToken) || key == nil {
		t.Error("the access token of a sign-in by key is dead")
	}
}
