package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	relying "github.com/coreos/go-oidc/v3/oidc"

	"barillet/oidc"
	"barillet/oidc/client"
)

// carrier delivers as the outbound client does, without its look at the address: a receiver in a test is on this machine.
type carrier struct{}

func (carrier) Deliver(ctx context.Context, url, media string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", media)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", res.StatusCode)
	}
	return nil
}

// receiver is an application's address for logouts.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	fails  int // how many calls it still refuses
	tokens []string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.fails > 0 {
			r.fails--
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		body, err := io.ReadAll(q.Body)
		form, wrong := url.ParseQuery(string(body))
		if err != nil || wrong != nil || q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("a logout came as %s %s %q", q.Method, q.Header.Get("Content-Type"), body)
		}
		r.tokens = append(r.tokens, form.Get("logout_token"))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.tokens...)
}

func TestBackChannelLogout_IsRepeatedUntilAccepted(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	at.fails = 2
	loopback := strings.Replace(at.URL, "localhost", "127.0.0.1", 1)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = loopback + "/logout" })
	quiet := p.app(t, provider, func(r *client.Registration) { r.Name = "Stock" })
	u, _, b := signedIn(p, "lea@garage.example")
	_, claims := a.idToken(a.tokens(b))
	a.tokens(b) // a second grant of the same session: still notified once
	quiet.tokens(b)
	b.goes("/logged-out", "/logout")
	for range 3 {
		if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.Clock.Advance(5 * time.Minute)
	}
	got := at.got()
	if len(got) != 1 {
		t.Fatalf("got %d logouts after two refusals, want 1", len(got))
	}
	head, said := map[string]any{}, map[string]any{}
	parts := strings.Split(got[0], ".")
	for i, into := range []*map[string]any{&head, &said} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			t.Fatalf("part %d of the token cannot be read", i)
		}
	}
	if head["typ"] != "logout+jwt" || head["alg"] != "ES256" || head["kid"] == "" {
		t.Errorf("header: got %v", head)
	}
	if said["iss"] != p.url || said["aud"] != string(a.ID) || said["sub"] != string(u.ID) || said["sid"] != claims["sid"] || said["jti"] == "" ||
		said["nonce"] != nil || mustJSON(t, said["events"]) != `{"http://schemas.openid.net/event/backchannel-logout":{}}` {
		t.Errorf("claims: got %v", said)
	}
	if life := said["exp"].(float64) - said["iat"].(float64); life > 120 {
		t.Errorf("the token lives %v s, want two minutes at most", life)
	}
	if _, err := relying.NewRemoteKeySet(a.ctx(), p.url+oidc.PathKeys).VerifySignature(a.ctx(), got[0]); err != nil {
		t.Errorf("the signature: %v", err)
	}
}

func TestBackChannelLogout_FollowsEveryEndOfASession(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	u, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	p.reset(u.ID)
	if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(at.got()); got != 1 {
		t.Errorf("after a reset: got %d logouts, want 1", got)
	}
	if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(at.got()); got != 1 {
		t.Errorf("a second look: got %d logouts, want still 1", got)
	}
}

func TestBackChannelLogout_IsGivenUpAfterADay(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	at.fails = 1000
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	_, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	b.goes("/logged-out", "/logout")
	for range 60 {
		p.Clock.Advance(30 * time.Minute)
		if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tries := 1000 - at.fails
	p.Clock.Advance(48 * time.Hour)
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tries < 10 || tries > 60 || 1000-at.fails != tries {
		t.Errorf("got %d tries in a day and %d afterwards", tries, 1000-at.fails-tries)
	}
}

// leaves is a sign-out that an application starts, with parameters in turn.
func (b *browser) leaves(more ...string) page {
	q := url.Values{}
	for i := 0; i+1 < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	return b.get(oidc.PathLogout + "?" + q.Encode())
}

func TestLogout_AsksTheUserWithoutAValidHint(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	hint, _ := tok.Extra("id_token").(string)
	const bye = "https://app.example/bye"
	for name, q := range map[string][]string{
		"an address that is not registered":     {"id_token_hint", hint, "post_logout_redirect_uri", "https://thief.example/"},
		"a registered one with more behind":     {"id_token_hint", hint, "post_logout_redirect_uri", bye + "?x=1"},
		"the address of a sign-in":              {"id_token_hint", hint, "post_logout_redirect_uri", callback},
		"an address without a client":           {"post_logout_redirect_uri", bye},
		"a hint without a signature":            {"id_token_hint", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "post_logout_redirect_uri", bye},
		"a hint cut short":                      {"id_token_hint", hint[:len(hint)-4], "post_logout_redirect_uri", bye},
		"a hint of another client than is said": {"id_token_hint", hint, "client_id", "cother"},
		"a parameter twice":                     {"state", "a", "state", "b"},
	} {
		if res := b.leaves(q...); res.StatusCode != http.StatusBadRequest || res.next() != "" {
			t.Errorf("%s: got %d to %q, want a page", name, res.StatusCode, res.next())
		}
	}
	for name, q := range map[string][]string{"nothing": nil, "a client alone": {"client_id", string(a.ID), "post_logout_redirect_uri", bye, "state", "s"}} {
		res := b.leaves(q...)
		if res.StatusCode != http.StatusOK || !strings.Contains(res.body, `action="/oauth2/v1/logout/confirm"`) {
			t.Errorf("%s: got %d to %q, want to be asked", name, res.StatusCode, res.next())
		}
	}
	b.shows("/account")
	if !a.alive(tok.AccessToken) {
		t.Fatal("a refused or unconfirmed request signed a user out")
	}
	p.Clock.Advance(2 * time.Hour)
	if b.signIn("lea@garage.example", phone); true {
		hint, _ = a.tokens(b).Extra("id_token").(string)
	}
	p.Clock.Advance(59 * time.Minute)
	b.shows("/account")
	p.Clock.Advance(30 * time.Minute) // the ID token is over: a hint is about the past
	res := b.leaves("id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s")
	if res.next() != bye+"?state=s" {
		t.Fatalf("a good hint: got %d to %q, want the registered address with the state", res.StatusCode, res.next())
	}
	if gone := b.get("/account"); gone.StatusCode == http.StatusOK {
		t.Error("the session lives on")
	}
}

// nothingEnded is what the page of a sign-out says that ended nothing.
const nothingEnded = "so nothing was ended"

// An application must not take for a sign-out what was none, and its ID token must not show whether a user is signed in.
func TestLogout_WithoutCookieEndsNothingAndSaysSo(t *testing.T) {
	for _, subject := range []string{"public", "pairwise"} {
		t.Run(subject, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, func(r *client.Registration) { r.SubjectType = subject })
			_, _, b := signedIn(p, "lea@garage.example")
			tok := a.tokens(b)
			hint, _ := tok.Extra("id_token").(string)
			const bye = "https://app.example/bye"
			requests := [][]string{{"id_token_hint", hint}, {"id_token_hint", hint, "post_logout_redirect_uri", bye, "state", "s"},
				{"client_id", string(a.ID), "post_logout_redirect_uri", bye}, nil}
			answers := func(of func(q ...string) page) (out []string) {
				for i, q := range requests {
					res := of(q...)
					if res.StatusCode != http.StatusOK || res.Header.Get("Refresh") != "" || !strings.Contains(res.body, nothingEnded) {
						t.Errorf("request %d: got %d to %q, want a page that says that nothing ended", i, res.StatusCode, res.next())
					}
					if link := strings.Contains(res.body, `href="`+bye); link != slices.Contains(q, bye) {
						t.Errorf("request %d: a link to the application: %t", i, link)
					}
					out = append(out, res.body)
				}
				return out
			}
			live := answers(p.browser(t).leaves)
			confirmed := answers(func(q ...string) page { return p.browser(t).post("/oauth2/v1/logout/confirm", q...) })
			if b.shows("/account"); !a.alive(tok.AccessToken) {
				t.Fatal("a browser without a session ended one")
			}
			b.goes("/logged-out", "/logout")
			dead := answers(p.browser(t).leaves)
			own := answers(b.leaves)
			for i := range live {
				if live[i] != dead[i] || live[i] != own[i] || live[i] != confirmed[i] {
					t.Errorf("request %d: the page differs between a live and a dead session", i)
				}
			}
		})
	}
}

func TestLoggedOutPage_IsNotShownToSignedInUser(t *testing.T) {
	p := open(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	if res := b.get("/logged-out"); res.next() != "/account" {
		t.Errorf("got %d to %q, want the account page", res.StatusCode, res.next())
	}
}

func TestLogout_IsConfirmedByPOST(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	res := b.post("/oauth2/v1/logout/confirm", "client_id", string(a.ID), "post_logout_redirect_uri", "https://app.example/bye", "state", "s")
	if got := onward(t, res); got != "https://app.example/bye?state=s" {
		t.Errorf("got %q", got)
	}
	if a.alive(tok.AccessToken) {
		t.Error("the token is good after the sign-out")
	}
	other := p.browser(t)
	_, _, paul := signedIn(p, "paul@garage.example")
	other.client.Jar = paul.client.Jar
	other.header.Set("Origin", "https://thief.example")
	if res := other.post("/oauth2/v1/logout/confirm"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a yes that another site posts: got %d, want 403", res.StatusCode)
	}
	if res := other.post(oidc.PathLogout, "state", "x"); res.next() != oidc.PathLogout+"?state=x" {
		t.Errorf("a sign-out that another site posts: got %d to %q, want the same by GET", res.StatusCode, res.next())
	}
	paul.shows("/account")
}
