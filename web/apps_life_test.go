package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store/storetest"
	"barillet/web"
)

// refresh takes a refresh token and gives the next set.
func (a *app) refresh(token string) (*oauth2.Token, error) {
	return a.config.TokenSource(a.ctx(), &oauth2.Token{RefreshToken: token}).Token()
}

func TestTokens_EndWithTheirSessionUserOrClient(t *testing.T) {
	for name, end := range map[string]func(p *place, b *browser, u account.User, phone *authntest.Phone){
		"a sign-out": func(p *place, b *browser, _ account.User, _ *authntest.Phone) { b.goes("/logged-out", "/logout") },
		"a sign-out everywhere, elsewhere": func(p *place, _ *browser, u account.User, phone *authntest.Phone) {
			other := p.browser(p.T)
			other.signIn(u.Login, phone)
			other.goes("/account?done=others_ended", "/account/sessions/end-others")
		},
		"a reset": func(p *place, _ *browser, u account.User, _ *authntest.Phone) { p.reset(u.ID) },
		"a suspension": func(p *place, _ *browser, u account.User, _ *authntest.Phone) {
			p.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
		},
		"a change of password": func(p *place, b *browser, _ account.User, phone *authntest.Phone) {
			b.goes("/account/password", "/account/prove", "code", string(phone.Next()), "next", "/account/password")
			b.goes("/account?done=password_changed", "/account/password", "current", authntest.Password, "password", "une autre clef, plus longue")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, nil)
			u, phone, b := signedIn(p, "lea@garage.example")
			tok := a.tokens(b)
			if !a.alive(tok.AccessToken) {
				t.Fatal("a fresh token is not good")
			}
			verifier := oauth2.GenerateVerifier()
			code := a.code(b, verifier)
			end(p, b, u, phone)
			if a.alive(tok.AccessToken) {
				t.Error("the access token is still good")
			}
			if _, err := a.refresh(tok.RefreshToken); err == nil {
				t.Error("the refresh token is still good")
			}
			if _, err := a.config.Exchange(a.ctx(), code, oauth2.VerifierOption(verifier)); err == nil {
				t.Error("a code of before is still good")
			}
			_, _, got := a.post(oidc.PathIntrospect, url.Values{"token": {tok.AccessToken}}, nil)
			if got["active"] != false || len(got) != 1 {
				t.Errorf("introspection: got %v, want inactive and nothing else", got)
			}
		})
	}
}

func TestOfflineGrant_OutlivesExpiryButNotSignOut(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, phone, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	p.Clock.Advance(3 * time.Hour) // idle for longer than a session may be
	tok, err := a.refresh(tok.RefreshToken)
	if err != nil {
		t.Fatalf("after the session's idle time: %v", err)
	}
	p.Clock.Advance(20*time.Hour + 56*time.Minute)
	if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := storetest.Sweep(t.Context(), p.Store, p.Sessions.Sweeps()...); err != nil {
		t.Fatal(err)
	}
	p.Clock.Advance(2 * time.Hour) // longer than any session may last; a later sign-in forgets the session's place in the list
	p.browser(t).signIn(u.Login, phone)
	if tok, err = a.refresh(tok.RefreshToken); err != nil {
		t.Fatalf("after the session's longest time: %v", err)
	}
	p.Change(u.ID, func(u *account.User) { u.Epoch++ })
	if _, err := a.refresh(tok.RefreshToken); err == nil || a.alive(tok.AccessToken) {
		t.Error("sign out everywhere: the grant is still good")
	}

	_, _, c := signedIn(p, "paul@garage.example")
	tok = a.tokens(c)
	c.goes("/logged-out", "/logout")
	p.Clock.Advance(25 * time.Hour)
	if _, err := a.refresh(tok.RefreshToken); err == nil {
		t.Error("the grant of a session that was ended came back when the session's time was over")
	}
}

func TestRefreshToken_RotatesAndEndsWithItsFamily(t *testing.T) {
	p, provider := appPlace(t, nil)
	a, other := p.app(t, provider, nil), p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	_, _, b := signedIn(p, "lea@garage.example")
	first := a.tokens(b)
	if _, err := other.refresh(first.RefreshToken); refused(t, err) != "invalid_grant" {
		t.Errorf("by another client: got %v", err)
	}
	second, err := a.refresh(first.RefreshToken)
	if err != nil || second.RefreshToken == first.RefreshToken {
		t.Fatalf("got %v, want another refresh token", err)
	}
	id, _ := a.idToken(second)
	if id.Nonce != "" {
		t.Errorf("the ID token of a refresh repeats the nonce %q", id.Nonce)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second.RefreshToken}, "scope": {"openid email admin"}}
	if _, _, got := a.post(oidc.PathToken, form, nil); got["error"] != "invalid_scope" {
		t.Errorf("a wider scope: got %v, want invalid_scope", got)
	}
	form.Set("scope", "openid email")
	_, _, got := a.post(oidc.PathToken, form, nil)
	if got["scope"] != "openid email" {
		t.Fatalf("a narrower scope: got %v", got)
	}
	narrow, _ := got["access_token"].(string)
	_, _, result := a.post(oidc.PathIntrospect, url.Values{"token": {narrow}}, nil)
	if result["active"] != true || result["scope"] != "openid email" {
		t.Errorf("introspection of the narrow token: got %v", result)
	}
	p.Clock.Advance(31 * 24 * time.Hour)
	last, _ := got["refresh_token"].(string)
	if _, err := a.refresh(last); refused(t, err) != "invalid_grant" {
		t.Errorf("past the absolute end of the family: got %v", err)
	}
}

func TestRevocation_OfARefreshTokenEndsItsFamily(t *testing.T) {
	p, provider := appPlace(t, nil)
	a, other := p.app(t, provider, nil), p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	if status, _, got := other.post(oidc.PathRevoke, url.Values{"token": {tok.AccessToken}}, nil); status != http.StatusBadRequest || !a.alive(tok.AccessToken) {
		t.Errorf("by another client: got %d %v", status, got)
	}
	if status, _, _ := a.post(oidc.PathRevoke, url.Values{"token": {"nothing"}}, nil); status != http.StatusOK {
		t.Errorf("a token that is none: got %d, want 200 (RFC 7009 §2.2)", status)
	}
	if status, _, _ := a.post(oidc.PathRevoke, url.Values{"token": {tok.AccessToken}, "token_type_hint": {"refresh_token"}}, nil); status != http.StatusOK || a.alive(tok.AccessToken) {
		t.Errorf("an access token with a wrong hint: got %d, alive %v", status, a.alive(tok.AccessToken))
	}
	next, err := a.refresh(tok.RefreshToken)
	if err != nil {
		t.Fatalf("the grant of a revoked access token: %v", err)
	}
	a.post(oidc.PathRevoke, url.Values{"token": {next.RefreshToken}}, nil)
	if a.alive(next.AccessToken) {
		t.Error("the access token of a revoked refresh token is good")
	}
}

func TestIntrospection_ClientSeesItsOwnTokensAndAResourceServerAll(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	other := p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	guard := p.app(t, provider, func(r *client.Registration) { r.Name, r.IntrospectsAll = "Gate", true })
	public := p.app(t, provider, func(r *client.Registration) { r.Name, r.AuthMethod = "Phone", "none" })
	u, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	for name, c := range map[string]struct {
		by    *app
		token string
		want  bool
	}{
		"its own":             {a, tok.AccessToken, true},
		"its refresh token":   {a, tok.RefreshToken, true},
		"another's":           {other, tok.AccessToken, false},
		"any, for a resource": {guard, tok.AccessToken, true},
		"an ID token":         {a, tok.Extra("id_token").(string), false},
		"a token cut short":   {a, tok.AccessToken[:len(tok.AccessToken)-1], false},
		"a token flipped":     {a, strings.ToUpper(tok.AccessToken), false},
		"not a token":         {a, "abc", false},
	} {
		_, _, got := c.by.post(oidc.PathIntrospect, url.Values{"token": {c.token}}, nil)
		if got["active"] != c.want || !c.want && len(got) != 1 {
			t.Errorf("%s: got %v, want active %v", name, got, c.want)
		}
		if c.want && (got["sub"] != string(u.ID) || got["username"] != "lea@garage.example" || got["client_id"] != string(a.ID)) {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if status, _, got := public.post(oidc.PathIntrospect, url.Values{"token": {tok.AccessToken}, "client_id": {string(public.ID)}}, nil); status != http.StatusUnauthorized || got["error"] != "invalid_client" {
		t.Errorf("a client that proves nothing: got %d %v", status, got)
	}
	if status, _, got := public.post(oidc.PathIntrospect, url.Values{"token": {tok.AccessToken}}, func(r *http.Request) { r.SetBasicAuth(string(public.ID), "") }); status != http.StatusUnauthorized || got["error"] != "invalid_client" {
		t.Errorf("a client that proves nothing, in a header: got %d %v", status, got)
	}
}

func TestUserinfo_AcceptsOnlyAccessTokens(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	ask := func(method, path, header, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := a.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode, res.Header.Get("WWW-Authenticate")
	}
	for name, c := range map[string]struct {
		method, path, header, body string
		status                     int
		says                       string
	}{
		"in the header":           {"GET", "", "Bearer " + tok.AccessToken, "", 200, ""},
		"in the header, by POST":  {"POST", "", "Bearer " + tok.AccessToken, "", 200, ""},
		"in a form":               {"POST", "", "", "access_token=" + tok.AccessToken, 200, ""},
		"in the URL":              {"GET", "?access_token=" + tok.AccessToken, "", "", 400, "invalid_request"},
		"in two places":           {"POST", "", "Bearer " + tok.AccessToken, "access_token=" + tok.AccessToken, 400, "invalid_request"},
		"none":                    {"GET", "", "", "", 401, `Bearer realm="barillet"`},
		"a refresh token":         {"GET", "", "Bearer " + tok.RefreshToken, "", 401, "invalid_token"},
		"an ID token":             {"GET", "", "Bearer " + tok.Extra("id_token").(string), "", 401, "invalid_token"},
		"an API token's likeness": {"GET", "", "Bearer brl_abc", "", 401, "invalid_token"},
		"by another scheme":       {"GET", "", "SSWS " + tok.AccessToken, "", 401, "invalid_token"},
	} {
		status, says := ask(c.method, oidc.PathUserinfo+c.path, c.header, c.body)
		if status != c.status || !strings.Contains(says, c.says) || name == "none" && strings.Contains(says, "error") {
			t.Errorf("%s: got %d %q, want %d %q", name, status, says, c.status, c.says)
		}
	}
	p.Clock.Advance(11 * time.Minute)
	if a.alive(tok.AccessToken) {
		t.Error("an access token past its time is good")
	}
}

// reopened is the place as another process finds it in the store: nothing that was kept in memory is there.
func (p *place) reopened(t testing.TB) *place {
	t.Helper()
	h := p.Env.Node()
	c, log := config(t, h)
	c.OIDC = apps(t, &c, nil)
	handler, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	out := &place{Env: h, handler: handler, log: log, url: p.url, server: httptest.NewTLSServer(handler)}
	t.Cleanup(out.server.Close)
	return out
}

func TestGrants_SurviveARestart(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	used, waiting := a.code(b, verifier), a.code(b, verifier)
	tok, err := a.config.Exchange(a.ctx(), used, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := tok.Extra("id_token").(string)

	again := p.reopened(t)
	a.place, a.http = again, again.program()
	if _, err := a.config.Exchange(a.ctx(), used, oauth2.VerifierOption(verifier)); refused(t, err) != "invalid_grant" {
		t.Errorf("a code that was used before the restart: got %v", err)
	}
	if a.alive(tok.AccessToken) {
		t.Error("the code was used again, and its tokens are good")
	}
	tok, err = a.config.Exchange(a.ctx(), waiting, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatalf("a code that waited over the restart: %v", err)
	}
	if after, _ := a.idToken(tok); after == nil || strings.Split(id, ".")[0] != strings.Split(tok.Extra("id_token").(string), ".")[0] {
		t.Error("the restart made another signing key")
	}
}
