package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/authntest"
	"barillet/oidc/client"
)

// keyed returns a user with a phone and a key, and a browser in which both were used just now.
func keyed(t *testing.T, p *place) (*authntest.Phone, *yubikey, *browser) {
	t.Helper()
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	key := b.enrolsKey(t, p, phone)
	out := p.browser(t)
	out.signIn(amelie, phone)
	out.provesByKey(t, key, "/account")
	return phone, key, out
}

// enrolsKey enrols a key for the signed-in user.
func (b *browser) enrolsKey(t *testing.T, p *place, phone *authntest.Phone) *yubikey {
	t.Helper()
	b.proves("/account/add", phone)
	key := newYubikey(p)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	if status, _, problem := b.script("/enrol/key", `{"name":"Trousseau","answer":`+key.made(t, b.shows("/enrol/key").body)+`}`); status != http.StatusOK {
		t.Fatalf("enrolling a key: got %d %q", status, problem)
	}
	return key
}

// provesByKey proves the key, to go on to next.
func (b *browser) provesByKey(t *testing.T, key *yubikey, next string) {
	t.Helper()
	answer := key.signed(t, b.shows("/account/prove?method=key&next="+url.QueryEscape(next)).body)
	if status, to, problem := b.script("/account/prove/key", `{"answer":`+answer+`,"next":"`+next+`"}`); status != http.StatusOK || to != next {
		t.Fatalf("the key: got %d to %q, %q", status, to, problem)
	}
}

// A key was shown in the morning. A thief of the open browser and the phone answers, with six digits, a request for
// a key shown now.
func TestAttack_CodeRenewsTheStepUpOfAKey(t *testing.T) {
	for name, ask := range map[string][]string{
		"a new sign-in":     {"acr_values", "phr", "prompt", "login"},
		"a proof not older": {"acr_values", "phr", "max_age", "60"},
	} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, nil)
			phone, key, b := keyed(t, p)
			p.Clock.Advance(10 * time.Minute)
			shown := p.Clock.Now()
			verifier := oauth2.GenerateVerifier()
			res := b.get(a.begin(verifier, ask...))
			if !strings.HasPrefix(res.next(), "/account/prove?method=key&next=") {
				t.Fatalf("got %d to %q, want the proof by a key", res.StatusCode, res.next())
			}
			u, _ := url.Parse(res.next())
			next := u.Query().Get("next")
			b.goes(next, "/account/prove", "code", string(phone.Next()), "next", next)
			if again := b.get(next); !strings.HasPrefix(again.next(), "/account/prove?method=key") {
				t.Fatalf("a code in the place of the key: got %d to %q, want to be asked again", again.StatusCode, again.next())
			}
			b.provesByKey(t, key, next)
			q := back(t, onward(t, b.get(next)))
			tok, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
			if err != nil {
				t.Fatal(err)
			}
			if _, claims := a.idToken(tok); claims["acr"] != "phr" || int64(claims["auth_time"].(float64)) < shown.Unix() {
				t.Errorf("got acr %v at %v", claims["acr"], claims["auth_time"])
			}
		})
	}
}

// An application that asks for a fresh proof of any kind receives the level of that proof, not of the morning's.
func TestAttack_OldKeyRaisesTheLevelOfANewCode(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	phone, _, b := keyed(t, p)
	p.Clock.Advance(10 * time.Minute)
	verifier := oauth2.GenerateVerifier()
	q := a.proves(b, phone, a.begin(verifier, "prompt", "login"))
	tok, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := a.idToken(tok); claims["acr"] != "urn:barillet:acr:aal2" || int64(claims["auth_time"].(float64)) != p.Clock.Now().Unix() {
		t.Errorf("got acr %v at %v, want what the code amounts to, now", claims["acr"], claims["auth_time"])
	}
}

// The device of an application that only a key opens is approved with the morning's key and six digits.
func TestAttack_CodeApprovesADeviceThatNeedsAKey(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.PhishingResistant = "Screen", "none", nil, true
		r.Grants = []string{"urn:ietf:params:oauth:grant-type:device_code"}
	})
	phone, key, b := keyed(t, p)
	p.Clock.Advance(10 * time.Minute)
	device, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	b.goes(confirm, "/account/prove", "code", string(phone.Next()), "next", confirm)
	if asked := b.get(confirm); !strings.HasPrefix(asked.next(), "/account/prove?") || !strings.HasSuffix(asked.next(), "&method=key") {
		t.Errorf("after a code: got %d to %q, want the proof by a key", asked.StatusCode, asked.next())
	}
	yes := []string{"request", to.Query().Get("request"), "decision", "yes"}
	if got := b.post("/device/confirm", yes...); !strings.HasPrefix(got.next(), "/account/prove?") {
		t.Fatalf("a yes after a code: got %d to %q, want the proof by a key", got.StatusCode, got.next())
	}
	b.provesByKey(t, key, confirm)
	b.goes("/device/done?yes=1", "/device/confirm", yes...)
	if got := tv.poll(device); got["access_token"] == nil {
		t.Errorf("got %v, want tokens", got)
	}
}
