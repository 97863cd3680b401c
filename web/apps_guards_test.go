package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/oidc/keys"
)

func TestAuthorize_RequiresPKCEUnlessTheClientIsExempt(t *testing.T) {
	p, provider := appPlace(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	for name, exempt := range map[string]bool{"Planning": false, "Stock": true} {
		a := p.app(t, provider, func(r *client.Registration) { r.Name, r.NoPKCE = name, exempt })
		q := url.Values{"client_id": {string(a.ID)}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}}
		got := back(t, b.get(oidc.PathAuthorize+"?"+q.Encode()).next())
		if code := got.Get("code") != ""; code != exempt || !code && got.Get("error") != "invalid_request" {
			t.Errorf("a request without a challenge, exempt %t: got %v", exempt, got)
		}
	}
}

// A user allowed a client to know who they are. It does not learn their address by that.
func TestConsent_CoversItsScopesOnly(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.Consent = nil })
	_, _, b := signedIn(p, "lea@garage.example")
	a.config.Scopes = []string{"openid"}
	page := b.shows(a.begin(oauth2.GenerateVerifier()))
	_, rest, _ := strings.Cut(page.body, `name="request" value="`)
	request, _, _ := strings.Cut(rest, `"`)
	if q := back(t, onward(t, b.post("/oauth2/v1/consent", "request", request, "decision", "yes"))); q.Get("code") == "" {
		t.Fatalf("got %v, want a code", q)
	}
	if got := a.silent(b); got != "" {
		t.Errorf("the scope that the user allowed: got %q, want a code", got)
	}
	a.config.Scopes = []string{"openid", "email"}
	if got := a.silent(b); got != "consent_required" {
		t.Errorf("another scope: got %q, want consent_required", got)
	}
}

// A pushed request has no redirect URI yet. Its secret is not the name of a request that waits for its user.
func TestPushedRequest_IsNotResumed(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	begin, _ := url.Parse(a.begin(oauth2.GenerateVerifier()))
	_, _, pushed := a.post(oidc.PathPush, begin.Query(), nil)
	uri, _ := pushed["request_uri"].(string)
	name := strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:") + "." + string(a.ID)
	for _, decision := range []string{"yes", "no"} {
		if res := b.post("/oauth2/v1/consent", "request", name, "decision", decision); res.StatusCode != http.StatusGone {
			t.Errorf("%s: got %d to %q, want 410", decision, res.StatusCode, res.Header.Get("Refresh"))
		}
	}
	q := url.Values{"client_id": {string(a.ID)}, "request_uri": {uri}}
	if got := back(t, b.get(oidc.PathAuthorize+"?"+q.Encode()).next()); got.Get("code") == "" {
		t.Errorf("the pushed request afterwards: got %v, want a code", got)
	}
}

// A user whom the policy refuses learns it on the page, and the device waits on: the user is not shown that it is signed in.
func TestDeviceFlow_FollowsThePolicyOfTheClient(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage := p.CreateGroup("Canal")
	screen := func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{client.GrantDevice}
	}
	tv := p.app(t, provider, func(r *client.Registration) {
		screen(r)
		r.Groups = []account.GroupID{garage}
	})
	_, phone, b := signedIn(p, "lea@garage.example")
	device, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	b.goes(confirm, "/account/prove", "code", string(phone.Next()), "next", confirm)
	if res := b.post("/device/confirm", "request", to.Query().Get("request"), "decision", "yes"); res.StatusCode != http.StatusForbidden {
		t.Errorf("got %d to %q, want 403", res.StatusCode, res.next())
	}
	if got := tv.poll(device); got["error"] != "authorization_pending" {
		t.Errorf("the device: got %v, want it to wait", got)
	}
}

func TestDeviceFlow_CodeIsOfItsClient(t *testing.T) {
	p, provider := appPlace(t, nil)
	screen := func(name string) *app {
		return p.app(t, provider, func(r *client.Registration) {
			r.Name, r.AuthMethod, r.Redirects, r.Grants = name, "none", nil, []string{client.GrantDevice}
		})
	}
	tv, other := screen("Screen"), screen("Tablet")
	_, phone, b := signedIn(p, "lea@garage.example")
	device, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	b.goes(confirm, "/account/prove", "code", string(phone.Next()), "next", confirm)
	b.goes("/device/done?yes=1", "/device/confirm", "request", to.Query().Get("request"), "decision", "yes")
	if got := other.poll(device); got["error"] != "invalid_grant" {
		t.Errorf("another client: got %v, want invalid_grant", got)
	}
	if got := tv.poll(device); got["access_token"] == nil {
		t.Errorf("its client: got %v, want tokens", got)
	}
}

// The prompt of a device is decided once, and a request of another kind is no prompt.
func TestDeviceFlow_PromptIsDecidedOnce(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{client.GrantDevice}
	})
	_, phone, b := signedIn(p, "lea@garage.example")
	device, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	request := to.Query().Get("request")
	b.goes(confirm, "/account/prove", "code", string(phone.Next()), "next", confirm)
	b.goes("/device/done?yes=1", "/device/confirm", "request", request, "decision", "yes")
	for _, decision := range []string{"yes", "no"} {
		if res := b.post("/device/confirm", "request", request, "decision", decision); res.next() != "/device?again=user_code" {
			t.Errorf("decided again, %s: got %d to %q, want to enter a code", decision, res.StatusCode, res.next())
		}
	}
	if got := tv.poll(device); got["access_token"] == nil {
		t.Errorf("the device: got %v, want tokens", got)
	}

	a := p.app(t, provider, func(r *client.Registration) { r.Consent = nil })
	page := b.shows(a.begin(oauth2.GenerateVerifier()))
	_, rest, _ := strings.Cut(page.body, `name="request" value="`)
	consent, _, _ := strings.Cut(rest, `"`)
	if res := b.post("/device/confirm", "request", consent, "decision", "yes"); consent == "" || res.next() != "/device?again=user_code" {
		t.Errorf("the request of an application as a prompt: got %d to %q, want to enter a code", res.StatusCode, res.next())
	}
}

// A hint of another session does not end this one without a question, and a hint is a token of this service.
func TestLogout_HintIsOfThisSessionAndService(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, b := signedIn(p, "lea@garage.example")
	elsewhere, _ := a.tokens(b).Extra("id_token").(string)
	other := p.browser(t)
	p.Clock.Advance(time.Minute)
	other.signIn("lea@garage.example", phone)
	if res := other.leaves("id_token_hint", elsewhere); !strings.Contains(res.body, `action="/oauth2/v1/logout/confirm"`) {
		t.Errorf("the hint of another session: got %d to %q, want to be asked", res.StatusCode, res.next())
	}
	other.shows("/account")

	_, claims := a.idToken(a.tokens(other))
	for issuer, want := range map[string]int{p.url: http.StatusOK, "https://old.example": http.StatusBadRequest} {
		claims["iss"] = issuer
		token, err := provider.Keys.Sign(t.Context(), "ES256", keys.TypeIDToken, []byte(mustJSON(t, claims)))
		if err != nil {
			t.Fatal(err)
		}
		if res := p.browser(t).leaves("id_token_hint", token); res.StatusCode != want {
			t.Errorf("a token of %s: got %d, want %d", issuer, res.StatusCode, want)
		}
	}
}
