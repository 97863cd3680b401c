package token_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/token"
)

func (e *env) refresh(value string, scopes ...string) (*token.Response, error) {
	return e.tokens.Refresh(e.Context(), account.RequestInfo{}, e.client, secret.From(value), scopes)
}

// mustRefresh exchanges a refresh token, which must be accepted.
func (e *env) mustRefresh(value string) *token.Response {
	e.Helper()
	out, err := e.refresh(value)
	if err != nil {
		e.Fatal(err)
	}
	return out
}

// parallel makes eight requests at once and returns the accepted responses.
func (e *env) parallel(request func() (*token.Response, error)) (accepted []*token.Response) {
	var all sync.WaitGroup
	var mu sync.Mutex
	for range 8 {
		all.Go(func() {
			out, err := request()
			mu.Lock()
			defer mu.Unlock()
			if err == nil && out != nil {
				accepted = append(accepted, out)
			}
		})
	}
	all.Wait()
	return accepted
}

func TestRefresh_GivesParallelRequestsOfConfidentialClientOneSuccessor(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	got := e.parallel(func() (*token.Response, error) { return e.refresh(first.Refresh) })
	if len(got) != 8 {
		t.Fatalf("got %d accepted requests, want 8", len(got))
	}
	seen := map[string]bool{}
	for _, r := range got {
		if r.Refresh != got[0].Refresh || r.Refresh == first.Refresh || seen[r.Access] {
			t.Errorf("got %+v, want the successor %q and an access token of its own", r, got[0].Refresh)
		}
		seen[r.Access] = true
		e.wantActive(e.client, r.Access, true)
	}
	e.mustRefresh(got[0].Refresh)
}

func TestRefresh_AcceptsOneOfParallelRequestsOfPublicClient(t *testing.T) {
	e := newEnv(t)
	e.change(func(r *client.Registration) { r.AuthMethod = client.AuthNone })
	first := e.redeem(e.code("code-1"))
	got := e.parallel(func() (*token.Response, error) { return e.refresh(first.Refresh) })
	if len(got) != 1 {
		t.Fatalf("got %d accepted requests, want 1", len(got))
	}
	e.wantRefused(e.refresh(first.Refresh))
	e.wantActive(e.client, got[0].Access, true) // the refusals have no effect within ten seconds
	e.Clock.Advance(10 * time.Second)
	e.wantRefused(e.refresh(first.Refresh))
	e.wantActive(e.client, got[0].Access, false)
}

func TestRefresh_RepeatsNothingOnceSuccessorIsUsed(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	second := e.mustRefresh(first.Refresh)
	third := e.mustRefresh(second.Refresh)
	e.wantRefused(e.refresh(first.Refresh))
	e.wantActive(e.client, third.Access, true)
	if again := e.mustRefresh(second.Refresh); again.Refresh != third.Refresh {
		t.Errorf("got the refresh token %q, want %q", again.Refresh, third.Refresh)
	}
}

func TestRefresh_JudgesRepeatAsTheFirstRequest(t *testing.T) {
	for name, change := range map[string]func(e *env){
		"the user signed out everywhere":         func(e *env) { e.Change(e.session.User, func(u *account.User) { u.Epoch++ }) },
		"the policy requires a security key":     func(e *env) { e.change(func(r *client.Registration) { r.PhishingResistant = true }) },
		"the policy excludes the user":           func(e *env) { e.change(func(r *client.Registration) { r.Groups = []account.GroupID{} }) },
		"the client lost offline_access":         func(e *env) { e.change(func(r *client.Registration) { r.Scope = "openid" }) },
		"the client became public":               func(e *env) { e.change(func(r *client.Registration) { r.AuthMethod = client.AuthNone }) },
		"another client sends the refresh token": func(e *env) { e.client = e.register("Stock") },
		"the successor was revoked":              nil,
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			first := e.redeem(e.code("code-1"))
			second := e.mustRefresh(first.Refresh)
			if change == nil {
				change = func(e *env) {
					if err := e.tokens.Revoke(t.Context(), e.client, secret.From(second.Refresh)); err != nil {
						t.Fatal(err)
					}
				}
			}
			change(e)
			e.wantRefused(e.refresh(first.Refresh))
		})
	}
}

func TestRefresh_NarrowsScopeOfRepeat(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	e.mustRefresh(first.Refresh)
	if got, err := e.refresh(first.Refresh, "openid"); err != nil || got.Scope != "openid" {
		t.Errorf("got %+v, %v, want the scope openid", got, err)
	}
	if _, err := e.refresh(first.Refresh, "openid", "groups"); !errors.Is(err, token.ErrScope) {
		t.Errorf("a wider scope: got %v, want ErrScope", err)
	}
}
