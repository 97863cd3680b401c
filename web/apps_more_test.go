package web_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"barillet/oidc"
	"barillet/oidc/client"
)

func TestPushedRequest_IsUsedOnceByItsClient(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.PushedOnly = true })
	other := p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	begin, _ := url.Parse(a.begin(verifier))
	if q := back(t, b.get(begin.String()).next()); q.Get("error") != "invalid_request" {
		t.Errorf("not pushed: got %v, want invalid_request", q)
	}
	push := func() string {
		t.Helper()
		status, _, got := a.post(oidc.PathPush, begin.Query(), nil)
		uri, _ := got["request_uri"].(string)
		if status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || got["expires_in"] != float64(60) {
			t.Fatalf("got %d %v, want 201 and a request_uri (RFC 9126 §2.2)", status, got)
		}
		return uri
	}
	bring := func(client, uri string) page {
		return b.get(oidc.PathAuthorize + "?" + url.Values{"client_id": {client}, "request_uri": {uri}, "state": {"another"}}.Encode())
	}
	uri := push()
	if res := bring(string(other.ID), uri); res.StatusCode != http.StatusBadRequest {
		t.Errorf("by another client: got %d to %q", res.StatusCode, res.next())
	}
	q := back(t, bring(string(a.ID), uri).next())
	if q.Get("state") != "state-1" {
		t.Errorf("state: got %q, want the one that was pushed", q.Get("state"))
	}
	if _, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier)); err != nil {
		t.Fatal(err)
	}
	if res := bring(string(a.ID), uri); res.StatusCode != http.StatusBadRequest {
		t.Errorf("used twice: got %d to %q", res.StatusCode, res.next())
	}
	late := push()
	p.Clock.Advance(time.Minute)
	if res := bring(string(a.ID), late); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a minute later: got %d to %q", res.StatusCode, res.next())
	}
	for name, c := range map[string]struct{ field, value, want string }{
		"another redirect": {"redirect_uri", "https://thief.example/", "invalid_request"},
		"a plain method":   {"code_challenge_method", "plain", "invalid_request"},
		"another type":     {"response_type", "token", "unsupported_response_type"},
		"within another":   {"request_uri", uri, "invalid_request"},
	} {
		form := begin.Query()
		form.Set(c.field, c.value)
		if status, _, got := a.post(oidc.PathPush, form, nil); status != http.StatusBadRequest || got["error"] != c.want {
			t.Errorf("%s: got %d %v, want %s", name, status, got, c.want)
		}
	}
	if status, _, got := a.post(oidc.PathPush, begin.Query(), func(r *http.Request) { r.SetBasicAuth(string(a.ID), "wrong") }); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: got %d %v", status, got)
	}
}

func TestClientAssertion_IsAcceptedOnce(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.ClientCredentials = true })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	a := p.app(t, provider, func(r *client.Registration) {
		r.AuthMethod, r.Keys, r.Redirects, r.Scope, r.Grants = "private_key_jwt", keys, nil, "stock:read", []string{"client_credentials"}
	})
	if a.Secret != "" {
		t.Error("a client of private_key_jwt got a secret")
	}
	now := p.Clock.Now()
	good := func() map[string]any {
		return map[string]any{"iss": a.ID, "sub": a.ID, "aud": p.url, "jti": oauth2.GenerateVerifier(), "exp": now.Add(time.Minute).Unix()}
	}
	call := func(claims map[string]any, signer *ecdsa.PrivateKey) (int, map[string]any) {
		t.Helper()
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: signer, KeyID: "k1"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := s.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		token, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		status, _, got := a.post(oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}, "client_assertion": {token},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, nil)
		return status, got
	}
	once := good()
	status, got := call(once, key)
	if status != http.StatusOK || got["scope"] != "stock:read" || got["id_token"] != nil || got["refresh_token"] != nil {
		t.Fatalf("got %d %v, want an access token of its own", status, got)
	}
	if a.alive(got["access_token"].(string)) {
		t.Error("userinfo answers a token without a user")
	}
	if status, got := call(once, key); status != http.StatusUnauthorized || got["error"] != "invalid_client" {
		t.Errorf("the same assertion again: got %d %v", status, got)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := call(good(), other); status != http.StatusUnauthorized {
		t.Errorf("signed by another key: got %d", status)
	}
	for name, change := range map[string]func(map[string]any){
		"for another audience":     func(c map[string]any) { c["aud"] = "https://other.example" },
		"for another audience too": func(c map[string]any) { c["aud"] = []string{p.url, "https://other.example"} },
		"about another":            func(c map[string]any) { c["sub"] = "cother" },
		"of another":               func(c map[string]any) { c["iss"] = "cother" },
		"over":                     func(c map[string]any) { c["exp"] = now.Unix() },
		"without an end":           func(c map[string]any) { delete(c, "exp") },
		"good for a day":           func(c map[string]any) { c["exp"] = now.Add(24 * time.Hour).Unix() },
		"without an id":            func(c map[string]any) { delete(c, "jti") },
		"not yet good":             func(c map[string]any) { c["nbf"] = now.Add(5 * time.Minute).Unix() },
		"without an audience":      func(c map[string]any) { delete(c, "aud") },
	} {
		claims := good()
		change(claims)
		if status, got := call(claims, key); status != http.StatusUnauthorized || got["error"] != "invalid_client" {
			t.Errorf("%s: got %d %v", name, status, got)
		}
	}
}

func TestSigningKeys_RotateWithoutAGap(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, phone, b := signedIn(p, "lea@garage.example")
	kids := func() map[string]bool {
		res, err := a.http.Get(p.url + oidc.PathKeys)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var set jose.JSONWebKeySet
		if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
			t.Fatal(err)
		}
		out := map[string]bool{}
		for _, k := range set.Keys {
			if !k.IsPublic() || k.KeyID == "" || k.Algorithm == "" || k.Use != "sig" {
				t.Errorf("a key is published as %+v", k)
			}
			if k.Algorithm == "ES256" {
				out[k.KeyID] = true
			}
		}
		return out
	}
	signs := func() string {
		t.Helper()
		tok := a.tokens(b)
		raw, _ := tok.Extra("id_token").(string)
		signed, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		return signed.Signatures[0].Header.KeyID
	}
	first := signs()
	if got := kids(); len(got) != 1 || !got[first] {
		t.Fatalf("got %v, want the key that signs", got)
	}
	away := func(d time.Duration) {
		p.Clock.Advance(d)
		if err := provider.Keys.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		b = p.browser(t)
		b.signIn(u.Login, phone)
	}
	away(89*24*time.Hour + time.Minute)
	if got := kids(); len(got) != 2 || signs() != first {
		t.Fatalf("a day before its turn: got %v, want the next one published and the first one signing", got)
	}
	away(24 * time.Hour)
	second := signs()
	if second == first || !kids()[first] {
		t.Fatalf("its turn: signs %v, published %v", second, kids())
	}
	away(8 * 24 * time.Hour)
	if got := kids(); got[first] || !got[second] {
		t.Errorf("eight days later: got %v, want the old one gone", got)
	}
	if err := provider.Keys.Rotate(t.Context(), by.From, by.Actor); err != nil {
		t.Fatal(err)
	}
	if err := provider.Keys.Rotate(t.Context(), by.From, by.Actor); err != nil {
		t.Fatal(err)
	}
	if got := kids(); len(got) != 2 || signs() != second {
		t.Errorf("asked for twice: got %v, want one that waits for a day", got)
	}
	away(25 * time.Hour)
	if third := signs(); third == second {
		t.Error("a key that was asked for does not sign a day later")
	}
}

func TestCORS_AllowsAnyOriginWithoutCookies(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = "none" })
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	form := codeForm(a.code(b, verifier), verifier)
	form.Set("client_id", string(a.ID))
	foreign := func(r *http.Request) {
		r.Header.Set("Origin", "https://app.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	status, header, got := a.post(oidc.PathToken, form, foreign)
	if status != http.StatusOK || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("got %d %v, headers %v", status, got, header)
	}
	for path, allowed := range map[string]bool{oidc.PathDiscovery: true, oidc.PathServerMetadata: true, oidc.PathKeys: true, oidc.PathToken: true, oidc.PathUserinfo: true,
		oidc.PathRevoke: true, oidc.PathIntrospect: true, oidc.PathDevice: true, oidc.PathPush: true,
		oidc.PathAuthorize: false, oidc.PathLogout: false, oidc.PathClients: false, "/api/v1/users": false} {
		for _, method := range []string{http.MethodOptions, http.MethodGet} {
			r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			foreign(r)
			r.Header.Set("Access-Control-Request-Headers", "authorization, x-okta-user-agent-extended")
			res, err := a.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			h := res.Header
			origin, headers := h.Get("Access-Control-Allow-Origin"), h.Get("Access-Control-Allow-Headers")
			if method == http.MethodOptions && (res.StatusCode == http.StatusNoContent) != allowed ||
				method == http.MethodOptions && (origin == "*") != allowed || allowed && method == http.MethodOptions && headers != "Authorization, *" ||
				!allowed && origin != "" || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s: got %d %v, want allowed %t", method, path, res.StatusCode, h, allowed)
			}
		}
	}
	page := p.browser(t)
	page.header.Set("Origin", "https://app.example")
	if res := page.get("/login"); res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page may be read by other origins")
	}
}

func TestPKCE_ExceptedClientCannotBeDowngraded(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.NoPKCE = true })
	_, _, b := signedIn(p, "lea@garage.example")
	without := url.Values{"code_challenge": nil, "code_challenge_method": nil}
	code := func() string { return back(t, b.get(a.asked("x", without)).next()).Get("code") }
	form := codeForm(code(), "")
	form.Del("code_verifier")
	if status, _, got := a.post(oidc.PathToken, form, nil); status != http.StatusOK {
		t.Errorf("excepted, without PKCE: got %d %v", status, got)
	}
	if status, _, got := a.post(oidc.PathToken, codeForm(code(), oauth2.GenerateVerifier()), nil); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
		t.Errorf("a verifier where no challenge was sent: got %d %v (RFC 9700 §4.8.2)", status, got)
	}
}
