package oidc_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/oidc"
	"barillet/oidc/client"
)

// newProvider returns a provider with a registered client.
func newProvider(t testing.TB) (*authntest.Env, *oidc.Provider, client.Information) {
	t.Helper()
	h := authntest.New(t)
	p, err := oidc.New(oidc.Config{Store: h.Store, Keyring: h.Ring, Pepper: h.Keys.Pepper, Accounts: h.Accounts, Sessions: h.Sessions,
		Issuer: "https://login.example", Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Clients.Register(t.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1"}},
		client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"},
			Grants: []string{client.GrantCode, client.GrantRefresh, client.GrantDevice}})
	if err != nil {
		t.Fatal(err)
	}
	return h, p, c
}

// send sends a form to an endpoint of clients.
func send(t testing.TB, p *oidc.Provider, path, authorization, body string) *httptest.ResponseRecorder {
	t.Helper()
	origin := account.RequestInfo{Address: netip.MustParseAddr("203.0.113.9")}
	r := httptest.NewRequestWithContext(oidc.WithOrigin(t.Context(), origin), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h := p.TokenEndpoints()
	if path == oidc.PathUserinfo {
		h = p.Userinfo()
	}
	h.ServeHTTP(w, r)
	return w
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// A client ID in a Basic header is form-encoded (RFC 6749 §2.3.1), so it has many spellings.
func TestTokenEndpoints_LimitClientInEverySpelling(t *testing.T) {
	_, p, c := newProvider(t)
	id := string(c.ID)
	for i := range 61 {
		spelled := id
		if n := i % len(id); i > 0 {
			spelled = id[:n] + fmt.Sprintf("%%%02x", id[n]) + id[n+1:]
		}
		want := http.StatusOK
		if i == 60 {
			want = http.StatusTooManyRequests
		}
		if w := send(t, p, oidc.PathIntrospect, basic(spelled, c.Secret), "token=x"); w.Code != want {
			t.Fatalf("request %d as %s: got %d %s, want %d", i+1, spelled, w.Code, w.Body, want)
		}
	}
}

func TestAuthorize_KeepsQueryOfRedirectURI(t *testing.T) {
	_, p, _ := newProvider(t)
	const redirect = "https://app.example/cb?b=1;c&a=%20"
	c, err := p.Clients.Register(t.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1"}},
		client.Registration{Name: "Stock", Redirects: []string{redirect}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Authorize(t.Context(), oidc.UserAgent{}, url.Values{"client_id": {string(c.ID)}, "redirect_uri": {redirect}, "state": {"x y"}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(a.Redirect, redirect+"&error=invalid_request&") || !strings.HasSuffix(a.Redirect, "&iss=https%3A%2F%2Flogin.example&state=x+y") {
		t.Errorf("got %q, want the query of the redirect URI and then the response", a.Redirect)
	}
}

func FuzzTokenEndpoints_RejectMalformedRequests(f *testing.F) {
	paths := []string{oidc.PathToken, oidc.PathIntrospect, oidc.PathRevoke, oidc.PathDevice, oidc.PathPush, oidc.PathUserinfo}
	const assertion = "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="
	for i, body := range []string{"grant_type=authorization_code&code=x&redirect_uri=x", "token=bat_x", "token=x&token=y", "scope=openid",
		"response_type=code&scope=openid&redirect_uri=https://app.example/cb&claims={\"id_token\":{\"acr\":null}}&max_age=-1",
		"access_token=bat_x", "grant_type=refresh_token&refresh_token=%ff", "a;b", "%",
		"token=x" + assertion + "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYjY0Il0sImI2NCI6ZmFsc2V9.e30.x"} {
		for _, authorization := range []string{"", "Basic x", "Basic OjpAJQ==", "Bearer bat_x", "Basic " + base64.StdEncoding.EncodeToString([]byte("%zz:%"))} {
			f.Add(byte(i), authorization, body)
		}
	}
	h, p, c := newProvider(f)
	f.Fuzz(func(t *testing.T, n byte, authorization, body string) {
		h.Clock.Advance(10 * time.Second) // the limits must not end the test
		path := paths[int(n)%len(paths)]
		if n&128 != 0 {
			authorization = basic(string(c.ID), c.Secret)
		}
		w := send(t, p, path, authorization, body)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code >= http.StatusInternalServerError {
			t.Errorf("%s: got %d %s, %v", path, w.Code, w.Body, err)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: got %d with headers %v", path, w.Code, w.Header())
		}
		if w.Code >= http.StatusBadRequest && answer["error"] == nil {
			t.Errorf("%s: got %d without an error code: %s", path, w.Code, w.Body)
		}
	})
}
