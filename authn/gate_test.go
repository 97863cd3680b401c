package authn_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

const wiki = "wiki.garage.example"

// gate goes to a host and back.
func (h *house) gate(sess secret.Value, host string) secret.Value {
	h.t.Helper()
	nonce := secret.From("a nonce of the browser")
	code, err := h.Sessions.NewReturnCode(h.t.Context(), h.From, sess, host, session.ForwardState(nonce))
	do(h.t, err, "opening a gate")
	gate, err := h.Sessions.RedeemReturnCode(h.t.Context(), h.From, code, host, nonce)
	do(h.t, err, "passing a gate")
	return gate
}

func (h *house) passes(gate secret.Value, host string) bool {
	h.t.Helper()
	_, err := h.Sessions.AuthenticateForward(h.t.Context(), gate, host)
	if err != nil && errcode.Of(err) != errcode.NoSession {
		h.t.Fatalf("checking a gate: %v", err)
	}
	return err == nil
}

func TestAGateIsGoodForItsHostAndTellsWhoCame(t *testing.T) {
	h := newHouse(t)
	group := h.CreateGroup("Garage du Port")
	u, _, session := h.Member(amelie, func(u *account.User) {
		u.Login, u.FirstName, u.LastName, u.Groups = "amelie", "Amélie", "Durand", []account.GroupID{group}
	})
	gate := h.gate(session, wiki)
	live, err := h.Sessions.AuthenticateForward(t.Context(), gate, wiki)
	if err != nil || live.User != u.ID || live.Login != "amelie" || live.Email != amelie || live.Name != "Amélie Durand" ||
		!slices.Equal(live.Groups, []account.GroupID{group}) {
		t.Errorf("got %+v, %v", live, err)
	}
	if h.passes(gate, "shop.garage.example") || h.passes(secret.Value{}, wiki) || h.passes(session, wiki) {
		t.Error("another host, no gate and a session pass, want none of them")
	}
	if h.alive(gate) {
		t.Error("a gate is a session to the pages")
	}
	if e := h.Events(audit.AppSignIn); len(e) != 1 || e[0].Subject != string(u.ID) || e[0].Targets[0].ID != wiki {
		t.Errorf("got events %+v", e)
	}
	for key, value := range h.scan() {
		if s := gate.Reveal(); s != "" && (key == s || value == s) {
			t.Errorf("%s holds a gate's secret", key)
		}
	}
}

func TestAReturnCodeIsGoodOnceForItsHostAndItsBrowser(t *testing.T) {
	h := newHouse(t)
	_, _, sess := h.Member(amelie, nil)
	nonce := secret.From("nonce")
	for name, try := range map[string]func(code secret.Value) bool{
		"another host": func(code secret.Value) bool {
			_, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, "shop.garage.example", nonce)
			return err == nil
		},
		"another browser": func(code secret.Value) bool {
			_, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, secret.From("other"))
			return err == nil
		},
		"no nonce": func(code secret.Value) bool {
			_, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, secret.Value{})
			return err == nil
		},
		"after a minute": func(code secret.Value) bool {
			h.Clock.Advance(session.ReturnCodeTTL)
			_, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, nonce)
			return err == nil
		},
		"as a gate": func(code secret.Value) bool { return h.passes(code, wiki) },
		"a second time": func(code secret.Value) bool {
			if _, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, nonce); err != nil {
				t.Fatalf("the first time: %v", err)
			}
			_, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, nonce)
			return err == nil
		},
		"after the sign-out": func(secret.Value) bool {
			_, _, other := h.Member("paul@garage.example", nil)
			code, err := h.Sessions.NewReturnCode(t.Context(), h.From, other, wiki, session.ForwardState(nonce))
			do(t, err, "opening")
			do(t, h.Sessions.SignOut(t.Context(), h.From, other), "signing out")
			_, err = h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, nonce)
			return err == nil
		},
	} {
		code, err := h.Sessions.NewReturnCode(t.Context(), h.From, sess, wiki, session.ForwardState(nonce))
		do(t, err, "opening")
		if try(code) {
			t.Errorf("%s: the code was taken", name)
		}
	}
}

func TestOneReturnCodeTakenByManyAtOnceMakesOneGate(t *testing.T) {
	h := newHouse(t)
	_, _, sess := h.Member(amelie, nil)
	nonce := secret.From("nonce")
	code, err := h.Sessions.NewReturnCode(t.Context(), h.From, sess, wiki, session.ForwardState(nonce))
	do(t, err, "opening")
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 24 {
		wg.Go(func() {
			if _, err := h.Sessions.RedeemReturnCode(t.Context(), h.From, code, wiki, nonce); err == nil {
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

func TestAGateEndsWithItsSession(t *testing.T) {
	for name, end := range map[string]func(h *house, u account.User, session secret.Value){
		"signed out": func(h *house, _ account.User, session secret.Value) {
			do(h.t, h.Sessions.SignOut(h.t.Context(), h.From, session), "signing out")
		},
		"devices reset": func(h *house, u account.User, _ secret.Value) {
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
		},
		"suspended": func(h *house, u account.User, _ secret.Value) {
			h.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
		},
		"unused for an hour": func(h *house, _ account.User, _ secret.Value) { h.Clock.Advance(time.Hour + time.Minute) },
		"password changed": func(h *house, u account.User, _ secret.Value) {
			h.Change(u.ID, func(u *account.User) { u.Epoch++; u.PasswordEpoch++ })
		},
	} {
		h := newHouse(t)
		u, _, session := h.Member(amelie, nil)
		gate := h.gate(session, wiki)
		if !h.passes(gate, wiki) {
			t.Fatal("a fresh gate is shut")
		}
		if end(h, u, session); h.passes(gate, wiki) {
			t.Errorf("%s: the gate is open", name)
		}
	}
}

func TestAGateInUseKeepsItsSessionAliveUntilTheEndOfTheDay(t *testing.T) {
	h := newHouse(t)
	_, _, session := h.Member(amelie, nil)
	gate := h.gate(session, wiki)
	for h.Clock.Now().Before(authntest.Start.Add(23*time.Hour + 30*time.Minute)) {
		h.Clock.Advance(30 * time.Minute)
		if !h.passes(gate, wiki) {
			t.Fatalf("shut at %v", h.Clock.Now())
		}
	}
	h.Clock.Advance(time.Hour)
	if h.passes(gate, wiki) || h.alive(session) {
		t.Error("alive after 24 hours")
	}
	do(t, h.Sessions.DeleteExpired(t.Context()), "sweeping")
	for key := range h.scan() {
		if strings.HasPrefix(key, "forward/") {
			t.Errorf("%s was not swept", key)
		}
	}
}

func TestWaysBackToApplicationsAreCountedByTheSession(t *testing.T) {
	h := newHouse(t)
	_, _, session := h.Member(amelie, nil)
	var err error
	for n := range 61 {
		if _, err = h.Sessions.NewReturnCode(t.Context(), h.From, session, wiki, "state"); err != nil && n < 60 {
			t.Fatalf("number %d: %v", n, err)
		}
	}
	if errcode.Of(err) != errcode.RateLimited {
		t.Errorf("the 61st in a minute: got %v, want a wait", err)
	}
}

func TestAProofByKeyMakesASessionPhishingResistant(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	key := h.enrolKey(enrol.Flow{Session: session}, u)
	session = h.SignIn(amelie, authntest.Password, p).Session
	if live, err := h.Sessions.Authenticate(t.Context(), session); err != nil || live.PhishingResistant() {
		t.Fatalf("signed in by code: got %v, %v", live.AMR, err)
	}
	prompt, err := h.Authn.BeginStepUp(t.Context(), h.From, session, factors.InputAssertion)
	do(t, err, "asking for the key")
	j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputAssertion, key.answer(prompt, 6))
	if err != nil || !j.Accepted() {
		t.Fatalf("proving by key: %v %v", j.Rejected, err)
	}
	if live, err := h.Sessions.Authenticate(t.Context(), session); err != nil || !live.PhishingResistant() || !slices.Contains(live.AMR, "otp") {
		t.Errorf("after a proof by key: got %v, %v", live.AMR, err)
	}
}
