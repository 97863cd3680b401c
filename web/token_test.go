package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
)

func TestHardwareToken_EnrolsSignsInAndResynchronizes(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	b.goes("/account/add", "/account/prove", "next", "/account/add", "code", string(phone.Next()))
	if got := b.shows("/account/add").body; !strings.Contains(got, "Code token") {
		t.Error("the page does not offer a token")
	}
	b.goes("/enrol/token", "/enrol/begin", "kind", "hotp")
	secret := secretIn(t, b.shows("/enrol/token").body)
	press := func(counter uint64) string { return string(authntest.Code(t, secret, counter)) }
	if got := b.post("/enrol/token", "name", "Token", "code", press(50)); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code of another counter at enrolment: got %d, want 422", got.StatusCode)
	}
	p.Clock.Advance(time.Second)
	b.goes("/enrol/recovery", "/enrol/token", "name", "Key fob", "code", press(0))
	b.savesCodes()
	if got := b.shows("/account").body; !strings.Contains(got, "<dd>Code token</dd>") || strings.Count(got, "/show\"") != 1 {
		t.Error("the account does not name the token, or offers to show its secret again")
	}

	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.shows("/login/factor").body; !strings.Contains(got, "Press the button of your token “Key fob”") {
		t.Error("the second step does not ask for the token, which was used last")
	}
	for _, x := range []struct {
		counter uint64
		want    string
	}{{0, "You have already used this code. Press the button"}, {300, "type the next code"}} {
		got := again.post("/login/factor", "code", press(x.counter))
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(problemIn(got.body), x.want) {
			t.Errorf("counter %d: got %d %q, want 401 with %q", x.counter, got.StatusCode, problemIn(got.body), x.want)
		}
		if strings.Contains(got.body, "data-countdown") {
			t.Error("the page counts down to the next code of a token")
		}
	}
	again.goes("/account", "/login/factor", "code", press(301))
	if got := again.post("/account/prove", "next", "/account/add", "code", press(301)); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a used counter at step-up: got %d, want 401", got.StatusCode)
	}
	again.goes("/account/add", "/account/prove", "next", "/account/add", "code", press(302))
}
