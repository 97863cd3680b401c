package oidc_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

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
