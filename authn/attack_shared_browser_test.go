package authn_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/secret"
)

// TestAttack_CodeSeenAtTheSharedTablet signs in with the password of a colleague and one code from their phone, on a tablet that
// both use. A sign-in in a browser of several users is no step-up (protocol rule 5).
func TestAttack_CodeSeenAtTheSharedTablet(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	bob, other, _ := env.Member("bob@garage.example", nil)
	tablet := env.From
	signIn := func(login string, phone *authntest.Phone) secret.Value {
		t.Helper()
		v, err := env.Authn.Verify(t.Context(), tablet, env.password(tablet, login).Secret, factors.InputCode, phone.Next())
		if err != nil || !v.Accepted() {
			t.Fatalf("signing in as %s: %v, rejected %q", login, err, v.Rejected)
		}
		if !v.Credentials.Browser.IsZero() {
			tablet.Browser = v.Credentials.Browser
		}
		return v.Credentials.Session
	}
	signIn(amelie, p)
	if !env.allowsRemoval(signIn(amelie, p)) {
		t.Fatal("a known browser of one user: no step-up")
	}
	for range 2 { // the second time, both know the browser
		if env.allowsRemoval(signIn(bob.Login, other)) {
			t.Error("the sign-in of the second user counts as a step-up")
		}
		if env.allowsRemoval(signIn(amelie, p)) {
			t.Error("one code of the first user counts as a step-up on a tablet that others use")
		}
	}
	env.Clock.Advance(account.StepUpTTL)
	session := signIn(amelie, p)
	if env.stepUp(session, p); !env.allowsRemoval(session) {
		t.Error("a step-up on the shared tablet does not count")
	}
}
