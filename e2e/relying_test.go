package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// registered is an application as it was registered.
type registered struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// application registers one with refresh tokens, which people are asked about, below an address.
func (h *Env) application(tb testing.TB, base string, more map[string]any) registered {
	tb.Helper()
	said := map[string]any{"client_name": "Planning", "redirect_uris": []string{base + "/cb"},
		"post_logout_redirect_uris": []string{base + "/bye"}, "scope": "openid profile email groups offline_access",
		"grant_types": []string{"authorization_code", "refresh_token"}}
	maps.Copy(said, more)
	return h.register(tb, said)
}

// applicationOf registers the application of the first JSON block below a heading of docs/applications.md, as recipe returns
// it.
func (h *Env) applicationOf(tb testing.TB, heading string, swap ...string) registered {
	tb.Helper()
	var said map[string]any
	if err := json.Unmarshal([]byte(recipe(tb, "applications.md", heading, "json", swap...)), &said); err != nil {
		tb.Fatalf("decoding the recipe %q: %v", heading, err)
	}
	return h.register(tb, said)
}

func (h *Env) register(tb testing.TB, said map[string]any) (app registered) {
	tb.Helper()
	h.Admin.Call("POST", h.URL+"/oauth2/v1/clients", said).Want(201).Into(&app)
	if app.Secret != "" {
		h.Secret("client secret", app.Secret)
	}
	return app
}

// TestRelying_ClientLibraries has one person use the same application twice: once made of
// go-oidc and x/oauth2, once of openid-client.
func TestRelying_ClientLibraries(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, h *Env) string{"go-oidc": goApplication, "openid-client": nodeApplication} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := Open(t, EnvOptions{})
			useApplication(t, h, start(t, h))
		})
	}
}

// useApplication is what one person does at an application that serves /login, /refresh, /out and shows what it knows.
func useApplication(t *testing.T, h *Env, app string) {
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	begin := func(more url.Values) { p.Open(app + "/login?" + more.Encode()) }
	begin(nil)
	p.follow(m.Phone)
	p.at("/oauth2/v1/continue")
	p.Submit(`button[name="decision"][value="yes"]`)
	first := p.knows(t)
	if first["email"] != m.Login || first["acr"] != "urn:barillet:acr:aal2" || !strings.Contains(first["amr"], "mfa") {
		t.Errorf("the application is told %v", first)
	}

	p.Open(app + "/refresh")
	refreshed := p.knows(t)
	if refreshed["sub"] != first["sub"] || refreshed["access"] == first["access"] || refreshed["refresh"] == first["refresh"] {
		t.Errorf("refreshed: got %v, want other tokens for the same person than %v", refreshed, first)
	}

	h.Clock.Advance(2 * time.Minute)
	begin(url.Values{"max_age": {"60"}})
	p.at("/account/prove")
	p.prove(m.Phone)
	if again := p.knows(t); again["auth_time"] <= first["auth_time"] || again["sub"] != first["sub"] {
		t.Errorf("proven anew: got %v, want a later time than in %v", again, first)
	}

	key := p.Plug()
	defer key.Unplug()
	p.addKey(m.Phone, "Trousseau")
	begin(url.Values{"acr_values": {"phr"}})
	p.at("/account/prove")
	p.Click(`[data-key="get"]`)
	strong := p.knows(t)
	if strong["acr"] != "phr" || !strings.Contains(strong["amr"], "hwk") {
		t.Errorf("stepped up: got %v, want a security key", strong)
	}

	p.Open(app + "/out?hint=yes")
	p.leaves(t, app)
	p.Open(app + "/refresh")
	if got := p.Text("#error"); !strings.Contains(got, "invalid_grant") {
		t.Errorf("refreshed after the sign-out: got %q, want invalid_grant", got)
	}

	begin(nil)
	p.tell()
	p.at("/login/factor")
	if p.Count(`[data-key="get"]`) == 0 {
		p.Submit(`a[href^="/login/factor?method=key"]`)
	}
	p.Click(`[data-key="get"]`)
	if again := p.knows(t); again["sub"] != first["sub"] || again["acr"] != "phr" {
		t.Errorf("signed in by key: got %v", again)
	}
	p.Open(app + "/out")
	p.says("Planning vous a envoyé ici pour vous déconnecter.")
	p.Submit(mainButton)
	p.leaves(t, app)
}

// knows waits for the application and gives what it shows. Its tokens are secrets.
func (p *Person) knows(t *testing.T) map[string]string {
	t.Helper()
	p.Wait("#known")
	var known map[string]string
	if err := json.Unmarshal([]byte(p.Text("#known")), &known); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"access", "refresh", "id", "code"} {
		if known[name] != "" { // no code comes with a refresh
			p.env.Secret("application's "+name, known[name])
		}
	}
	return known
}

// leaves waits for the application's page after a sign-out, and for the end of the session.
func (p *Person) leaves(t *testing.T, app string) {
	t.Helper()
	p.Wait("#bye")
	if got := p.Text("#bye"); got != "true" || !strings.HasPrefix(p.Location(), app+"/bye?") {
		t.Errorf("after the sign-out: state is right %s, at %s", got, p.Location())
	}
	p.outside()
}

// goParty is an application of one person, made of go-oidc and x/oauth2.
type goParty struct {
	config   oauth2.Config
	provider *gooidc.Provider
	verifier *gooidc.IDTokenVerifier

	mu               sync.Mutex
	state, pkce, bye string
	nonce            string
	known            map[string]string
}

func goApplication(t *testing.T, h *Env) string {
	t.Helper()
	var a goParty
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	app := h.application(t, s.URL, nil)
	var err error
	if a.provider, err = gooidc.NewProvider(t.Context(), h.URL); err != nil {
		t.Fatal(err)
	}
	a.verifier = a.provider.Verifier(&gooidc.Config{ClientID: app.ID, Now: h.Clock.Now})
	a.config = oauth2.Config{ClientID: app.ID, ClientSecret: app.Secret, Endpoint: a.provider.Endpoint(), RedirectURL: s.URL + "/cb",
		Scopes: []string{"openid", "profile", "email", "offline_access"}}
	for path, serve := range map[string]func(*http.Request) (to string, err error){"/login": a.login, "/cb": a.back, "/refresh": a.refresh,
		"/out": func(r *http.Request) (string, error) { return a.out(r, s.URL+"/bye") }} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			defer a.mu.Unlock()
			to, err := serve(r)
			switch {
			case err != nil:
				fmt.Fprintf(w, partyPage, "<p id=error>"+html.EscapeString(err.Error()))
			case to != "":
				http.Redirect(w, r, to, http.StatusSeeOther)
			default:
				raw, _ := json.Marshal(a.known)
				fmt.Fprintf(w, partyPage, "<pre id=known>"+html.EscapeString(string(raw))+"</pre>")
			}
		})
	}
	mux.HandleFunc("GET /bye", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, partyPage, fmt.Sprintf("<p id=bye>%v", a.bye != "" && r.FormValue("state") == a.bye))
	})
	return s.URL
}

const partyPage = "<!doctype html><html lang=en><title>Planning</title><link rel=icon href='data:,'><main>%s</main>"

func (a *goParty) login(r *http.Request) (string, error) {
	a.state, a.pkce, a.nonce = oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	more := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(a.pkce), gooidc.Nonce(a.nonce)}
	for _, name := range []string{"acr_values", "max_age"} {
		if v := r.FormValue(name); v != "" {
			more = append(more, oauth2.SetAuthURLParam(name, v))
		}
	}
	return a.config.AuthCodeURL(a.state, more...), nil
}

func (a *goParty) back(r *http.Request) (string, error) {
	if r.FormValue("state") != a.state || a.state == "" {
		return "", errors.New("state is another")
	}
	token, err := a.config.Exchange(r.Context(), r.FormValue("code"), oauth2.VerifierOption(a.pkce))
	if err != nil {
		return "", err
	}
	return "", a.learn(r.Context(), token, a.nonce, r.FormValue("code"))
}

func (a *goParty) refresh(r *http.Request) (string, error) {
	token, err := a.config.TokenSource(r.Context(), &oauth2.Token{RefreshToken: a.known["refresh"]}).Token()
	if err != nil {
		return "", err
	}
	return "", a.learn(r.Context(), token, "", "")
}

// learn takes what tokens say of a person. nonce is "" after a refresh.
func (a *goParty) learn(ctx context.Context, token *oauth2.Token, nonce, code string) error {
	raw, _ := token.Extra("id_token").(string)
	id, err := a.verifier.Verify(ctx, raw)
	if err != nil {
		return err
	}
	if id.Nonce != nonce {
		return fmt.Errorf("nonce is %q, want %q", id.Nonce, nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		return err
	}
	var claims struct {
		ACR      string   `json:"acr"`
		AMR      []string `json:"amr"`
		AuthTime int64    `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil {
		return err
	}
	info, err := a.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return err
	}
	if info.Subject != id.Subject {
		return errors.New("userinfo is about somebody else")
	}
	slices.Sort(claims.AMR)
	a.known = map[string]string{"sub": id.Subject, "email": info.Email, "acr": claims.ACR, "amr": strings.Join(claims.AMR, " "),
		"auth_time": fmt.Sprint(claims.AuthTime), "access": token.AccessToken, "refresh": token.RefreshToken, "id": raw, "code": code}
	return nil
}

func (a *goParty) out(r *http.Request, to string) (string, error) {
	var said struct {
		End string `json:"end_session_endpoint"`
	}
	if err := a.provider.Claims(&said); err != nil {
		return "", err
	}
	a.bye = oauth2.GenerateVerifier()
	q := url.Values{"client_id": {a.config.ClientID}, "post_logout_redirect_uri": {to}, "state": {a.bye}}
	if r.FormValue("hint") != "" {
		q.Set("id_token_hint", a.known["id"])
	}
	return said.End + "?" + q.Encode(), nil
}

// nodeApplication is the same application, made of openid-client: relying.mjs. It says on its standard output where it
// listens, and hears on its standard input who it is, for one has to be known before the other.
func nodeApplication(t *testing.T, h *Env) string {
	t.Helper()
	c := exec.Command(tool(t, "node", "nodejs"), "relying.mjs")
	log := &logBuffer{}
	c.Stderr = log
	c.Env = os.Environ()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, out)
		_ = c.Wait()
		if t.Failed() {
			t.Logf("the application's log:\n%s", log)
		}
	})
	said := bufio.NewReader(out)
	line := func() string {
		text, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("the application ended: %v\n%s", err, log)
		}
		return strings.TrimSpace(text)
	}
	base := line()
	app := h.application(t, base, nil)
	told, err := json.Marshal(map[string]string{"issuer": h.URL, "client": app.ID, "secret": app.Secret})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(in, "%s\n", told); err != nil {
		t.Fatal(err)
	}
	if got := line(); got != "ready" {
		t.Fatalf("the application said %q, want ready", got)
	}
	return base
}
