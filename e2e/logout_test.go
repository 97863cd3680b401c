package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	relying "github.com/coreos/go-oidc/v3/oidc"
)

// Application is one that signs people in here, and takes logouts as its mood is.
type Application struct {
	URL string

	tb         testing.TB
	env        *Env
	id, secret string

	mu      sync.Mutex
	mood    string // "": takes; "stalls"; "fails"
	tried   map[string]int
	logouts map[string]string // token by sid
}

// StartApplication registers one that listens until the test ends.
func (h *Env) StartApplication(tb testing.TB) *Application {
	tb.Helper()
	a := &Application{tb: tb, env: h, tried: map[string]int{}, logouts: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/logout" {
			a.take(w, r)
		}
	}))
	tb.Cleanup(server.Close)
	a.URL = server.URL
	var made struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
		Manage string `json:"registration_access_token"`
	}
	h.Admin.Call("POST", h.URL+"/oauth2/v1/clients", map[string]any{"client_name": "Planning", "redirect_uris": []string{a.URL + "/cb"},
		"barillet_consent": false, "scope": "openid offline_access", "grant_types": []string{"authorization_code", "refresh_token"},
		"backchannel_logout_uri": a.URL + "/logout"}).Want(http.StatusCreated).Into(&made)
	a.id, a.secret = made.ID, h.Secret("client secret", made.Secret)
	h.Secret("registration access token", made.Manage)
	return a
}

// take is the address for logouts.
func (a *Application) take(w http.ResponseWriter, r *http.Request) {
	token := r.FormValue("logout_token")
	sid, _ := claimsIn(token)["sid"].(string)
	a.mu.Lock()
	a.tried[sid]++
	mood := a.mood
	if mood == "" {
		a.logouts[sid] = token
	}
	a.mu.Unlock()
	switch mood {
	case "stalls":
		<-r.Context().Done()
	case "fails":
		http.Error(w, "down", http.StatusServiceUnavailable)
	}
}

func (a *Application) is(mood string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mood = mood
}

// until waits for something to be true.
func (a *Application) until(what string, is func() bool) {
	a.tb.Helper()
	for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
		a.mu.Lock()
		ok := is()
		a.mu.Unlock()
		if ok {
			return
		}
		if time.Since(begun) > patience {
			a.tb.Fatalf("waited for the application: %s", what)
		}
	}
}

// told returns the logout token that the application accepted for a session, and the number of attempts.
func (a *Application) told(sid string) (token string, tried int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.logouts[sid], a.tried[sid]
}

// claimsIn reads a token without judging it.
func claimsIn(token string) map[string]any {
	out := map[string]any{}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil && json.Unmarshal(raw, &out) == nil {
			return out
		}
	}
	return out
}

// Entry is what the application holds of one session.
type Entry struct {
	app                 *Application
	access, refresh, ID string
	sid                 string
}

// Enter signs a signed-in visitor in to the application.
func (a *Application) Enter(v *Visitor) *Entry {
	a.tb.Helper()
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	page := v.Get("/oauth2/v1/authorize?"+url.Values{"client_id": {a.id}, "redirect_uri": {a.URL + "/cb"}, "response_type": {"code"},
		"scope": {"openid offline_access"}, "state": {"s"}, "code_challenge_method": {"S256"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode()).want(a.tb, "/cb")
	_, query, _ := strings.Cut(page.Path, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		a.tb.Fatal(err)
	}
	status, got := a.token(url.Values{"grant_type": {"authorization_code"}, "code": {a.env.Secret("authorization code", q.Get("code"))},
		"redirect_uri": {a.URL + "/cb"}, "code_verifier": {verifier}})
	if status != http.StatusOK {
		a.tb.Fatalf("got %d %v for a code", status, got)
	}
	e := &Entry{app: a, access: a.env.Secret("access token", got["access_token"].(string)),
		refresh: a.env.Secret("refresh token", got["refresh_token"].(string)), ID: got["id_token"].(string)}
	e.sid, _ = claimsIn(e.ID)["sid"].(string)
	return e
}

// token calls the token endpoint.
func (a *Application) token(form url.Values) (int, map[string]any) {
	a.tb.Helper()
	r, err := http.NewRequestWithContext(a.tb.Context(), http.MethodPost, a.env.URL+"/oauth2/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		a.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(a.id, a.secret)
	return a.answer(r)
}

func (a *Application) answer(r *http.Request) (int, map[string]any) {
	a.tb.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		a.tb.Fatal(err)
	}
	defer res.Body.Close()
	got := map[string]any{}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		a.tb.Fatal(err)
	}
	return res.StatusCode, got
}

// alive reports whether userinfo accepts the access token.
func (e *Entry) alive() bool {
	e.app.tb.Helper()
	r, err := http.NewRequestWithContext(e.app.tb.Context(), http.MethodGet, e.app.env.URL+"/oauth2/v1/userinfo", nil)
	if err != nil {
		e.app.tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+e.access)
	status, _ := e.app.answer(r)
	return status == http.StatusOK
}

// dies fails the test unless both tokens are dead within a second.
func (e *Entry) dies(t *testing.T, what string) {
	t.Helper()
	begun := time.Now()
	for e.alive() {
		if time.Since(begun) > time.Second {
			t.Errorf("%s: the access token is good a second later", what)
			break
		}
	}
	if status, got := e.app.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {e.refresh}}); status != http.StatusBadRequest || got["error"] != "invalid_grant" {
		t.Errorf("%s: the refresh token got %d %v", what, status, got["error"])
	}
}

// judge holds a logout token against OpenID Connect Back-Channel Logout 1.0 section 2.4, by its published key.
func (e *Entry) judge(t *testing.T, what, token string) (jti string) {
	t.Helper()
	a := e.app
	payload, err := relying.NewRemoteKeySet(t.Context(), a.env.URL+"/oauth2/v1/keys").VerifySignature(t.Context(), token)
	if err != nil {
		t.Fatalf("%s: the signature: %v", what, err)
	}
	var said struct {
		Issuer, Audience, Subject, ID, SID string
		Issued, Expires                    int64
		Events                             map[string]struct{}
		Nonce                              *string
	}
	for name, into := range map[string]any{"iss": &said.Issuer, "aud": &said.Audience, "sub": &said.Subject, "jti": &said.ID, "sid": &said.SID,
		"iat": &said.Issued, "exp": &said.Expires, "events": &said.Events, "nonce": &said.Nonce} {
		var all map[string]json.RawMessage
		if err := json.Unmarshal(payload, &all); err != nil {
			t.Fatal(err)
		}
		if raw, ok := all[name]; ok && json.Unmarshal(raw, into) != nil {
			t.Errorf("%s: %s is %s", what, name, raw)
		}
	}
	head := map[string]any{}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil || json.Unmarshal(raw, &head) != nil || head["typ"] != "logout+jwt" {
		t.Errorf("%s: the header is %s", what, raw)
	}
	_, told := said.Events["http://schemas.openid.net/event/backchannel-logout"]
	now := a.env.Clock.Now()
	if said.Issuer != a.env.URL || said.Audience != a.id || said.Subject != claimsIn(e.ID)["sub"] || said.SID != e.sid || said.ID == "" || !told || said.Nonce != nil {
		t.Errorf("%s: got %s", what, payload)
	}
	if issued := time.Unix(said.Issued, 0); said.Expires-said.Issued > 120 || said.Expires <= said.Issued || issued.After(now.Add(time.Second)) || issued.Before(now.Add(-time.Minute)) {
		t.Errorf("%s: issued %d, ends %d, now %d", what, said.Issued, said.Expires, now.Unix())
	}
	return said.ID
}

func TestLogout_EndsTokensAndNotifiesApplication(t *testing.T) {
	h := openToReceivers(t)
	a := h.StartApplication(t)
	type ending struct {
		what string
		m    *Member
		act  func(m *Member)
	}
	life := func(act string) func(m *Member) {
		return func(m *Member) { h.Admin.Call("POST", "/users/"+m.Login+"/lifecycle/"+act, nil).Want(http.StatusOK) }
	}
	var role struct{ ID string }
	cases := []ending{
		{what: "a reset", act: life("reset_factors")},
		{what: "a suspension", act: life("suspend")},
		{what: "a changed password", act: func(m *Member) {
			h.Clock.NextStep()
			m.proves()
			m.Post("/account/password", "current", m.Password, "password", h.Secret("new password", "huit tenailles et un rabot")).want(t, "/account")
		}},
		{what: "a sign-out", act: func(m *Member) { m.Post("/logout").want(t, "/logged-out") }},
		{what: "a session ended from elsewhere", act: func(m *Member) {
			h.Clock.NextStep()
			v := h.Visitor(t)
			m.signIn(v)
			v.Post(v.Get("/account").find(t, `action="(/account/sessions/[^/"]+/end)"`)).want(t, "/account")
		}},
		{what: "sign out everywhere else", act: func(m *Member) {
			h.Clock.NextStep()
			v := h.Visitor(t)
			m.signIn(v)
			v.Post("/account/sessions/end-others").want(t, "/account")
		}},
		{what: "a role that was taken", act: func(m *Member) {
			h.Admin.Call("DELETE", "/users/"+m.Login+"/roles/"+role.ID, nil).Want(http.StatusNoContent)
		}},
		{what: "an application that was withdrawn", act: func(m *Member) {
			m.Post("/account/applications/"+a.id+"/withdraw").want(t, "/account")
		}},
	}
	ids := map[string]bool{}
	for n, c := range cases {
		c.m = h.Member(t, person(n))
		if c.what == "a role that was taken" {
			h.Admin.Call("POST", "/users/"+c.m.Login+"/roles", map[string]any{"type": "READ_ONLY_ADMIN"}).Want(http.StatusCreated).Into(&role)
		}
		e := a.Enter(c.m.Visitor)
		if !e.alive() {
			t.Fatalf("%s: the tokens are not good before", c.what)
		}
		c.act(c.m)
		e.dies(t, c.what)
		a.until("the logout after "+c.what, func() bool { return a.logouts[e.sid] != "" })
		token, tried := a.told(e.sid)
		if id := e.judge(t, c.what, token); ids[id] {
			t.Errorf("%s: jti came before", c.what)
		} else {
			ids[id] = true
		}
		if tried != 1 {
			t.Errorf("%s: told %d times", c.what, tried)
		}
	}
}

func TestLogout_RetriesAfterOutageAndKill(t *testing.T) {
	h := openToReceivers(t)
	a := h.StartApplication(t)
	a.is("fails")
	m := h.Member(t, person(1))
	e := a.Enter(m.Visitor)
	m.Post("/logout")
	a.until("a call that fails", func() bool { return a.tried[e.sid] == 1 })
	a.is("stalls")
	h.Clock.Advance(2 * time.Minute)
	a.until("a call that stalls", func() bool { return a.tried[e.sid] == 2 })
	h.Kill()
	a.is("")
	h.Restart()
	a.until("the logout after the kill", func() bool { return a.logouts[e.sid] != "" })
	token, _ := a.told(e.sid)
	e.judge(t, "after the kill", token)
}

func TestLogout_RejectsPrivateBackChannelURI(t *testing.T) {
	h := Open(t, EnvOptions{})
	for _, to := range []string{"http://127.0.0.1:9/out", "https://10.0.0.1/out", "https://localhost/out", "https://169.254.169.254/"} {
		var got struct {
			Error string `json:"error"`
			Why   string `json:"error_description"`
		}
		h.Admin.Call("POST", h.URL+"/oauth2/v1/clients", map[string]any{"client_name": "Planning", "redirect_uris": []string{"https://app.example/cb"},
			"backchannel_logout_uri": to}).Want(http.StatusBadRequest).Into(&got)
		if got.Error != "invalid_client_metadata" || !strings.Contains(got.Why, "backchannel_logout_uri") || !strings.Contains(got.Why, "outbound.allow") {
			t.Errorf("%s: got %+v", to, got)
		}
	}
}
