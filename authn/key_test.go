package authn_test

import (
	"sync"
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/notice"
)

// TestVerify_TwoBrowsersAnswerWithOneKey signs in on one browser and steps up on another, with ceremonies that are open at
// the same time. The key counts one answer after the other; they arrive in any order.
func TestVerify_TwoBrowsersAnswerWithOneKey(t *testing.T) {
	for name, order := range map[string][]int{"in order": {0, 1}, "the second arrives first": {1, 0}, "at once": nil} {
		t.Run(name, func(t *testing.T) {
			env, _, _, session, k := newKeyEnv(t)
			transaction := env.password(env.From, amelie).Secret
			signIn, err := env.Authn.BeginVerify(t.Context(), env.From, transaction, factors.InputAssertion)
			must(t, err, "asking at the sign-in")
			stepUp, err := env.Authn.BeginStepUp(t.Context(), env.From, session, factors.InputAssertion)
			must(t, err, "asking at the step-up")
			first, second := k.answer(signIn, 101), k.answer(stepUp, 102)
			answer := func(i int) {
				var v authn.Verification
				var err error
				if i == 0 {
					var out authn.Result
					out, err = env.Authn.Verify(t.Context(), env.From, transaction, factors.InputAssertion, first)
					v = out.Verification
				} else {
					v, err = env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, second)
				}
				if err != nil || !v.Accepted() {
					t.Errorf("answer %d: %v, rejected %q", i+1, err, v.Rejected)
				}
			}
			var wait sync.WaitGroup
			for _, i := range order {
				answer(i)
			}
			if order == nil {
				wait.Go(func() { answer(0) })
				wait.Go(func() { answer(1) })
			}
			wait.Wait()
			now := env.User(amelie)
			if d := now.Device(k.id); !d.Usable() || !env.sessionValid(session) {
				t.Errorf("key disabled %q, session valid %v", d.Disabled, env.sessionValid(session))
			}
			if v := env.verifyKey(env.password(env.From, amelie).Secret, k, 103); !v.Accepted() {
				t.Errorf("the next answer: rejected %q", v.Rejected)
			}
		})
	}
}

// TestAttack_ClonedKeyInAnOverlappingCeremony answers with a clone in a ceremony that began before the answer of the key.
func TestAttack_ClonedKeyInAnOverlappingCeremony(t *testing.T) {
	env, u, _, session, k := newKeyEnv(t)
	attacker := env.password(env.From, amelie).Secret
	prompt, err := env.Authn.BeginVerify(t.Context(), env.From, attacker, factors.InputAssertion)
	must(t, err, "asking the attacker")
	if v := env.verifyKey(env.password(env.From, amelie).Secret, k, 101); !v.Accepted() {
		t.Fatalf("the user: rejected %q", v.Rejected)
	}
	v, err := env.Authn.Verify(t.Context(), env.From, attacker, factors.InputAssertion, k.answer(prompt, 101))
	if err != nil || v.Rejected != factors.ReasonClone {
		t.Errorf("the same counter: %v, got %q", err, v.Rejected)
	}
	if got := len(mailed[notice.SecurityKeyDisabled](env)); got != 1 || env.sessionValid(session) || env.User(string(u.ID)).Status != account.StatusActive {
		t.Errorf("got %d mails, session valid %v", got, env.sessionValid(session))
	}
}
