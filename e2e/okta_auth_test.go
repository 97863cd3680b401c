package e2e_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOktaAuthJS_RunsWholeInBrowser has a user sign in to, and out of, an application without a server: Okta's client for
// browsers, unmodified, calls every endpoint from another origin.
func TestOktaAuthJS_RunsWholeInBrowser(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	app := h.application(t, s.URL, map[string]any{"token_endpoint_auth_method": "none", "barillet_consent": false})
	about, err := json.Marshal(map[string]string{"issuer": h.URL, "clientId": app.ID})
	if err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET /okta-auth-js.min.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "node_modules/@okta/okta-auth-js/dist/okta-auth-js.min.js")
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "application", Value: base64.StdEncoding.EncodeToString(about), Quoted: false})
		http.ServeFile(w, r, "okta-auth.html")
	})

	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	knows := func() map[string]string {
		t.Helper()
		p.Wait("#known, #error")
		if p.Count("#error") > 0 {
			t.Fatalf("the application says: %s", p.Text("#error"))
		}
		return p.knows(t)
	}
	p.Open(s.URL + "/login")
	p.Wait("#f-identifier")
	p.follow(m.Phone)
	p.at("/oauth2/v1/continue")
	p.Submit(`button[name="decision"][value="yes"]`) // a public client on a loopback address
	first := knows()
	if first["email"] != m.Login {
		t.Errorf("got %v, want user %s", first, m.Login)
	}

	p.Open(s.URL + "/refresh")
	second := knows()
	if second["sub"] != first["sub"] || second["access"] == first["access"] || second["refresh"] == first["refresh"] {
		t.Errorf("refreshed: got %v, want other tokens for the same user than %v", second, first)
	}

	active := func(access string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/oauth2/v1/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+access)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := active(second["access"]); got != http.StatusOK {
		t.Errorf("before it is revoked: got %d, want 200", got)
	}
	p.Open(s.URL + "/revoke")
	p.Wait("#revoked")
	if got := active(second["access"]); got != http.StatusUnauthorized {
		t.Errorf("revoked: got %d, want 401", got)
	}

	p.Open(s.URL + "/refresh")
	third := knows()
	p.Open(s.URL + "/out")
	p.Wait("#bye")
	if got := p.Text("#bye"); got != "true" {
		t.Errorf("signed out: the application has tokens")
	}
	if got := active(third["access"]); got != http.StatusUnauthorized {
		t.Errorf("signed out: got %d, want 401", got)
	}
	p.outside()
}
