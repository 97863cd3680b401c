package token_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/session"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/oidc/token"
	"barillet/store"
)

const (
	redirect  = "https://app.example/cb"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// env is a token service with a registered client and a signed-in user.
type env struct {
	*testing.T
	*authntest.Env
	tokens  *token.Service
	clients *client.Service
	client  *client.Client
	session session.Info
}

func newEnv(t *testing.T) *env {
	t.Helper()
	h := authntest.New(t)
	k := keys.New(keys.Config{Store: h.Store, Keyring: h.Ring, Accounts: h.Accounts, Now: h.Clock.Now})
	e := &env{T: t, Env: h}
	e.clients = client.New(client.Config{Store: h.Store, Keyring: h.Ring, Accounts: h.Accounts, Now: h.Clock.Now, RegistrationURL: "https://login.example/clients"})
	e.tokens = token.New(token.Config{Store: h.Store, Keyring: h.Ring, Pepper: h.Keys.Pepper, Accounts: h.Accounts, Sessions: h.Sessions, Clients: e.clients,
		Keys: k, Issuer: "https://login.example", Now: h.Clock.Now})
	e.client = e.register("Planning")
	_, _, secret := h.Member("lea@garage.example", nil)
	e.view(func(s store.Snapshot) (err error) {
		e.session, err = h.Sessions.Lookup(s, secret.Key(), h.Clock.Now())
		return err
	})
	return e
}

func (e *env) view(read func(store.Snapshot) error) {
	e.Helper()
	if err := e.Store.View(e.Context(), read); err != nil {
		e.Fatal(err)
	}
}

func (e *env) register(name string) *client.Client {
	e.Helper()
	consent := false
	made, err := e.clients.Register(e.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1"}}, client.Registration{Name: name,
		Redirects: []string{redirect}, Consent: &consent, Scope: "openid offline_access", Grants: []string{"authorization_code", "refresh_token"}})
	if err != nil {
		e.Fatal(err)
	}
	c, err := e.clients.Find(e.Context(), made.ID)
	if err != nil {
		e.Fatal(err)
	}
	return c
}

// code returns the redemption of a code for the client and the session.
func (e *env) code(value string) token.Redemption {
	e.Helper()
	return e.sealed(value, challenge)
}

func (e *env) sealed(value, challenge string) token.Redemption {
	e.Helper()
	now := e.Clock.Now()
	code, err := e.tokens.SealCode(secret.From(value), token.AuthorizationCode{Client: e.client.ID, Redirect: redirect, Challenge: challenge,
		Scopes: []string{"openid", "offline_access"}, AuthContext: token.NewAuthContext(&e.session), Address: "192.0.2.77", Agent: "Browser", Request: "r-1",
		Created: now, Expires: now.Add(token.CodeTTL)})
	if err != nil {
		e.Fatal(err)
	}
	return token.Redemption{Code: code, Redirect: redirect, Verifier: verifier}
}

func (e *env) redeem(r token.Redemption) *token.Response {
	e.Helper()
	out, err := e.tokens.Redeem(e.Context(), account.RequestInfo{}, e.client, r)
	if err != nil {
		e.Fatal(err)
	}
	return out
}

func (e *env) wantRefused(out *token.Response, err error) {
	e.Helper()
	if _, ok := errors.AsType[*token.GrantError](err); !ok || out != nil {
		e.Errorf("got %v, %v, want a GrantError", out, err)
	}
}

func (e *env) wantActive(c *client.Client, value string, want bool) {
	e.Helper()
	if got, err := e.tokens.Introspect(e.Context(), c, value); err != nil || got.Active != want {
		e.Errorf("introspection: got active %t, %v, want %t", got.Active, err, want)
	}
}

func TestRedeem_RejectsUsedCode(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	first := e.redeem(r)
	e.wantActive(e.client, first.Access, true)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
	e.wantActive(e.client, first.Access, false)
	e.wantActive(e.client, first.Refresh, false)
}

func TestRedeem_AuditsReuseByAnotherClientForClientOfGrant(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	first, other := e.redeem(r), e.register("Stock")
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, other, r))
	e.wantActive(e.client, first.Access, false)
	events := e.Events(audit.AppGrantRevoked)
	if len(events) != 1 || len(events[0].Targets) != 1 || events[0].Targets[0].ID != string(e.client.ID) {
		t.Errorf("got events %+v, want one about client %s", events, e.client.ID)
	}
}

func TestRedeem_SpendsCodeOnWrongVerifier(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	wrong := r
	wrong.Verifier = challenge
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, wrong))
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
}

func TestRefresh_RevokesGrantOnReuse(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	used := secret.From(first.Refresh)
	second, err := e.tokens.Refresh(t.Context(), account.RequestInfo{}, e.client, used, nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(10 * time.Second)
	e.wantRefused(e.tokens.Refresh(t.Context(), account.RequestInfo{}, e.client, used, nil))
	e.wantActive(e.client, second.Access, false)
}

// change replaces the registration of the client.
func (e *env) change(edit func(*client.Registration)) {
	e.Helper()
	was, err := e.clients.Information(e.Context(), e.client.ID)
	if err != nil {
		e.Fatal(err)
	}
	edit(&was.Registration)
	if _, err := e.clients.Replace(e.Context(), client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1"}}, e.client.ID, was.Registration, false); err != nil {
		e.Fatal(err)
	}
	if e.client, err = e.clients.Find(e.Context(), e.client.ID); err != nil {
		e.Fatal(err)
	}
}

func TestIntrospect_JudgesPolicyOfEveryToken(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	e.wantActive(e.client, first.Refresh, true)
	e.change(func(r *client.Registration) { r.PhishingResistant = true })
	e.wantActive(e.client, first.Access, false)
	e.wantActive(e.client, first.Refresh, false)
	e.wantRefused(e.tokens.Refresh(t.Context(), account.RequestInfo{}, e.client, secret.From(first.Refresh), nil))
}

func TestRefresh_RejectsClientThatLostOfflineAccess(t *testing.T) {
	e := newEnv(t)
	first, waiting := e.redeem(e.code("code-1")), e.code("code-2")
	e.change(func(r *client.Registration) { r.Scope = "openid" })
	e.wantRefused(e.tokens.Refresh(t.Context(), account.RequestInfo{}, e.client, secret.From(first.Refresh), nil))
	e.wantActive(e.client, first.Refresh, false)
	if got := e.redeem(waiting); got.Refresh != "" || got.Scope != "openid" {
		t.Errorf("redeeming: got refresh token %q for scope %q, want none for openid", got.Refresh, got.Scope)
	}
}

func TestRefresh_RejectsWiderScope(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	if _, err := e.tokens.Refresh(t.Context(), account.RequestInfo{}, e.client, secret.From(first.Refresh), []string{"openid", "groups"}); !errors.Is(err, token.ErrScope) {
		t.Errorf("got %v, want ErrScope", err)
	}
}

func TestRevoke_RejectsTokenOfAnotherClient(t *testing.T) {
	e := newEnv(t)
	first, other := e.redeem(e.code("code-1")), e.register("Stock")
	e.wantRefused(nil, e.tokens.Revoke(t.Context(), other, secret.From(first.Access)))
	e.wantActive(other, first.Access, false)
	e.wantActive(e.client, first.Access, true)
	if err := e.tokens.Revoke(t.Context(), e.client, secret.From(first.Refresh)); err != nil {
		t.Fatal(err)
	}
	e.wantActive(e.client, first.Access, false)
}

func TestRedeem_AcceptsOneOfConcurrentRequests(t *testing.T) {
	e := newEnv(t)
	r := e.code("code-1")
	if got := e.parallel(func() (*token.Response, error) {
		return e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r)
	}); len(got) != 1 {
		t.Errorf("got %d accepted requests, want 1", len(got))
	}
}
