package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// codeEndpoints returns the methods that verify a six-digit code.
func codeEndpoints(env *testEnv, p *authntest.Phone, session secret.Value) map[string]func(account.RequestInfo, []byte) authn.Verification {
	ctx := env.t.Context()
	result := func(j authn.Verification, err error) authn.Verification {
		env.t.Helper()
		must(env.t, err, "answering")
		return j
	}
	return map[string]func(account.RequestInfo, []byte) authn.Verification{
		"Verify": func(req account.RequestInfo, code []byte) authn.Verification {
			v, err := env.Authn.Verify(ctx, req, env.password(req, amelie).Secret, factors.InputCode, code)
			return result(v.Verification, err)
		},
		"StepUp": func(req account.RequestInfo, code []byte) authn.Verification {
			return result(env.Authn.StepUp(ctx, req, session, factors.InputCode, code))
		},
		"ShowQR": func(req account.RequestInfo, code []byte) authn.Verification {
			return result(env.Enrolment.ShowQR(ctx, req, session, p.Device, "", "Tablette", factors.InputCode, code))
		},
		"VerifyByAdmin": func(req account.RequestInfo, code []byte) authn.Verification {
			u, err := env.Sessions.Authenticate(ctx, session)
			must(env.t, err, "reading the user")
			return result(env.Authn.VerifyByAdmin(ctx, req, adminCall("uboss", "a", u.User), p.Device, code))
		},
		"FinishProgram": func(req account.RequestInfo, code []byte) authn.Verification {
			req.APIToken = "token:a"
			signIn, err := env.Authn.StartAPISignIn(ctx, req, amelie, authntest.Password, visibleToAll)
			must(env.t, err, "an API client's password")
			_, j, err := env.Authn.VerifyAPISignIn(ctx, req, signIn.State, p.Device, code)
			return result(j, err)
		},
		"ConfirmDevice": func(req account.RequestInfo, code []byte) authn.Verification {
			id := factors.DeviceID("")
			for _, d := range env.User(amelie).Devices {
				if d.Unconfirmed() {
					id = d.ID
				}
			}
			return result(env.Enrolment.ConfirmDevice(ctx, req, session, id, code))
		},
		"ConfirmCopy": func(req account.RequestInfo, code []byte) authn.Verification {
			return result(env.Enrolment.ConfirmCopy(ctx, req, session, code))
		},
	}
}

func TestVerify_EndpointsShareOneCounter(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	endpoints := codeEndpoints(env, p, session)
	env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Du garage")
	if v := endpoints["ShowQR"](env.From, p.Next()); !v.Accepted() {
		t.Fatalf("showing: %+v", v)
	}
	env.stepUp(session, p)
	want, row := 0, 0
	for name, endpoint := range endpoints {
		if row == 4 { // a fifth would make the user wait
			env.verify(env.password(env.From, amelie).Secret, p.Next())
			row = 0
		}
		if v := endpoint(env.From, wrongCode(p)); v.Rejected != factors.ReasonWrong {
			t.Errorf("%s: got %+v", name, v)
		}
		want, row = want+1, row+1
		if f := env.counters(u.ID); len(f.Unknown.Codes.Times) != want || f.Streak != row {
			t.Errorf("after %s: %d counted, %d in a row, want %d and %d", name, len(f.Unknown.Codes.Times), f.Streak, want, row)
		}
	}
	for ; row < 5; row++ {
		endpoints["Verify"](env.From, wrongCode(p))
	}
	for name, endpoint := range endpoints {
		if v := endpoint(env.From, p.Code()); v.Wait <= 0 || v.Wait > 30*time.Second || v.Accepted() {
			t.Errorf("%s verifies a code while the user must wait: %+v", name, v)
		}
	}
	if v := endpoints["Verify"](env.From, p.Next()); !v.Accepted() {
		t.Errorf("after the wait: %+v", v)
	}
}

func TestVerify_LimitHoldsAcrossEndpointsAndAddresses(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.Accounts.Policy.SessionIdle, env.Accounts.Policy.SessionMax = 1000*time.Hour, 1000*time.Hour
	nodes := []*authntest.Env{env.Env, env.Env.Node()}
	start := env.Clock.Now()
	var verified []time.Time
	for i := 0; env.Clock.Now().Before(start.Add(23 * time.Hour)); i++ {
		req := env.fromAddress([]string{"198.51.100.1", "198.51.100.2", "2001:db8::1"}[i%3])
		env.Env = nodes[i%2]
		names := []string{"Verify", "StepUp", "ShowQR"}
		v := codeEndpoints(env, p, session)[names[i%3]](req, wrongCode(p))
		if v.Wait > 0 {
			if v.Wait > 24*time.Hour {
				t.Fatalf("a wait of %v", v.Wait)
			}
			env.Clock.Advance(v.Wait)
			continue
		}
		verified = append(verified, env.Clock.Now())
		env.Clock.Advance(time.Second)
	}
	for i := range verified {
		for span, most := range map[time.Duration]int{15 * time.Minute: 10, 24 * time.Hour: 20} {
			n := 0
			for _, other := range verified[i:] {
				if other.Before(verified[i].Add(span)) {
					n++
				}
			}
			if n > most {
				t.Errorf("%d were verified within %v, want %d at most", n, span, most)
			}
		}
	}
	if len(verified) < 15 {
		t.Errorf("only %d were verified in a day", len(verified))
	}
	if got := env.counters(u.ID).Streak; got != len(verified) {
		t.Errorf("%d in a row, want %d", got, len(verified))
	}
	env.Clock.Advance(24 * time.Hour)
	if issued := env.SignIn(amelie, authntest.Password, p); issued.Session.IsZero() {
		t.Error("the stop did not end by itself")
	}
}

// spendUnknownBudget spends the budget of codes that unknown browsers of a user share.
func (env *testEnv) spendUnknownBudget(p *authntest.Phone) {
	env.t.Helper()
	for range 6 {
		env.Authn.Verify(env.t.Context(), env.fromAddress("198.51.100.66"), env.password(env.fromAddress("198.51.100.66"), amelie).Secret, factors.InputCode, wrongCode(p))
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Code()); v.Wait <= 0 {
		env.t.Fatalf("the budget is not spent: %+v", v)
	}
}

func TestVerify_GuessingDoesNotBlockKeysOrKnownBrowsers(t *testing.T) {
	env, _, p, _, k := newKeyEnv(t)
	mine := env.From
	mine.Browser = env.SignIn(amelie, authntest.Password, p).Browser
	if mine.Browser.IsZero() {
		t.Fatal("no cookie for the browser")
	}
	env.spendUnknownBudget(p)
	if v := env.verifyKey(env.password(env.From, amelie).Secret, k, 9); !v.Accepted() {
		t.Errorf("the key from an unknown browser: %+v", v.Verification)
	}
	env.spendUnknownBudget(p) // the key ended the wait: spend it again
	v, err := env.Authn.Verify(t.Context(), mine, env.password(mine, amelie).Secret, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() {
		t.Errorf("a code from a known browser: %v, %+v", err, v.Verification)
	}
	for range 30 {
		env.Authn.StartWithPassword(t.Context(), env.fromAddress("198.51.100.66"), amelie, "wrong in any case")
		env.Clock.Advance(5 * time.Second)
	}
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.RateLimited, "the right password from an unknown browser")
	env.password(mine, amelie)
}

func TestVerify_KnownBrowserHasOwnBudget(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	mine := env.From
	mine.Browser = env.SignIn(amelie, authntest.Password, p).Browser
	for range 5 {
		v, err := env.Authn.Verify(t.Context(), mine, env.password(mine, amelie).Secret, factors.InputCode, wrongCode(p))
		if err != nil || v.Rejected != factors.ReasonWrong {
			t.Fatalf("got %v, %+v", err, v.Verification)
		}
	}
	v, err := env.Authn.Verify(t.Context(), mine, env.password(mine, amelie).Secret, factors.InputCode, p.Code())
	if err != nil || v.Wait <= 0 {
		t.Errorf("after five wrong ones: %v, %+v", err, v.Verification)
	}
	if f := env.counters(u.ID); len(f.Known.Codes.Times) != 5 || len(f.Unknown.Codes.Times) != 0 {
		t.Errorf("counted %d known and %d unknown, want 5 and none", len(f.Known.Codes.Times), len(f.Unknown.Codes.Times))
	}
	env.SignIn(amelie, authntest.Password, p) // from an unknown browser
}

func TestVerify_LimitsRecoveryCodes(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	codes := env.recoveryCodes(session)
	env.guessRecoveryCodes()
	v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || v.Wait <= 0 || v.Wait > time.Hour {
		t.Errorf("a correct one meanwhile: %v, %+v", err, v.Verification)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone meanwhile: %+v", v.Verification)
	}
}

// A text that cannot be a code is refused without an Update, so that a flood of them costs the store nothing.
func TestVerify_TextThatCannotBeACodeStoresNothing(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	transaction := env.password(env.From, amelie).Secret
	for name, send := range map[string]func() (authn.Verification, error){
		"sign-in": func() (authn.Verification, error) {
			v, err := env.Authn.Verify(t.Context(), env.From, transaction, factors.InputCode, []byte("12345"))
			return v.Verification, err
		},
		"step-up": func() (authn.Verification, error) {
			return env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, []byte("12345"))
		},
		"verification by an administrator": func() (authn.Verification, error) {
			return env.Authn.VerifyByAdmin(t.Context(), env.From, adminCall("uboss", "a", u.ID), p.Device, []byte("12345"))
		},
	} {
		try := func() {
			if v, err := send(); err != nil || v.Rejected != factors.ReasonFormat {
				t.Errorf("%s: got %+v, %v, want %q", name, v, err, factors.ReasonFormat)
			}
		}
		for range 5 { // the refusals that have an event of their own
			try()
		}
		env.wantUnchanged(name, func() {
			for range 20 {
				try()
			}
		})
	}
	if f := env.counters(u.ID); f.Streak != 0 {
		t.Errorf("counted %d, want none", f.Streak)
	}
}
