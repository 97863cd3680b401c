package web_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/oidc"
	"barillet/oidc/client"
)

// suite is what every module begins with: the client that the OpenID Foundation's plans expect, which sends no PKCE, and
// a signed-in user.
type suite struct {
	*testing.T
	p        *place
	provider *oidc.Provider
	a        *app
	b        *browser
	phone    *authntest.Phone
}

func newSuite(t *testing.T, change func(*client.Registration)) *suite {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	a := p.app(t, provider, func(r *client.Registration) {
		r.NoPKCE, r.Alg = true, "RS256"
		if change != nil {
			change(r)
		}
	})
	_, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.FirstName, u.LastName = "Léa", "Vasseur" })
	b := p.browser(t)
	b.signIn("lea@garage.example", phone)
	return &suite{t, p, provider, a, b, phone}
}

// request is the plans' request with parameters changed; "" takes one away.
func (s *suite) request(more ...string) string {
	q := url.Values{"client_id": {string(s.a.ID)}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "state": {"st"}, "nonce": {"no"}}
	for i := 0; i+1 < len(more); i += 2 {
		if q.Del(more[i]); more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	return oidc.PathAuthorize + "?" + q.Encode()
}

// tokens goes through the flow and gives the tokens with the claims of the ID token.
func (s *suite) tokens(more ...string) (*oauth2.Token, map[string]any) {
	s.Helper()
	q := back(s, s.b.get(s.request(more...)).next())
	return s.exchanged(q)
}

func (s *suite) exchanged(q url.Values) (*oauth2.Token, map[string]any) {
	s.Helper()
	tok, err := s.a.config.Exchange(s.a.ctx(), q.Get("code"))
	if err != nil {
		s.Fatalf("got %v after %v", err, q)
	}
	_, claims := s.a.idToken(tok)
	return tok, claims
}

// userinfo returns the answer of the userinfo endpoint.
func (s *suite) userinfo(tok *oauth2.Token) map[string]any {
	s.Helper()
	info, err := s.a.provider.UserInfo(s.a.ctx(), oauth2.StaticTokenSource(tok))
	if err != nil {
		s.Fatal(err)
	}
	claims := map[string]any{}
	if err := info.Claims(&claims); err != nil {
		s.Fatal(err)
	}
	return claims
}

// scope asks for a scope and demands these claims, and no others but sub.
func scope(scope string, want ...string) func(*suite) {
	return func(s *suite) {
		tok, _ := s.tokens("scope", scope)
		got := s.userinfo(tok)
		for _, name := range want {
			if got[name] == nil {
				s.Errorf("%s: userinfo lacks %s: %v", scope, name, got)
			}
		}
		if len(got) != len(want)+1 {
			s.Errorf("%s: got %v, want sub and %v", scope, got, want)
		}
	}
}

// succeeds is a module that demands nothing but success with a parameter.
func succeeds(more ...string) func(*suite) { return func(s *suite) { s.tokens(more...) } }

// refuses is a module that demands an error at the application.
func refuses(want string, more ...string) func(*suite) {
	return func(s *suite) {
		if q := back(s, s.b.get(s.request(more...)).next()); q.Get("error") != want || q.Get("state") != "st" {
			s.Errorf("got %v, want %s", q, want)
		}
	}
}

// leaves is a module of sign-out: which answer is demanded, and whether the session is then over.
func leaves(want string, over bool, more func(hint string) []string) func(*suite) {
	return func(s *suite) {
		tok, _ := s.tokens()
		hint, _ := tok.Extra("id_token").(string)
		res := s.b.leaves(more(hint)...)
		switch {
		case want == "asked" && (res.StatusCode != http.StatusOK || !strings.Contains(res.body, "/oauth2/v1/logout/confirm")),
			want == "refused" && res.StatusCode != http.StatusBadRequest,
			want != "asked" && want != "refused" && res.next() != want:
			s.Errorf("got %d to %q, want %s", res.StatusCode, res.next(), want)
		}
		if got := s.b.get("/account").StatusCode != http.StatusOK; got != over {
			s.Errorf("the session is over: got %v, want %v", got, over)
		}
	}
}

const profile = "name given_name family_name locale preferred_username updated_at"

// modules are the modules of the plans Basic OP, Config OP, RP-Initiated Logout OP and Back-Channel Logout OP, by their
// names in the OpenID Foundation's suite. docs/oidc-conformance.md lists them.
var modules = map[string]func(*suite){
	"oidcc-server": func(s *suite) {
		tok, claims := s.tokens()
		if claims["nonce"] != "no" || claims["sub"] == "" || s.userinfo(tok)["sub"] != claims["sub"] || claims["aud"] != string(s.a.ID) {
			s.Errorf("got %v", claims)
		}
	},
	"oidcc-response-type-missing": refuses("invalid_request", "response_type", ""),
	"oidcc-userinfo-get":          func(s *suite) { tok, _ := s.tokens(); s.userinfo(tok) },
	"oidcc-userinfo-post-header": func(s *suite) {
		tok, _ := s.tokens()
		status, _, got := s.a.post(oidc.PathUserinfo, nil, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+tok.AccessToken) })
		if status != http.StatusOK || got["sub"] == nil {
			s.Errorf("got %d %v", status, got)
		}
	},
	"oidcc-userinfo-post-body": func(s *suite) {
		tok, _ := s.tokens()
		status, _, got := s.a.post(oidc.PathUserinfo, url.Values{"access_token": {tok.AccessToken}}, func(r *http.Request) { r.Header.Del("Authorization") })
		if status != http.StatusOK || got["sub"] == nil {
			s.Errorf("got %d %v", status, got)
		}
	},
	"oidcc-ensure-request-without-nonce-succeeds-for-code-flow": func(s *suite) {
		if _, claims := s.tokens("nonce", ""); claims["nonce"] != nil {
			s.Errorf("got a nonce from nowhere: %v", claims)
		}
	},
	"oidcc-scope-profile":                     scope("openid profile", words(profile)...),
	"oidcc-scope-email":                       scope("openid email", "email", "email_verified"),
	"oidcc-scope-address":                     scope("openid address"),
	"oidcc-scope-phone":                       scope("openid phone"),
	"oidcc-scope-all":                         scope("openid profile email address phone", append(words(profile), "email", "email_verified")...),
	"oidcc-ensure-other-scope-order-succeeds": scope("email openid", "email", "email_verified"),
	"oidcc-display-page":                      succeeds("display", "page"),
	"oidcc-display-popup":                     succeeds("display", "popup"),
	"oidcc-ui-locales":                        succeeds("ui_locales", "se"),
	"oidcc-claims-locales":                    succeeds("claims_locales", "se"),
	"oidcc-login-hint":                        succeeds("login_hint", "lea@garage.example"),
	"oidcc-max-age-10000":                     succeeds("max_age", "10000"),
	"oidcc-ensure-request-with-unknown-parameter-succeeds": succeeds("extra", "foobar"),
	"oidcc-ensure-request-with-acr-values-succeeds":        succeeds("acr_values", "1 2"),
	"oidcc-prompt-login": func(s *suite) {
		_, before := s.tokens()
		s.p.Clock.Advance(time.Minute)
		_, after := s.exchanged(s.a.proves(s.b, s.phone, s.request("prompt", "login")))
		if after["auth_time"].(float64) <= before["auth_time"].(float64) || after["sub"] != before["sub"] {
			s.Errorf("got auth_time %v, then %v", before["auth_time"], after["auth_time"])
		}
	},
	"oidcc-max-age-1": func(s *suite) {
		_, before := s.tokens()
		s.p.Clock.Advance(time.Minute)
		_, after := s.exchanged(s.a.proves(s.b, s.phone, s.request("max_age", "1")))
		if after["auth_time"].(float64) <= before["auth_time"].(float64) {
			s.Errorf("got auth_time %v, then %v", before["auth_time"], after["auth_time"])
		}
	},
	"oidcc-prompt-none-not-logged-in": func(s *suite) {
		s.b = s.p.browser(s)
		refuses("login_required", "prompt", "none")(s)
	},
	"oidcc-prompt-none-logged-in": func(s *suite) {
		_, before := s.tokens()
		if _, after := s.tokens("prompt", "none"); after["sub"] != before["sub"] || after["auth_time"] != before["auth_time"] {
			s.Errorf("got %v, then %v", before, after)
		}
	},
	"oidcc-id-token-hint": func(s *suite) {
		tok, before := s.tokens()
		if _, after := s.tokens("prompt", "none", "id_token_hint", tok.Extra("id_token").(string)); after["sub"] != before["sub"] {
			s.Errorf("got %v, then %v", before, after)
		}
	},
	"oidcc-codereuse":           func(s *suite) { s.reuse(0) },
	"oidcc-codereuse-30seconds": func(s *suite) { s.reuse(30 * time.Second) },
	"oidcc-ensure-registered-redirect-uri": func(s *suite) {
		if res := s.b.get(s.request("redirect_uri", "https://app.example/cb?unregistered=1")); res.StatusCode != http.StatusBadRequest {
			s.Errorf("got %d to %q, want a page", res.StatusCode, res.next())
		}
	},
	"oidcc-ensure-post-request-succeeds": func(s *suite) {
		_, query, _ := strings.Cut(s.request(), "?")
		res := s.b.do(http.MethodPost, oidc.PathAuthorize, "application/x-www-form-urlencoded", query)
		s.exchanged(back(s, s.b.get(res.next()).next()))
	},
	"oidcc-server-client-secret-post": func(s *suite) {
		s.a = s.p.app(s, s.provider, func(r *client.Registration) { r.NoPKCE, r.AuthMethod = true, "client_secret_post" })
		s.tokens()
	},
	"oidcc-idtoken-unsigned": func(s *suite) {
		r := usual()
		r.Alg = "none"
		if _, err := s.provider.Clients.Register(s.Context(), by, r); err == nil {
			s.Error("a client got ID tokens without a signature")
		}
	},
	"oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported": refuses("request_not_supported", "request", "eyJhbGciOiJub25lIn0.e30."),
	"oidcc-ensure-request-object-with-redirect-uri":                                refuses("request_not_supported", "request", "eyJhbGciOiJub25lIn0.e30."),
	"oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported":    refuses("request_uri_not_supported", "request_uri", "https://app.example/r"),
	"oidcc-claims-essential": func(s *suite) {
		tok, _ := s.tokens("claims", `{"userinfo":{"name":{"essential":true}}}`)
		if got := s.userinfo(tok); got["name"] != "Léa Vasseur" {
			s.Errorf("got %v", got)
		}
	},
	"oidcc-refresh-token": func(s *suite) {
		tok, before := s.tokens("scope", "openid offline_access", "prompt", "")
		next, err := s.a.refresh(tok.RefreshToken)
		if err != nil {
			s.Fatal(err)
		}
		_, after := s.a.idToken(next)
		if after["sub"] != before["sub"] || after["aud"] != before["aud"] || after["auth_time"] != before["auth_time"] || next.AccessToken == tok.AccessToken {
			s.Errorf("got %v, then %v", before, after)
		}
	},
	"oidcc-ensure-request-with-valid-pkce-succeeds": func(s *suite) { s.a.tokens(s.b) },
	"oidcc-discovery-endpoint-verification":         func(s *suite) { s.discovery() },

	"oidcc-rp-initiated-logout-discovery-endpoint-verification": func(s *suite) { s.discovery() },
	"oidcc-rp-initiated-logout": leaves("https://app.example/bye?state=st", true, func(h string) []string {
		return []string{"id_token_hint", h, "post_logout_redirect_uri", "https://app.example/bye", "state", "st"}
	}),
	"oidcc-rp-initiated-logout-no-state": leaves("https://app.example/bye", true, func(h string) []string {
		return []string{"id_token_hint", h, "post_logout_redirect_uri", "https://app.example/bye"}
	}),
	"oidcc-rp-initiated-logout-no-post-logout-redirect-uri": leaves("/logged-out", true, func(h string) []string { return []string{"id_token_hint", h, "state", "st"} }),
	"oidcc-rp-initiated-logout-no-id-token-hint": leaves("refused", false, func(string) []string {
		return []string{"post_logout_redirect_uri", "https://app.example/bye", "state", "st"}
	}),
	"oidcc-rp-initiated-logout-no-params":  leaves("asked", false, func(string) []string { return nil }),
	"oidcc-rp-initiated-logout-only-state": leaves("asked", false, func(string) []string { return []string{"state", "st"} }),
	"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri": leaves("refused", false, func(h string) []string {
		return []string{"id_token_hint", h, "post_logout_redirect_uri", "https://app.example/other"}
	}),
	"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri": leaves("refused", false, func(h string) []string {
		return []string{"id_token_hint", h, "post_logout_redirect_uri", "https://app.example/bye?foo=bar"}
	}),
	"oidcc-rp-initiated-logout-modified-id-token-hint": leaves("refused", false, func(h string) []string {
		parts := strings.Split(h, ".")
		return []string{"id_token_hint", parts[0] + "." + parts[1] + "x." + parts[2], "post_logout_redirect_uri", "https://app.example/bye"}
	}),
	"oidcc-rp-initiated-logout-bad-id-token-hint": leaves("refused", false, func(string) []string {
		return []string{"id_token_hint", "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUifQ.AAAA", "post_logout_redirect_uri", "https://app.example/bye"}
	}),

	"oidcc-backchannel-logout-discovery-endpoint-verification": func(s *suite) { s.discovery() },
	"oidcc-backchannel-rp-initiated-logout": func(s *suite) {
		at := newReceiver(s.T)
		s.a = s.p.app(s, s.provider, func(r *client.Registration) { r.NoPKCE, r.Backchannel = true, at.URL+"/logout" })
		tok, _ := s.tokens()
		s.b.leaves("id_token_hint", tok.Extra("id_token").(string))
		if err := s.provider.Tokens.SendLogouts(s.Context()); err != nil || len(at.got()) != 1 {
			s.Errorf("got %d logouts, %v", len(at.got()), err)
		}
	},
}

func words(s string) []string { return strings.Fields(s) }

func (s *suite) reuse(wait time.Duration) {
	s.Helper()
	q := back(s, s.b.get(s.request()).next())
	tok, _ := s.exchanged(q)
	s.p.Clock.Advance(wait)
	if _, err := s.a.config.Exchange(s.a.ctx(), q.Get("code")); refused(s, err) != "invalid_grant" || s.a.alive(tok.AccessToken) {
		s.Errorf("got %v, tokens alive %v", err, s.a.alive(tok.AccessToken))
	}
}

// discovery reads the document as it stands.
func (s *suite) discovery() map[string]any {
	s.Helper()
	res, err := s.a.http.Get(s.p.url + oidc.PathDiscovery)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	doc := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		s.Fatalf("got %d, %v", res.StatusCode, err)
	}
	for _, name := range words("issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri end_session_endpoint scopes_supported claims_supported " +
		"response_types_supported subject_types_supported id_token_signing_alg_values_supported grant_types_supported backchannel_logout_supported") {
		if doc[name] == nil {
			s.Errorf("the document lacks %s", name)
		}
	}
	if doc["issuer"] != s.p.url || !slices.Contains(doc["id_token_signing_alg_values_supported"].([]any), any("RS256")) {
		s.Errorf("got %v", doc)
	}
	return doc
}

func TestConformance(t *testing.T) {
	for name, module := range modules {
		t.Run(name, func(t *testing.T) { module(newSuite(t, nil)) })
	}
}

func TestConformance_DocumentListsTheTests(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(oidcc-[a-z0-9-]+)` \\|").FindAllStringSubmatch(readFile(t, "../docs/oidc-conformance.md"), -1) {
		listed[m[1]] = true
		if modules[m[1]] == nil {
			t.Errorf("docs/oidc-conformance.md lists %s, which is no test", m[1])
		}
	}
	for name := range modules {
		if !listed[name] {
			t.Errorf("docs/oidc-conformance.md lacks %s", name)
		}
	}
}
