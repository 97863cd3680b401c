package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// signInFrom signs in by password and one more answer.
func (env *testEnv) signInFrom(req account.RequestInfo, input factors.Input, answer func(transaction secret.Value) []byte) session.Credentials {
	env.t.Helper()
	transaction := env.password(req, amelie).Secret
	v, err := env.Authn.Verify(env.t.Context(), req, transaction, input, answer(transaction))
	if err != nil || !v.Accepted() || v.Step != authn.StepDone {
		env.t.Fatalf("signing in: %v, rejected %q, step %q", err, v.Rejected, v.Step)
	}
	return v.Credentials
}

// allowsRemoval reports whether the session may remove a device now.
func (env *testEnv) allowsRemoval(session secret.Value) bool {
	env.t.Helper()
	_, err := env.Authn.RemoveDevice(env.t.Context(), env.From, session, "none")
	if code := errcode.Of(err); code != errcode.StepUpRequired && code != errcode.NotFound {
		env.t.Fatalf("removing a device: %v", err)
	}
	return errcode.Of(err) == errcode.NotFound
}

// TestSignIn_CountsAsStepUp signs in by each method and then removes a device (protocol rule 5).
func TestSignIn_CountsAsStepUp(t *testing.T) {
	code := func(env *testEnv, p *authntest.Phone, _ *securityKey, _ []string) (factors.Input, func(secret.Value) []byte) {
		return factors.InputCode, func(secret.Value) []byte { return p.Next() }
	}
	key := func(env *testEnv, _ *authntest.Phone, k *securityKey, _ []string) (factors.Input, func(secret.Value) []byte) {
		return factors.InputAssertion, func(transaction secret.Value) []byte {
			prompt, err := env.Authn.BeginVerify(t.Context(), env.From, transaction, factors.InputAssertion)
			must(t, err, "asking for a key")
			return k.answer(prompt, 50)
		}
	}
	paper := func(_ *testEnv, _ *authntest.Phone, _ *securityKey, codes []string) (factors.Input, func(secret.Value) []byte) {
		return factors.InputBackup, func(secret.Value) []byte { return []byte(codes[0]) }
	}
	for _, test := range []struct {
		name  string
		known bool
		by    func(*testEnv, *authntest.Phone, *securityKey, []string) (factors.Input, func(secret.Value) []byte)
		want  bool
	}{
		{"code in a known browser", true, code, true},
		{"code in a new browser", false, code, false},
		{"key in a known browser", true, key, true},
		{"key in a new browser", false, key, true},
		{"recovery code in a known browser", true, paper, false},
		{"recovery code in a new browser", false, paper, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, first := env.Member(amelie, nil)
			env.stepUp(first, p)
			k := env.enrolKey(enrol.Flow{Session: first}, u)
			codes := env.recoveryCodes(first)
			req := env.From
			if test.known {
				req.Browser = env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() }).Browser
			}
			input, answer := test.by(env, p, k, codes)
			signedIn := env.signInFrom(req, input, answer).Session
			env.Clock.Advance(account.StepUpTTL - time.Second)
			if got := env.allowsRemoval(signedIn); got != test.want {
				t.Errorf("a second before five minutes: got %v, want %v", got, test.want)
			}
			info, err := env.Sessions.Authenticate(t.Context(), signedIn)
			if err != nil || !info.StepUpAt.IsZero() {
				t.Errorf("an operation on others: step-up at %v, %v, want none", info.StepUpAt, err)
			}
			env.Clock.Advance(time.Second)
			if env.allowsRemoval(signedIn) {
				t.Error("allowed after five minutes")
			}
		})
	}
}

// TestAttack_SignInCodeShowsTheQRCode repeats the code of a sign-in in a known browser to show the QR code.
func TestAttack_SignInCodeShowsTheQRCode(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	req := env.From
	req.Browser = env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() }).Browser
	signedIn := env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() }).Session
	for name, code := range map[string][]byte{"the code of the sign-in": p.Code(), "no code": nil} {
		v, err := env.Enrolment.ShowQR(t.Context(), req, signedIn, p.Device, "", "Tablette", factors.InputCode, code)
		if err != nil || v.Accepted() {
			t.Errorf("%s shows the QR code: %v", name, err)
		}
	}
	if _, err := env.Enrolment.PendingCopy(t.Context(), signedIn); errcode.Of(err) != errcode.Expired {
		t.Errorf("the QR code is shown: %v", err)
	}
}

// TestAttack_BrowserBecomesKnownDuringTheSignIn completes, with the cookie of a known browser, a sign-in that began without.
func TestAttack_BrowserBecomesKnownDuringTheSignIn(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	transaction := env.password(env.From, amelie).Secret
	req := env.From
	req.Browser = env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() }).Browser
	v, err := env.Authn.Verify(t.Context(), req, transaction, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() || env.allowsRemoval(v.Credentials.Session) {
		t.Errorf("got %q, %v, want a sign-in that is no step-up", v.Rejected, err)
	}
}

// TestSignIn_RequiredPasswordChangeDoesNotProlongTheStepUp changes a password between code and session. The five minutes
// begin at the code.
func TestSignIn_RequiredPasswordChangeDoesNotProlongTheStepUp(t *testing.T) {
	for wait, want := range map[time.Duration]bool{4 * time.Minute: true, 5 * time.Minute: false} {
		env := newTestEnv(t)
		u, p, _ := env.Member(amelie, nil)
		req := env.From
		req.Browser = env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() }).Browser
		env.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })
		transaction := env.password(req, amelie).Secret
		v, err := env.Authn.Verify(t.Context(), req, transaction, factors.InputCode, p.Next())
		if err != nil || v.Step != authn.StepChangePassword {
			t.Fatalf("got step %q, %v", v.Step, err)
		}
		env.Clock.Advance(wait)
		done, err := env.Authn.ReplacePassword(t.Context(), req, v.Secret, "huit boulons sous un capot")
		must(t, err, "choosing a password")
		if got := env.allowsRemoval(done.Credentials.Session); got != want {
			t.Errorf("after %v: got %v, want %v", wait, got, want)
		}
	}
}

// The page for new recovery codes asks for a step-up after a sign-in in a new browser.
func TestSignIn_RecoveryCodesNeedAStepUpInANewBrowser(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	req := env.From
	signedIn := env.signInFrom(req, factors.InputCode, func(secret.Value) []byte { return p.Next() })
	_, err := env.Enrolment.BeginEnrol(t.Context(), req, enrol.Flow{Session: signedIn.Session}, enrol.Request{Kind: recovery.Kind})
	wantCode(t, err, errcode.StepUpRequired, "in a new browser")
	req.Browser = signedIn.Browser
	_, err = env.Enrolment.BeginEnrol(t.Context(), req, enrol.Flow{Session: signedIn.Session}, enrol.Request{Kind: recovery.Kind})
	wantCode(t, err, errcode.StepUpRequired, "in the browser that this sign-in made known")
}
