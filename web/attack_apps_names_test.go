package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc"
	"barillet/oidc/client"
)

// Two applications that may not find out that they have the same user compare what they received.
func TestAttack_ApplicationsCorrelatePairwiseSubjects(t *testing.T) {
	p, provider := appPlace(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	received := map[string]map[string]any{}
	for _, host := range []string{"https://app.example", "https://other.example"} {
		a := p.app(t, provider, func(r *client.Registration) {
			r.Name, r.SubjectType, r.Scope = "App "+host[8:11], "pairwise", "openid"
			r.Redirects, r.PostLogoutRedirects = []string{host + "/cb"}, nil
		})
		verifier := oauth2.GenerateVerifier()
		to, err := url.Parse(b.get(a.begin(verifier)).next())
		if err != nil {
			t.Fatal(err)
		}
		tok, err := a.config.Exchange(a.ctx(), to.Query().Get("code"), oauth2.VerifierOption(verifier))
		if err != nil {
			t.Fatal(err)
		}
		_, claims := a.idToken(tok)
		_, _, seen := a.post(oidc.PathIntrospect, url.Values{"token": {tok.AccessToken}}, nil)
		if seen["active"] != true || seen["username"] != nil {
			t.Errorf("introspection tells an application that may know no name: %v", seen)
		}
		if seen["sid"] != claims["sid"] || seen["sub"] != claims["sub"] {
			t.Errorf("got %v and %v, want the same names in both", seen, claims)
		}
		received[host] = claims
	}
	for _, name := range []string{"sub", "sid"} {
		if received["https://app.example"][name] == received["https://other.example"][name] {
			t.Errorf("%s: got %v for both", name, received["https://app.example"][name])
		}
	}
}

// An administrator takes groups from an application. It goes on with the tokens that it has.
func TestAttack_ApplicationReadsClaimsAfterItsScopeIsReduced(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage := p.CreateGroup("Canal")
	_, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.Groups = []account.GroupID{garage} })
	b := p.browser(t)
	b.signIn("lea@garage.example", phone)
	r := usual()
	r.Scope += " groups"
	a := p.app(t, provider, func(in *client.Registration) { *in = r })
	tok := a.tokens(b)
	userinfo := func(token string) map[string]any {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+oidc.PathUserinfo, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := a.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		out := map[string]any{}
		if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := userinfo(tok.AccessToken); got["groups"] == nil {
		t.Fatalf("got %v, want groups", got)
	}
	if _, err := provider.Clients.Replace(t.Context(), by, a.ID, usual(), false); err != nil {
		t.Fatal(err)
	}
	if got := userinfo(tok.AccessToken); got["groups"] != nil || got["email"] == nil {
		t.Errorf("the token from before tells %v", got)
	}
	again, err := a.refresh(tok.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if got := userinfo(again.AccessToken); got["groups"] != nil || got["email"] == nil || strings.Contains(again.Extra("scope").(string), "groups") {
		t.Errorf("the refreshed token tells %v, for %v", got, again.Extra("scope"))
	}
}
