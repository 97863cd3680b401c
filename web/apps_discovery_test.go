package web_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc"
	"barillet/oidc/client"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// listed are the words of an entry.
func (s *suite) listed(v any) []string {
	s.Helper()
	all, ok := v.([]any)
	if !ok {
		s.Fatalf("got %v, want a list", v)
	}
	var out []string
	for _, one := range all {
		out = append(out, one.(string))
	}
	return out
}

// exactly proves a list in both directions: what works is listed, and what is listed works. others are what a reader
// might look for in vain.
func exactly(works func(*suite, string) bool, others ...string) func(*suite, any) {
	return func(s *suite, v any) {
		s.Helper()
		listed := s.listed(v)
		for _, word := range append(slices.Clone(listed), others...) {
			if got, want := works(s, word), slices.Contains(listed, word); got != want {
				s.Errorf("%s: works %v, listed %v", word, got, want)
			}
		}
	}
}

// says proves an entry that is one value.
func says(want any, proof func(*suite)) func(*suite, any) {
	return func(s *suite, v any) {
		s.Helper()
		if v != want {
			s.Errorf("got %v, want %v", v, want)
		}
		if proof != nil {
			proof(s)
		}
	}
}

// at proves an endpoint: it is where the rest of the tests call, and answers a good call.
func at(path string, call func(*suite) bool) func(*suite, any) {
	return func(s *suite, v any) {
		s.Helper()
		if v != s.p.url+path || !call(s) {
			s.Errorf("got %v, want %s to work there", v, path)
		}
	}
}

// client registers one more application; "" when it is refused.
func (s *suite) client(change func(*client.Registration)) *app {
	s.Helper()
	r := usual()
	r.NoPKCE = true
	change(&r)
	if r.AuthMethod == "none" {
		r.NoPKCE = false
	}
	if _, err := s.provider.Clients.Register(s.Context(), by, r); err != nil {
		return nil
	}
	return s.p.app(s, s.provider, func(to *client.Registration) { *to = r })
}

// answers is the error that a request leads to; "" for a code or a page of the service.
func (s *suite) answers(more ...string) string {
	res := s.b.get(s.request(more...))
	u, err := url.Parse(res.next())
	if err != nil {
		s.Fatal(err)
	}
	return u.Query().Get("error")
}

// rsaKey returns the one RSA key of the applications of these tests.
var rsaKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// privateKey is a key for an algorithm of signatures.
func privateKey(t *testing.T, alg string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[alg]; {
	case curve != nil:
		key, err = ecdsa.GenerateKey(curve, rand.Reader)
	case alg == "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsaKey()
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// authenticates reports whether an endpoint takes a client that proves itself by a method, and an assertion of an algorithm.
func authenticates(path, method, alg string) func(*suite, string) bool {
	return func(s *suite, word string) bool {
		method, alg := method, alg
		if method == "" {
			method = word
		} else {
			alg = word
		}
		private := privateKey(s.T, alg)
		keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private.Public(), KeyID: "k"}}})
		if err != nil {
			s.Fatal(err)
		}
		a := s.client(func(r *client.Registration) {
			if r.AuthMethod = method; method == "private_key_jwt" {
				r.Keys = keys
			}
		})
		if a == nil {
			return false
		}
		form := url.Values{"token": {"none"}, "grant_type": {"authorization_code"}, "code": {"none"}, "redirect_uri": {callback}}
		switch method {
		case "client_secret_post":
			form.Set("client_secret", a.Secret)
			fallthrough
		case "none":
			form.Set("client_id", string(a.ID))
			a.Secret = ""
		case "private_key_jwt":
			payload := fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":%q,"jti":%q,"exp":%d}`, a.ID, a.ID, s.p.url, oauth2.GenerateVerifier(), s.p.Clock.Now().Add(time.Minute).Unix())
			with, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: private, KeyID: "k"}}, nil)
			if err != nil {
				s.Fatal(err)
			}
			signed, err := with.Sign([]byte(payload))
			if err != nil {
				s.Fatal(err)
			}
			token, err := signed.CompactSerialize()
			if err != nil {
				s.Fatal(err)
			}
			form.Set("client_assertion", token)
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		}
		status, _, got := a.post(path, form, nil)
		return status != http.StatusUnauthorized && got["error"] != "invalid_client"
	}
}

var (
	methodsElse = words("client_secret_jwt tls_client_auth self_signed_tls_client_auth")
	algsElse    = words("RS384 RS512 PS384 PS512 ES384 ES512")
)

// entries prove every entry of the discovery document.
var entries = map[string]func(*suite, any){
	"issuer": func(s *suite, v any) {
		if same := s.b.shows(oidc.PathServerMetadata).body; same != s.b.shows(oidc.PathDiscovery).body {
			s.Errorf("the metadata of RFC 8414 is another: %s", same)
		}
		_, claims := s.tokens()
		if v != s.p.url || claims["iss"] != v {
			s.Errorf("got %v, and %v in tokens", v, claims["iss"])
		}
	},
	"authorization_endpoint": at(oidc.PathAuthorize, func(s *suite) bool { return s.answers() == "" }),
	"token_endpoint":         at(oidc.PathToken, func(s *suite) bool { tok, _ := s.tokens(); return tok.AccessToken != "" }),
	"userinfo_endpoint":      at(oidc.PathUserinfo, func(s *suite) bool { tok, _ := s.tokens(); return s.userinfo(tok)["sub"] != nil }),
	"introspection_endpoint": at(oidc.PathIntrospect, func(s *suite) bool { return s.active() }),
	"revocation_endpoint": at(oidc.PathRevoke, func(s *suite) bool {
		tok, _ := s.tokens()
		status, _, _ := s.a.post(oidc.PathRevoke, url.Values{"token": {tok.AccessToken}}, nil)
		return status == http.StatusOK && !s.a.alive(tok.AccessToken)
	}),
	"end_session_endpoint": at(oidc.PathLogout, func(s *suite) bool { return s.b.leaves().StatusCode == http.StatusOK }),
	"device_authorization_endpoint": at(oidc.PathDevice, func(s *suite) bool {
		code, _ := s.client(func(r *client.Registration) {
			r.AuthMethod, r.Grants = "none", []string{deviceGrant}
			r.Redirects = nil
		}).device()
		return code != ""
	}),
	"pushed_authorization_request_endpoint": at(oidc.PathPush, func(s *suite) bool {
		form, _ := url.ParseQuery(strings.TrimPrefix(s.request(), oidc.PathAuthorize+"?"))
		status, _, _ := s.a.post(oidc.PathPush, form, nil)
		return status == http.StatusCreated
	}),
	// What stands there is the REST API, whose own tests register (web/api).
	"registration_endpoint": at(oidc.PathClients, func(s *suite) bool { return s.b.get(oidc.PathClients).StatusCode != http.StatusNotFound }),
	"jwks_uri":              at(oidc.PathKeys, func(s *suite) bool { return s.b.get(oidc.PathKeys).StatusCode == http.StatusOK }),

	"scopes_supported": exactly(func(s *suite, word string) bool {
		if s.a = s.client(func(r *client.Registration) { r.Scope = "openid " + word }); s.a == nil {
			return false
		}
		tok, _ := s.tokens("scope", "openid "+word)
		return slices.Contains(words(tok.Extra("scope").(string)), word)
	}, "admin", "roles"),
	"response_types_supported": exactly(func(s *suite, word string) bool { return s.answers("response_type", word) == "" },
		"token", "id_token", "id_token token", "code id_token", "code token", "code id_token token", "none"),
	"response_modes_supported": exactly(func(s *suite, word string) bool { return s.answers("response_mode", word) == "" },
		"fragment", "form_post", "query.jwt", "jwt"),
	"grant_types_supported": exactly(func(s *suite, word string) bool {
		a := s.client(func(r *client.Registration) { r.Grants = append(r.Grants, deviceGrant) })
		_, _, got := a.post(oidc.PathToken, url.Values{"grant_type": {word}, "assertion": {"a.b.c"}}, nil)
		return got["error"] == "invalid_request" // the error names the missing parameter, so the grant type is known
	}, "client_credentials", "implicit", "password", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:grant-type:jwt-bearer",
		"urn:openid:params:grant-type:ciba"),
	"acr_values_supported": exactly(func(s *suite, word string) bool {
		// A level that is known and not reached is refused (TestAuthorize_StrongerLevelRequiresASecurityKey has it reached), an unknown one is
		// passed over.
		if got := s.answers("acr_values", word); got != "" {
			return got == "unmet_authentication_requirements"
		}
		_, got := s.tokens("acr_values", word)
		return got["acr"] == word
	}, "urn:barillet:acr:aal3", "phrh", "0"),
	"subject_types_supported": exactly(func(s *suite, word string) bool {
		return s.client(func(r *client.Registration) { r.SubjectType = word }) != nil
	}, "ephemeral"),
	"id_token_signing_alg_values_supported": exactly(func(s *suite, word string) bool {
		if s.a = s.client(func(r *client.Registration) { r.Alg = word }); s.a == nil {
			return false
		}
		tok, _ := s.tokens()
		signed, err := jose.ParseSignedCompact(tok.Extra("id_token").(string), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(word)})
		return err == nil && signed.Signatures[0].Header.KeyID != ""
	}, append([]string{"none", "HS256"}, algsElse...)...),
	"token_endpoint_auth_methods_supported":                    exactly(authenticates(oidc.PathToken, "", "ES256"), methodsElse...),
	"revocation_endpoint_auth_methods_supported":               exactly(authenticates(oidc.PathRevoke, "", "ES256"), methodsElse...),
	"introspection_endpoint_auth_methods_supported":            exactly(authenticates(oidc.PathIntrospect, "", "ES256"), append([]string{"none"}, methodsElse...)...),
	"token_endpoint_auth_signing_alg_values_supported":         exactly(authenticates(oidc.PathToken, "private_key_jwt", ""), algsElse...),
	"revocation_endpoint_auth_signing_alg_values_supported":    exactly(authenticates(oidc.PathRevoke, "private_key_jwt", ""), algsElse...),
	"introspection_endpoint_auth_signing_alg_values_supported": exactly(authenticates(oidc.PathIntrospect, "private_key_jwt", ""), algsElse...),
	"claim_types_supported": func(s *suite, v any) {
		tok, _ := s.tokens("scope", "openid profile email")
		if got := s.userinfo(tok); mustJSON(s.T, v) != `["normal"]` || got["_claim_names"] != nil {
			s.Errorf("got %v and %v", v, got)
		}
	},
	"claims_supported": claimsAreThose,
	"code_challenge_methods_supported": exactly(func(s *suite, word string) bool {
		verifier := oauth2.GenerateVerifier()
		return s.answers("code_challenge_method", word, "code_challenge", oauth2.S256ChallengeFromVerifier(verifier)) == ""
	}, "plain", "S512"),
	"prompt_values_supported": exactly(func(s *suite, word string) bool { return s.answers("prompt", word) == "" }, "select_account", "create"),
	"ui_locales_supported": exactly(func(s *suite, word string) bool {
		b := s.p.browser(s)
		b.header.Set("Accept-Language", "en")
		if word == "en" {
			b.header.Set("Accept-Language", "fr")
		}
		return strings.Contains(b.get(b.get(s.request("ui_locales", word)).next()).body, `lang="`+word+`"`)
	}, "de", "zz"),

	"claims_parameter_supported": says(true, func(s *suite) {
		tok, _ := s.tokens("claims", `{"userinfo":{"name":null}}`)
		if s.userinfo(tok)["name"] == nil {
			s.Error("a claim that was requested by name is missing")
		}
	}),
	"request_parameter_supported":                    says(false, func(s *suite) { s.refusal("request_not_supported", "request", "a.b.c") }),
	"request_uri_parameter_supported":                says(false, func(s *suite) { s.refusal("request_uri_not_supported", "request_uri", "https://app.example/r") }),
	"require_pushed_authorization_requests":          says(false, func(s *suite) { s.tokens() }),
	"authorization_response_iss_parameter_supported": says(true, func(s *suite) { s.hasIssuer(); s.hasIssuer("response_type", "token") }),
	"backchannel_logout_supported":                   says(true, nil), // TestBackChannelLogout_IsRepeatedUntilAccepted
	"backchannel_logout_session_supported":           says(true, nil), // which looks for sid, too
}

func (s *suite) refusal(want string, more ...string) {
	s.Helper()
	if got := s.answers(more...); got != want {
		s.Errorf("got %q, want %s", got, want)
	}
}

func (s *suite) hasIssuer(more ...string) {
	s.Helper()
	if q := back(s, s.b.get(s.request(more...)).next()); q.Get("iss") != s.p.url {
		s.Errorf("got %v, want iss", q)
	}
}

func (s *suite) active() bool {
	tok, _ := s.tokens()
	_, _, got := s.a.post(oidc.PathIntrospect, url.Values{"token": {tok.AccessToken}}, nil)
	return got["active"] == true
}

// claimsAreThose asks for everything that there is, and compares what comes with the list.
func claimsAreThose(s *suite, v any) {
	group := s.p.CreateGroup("Canal")
	s.p.Change(s.p.User("lea@garage.example").ID, func(u *account.User) { u.Groups, u.Locale = []account.GroupID{group}, "fr" })
	s.b.signIn("lea@garage.example", s.phone)
	s.a = s.client(func(r *client.Registration) { r.Scope += " groups" })
	tok, got := s.tokens("scope", "openid profile email groups offline_access address phone")
	for name, claim := range s.userinfo(tok) {
		got[name] = claim
	}
	listed := s.listed(v)
	for name := range got {
		if !slices.Contains(listed, name) {
			s.Errorf("%s is returned and not listed", name)
		}
	}
	for _, name := range listed {
		if got[name] == nil {
			s.Errorf("%s is listed and not returned", name)
		}
	}
}

func TestDiscovery_ListsExactlyWhatIsSupported(t *testing.T) {
	doc := newSuite(t, nil).discovery()
	for name := range entries {
		if doc[name] == nil {
			t.Errorf("the document lacks %s", name)
		}
	}
	for name, v := range doc {
		t.Run(name, func(t *testing.T) {
			proof := entries[name]
			if proof == nil {
				t.Fatal("nothing proves this entry")
			}
			proof(newSuite(t, nil), v)
		})
	}
	plain, provider := appPlace(t, nil)
	if got := provider.Metadata(); got.BackChannelLogout || got.BackChannelLogoutWithID {
		t.Errorf("%s offers a back channel that it does not have", plain.url)
	}
	_, own := appPlace(t, func(c *oidc.Config) { c.ClientCredentials = true })
	if got := own.Metadata(); !slices.Contains(got.GrantTypes, "client_credentials") {
		t.Error("an enabled grant type is not listed")
	}
}
