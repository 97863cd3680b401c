package authn_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

const wiki = "wiki.garage.example"

// forwardSession opens a forward-auth session on a host.
func (env *testEnv) forwardSession(sess secret.Value, host string) secret.Value {
	env.t.Helper()
	nonce := secret.From("a nonce of the browser")
	code, err := env.Sessions.NewReturnCode(env.t.Context(), env.From, sess, host, session.ForwardState(nonce))
	must(env.t, err, "issuing a return code")
	forward, err := env.Sessions.RedeemReturnCode(env.t.Context(), env.From, code, host, nonce)
	must(env.t, err, "redeeming a return code")
	return forward
}

func (env *testEnv) forwardValid(forward secret.Value, host string) bool {
	env.t.Helper()
	_, err := env.Sessions.AuthenticateForward(env.t.Context(), forward, host)
	if err != nil && errcode.Of(err) != errcode.NoSession {
		env.t.Fatalf("checking a forward-auth session: %v", err)
	}
	return err == nil
}

func TestAuthenticateForward_ValidForItsHost(t *testing.T) {
	env := newTestEnv(t)
	group := env.CreateGroup("Garage du Port")
	u, _, session := env.Member(amelie, func(u *account.User) {
		u.Login, u.FirstName, u.LastName, u.Groups = "amelie", "Amélie", "Durand", []account.GroupID{group}
	})
	forward := env.forwardSession(session, wiki)
	info, err := env.Sessions.AuthenticateForward(t.Context(), forward, wiki)
	if err != nil || info.User != u.ID || info.Login != "amelie" || info.Email != amelie || info.Name != "Amélie Durand" ||
		!slices.Equal(info.Groups, []account.GroupID{group}) {
		t.Errorf("got %+v, %v", info, err)
	}
	if env.forwardValid(forward, "shop.garage.example") || env.forwardValid(secret.Value{}, wiki) || env.forwardValid(session, wiki) {
		t.Error("another host, no secret or a session passes, want none")
	}
	if env.sessionValid(forward) {
		t.Error("a forward-auth session is valid on pages")
	}
	if e := env.Events(audit.AppSignIn); len(e) != 1 || e[0].Subject != string(u.ID) || e[0].Targets[0].ID != wiki {
		t.Errorf("got events %+v", e)
	}
	for key, value := range env.allRecords() {
		if s := forward.Reveal(); s != "" && (key == s || value == s) {
			t.Errorf("%s holds the secret of a forward-auth session", key)
		}
	}
}

func TestRedeemReturnCode_ValidOnceForHostAndBrowser(t *testing.T) {
	env := newTestEnv(t)
	_, _, sess := env.Member(amelie, nil)
	nonce := secret.From("nonce")
	for name, try := range map[string]func(code secret.Value) bool{
		"another host": func(code secret.Value) bool {
			_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, "shop.garage.example", nonce)
			return err == nil
		},
		"another browser": func(code secret.Value) bool {
			_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, secret.From("other"))
			return err == nil
		},
		"no nonce": func(code secret.Value) bool {
			_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, secret.Value{})
			return err == nil
		},
		"after a minute": func(code secret.Value) bool {
			env.Clock.Advance(session.ReturnCodeTTL)
			_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, nonce)
			return err == nil
		},
		"as a forward-auth session": func(code secret.Value) bool { return env.forwardValid(code, wiki) },
		"a second time": func(code secret.Value) bool {
			if _, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, nonce); err != nil {
				t.Fatalf("the first time: %v", err)
			}
			_, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, nonce)
			return err == nil
		},
		"after the sign-out": func(secret.Value) bool {
			_, _, other := env.Member("paul@garage.example", nil)
			code, err := env.Sessions.NewReturnCode(t.Context(), env.From, other, wiki, session.ForwardState(nonce))
			must(t, err, "opening")
			must(t, env.Sessions.SignOut(t.Context(), env.From, other), "signing out")
			_, err = env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, nonce)
			return err == nil
		},
	} {
		code, err := env.Sessions.NewReturnCode(t.Context(), env.From, sess, wiki, session.ForwardState(nonce))
		must(t, err, "opening")
		if try(code) {
			t.Errorf("%s: the code was taken", name)
		}
	}
}

func TestRedeemReturnCode_ConcurrentCallsOpenOneSession(t *testing.T) {
	env := newTestEnv(t)
	_, _, sess := env.Member(amelie, nil)
	nonce := secret.From("nonce")
	code, err := env.Sessions.NewReturnCode(t.Context(), env.From, sess, wiki, session.ForwardState(nonce))
	must(t, err, "opening")
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 24 {
		wg.Go(func() {
			if _, err := env.Sessions.RedeemReturnCode(t.Context(), env.From, code, wiki, nonce); err == nil {
				mu.Lock()
				passed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if passed != 1 {
		t.Errorf("%d of 24 passed, want 1", passed)
	}
}

func TestForwardSession_EndsWithSession(t *testing.T) {
	for name, end := range map[string]func(env *testEnv, u account.User, session secret.Value){
		"signed out": func(env *testEnv, _ account.User, session secret.Value) {
			must(env.t, env.Sessions.SignOut(env.t.Context(), env.From, session), "signing out")
		},
		"devices reset": func(env *testEnv, u account.User, _ secret.Value) {
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
		},
		"suspended": func(env *testEnv, u account.User, _ secret.Value) {
			env.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
		},
		"unused for an hour": func(env *testEnv, _ account.User, _ secret.Value) { env.Clock.Advance(time.Hour + time.Minute) },
		"password changed": func(env *testEnv, u account.User, _ secret.Value) {
			env.Change(u.ID, func(u *account.User) { u.Epoch++; u.PasswordEpoch++ })
		},
	} {
		env := newTestEnv(t)
		u, _, session := env.Member(amelie, nil)
		forward := env.forwardSession(session, wiki)
		if !env.forwardValid(forward, wiki) {
			t.Fatal("a new forward-auth session is rejected")
		}
		if end(env, u, session); env.forwardValid(forward, wiki) {
			t.Errorf("%s: the forward-auth session is valid", name)
		}
	}
}

func TestForwardSession_UseKeepsSessionActive(t *testing.T) {
	env := newTestEnv(t)
	_, _, session := env.Member(amelie, nil)
	forward := env.forwardSession(session, wiki)
	for env.Clock.Now().Before(authntest.Start.Add(23*time.Hour + 30*time.Minute)) {
		env.Clock.Advance(30 * time.Minute)
		if !env.forwardValid(forward, wiki) {
			t.Fatalf("rejected at %v", env.Clock.Now())
		}
	}
	env.Clock.Advance(time.Hour)
	if env.forwardValid(forward, wiki) || env.sessionValid(session) {
		t.Error("valid after 24 hours")
	}
	must(t, storetest.Sweep(t.Context(), env.Store, env.Sessions.Sweeps()...), "sweeping")
	for key := range env.allRecords() {
		if strings.HasPrefix(key, "forward/") {
			t.Errorf("%s was not deleted", key)
		}
	}
}

func TestNewReturnCode_LimitPerSession(t *testing.T) {
	env := newTestEnv(t)
	_, _, session := env.Member(amelie, nil)
	var err error
	for n := range 61 {
		if _, err = env.Sessions.NewReturnCode(t.Context(), env.From, session, wiki, "state"); err != nil && n < 60 {
			t.Fatalf("number %d: %v", n, err)
		}
	}
	if errcode.Of(err) != errcode.RateLimited {
		t.Errorf("the 61st in a minute: got %v, want a wait", err)
	}
}

func TestStepUp_KeyMakesSessionPhishingResistant(t *testing.T) {
	env, _, p, _, key := newKeyEnv(t)
	session := env.SignIn(amelie, authntest.Password, p).Session
	if info, err := env.Sessions.Authenticate(t.Context(), session); err != nil || info.PhishingResistant() {
		t.Fatalf("signed in by code: got %v, %v", info.AMR, err)
	}
	prompt, err := env.Authn.BeginStepUp(t.Context(), env.From, session, factors.InputAssertion)
	must(t, err, "asking for the key")
	v, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, key.answer(prompt, 6))
	if err != nil || !v.Accepted() {
		t.Fatalf("verifying by key: %v %v", v.Rejected, err)
	}
	if info, err := env.Sessions.Authenticate(t.Context(), session); err != nil || !info.PhishingResistant() || !slices.Contains(info.AMR, "otp") {
		t.Errorf("after a step-up by key: got %v, %v", info.AMR, err)
	}
}

func TestRecognizes_OnlyWhatTheServiceIssuedAndNotEnded(t *testing.T) {
	env := newTestEnv(t)
	_, _, sess := env.Member(amelie, nil)
	forward := env.forwardSession(sess, wiki)
	code, err := env.Sessions.NewReturnCode(t.Context(), env.From, sess, wiki, session.ForwardState(secret.From("n")))
	must(t, err, "issuing a return code")
	none, forged := secret.Value{}, secret.From(strings.Repeat("A", 43))
	check := func(name string, session, browser, forward secret.Value, want bool) {
		t.Helper()
		if got, err := env.Sessions.Recognizes(t.Context(), session, browser, forward); got != "" != want || err != nil {
			t.Errorf("%s: got user %q, %v, want one %t", name, got, err, want)
		}
	}
	check("nothing", none, none, none, false)
	check("a session", sess, none, none, true)
	check("a session and a forged browser", sess, forged, none, true)
	check("a forward-auth session", none, none, forward, true)
	check("a return code", none, none, code, false)
	check("forged secrets", forged, forged, forged, false)
	env.Clock.Advance(25 * time.Hour)
	check("a session that ended", sess, none, forward, false)
	check("a forward-auth session that ended", none, none, forward, false)
}
