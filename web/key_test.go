package web_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors/factortest"
	"barillet/internal/audit"
)

// yubikey is a virtual security key.
type yubikey struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newYubikey(p *place) *yubikey {
	return &yubikey{rp: virtualwebauthn.RelyingParty{ID: "login.example", Name: "Garage Lumière", Origin: p.url},
		auth: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: p.User(amelie).Handle}),
		cred: factortest.NewKey(p.T)}
}

// optionsIn is what a page hands to the browser's script.
func optionsIn(t *testing.T, body string) string {
	t.Helper()
	m := regexp.MustCompile(`(?s)<script type="application/json" id="key-options">(.*?)</script>`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no options on the page")
	}
	return `{"publicKey":` + m[1] + `}`
}

func (k *yubikey) made(t *testing.T, body string) string {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(optionsIn(t, body))
	if err != nil {
		t.Fatal(err)
	}
	return virtualwebauthn.CreateAttestationResponse(k.rp, k.auth, k.cred, *options)
}

func (k *yubikey) signed(t *testing.T, body string) string {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(optionsIn(t, body))
	if err != nil {
		t.Fatal(err)
	}
	k.cred.Counter++
	return virtualwebauthn.CreateAssertionResponse(k.rp, k.auth, k.cred, *options)
}

// script posts as our own script does and reads the answer.
func (b *browser) script(path, body string) (status int, next, problem string) {
	b.t.Helper()
	p := b.do(http.MethodPost, path, "application/json", body)
	var out struct{ Next, Problem string }
	if err := json.Unmarshal([]byte(p.body), &out); err != nil {
		b.t.Fatalf("POST %s: got %d and no JSON: %.200s", path, p.StatusCode, p.body)
	}
	return p.StatusCode, out.Next, out.Problem
}

func TestSecurityKey_EnrolsStepsUpAndSignsIn(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	key := newYubikey(p)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	answer := key.made(t, b.shows("/enrol/key").body)
	if status, _, problem := b.script("/enrol/key", `{"name":"","answer":`+answer+`}`); status != http.StatusUnprocessableEntity || problem == "" {
		t.Errorf("a key without a name: got %d %q, want 422 with the reason", status, problem)
	}
	if status, next, problem := b.script("/enrol/key", `{"name":"Trousseau","answer":`+answer+`}`); status != http.StatusOK || next != "/enrol/recovery" {
		t.Fatalf("enrolling: got %d to %q %q, want the recovery codes", status, next, problem)
	}
	b.savesCodes()

	p.Clock.Advance(time.Minute)
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.shows("/login/factor"); !strings.Contains(got.body, "/login/factor?method=") {
		t.Error("the other way is not offered")
	}
	page := again.shows("/login/factor?method=key").body
	signed := key.signed(t, page)
	if status, next, problem := again.script("/login/factor/key", `{"answer":`+signed+`}`); status != http.StatusOK || next != "/account" {
		t.Fatalf("signing in: got %d to %q %q, want the account", status, next, problem)
	}
	again.shows("/account")
	thief := p.browser(t)
	thief.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	thief.shows("/login/factor?method=key")
	if status, _, problem := thief.script("/login/factor/key", `{"answer":`+signed+`}`); status != http.StatusUnauthorized || problem == "" {
		t.Errorf("an answer given before: got %d %q, want 401 with the reason", status, problem)
	}
	if status, _, _ := thief.script("/login/factor/key", `{"answer":{}}`); status != http.StatusUnauthorized {
		t.Errorf("no answer at all: got %d, want 401", status)
	}

	again.shows("/account/password") // the sign-in counts as a step-up
	p.Clock.Advance(account.StepUpTTL)
	proof := again.shows(again.get("/account/password").next()).body // the key was used last: it is asked for first
	if status, next, problem := again.script("/account/prove/key", `{"answer":`+key.signed(t, proof)+`,"next":"/account/password"}`); status != http.StatusOK || next != "/account/password" {
		t.Fatalf("a proof: got %d to %q %q, want the act", status, next, problem)
	}
	again.shows("/account/password")
	other := p.browser(t)
	if _, next, _ := other.script("/account/prove/key", `{"answer":{}}`); next != "/login?again=session_gone" {
		t.Errorf("a step-up without a session leads to %q, want the sign-in", next)
	}
	if _, next, _ := other.script("/login/factor/key", `{"answer":{}}`); next != "/login?again=session_gone" {
		t.Errorf("a second factor without a transaction leads to %q, want the sign-in", next)
	}
}

func TestSecurityKey_EnrolledTwiceIsReported(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	key := newYubikey(p)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	b.script("/enrol/key", `{"name":"Trousseau","answer":`+key.made(t, b.shows("/enrol/key").body)+`}`)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	status, _, problem := b.script("/enrol/key", `{"name":"Autre","answer":`+key.made(t, b.shows("/enrol/key").body)+`}`)
	if status != http.StatusUnprocessableEntity || !strings.Contains(problem, "already enrolled") {
		t.Errorf("got %d %q, want a refusal with the reason", status, problem)
	}
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	b.shows("/enrol/key")
	status, _, problem = b.script("/enrol/key", `{"name":"Autre","answer":{}}`)
	if status != http.StatusUnprocessableEntity || !strings.Contains(problem, "could not be enrolled") {
		t.Errorf("no answer of a key: got %d %q, want a refusal with the reason", status, problem)
	}
}

func TestSecurityKey_NowSaysThatItCanBeCopied(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	key := newYubikey(p)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	if status, _, problem := b.script("/enrol/key", `{"name":"Trousseau","answer":`+key.made(t, b.shows("/enrol/key").body)+`}`); status != http.StatusOK {
		t.Fatalf("enrolling: got %d %q", status, problem)
	}
	key.auth.Options.BackupEligible = true
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	status, _, problem := again.script("/login/factor/key", `{"answer":`+key.signed(t, again.shows("/login/factor?method=key").body)+`}`)
	if status != http.StatusUnauthorized || !strings.Contains(problem, "copied to other devices") {
		t.Errorf("got %d %q, want a refusal with the reason", status, problem)
	}
	events := p.Events(audit.FactorProven)
	if last := events[len(events)-1]; last.Outcome != audit.Failure || last.Reason != "webauthn: backup" {
		t.Errorf("the log has %s, %q", last.Outcome, last.Reason)
	}
}
