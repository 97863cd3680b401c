package token_test

import (
	"cmp"
	"errors"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

func TestRedeem_RejectsWhatTheCodeIsNotFor(t *testing.T) {
	for name, change := range map[string]func(e *env, r *token.Redemption){
		"another client":         func(e *env, _ *token.Redemption) { e.client = e.register("Stock") },
		"a minute later":         func(e *env, _ *token.Redemption) { e.Clock.Advance(token.CodeTTL) },
		"another redirect URI":   func(_ *env, r *token.Redemption) { r.Redirect += "/other" },
		"no verifier":            func(_ *env, r *token.Redemption) { r.Verifier = "" },
		"another verifier":       func(_ *env, r *token.Redemption) { r.Verifier = challenge },
		"the session ended":      func(e *env, _ *token.Redemption) { e.signOut() },
		"the user was suspended": func(e *env, _ *token.Redemption) { e.suspend() },
		"the client lost the redirect URI": func(e *env, _ *token.Redemption) {
			e.change(func(r *client.Registration) { r.Redirects = []string{redirect + "/other"} })
		},
		"the user withdrew the consent": func(e *env, _ *token.Redemption) { e.requireConsent() },
		"the policy requires a key": func(e *env, _ *token.Redemption) {
			e.change(func(r *client.Registration) { r.PhishingResistant = true })
		},
		"the policy excludes the user": func(e *env, _ *token.Redemption) {
			e.change(func(r *client.Registration) { r.Groups = []account.GroupID{} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			r := e.code("code-1")
			change(e, &r)
			e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, r))
		})
	}
}

func (e *env) requireConsent() {
	e.Helper()
	e.change(func(r *client.Registration) { r.Consent = new(true) })
}

func TestRedeem_AcceptsACodeWithConsent(t *testing.T) {
	e := newEnv(t)
	e.requireConsent()
	if err := e.Store.Update(t.Context(), func(tx store.Tx) error {
		return e.tokens.AddConsent(tx, e.Clock.Now(), e.session.User, e.client.ID, []string{"openid"})
	}); err != nil {
		t.Fatal(err)
	}
	e.redeem(e.code("code-1"))
}

// A refusal can spend a code, so it is stored. A fault stores nothing: the client repeats its request.
func TestExchange_StoresARefusalAndNoFault(t *testing.T) {
	e := newEnv(t)
	for _, test := range []struct {
		err  error
		want int
	}{{errors.New("a fault"), 0}, {token.ErrScope, 1}} {
		before := len(e.Events(audit.AppSignIn))
		_, err := e.tokens.Exchange(t.Context(), e.From, e.client, func(tx *account.Tx) (*token.AuthorizationCode, error) {
			return nil, cmp.Or(tx.Audit(e.client.AuditEvent(e.session.User, "lea", audit.AppSignIn, audit.Failure, "a test")), test.err)
		})
		if got := len(e.Events(audit.AppSignIn)) - before; !errors.Is(err, test.err) || got != test.want {
			t.Errorf("%v: got %v and %d events, want %d", test.err, err, got, test.want)
		}
	}
}

func TestRedeem_RejectsVerifierWithoutChallenge(t *testing.T) {
	e := newEnv(t)
	e.wantRefused(e.tokens.Redeem(t.Context(), account.RequestInfo{}, e.client, e.sealed("code-1", "")))
}

// signOut ends the session of the user, as a sign-out does.
func (e *env) signOut() {
	e.Helper()
	_, err := account.Update(e.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(e.session.User)
		if err == nil {
			_, err = tx.RevokeSessions(&u, "")
		}
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	if err != nil {
		e.Fatal(err)
	}
}

// suspend changes the status of the user alone.
func (e *env) suspend() {
	e.Change(e.session.User, func(u *account.User) { u.Status = account.StatusSuspended })
}

func TestGrant_EndsWithWhatItIsBasedOn(t *testing.T) {
	for name, end := range map[string]func(e *env){
		"its time":               func(e *env) { e.Clock.Advance(e.client.Policy.RefreshTokenTTL()) },
		"a sign-out":             (*env).signOut,
		"a suspension":           (*env).suspend,
		"a higher epoch":         func(e *env) { e.Change(e.session.User, func(u *account.User) { u.Epoch++ }) },
		"a stricter policy":      func(e *env) { e.change(func(r *client.Registration) { r.PhishingResistant = true }) },
		"the time of its tokens": nil,
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t)
			first := e.redeem(e.code("code-1"))
			if end == nil { // the refresh token outlives the access token
				e.Clock.Advance(time.Duration(first.Expires) * time.Second)
				e.wantActive(e.client, first.Access, false)
				e.mustRefresh(first.Refresh)
				return
			}
			end(e)
			e.wantActive(e.client, first.Access, false)
			e.wantActive(e.client, first.Refresh, false)
			e.wantRefused(e.refresh(first.Refresh))
		})
	}
}

func TestIntrospect_RefreshTokenIsOfItsClientOnly(t *testing.T) {
	e := newEnv(t)
	first, mine := e.redeem(e.code("code-1")), e.client
	e.client = e.register("Stock")
	e.change(func(r *client.Registration) { r.IntrospectsAll = true })
	e.wantActive(e.client, first.Access, true)
	e.wantActive(e.client, first.Refresh, false)
	e.client = mine
	e.wantActive(mine, first.Refresh, true)
	e.mustRefresh(first.Refresh)
	e.wantActive(mine, first.Refresh, false)
}

func TestRevoke_RejectsRefreshTokenOfAnotherClient(t *testing.T) {
	e := newEnv(t)
	first, other := e.redeem(e.code("code-1")), e.register("Stock")
	e.wantRefused(nil, e.tokens.Revoke(t.Context(), other, secret.From(first.Refresh)))
	e.wantActive(e.client, first.Access, true)
	e.mustRefresh(first.Refresh)
}

func TestUserinfo_NeedsOpenID(t *testing.T) {
	e := newEnv(t)
	first := e.redeem(e.code("code-1"))
	if _, err := e.tokens.Userinfo(t.Context(), first.Access); err != nil {
		t.Errorf("with openid: %v", err)
	}
	narrow, err := e.refresh(first.Refresh, "offline_access")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.tokens.Userinfo(t.Context(), narrow.Access); !errors.Is(err, token.ErrInsufficient) {
		t.Errorf("without openid: got %v, want ErrInsufficient", err)
	}
}
