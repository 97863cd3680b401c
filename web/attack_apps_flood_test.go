package web_test

import (
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
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store/storetest"
)

// six is an address of the n-th network of the internet, and the host in it.
func six(network, host int) account.RequestInfo {
	return account.RequestInfo{Address: netip.MustParseAddr(fmt.Sprintf("2a00:1:2:%x::%x", network, host+1))}
}

// A client with many addresses sends requests without end, to fill the store.
func TestAttack_ManyAddressesFillTheStoreWithRequests(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, err := url.Parse(a.begin("x"))
	if err != nil {
		t.Fatal(err)
	}
	form, kept := u.Query(), 0
	for i := range 320 {
		answer, err := provider.Authorize(t.Context(), oidc.UserAgent{From: six(0, i)}, form)
		if err != nil {
			t.Fatal(err)
		}
		if answer.LocalPath != "" {
			kept++
		} else if answer.Error == nil || answer.Error.RetryAfter <= 0 {
			t.Fatalf("request %d: got %+v", i, answer)
		}
	}
	if kept > 300 || p.count("authrequest/") != kept {
		t.Errorf("got %d requests kept, %d in the store, want 300 a minute at most", kept, p.count("authrequest/"))
	}
}

// The owner of a /48 sends each request from another /64.
func TestAttack_AddressesSpreadOverANetworkFillTheStoreWithRequests(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, err := url.Parse(a.begin("x"))
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	for i := range 2000 {
		if _, err := provider.Authorize(t.Context(), oidc.UserAgent{From: six(i, 0)}, form); err != nil {
			t.Fatal(err)
		}
	}
	if kept := p.count("authrequest/"); kept > 1200 {
		t.Errorf("got %d requests in the store after 2,000 from one /48, want 1,200 a minute at most", kept)
	}
	elsewhere := account.RequestInfo{Address: netip.MustParseAddr("2001:db8::1")}
	if answer, err := provider.Authorize(t.Context(), oidc.UserAgent{From: elsewhere}, form); err != nil || answer.LocalPath == "" {
		t.Errorf("a request from another network: got %+v, %v", answer, err)
	}
}

// A client of one network sends as many requests as it may, because each waits for three hours.
func TestAttack_RequestsThatWaitLongFillTheStore(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	u, err := url.Parse(a.begin("x"))
	if err != nil {
		t.Fatal(err)
	}
	form, sent := u.Query(), 0
	for i := range 1200 {
		answer, err := provider.Authorize(t.Context(), oidc.UserAgent{From: six(0, i)}, form)
		if err != nil {
			t.Fatal(err)
		}
		if answer.LocalPath != "" {
			sent++
		}
		p.Clock.Advance(200 * time.Millisecond) // 300 a minute
	}
	p.Clock.Advance(11 * time.Minute)
	if err := storetest.Sweep(t.Context(), p.Store, provider.Sweeps()...); err != nil {
		t.Fatal(err)
	}
	if kept := p.count("authrequest/"); sent < 150 || sent > 200 || kept < 110 || kept > 130 {
		t.Errorf("got %d of %d requests kept after eleven minutes, want about 120 of 160", kept, sent)
	}
	p.Clock.Advance(3 * time.Hour)
	if err := storetest.Sweep(t.Context(), p.Store, provider.Sweeps()...); err != nil || p.count("authrequest/") > 0 {
		t.Errorf("after three hours: got %d requests, %v", p.count("authrequest/"), err)
	}
}

// callFrom calls an endpoint of the application in a network, and returns the status.
func (a *app) callFrom(provider *oidc.Provider, from account.RequestInfo, path string, form url.Values) int {
	r := httptest.NewRequestWithContext(oidc.WithOrigin(a.place.T.Context(), from), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.Secret != "" {
		r.SetBasicAuth(url.QueryEscape(string(a.ID)), url.QueryEscape(a.Secret))
	}
	w := httptest.NewRecorder()
	provider.TokenEndpoints().ServeHTTP(w, r)
	return w.Code
}

// starts starts a device authorization in a network.
func (a *app) starts(provider *oidc.Provider, from account.RequestInfo) int {
	return a.callFrom(provider, from, oidc.PathDevice, url.Values{"client_id": {string(a.ID)}, "scope": {"openid"}})
}

// A thief of a client's secret gets tokens in many networks. Introspection stores nothing, so it goes on.
func TestAttack_StolenClientSecretFillsTheStore(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.ClientCredentials = true })
	own := func(r *client.Registration) {
		r.Redirects, r.Scope, r.Grants = nil, "stock:read", []string{"client_credentials"}
	}
	stolen, other := p.app(t, provider, own), p.app(t, provider, own)
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"stock:read"}}
	for i := range throttle.ClientTokens.Count + 1 {
		want := http.StatusOK
		if i == throttle.ClientTokens.Count {
			want = http.StatusTooManyRequests
		}
		from := account.RequestInfo{Address: netip.MustParseAddr(fmt.Sprintf("2a00:%x::1", i))}
		if got := stolen.callFrom(provider, from, oidc.PathToken, form); got != want {
			t.Fatalf("token %d: got %d, want %d", i+1, got, want)
		}
		if got := stolen.callFrom(provider, from, oidc.PathIntrospect, url.Values{"token": {"x"}}); got != http.StatusOK {
			t.Fatalf("introspection %d: got %d", i+1, got)
		}
	}
	if got := other.callFrom(provider, six(0, 0), oidc.PathToken, form); got != http.StatusOK {
		t.Errorf("another client: got %d", got)
	}
}

// A client starts device authorizations until the limit leaves none for the garages.
func TestAttack_DeviceRequestsExhaustTheLimit(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{"urn:ietf:params:oauth:grant-type:device_code"}
	})
	for i := range 31 {
		want := http.StatusOK
		if i == 30 {
			want = http.StatusServiceUnavailable
		}
		if got := tv.starts(provider, six(0, i)); got != want {
			t.Fatalf("device %d of one network: got %d, want %d", i+1, got, want)
		}
	}
	started := 30
	for i := range 1500 {
		from := account.RequestInfo{Address: netip.MustParseAddr(fmt.Sprintf("2a%02x:%x::1", i/100, i))}
		if got := tv.starts(provider, from); got == http.StatusOK {
			started++
		} else if got != http.StatusServiceUnavailable && got != http.StatusTooManyRequests {
			t.Fatalf("device %d: got %d", i, got)
		}
	}
	if started != 1000 || p.count("usercode/") != started {
		t.Fatalf("got %d devices, %d stored, want half of what all clients may start", started, p.count("usercode/"))
	}
	p.Clock.Advance(11 * time.Minute) // all are over, and not yet swept
	_, _, b := signedIn(p, "lea@garage.example")
	_, code := tv.device()
	if res := b.post("/device", "code", code); !strings.HasPrefix(res.next(), "/device/confirm?") {
		t.Errorf("the code of a device that waits among those that are over: got %d to %q", res.StatusCode, res.next())
	}
}

// A user has used up the share of prompts, with the code of a device of their own. The next answers do not say which codes are right.
func TestAttack_AnswersBeyondTheShareRevealACode(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{client.GrantDevice}
	})
	u, phone, _ := p.Member("lea@garage.example", nil)
	session := p.SignIn("lea@garage.example", authntest.Password, phone).Session.Key()
	_, code := tv.device()
	enter := func(from account.RequestInfo, code string) oidc.DevicePrompt {
		t.Helper()
		prompt, err := provider.EnterUserCode(t.Context(), oidc.UserAgent{From: from, Session: session, User: u.ID}, code)
		if err != nil {
			t.Fatal(err)
		}
		return prompt
	}
	entered := 0
	for ; enter(six(0, 0), code).Wait == 0; entered++ {
		if entered > 1000 {
			t.Fatal("no limit")
		}
	}
	if wrong := enter(six(0, 0), "ZZZZ-ZZZZ"); wrong.Wait == 0 {
		t.Errorf("after %d prompts: a wrong code is wrong, and a right one must wait", entered)
	}
	if right := enter(account.RequestInfo{Address: netip.MustParseAddr("2001:db8::1")}, code); right.Request == "" {
		t.Error("in another network: got no prompt, a thief of a session refuses the user")
	}
}
