package e2e_test

import (
	"net/http"
	"testing"
)

// challenge is a sign-in by a program that waits for a code.
type challenge struct {
	env           *Env
	api           *API
	state, device string
}

// challenges proves the person's password to a program.
func (h *Env) challenges(a *API, m *Member) *challenge {
	h.tb.Helper()
	var tx struct {
		Status, StateToken string
		Embedded           struct {
			Factors []struct{ ID string }
		} `json:"_embedded"`
	}
	a.Call("POST", "/authn", map[string]string{"username": m.Login, "password": m.Password}).Want(200).Into(&tx)
	if tx.Status != "MFA_REQUIRED" || len(tx.Embedded.Factors) == 0 {
		h.tb.Fatalf("got %+v, want a sign-in that waits for a code", tx)
	}
	return &challenge{h, a, h.Secret("state token", tx.StateToken), tx.Embedded.Factors[0].ID}
}

// answer submits a code. It returns SUCCESS or Okta's error code.
func (c *challenge) answer(code string) string {
	c.env.tb.Helper()
	return c.judged(c.api.Call("POST", "/authn/factors/"+c.device+"/verify", map[string]string{"stateToken": c.state, "passCode": code}))
}

// judged reads the response to a code of either API endpoint.
func (c *challenge) judged(w *Answer) string {
	c.env.tb.Helper()
	var got struct{ Status, FactorResult, SessionToken, ErrorCode string }
	if w.Status != http.StatusOK {
		var refused struct{ ErrorCode string }
		w.Into(&refused)
		return refused.ErrorCode
	}
	w.Into(&got)
	if got.SessionToken != "" {
		c.env.Secret("session of a program", got.SessionToken)
	}
	return got.Status + got.FactorResult
}

// checks asks for a code to be judged without a sign-in.
func (c *challenge) checks(m *Member, code string) string {
	c.env.tb.Helper()
	return c.judged(c.api.Call("POST", "/users/"+m.Login+"/factors/"+c.device+"/verify", map[string]string{"passCode": code}))
}

// Okta's codes for what was wrong with a code.
const (
	wrongCode = "E0000068"
	usedCode  = "E0000082"
	mustWait  = "E0000047"
)

// TestAPISignIn_CodeUsedAtOneEndpointIsRejectedAtAll checks protocol rules 22 and 25 for each pair of the three endpoints
// that accept a code.
func TestAPISignIn_CodeUsedAtOneEndpointIsRejectedAtAll(t *testing.T) {
	h := Open(t, EnvOptions{Config: signing})
	m := h.Member(t, "amelie@garage.example")
	vpn := h.signer(t)
	first := h.challenges(vpn, m)
	doors := []struct {
		name string
		// spend submits a code to the endpoint. It returns SUCCESS or the endpoint's error.
		spend func(code string) string
	}{
		{"the page", func(code string) string {
			v := h.Visitor(t)
			m.give(v).want(t, "/login/factor")
			page := v.Post("/login/factor", "code", code)
			switch {
			case page.Is("/account"):
				return "SUCCESS"
			case page.Says("Ce code a déjà servi"):
				return usedCode
			}
			return page.words()
		}},
		{"a sign-in by a program", func(code string) string { return h.challenges(vpn, m).answer(code) }},
		{"the check of a factor", func(code string) string { return first.checks(m, code) }},
	}
	for _, one := range doors {
		code := m.Phone.Next()
		if got := one.spend(code); got != "SUCCESS" {
			t.Fatalf("at %s: got %s, want SUCCESS", one.name, got)
		}
		for _, other := range doors {
			if got := other.spend(code); got != usedCode {
				t.Errorf("a code spent at %s: got %s at %s, want that it was used", one.name, got, other.name)
			}
		}
	}
}

// TestAPISignIn_WrongCodesCountAcrossEndpoints checks protocol rule 17. After five wrong codes in a row every unknown
// client must wait, at every endpoint.
func TestAPISignIn_WrongCodesCountAcrossEndpoints(t *testing.T) {
	h := Open(t, EnvOptions{Config: signing})
	m := h.Member(t, "amelie@garage.example")
	vpn := h.signer(t)
	tx := h.challenges(vpn, m)
	if got := tx.answer(m.Phone.Wrong()); got != wrongCode {
		t.Fatalf("a sign-in by a program: got %s, want a wrong code", got)
	}
	for n := range 2 {
		if !m.guess(h, n) {
			t.Fatal("the page: a wrong code was not judged")
		}
	}
	for range 2 {
		if got := tx.checks(m, m.Phone.Wrong()); got != wrongCode {
			t.Fatalf("the check of a factor: got %s, want a wrong code", got)
		}
	}
	right := m.Phone.Next()
	if got := tx.answer(right); got != mustWait {
		t.Errorf("a sign-in by a program after five wrong codes: got %s, want a wait", got)
	}
	if got := tx.checks(m, right); got != mustWait {
		t.Errorf("the check of a factor after five wrong codes: got %s, want a wait", got)
	}
	if m.guess(h, 3) {
		t.Error("the page judged a sixth wrong code")
	}
	// Each of the five is in the audit log as the same kind of event, from every endpoint.
	var events []struct {
		EventType string
		Outcome   struct{ Result string }
	}
	h.Admin.Call("GET", "/logs?filter=eventType+eq+%22user.authentication.auth_via_mfa%22", nil).Want(200).Into(&events)
	failed := 0
	for _, e := range events {
		if e.Outcome.Result == "FAILURE" {
			failed++
		}
	}
	if failed < 5 {
		t.Errorf("got %d refused codes in the log, want each of the five", failed)
	}
	m.signIn(m.Visitor) // a browser that is known has a budget of its own
}
