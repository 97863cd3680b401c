package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc"
	"barillet/oidc/client"
)

// bench is a provider with signed-in users, over the store of the program.
type bench struct {
	b        *testing.B
	crowd    *authntest.Population
	provider *oidc.Provider
	sessions []secret.Value
	client   client.Information
	turn     atomic.Uint64
}

func openBench(b *testing.B, alg string) *bench {
	b.Helper()
	const users = 2000
	crowd := authntest.NewPopulation(b, users)
	s := crowd.Accounts
	p, err := oidc.New(oidc.Config{Store: s.Store, Keyring: crowd.Ring, Pepper: s.Pepper, Accounts: s, Sessions: crowd.Sessions, Issuer: "https://login.example", Now: s.Now})
	if err != nil {
		b.Fatal(err)
	}
	no := false
	c, err := p.Clients.Register(b.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}}, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, Consent: &no, Alg: alg})
	if err != nil {
		b.Fatal(err)
	}
	return &bench{b: b, crowd: crowd, provider: p, sessions: crowd.CreateSessions(users), client: c}
}

// at returns a distinct origin for each n, because limits count by address.
func (e *bench) at(n uint64) account.RequestInfo {
	return account.RequestInfo{Address: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
}

// call makes one request of a client.
func (e *bench) call(h http.Handler, n uint64, path string, form url.Values, out any) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(string(e.client.ID), e.client.Secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(oidc.WithOrigin(r.Context(), e.at(n))))
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil || w.Code != http.StatusOK {
		e.b.Errorf("%s: got %d %s", path, w.Code, w.Body)
	}
}

// tokens makes a whole flow of a signed-in user: a durable code, durable tokens and a signature.
func (e *bench) tokens(verifier, challenge string) string {
	n := e.turn.Add(1)
	i := n % uint64(len(e.sessions))
	from := oidc.UserAgent{From: e.at(n), Session: e.sessions[i].Hash(), User: e.crowd.Users[i].ID}
	a, err := e.provider.Authorize(e.b.Context(), from, url.Values{"client_id": {string(e.client.ID)},
		"redirect_uri": {"https://app.example/cb"}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}})
	u, wrong := url.Parse(a.Redirect)
	if err != nil || wrong != nil || u.Query().Get("code") == "" {
		e.b.Errorf("authorize: got %+v, %v", a, err)
		return ""
	}
	var got struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	e.call(e.provider.TokenEndpoints(), n, oidc.PathToken, url.Values{"grant_type": {"authorization_code"}, "code": {u.Query().Get("code")},
		"redirect_uri": {"https://app.example/cb"}, "code_verifier": {verifier}}, &got)
	return got.Access
}

func BenchmarkUserinfo(b *testing.B) {
	e := openBench(b, "EdDSA")
	verifier := oauth2.GenerateVerifier()
	challenge := oauth2.S256ChallengeFromVerifier(verifier)
	var tokens []string
	for range 400 {
		tokens = append(tokens, e.tokens(verifier, challenge))
	}
	h := e.provider.Userinfo()
	b.ReportAllocs()
	b.ResetTimer()
	began, n := time.Now(), 0
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, oidc.PathUserinfo, nil)
		r.Header.Set("Authorization", "Bearer "+tokens[n%len(tokens)])
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK { // the limit is 600 a minute for a token: 400 tokens allow 240,000 calls
			b.Fatalf("got %d %s", w.Code, w.Body)
		}
		n++
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "calls/s")
}

func BenchmarkIntrospection(b *testing.B) {
	e := openBench(b, "EdDSA")
	verifier := oauth2.GenerateVerifier()
	token := e.tokens(verifier, oauth2.S256ChallengeFromVerifier(verifier))
	h := e.provider.TokenEndpoints()
	b.ReportAllocs()
	b.ResetTimer()
	began, n := time.Now(), uint64(0)
	for b.Loop() {
		n++
		var got struct{ Active bool }
		if e.call(h, 1<<20+n, oidc.PathIntrospect, url.Values{"token": {token}}, &got); !got.Active {
			b.Fatal("the token is not active")
		}
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "calls/s")
}
