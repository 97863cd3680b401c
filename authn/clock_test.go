package authn_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

// restarted returns the environment after a restart of the service: without what the process had in memory.
func (env *testEnv) restarted() *testEnv { return &testEnv{env.Node(), env.t} }

// whileAhead calls do while the clock is ahead. The clock is right again, a second later, when whileAhead returns.
func (env *testEnv) whileAhead(ahead time.Duration, do func()) {
	env.Clock.Advance(ahead)
	do()
	env.Clock.Advance(time.Second - ahead)
}

func TestStartWithPassword_NetworkSignsInAfterAClockThatWasAhead(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	attacker, neighbour := env.fromAddress("203.0.113.77"), env.fromAddress("203.0.113.78")
	env.whileAhead(time.Hour, func() {
		_, err := env.Authn.StartWithPassword(t.Context(), attacker, "zoe@garage.example", "wrong")
		wantCode(t, err, errcode.SignInFailed, "a wrong password")
		must(t, env.Authn.RequestPasswordLink(t.Context(), attacker, amelie, nil), "a forgotten password")
		_, err = env.Directory.HelpDesk.Submit(t.Context(), attacker, helpdesk.Submission{Email: amelie, Message: "lost"})
		must(t, err, "a request for help")
	})
	for _, node := range []*testEnv{env, env.restarted()} {
		for _, at := range []time.Duration{0, 59*time.Minute + 30*time.Second} {
			node.Clock.Advance(at)
			node.password(attacker, amelie)
			node.password(neighbour, amelie)
			must(t, node.Authn.RequestPasswordLink(t.Context(), neighbour, amelie, nil), "a forgotten password")
			_, err := node.Directory.HelpDesk.Submit(t.Context(), neighbour, helpdesk.Submission{Email: amelie, Message: "lost"})
			must(t, err, "a request for help")
		}
	}
}

func TestStartWithPassword_WaitEndsAfterAClockThatWasAhead(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	env.whileAhead(time.Hour, func() {
		for range 20 {
			_, err := env.Authn.StartWithPassword(t.Context(), env.From, "zoe@garage.example", "wrong")
			if got := errcode.Of(err); got != errcode.SignInFailed && got != errcode.RateLimited {
				t.Fatal(err)
			}
		}
		for range 6 {
			_, err := env.Authn.StartWithPassword(t.Context(), env.fromAddress("198.51.100.7"), amelie, "wrong")
			if got := errcode.Of(err); got != errcode.SignInFailed && got != errcode.RateLimited {
				t.Fatal(err)
			}
		}
	})
	// Refusals are decided in a View. Each must leave less to wait, also if the one before was in another process.
	left := time.Hour
	for range 3 {
		env = env.restarted()
		_, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
		wantCode(t, err, errcode.RateLimited, "a right password while the wait goes on")
		var refused *errcode.Error
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		wait := refused.RetryAfter
		if wait >= left {
			t.Errorf("got a wait of %v after one of %v", wait, left)
		}
		left = wait
		env.Clock.Advance(5 * time.Second)
	}
	env.Clock.Advance(time.Minute)
	env.password(env.From, amelie)
}

func TestVerify_CodesAreGoodAgainAfterAClockThatWasAhead(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	before := p.Next()
	if v := env.verify(env.password(env.From, amelie).Secret, before); !v.Accepted() {
		t.Fatalf("got %+v", v)
	}
	var ahead []byte
	env.whileAhead(time.Hour, func() {
		ahead = p.Next()
		if v := env.verify(env.password(env.From, amelie).Secret, ahead); !v.Accepted() {
			t.Fatalf("got %+v", v)
		}
		env.Clock.Advance(-30 * time.Second)
	})
	for _, node := range []*testEnv{env, env.restarted()} {
		if v := node.verify(node.password(env.From, amelie).Secret, before); v.Rejected != factors.ReasonReplayed {
			t.Errorf("a code that was used before: got %+v", v.Verification)
		}
		if v := node.verify(node.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
			t.Errorf("the next code: got %+v", v.Verification)
		}
	}
	for string(p.Code()) != string(ahead) {
		env.Clock.Advance(30 * time.Second)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, ahead); v.Rejected != factors.ReasonReplayed {
		t.Errorf("the code that was used while the clock was ahead: got %+v", v.Verification)
	}
}

func TestSession_LivesNoLongerAfterAClockThatWasAhead(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	var c session.Credentials
	var soon, link secret.Value
	env.whileAhead(time.Hour, func() {
		c = env.SignIn(amelie, authntest.Password, p)
		env.stepUp(c.Session, p)
		soon = env.password(env.From, amelie).Secret
		u := env.CreateUser("ines@garage.example", nil)
		link = env.Invite(u.ID)
	})
	env = env.restarted()
	must(t, storetest.Sweep(t.Context(), env.Store, env.Authn.Sweep()), "deleting expired transactions")
	must(t, storetest.Sweep(t.Context(), env.Store, env.Accounts.Sweeps()...), "deleting expired links")
	if !env.sessionValid(c.Session) {
		t.Error("the session ended with the correction of the clock")
	}
	env.Clock.Advance(5 * time.Minute)
	if ses, err := env.Sessions.Authenticate(t.Context(), c.Session); err != nil || !ses.StepUpUntil.IsZero() {
		t.Errorf("five minutes later: got %v, a step-up until %v", err, ses.StepUpUntil)
	}
	env.Clock.Advance(5 * time.Minute)
	if step := env.step(soon); step != authn.StepExpired {
		t.Errorf("the sign-in transaction ten minutes later: got %s", step)
	}
	env.use(c.Session, 47)
	if !env.sessionValid(c.Session) {
		t.Error("the session ended before a day")
	}
	env.use(c.Session, 1)
	if env.sessionValid(c.Session) {
		t.Error("the session lives for more than a day")
	}
	_, err := env.Authn.AcceptInvitation(t.Context(), env.From, link, authntest.Password)
	wantCode(t, err, errcode.InvalidLink, "an invitation a day later")
}
