package web_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/oidc"
	"barillet/oidc/client"
)

// asked is the URL of an authorization request with parameters changed: a nil value takes one away, two values put it
// there twice.
func (a *app) asked(verifier string, change url.Values) string {
	u, err := url.Parse(a.begin(verifier))
	if err != nil {
		a.place.T.Fatal(err)
	}
	q := u.Query()
	for name, values := range change {
		q.Del(name)
		for _, v := range values {
			q.Add(name, v)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func TestAuthorize_ErrorCarriesStateAndIssuer(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	long := strings.Repeat("a", 5000)
	for name, c := range map[string]struct {
		change url.Values
		want   string
	}{
		"no response type":              {url.Values{"response_type": nil}, "invalid_request"},
		"a token from the front":        {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"an ID token from the front":    {url.Values{"response_type": {"id_token"}}, "unsupported_response_type"},
		"a hybrid":                      {url.Values{"response_type": {"code id_token"}}, "unsupported_response_type"},
		"a type that does not exist":    {url.Values{"response_type": {"cheese"}}, "unsupported_response_type"},
		"no scope":                      {url.Values{"scope": nil}, "invalid_request"},
		"a scope without openid":        {url.Values{"scope": {"profile"}}, "invalid_scope"},
		"no challenge":                  {url.Values{"code_challenge": nil, "code_challenge_method": nil}, "invalid_request"},
		"a method without a challenge":  {url.Values{"code_challenge": nil}, "invalid_request"},
		"a plain challenge":             {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"no method, which is plain":     {url.Values{"code_challenge_method": nil}, "invalid_request"},
		"a method that does not exist":  {url.Values{"code_challenge_method": {"S512"}}, "invalid_request"},
		"a challenge that is too short": {url.Values{"code_challenge": {"abc"}}, "invalid_request"},
		"a request object":              {url.Values{"request": {"e30.e30."}}, "request_not_supported"},
		"a request by reference":        {url.Values{"request_uri": {"https://app.example/r.jwt"}}, "request_uri_not_supported"},
		"a registration":                {url.Values{"registration": {"{}"}}, "registration_not_supported"},
		"a state given twice":           {url.Values{"nonce": {"a", "b"}}, "invalid_request"},
		"a scope given twice":           {url.Values{"scope": {"openid", "openid"}}, "invalid_request"},
		"an unknown parameter, twice":   {url.Values{"colour": {"red", "blue"}}, "invalid_request"},
		"a parameter without an end":    {url.Values{"claims_locales": {long}}, "invalid_request"},
		"a nonce of half a page":        {url.Values{"nonce": {long[:513]}}, "invalid_request"},
		"a nonce with NUL":              {url.Values{"nonce": {"a\x00b"}}, "invalid_request"},
		"a nonce that is no text":       {url.Values{"nonce": {"\xff\xfe"}}, "invalid_request"},
		"an age that is no number":      {url.Values{"max_age": {"soon"}}, "invalid_request"},
		"an age below nothing":          {url.Values{"max_age": {"-1"}}, "invalid_request"},
		"an answer in a form":           {url.Values{"response_mode": {"form_post"}}, "invalid_request"},
		"an answer in the fragment":     {url.Values{"response_mode": {"fragment"}}, "invalid_request"},
		"a prompt that does not exist":  {url.Values{"prompt": {"dance"}}, "invalid_request"},
		"none together with login":      {url.Values{"prompt": {"none login"}}, "invalid_request"},
		"another account":               {url.Values{"prompt": {"select_account"}}, "account_selection_required"},
		"claims that are no JSON":       {url.Values{"claims": {"{"}}, "invalid_request"},
		"claims that are no object":     {url.Values{"claims": {"[]"}}, "invalid_request"},
		"a level that does not exist":   {url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:moon"}}}`}}, "unmet_authentication_requirements"},
		"a hint that is no token":       {url.Values{"id_token_hint": {"abc"}}, "invalid_request"},
		"a hint without a signature":    {url.Values{"id_token_hint": {"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."}}, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Clock.Advance(2 * time.Second) // the limit is not what is tested here
			res := b.get(a.asked(oauth2.GenerateVerifier(), c.change))
			q := back(t, res.next())
			if q.Get("error") != c.want || q.Get("state") != "state-1" || q.Get("iss") != p.url || q.Has("code") {
				t.Errorf("got %v, want error %q, the state and iss", q, c.want)
			}
		})
	}
}

func TestAuthorize_UnknownClientGetsAPage(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) {
		r.ApplicationType = "native"
		r.Redirects = append(r.Redirects, "http://127.0.0.1/cb", "http://localhost:3000/cb")
	})
	_, _, b := signedIn(p, "lea@garage.example")
	for name, change := range map[string]url.Values{
		"no client":                    {"client_id": nil},
		"an unknown client":            {"client_id": {"cnobody"}},
		"a client that is no id":       {"client_id": {"../user/x"}},
		"a client given twice":         {"client_id": {string(a.ID), string(a.ID)}},
		"no redirect":                  {"redirect_uri": nil},
		"a redirect given twice":       {"redirect_uri": {callback, callback}},
		"another query":                {"redirect_uri": {"https://app.example/cb?from=thief"}},
		"no query":                     {"redirect_uri": {"https://app.example/cb"}},
		"more path":                    {"redirect_uri": {"https://app.example/cb/../cb?from=test"}},
		"another case":                 {"redirect_uri": {"https://APP.example/cb?from=test"}},
		"a port":                       {"redirect_uri": {"https://app.example:443/cb?from=test"}},
		"a fragment":                   {"redirect_uri": {callback + "#x"}},
		"another host behind an at":    {"redirect_uri": {"https://app.example@thief.example/cb?from=test"}},
		"localhost, another path":      {"redirect_uri": {"http://localhost:3001/other"}},
		"the machine, another path":    {"redirect_uri": {"http://127.0.0.1:4000/other"}},
		"the machine by another name":  {"redirect_uri": {"http://127.0.0.2:4000/cb"}},
		"the machine, a port of words": {"redirect_uri": {"http://127.0.0.1:80@thief.example/cb"}},
		"a script":                     {"redirect_uri": {"javascript:alert(1)"}},
	} {
		t.Run(name, func(t *testing.T) {
			p.Clock.Advance(2 * time.Second)
			res := b.get(a.asked(oauth2.GenerateVerifier(), change))
			if res.StatusCode != http.StatusBadRequest || res.next() != "" || !strings.Contains(res.body, "invalid_request") {
				t.Errorf("got %d to %q, want a page that says invalid_request", res.StatusCode, res.next())
			}
		})
	}
	for _, to := range []string{"http://127.0.0.1:49152/cb", "http://localhost:49152/cb"} {
		res := b.get(a.asked(oauth2.GenerateVerifier(), url.Values{"redirect_uri": {to}}))
		if !strings.HasPrefix(res.next(), to+"?code=") {
			t.Errorf("a loopback redirect on another port: got %d to %q, want the code at %s (RFC 8252 §7.3)", res.StatusCode, res.next(), to)
		}
	}
}

// post is one call of a program to an endpoint.
func (a *app) post(path string, form url.Values, change func(*http.Request)) (int, http.Header, map[string]any) {
	a.place.T.Helper()
	r, err := http.NewRequestWithContext(a.place.T.Context(), http.MethodPost, a.place.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		a.place.T.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(string(a.ID)), url.QueryEscape(a.Secret))
	}
	if change != nil {
		change(r)
	}
	res, err := a.http.Do(r)
	if err != nil {
		a.place.T.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		a.place.T.Fatal(err)
	}
	out := map[string]any{}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			a.place.T.Fatalf("%s answered no JSON: %s", path, raw)
		}
	}
	return res.StatusCode, res.Header, out
}

func codeForm(code, verifier string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
}

func TestCode_IsBoundToClientRedirectVerifierAndTime(t *testing.T) {
	p, provider := appPlace(t, nil)
	a, other := p.app(t, provider, nil), p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	_, _, b := signedIn(p, "lea@garage.example")
	for name, c := range map[string]struct {
		form func(url.Values)
		by   *app
		wait time.Duration
	}{
		"by another client":         {by: other},
		"for another redirect":      {form: func(f url.Values) { f.Set("redirect_uri", "https://app.example/cb") }},
		"with another verifier":     {form: func(f url.Values) { f.Set("code_verifier", oauth2.GenerateVerifier()) }},
		"without a verifier":        {form: func(f url.Values) { f.Del("code_verifier") }},
		"with the challenge itself": {form: func(f url.Values) { f.Set("code_verifier", oauth2.S256ChallengeFromVerifier(f.Get("code_verifier"))) }},
		"a minute later":            {wait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			verifier := oauth2.GenerateVerifier()
			form, by := codeForm(a.code(b, verifier), verifier), a
			right := codeForm(form.Get("code"), verifier)
			if c.form != nil {
				c.form(form)
			}
			if c.by != nil {
				by = c.by
			}
			p.Clock.Advance(c.wait)
			if status, _, got := by.post(oidc.PathToken, form, nil); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
				t.Errorf("got %d %v, want 400 invalid_grant", status, got)
			}
			if status, _, got := a.post(oidc.PathToken, right, nil); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
				t.Errorf("the right exchange afterwards: got %d %v, want the code spent", status, got)
			}
		})
	}
}

func TestTokenEndpoint_RejectsMalformedRequests(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	good := codeForm(a.code(b, verifier), verifier)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(string(a.ID)+":"+a.Secret))
	for name, c := range map[string]struct {
		form   func(url.Values)
		change func(*http.Request)
		status int
		want   string
	}{
		"a parameter of no UTF-8":      {func(f url.Values) { f.Set("code", "\xff") }, nil, 400, "invalid_request"},
		"a parameter with a zero":      {func(f url.Values) { f.Set("code", "a\x00") }, nil, 400, "invalid_request"},
		"a header of no Base64":        {nil, func(r *http.Request) { r.Header.Set("Authorization", "Basic !") }, 401, "invalid_client"},
		"another scheme":               {nil, func(r *http.Request) { r.Header.Set("Authorization", strings.Replace(basic, "Basic", "Bearer", 1)) }, 401, "invalid_client"},
		"an id that is not encoded":    {nil, func(r *http.Request) { r.SetBasicAuth("%zz", a.Secret) }, 401, "invalid_client"},
		"a secret that is not encoded": {func(f url.Values) { f.Set("client_id", string(a.ID)) }, func(r *http.Request) { r.SetBasicAuth(string(a.ID), "%zz") }, 401, "invalid_client"},
		"an assertion of another type": {func(f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
			f.Set("client_assertion", "x")
		}, func(r *http.Request) { r.Header.Del("Authorization") }, 400, "invalid_request"},
		"a body of JSON":              {nil, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
		"a code in the URL":           {nil, func(r *http.Request) { r.URL.RawQuery = "code=x" }, 400, "invalid_request"},
		"a parameter twice":           {func(f url.Values) { f.Add("code", "x") }, nil, 400, "invalid_request"},
		"no grant":                    {func(f url.Values) { f.Del("grant_type") }, nil, 400, "invalid_request"},
		"a grant that does not exist": {func(f url.Values) { f.Set("grant_type", "magic") }, nil, 400, "unsupported_grant_type"},
		"a password":                  {func(f url.Values) { f.Set("grant_type", "password") }, nil, 400, "unsupported_grant_type"},
		"token exchange":              {func(f url.Values) { f.Set("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange") }, nil, 400, "unsupported_grant_type"},
		"jwt-bearer": {func(f url.Values) {
			f.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
			f.Set("assertion", "x")
		}, nil, 400, "unsupported_grant_type"},
		"a grant of another kind":  {func(f url.Values) { f.Set("grant_type", "client_credentials") }, nil, 400, "unauthorized_client"},
		"no code":                  {func(f url.Values) { f.Del("code") }, nil, 400, "invalid_request"},
		"no client":                {nil, func(r *http.Request) { r.Header.Del("Authorization") }, 400, "invalid_request"},
		"a secret that is wrong":   {nil, func(r *http.Request) { r.SetBasicAuth(string(a.ID), "wrong") }, 401, "invalid_client"},
		"no secret":                {func(f url.Values) { f.Set("client_id", string(a.ID)) }, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "invalid_client"},
		"a client that is unknown": {nil, func(r *http.Request) { r.SetBasicAuth("cnobody", "wrong") }, 401, "invalid_client"},
		"the secret in two places": {func(f url.Values) { f.Set("client_id", string(a.ID)); f.Set("client_secret", a.Secret) }, func(r *http.Request) { r.Header.Set("Authorization", basic) }, 400, "invalid_request"},
		"an assertion signed by none": {func(f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			f.Set("client_assertion", "eyJhbGciOiJub25lIn0.e30.")
		}, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "invalid_client"},
		"the person's cookie is no use": {nil, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Set("Cookie", "__Host-barillet="+b.cookie("__Host-barillet"))
		}, 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			p.Clock.Advance(time.Second)
			form := url.Values{}
			for k, v := range good {
				form[k] = append([]string(nil), v...)
			}
			if c.form != nil {
				c.form(form)
			}
			status, header, got := a.post(oidc.PathToken, form, c.change)
			if status != c.status || got["error"] != c.want {
				t.Errorf("got %d %v, want %d %s", status, got, c.status, c.want)
			}
			if header.Get("Cache-Control") != "no-store" || status == 401 && !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("got headers %v", header)
			}
		})
	}
	if status, _, got := a.post(oidc.PathToken, good, nil); status != http.StatusOK || got["access_token"] == "" {
		t.Errorf("the good one: got %d %v, want tokens: nothing above came as far as the code", status, got)
	}
}

func TestTokenEndpoint_WrongSecretAndUnknownClientAreEqual(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	form := codeForm("x", "y")
	_, knownHeader, known := a.post(oidc.PathToken, form, func(r *http.Request) { r.SetBasicAuth(string(a.ID), "wrong") })
	_, unknownHeader, unknown := a.post(oidc.PathToken, form, func(r *http.Request) { r.SetBasicAuth("cnobody", "wrong") })
	for _, h := range []http.Header{knownHeader, unknownHeader} {
		h.Del("X-Request-Id")
		h.Del("Date")
	}
	if got, want := mustJSON(t, unknown), mustJSON(t, known); got != want {
		t.Errorf("unknown: got %s, known %s", got, want)
	}
	if got, want := mustJSON(t, unknownHeader), mustJSON(t, knownHeader); got != want {
		t.Errorf("headers: unknown %s, known %s", got, want)
	}
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestAuthorize_LimitsRequests(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	for i := range 61 {
		status, header, _ := a.post(oidc.PathToken, codeForm("x", "y"), nil)
		if want := i == 60; (status == http.StatusTooManyRequests) != want || want && header.Get("Retry-After") == "" {
			t.Fatalf("call %d: got %d, Retry-After %q", i+1, status, header.Get("Retry-After"))
		}
	}
	b := p.browser(t)
	for i := range 61 {
		res := b.get(a.begin(oauth2.GenerateVerifier()))
		if want := i == 60; (res.StatusCode == http.StatusTooManyRequests) != want {
			t.Fatalf("authorization request %d: got %d", i+1, res.StatusCode)
		}
	}
}

func TestLog_ContainsNothingThatAClientSends(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	verifier := oauth2.GenerateVerifier()
	code := a.code(b, verifier)
	tok, err := a.config.Exchange(a.ctx(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	a.post(oidc.PathToken, codeForm(code, verifier), nil)
	b.get(a.asked(verifier, url.Values{"scope": {"profile"}}))
	raw, _ := tok.Extra("id_token").(string)
	for name, secret := range map[string]string{"code": code, "verifier": verifier, "access token": tok.AccessToken, "refresh token": tok.RefreshToken,
		"ID token": raw, "client secret": a.Secret, "state": "state-1", "nonce": "n-1"} {
		if strings.Contains(p.log.String(), secret) {
			t.Errorf("the %s is in the log", name)
		}
	}
}
