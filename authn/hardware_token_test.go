package authn_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/hotp"
	"barillet/factors/oath"
	"barillet/factors/totp"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// hardwareToken is a hardware token of a user.
type hardwareToken struct {
	env    *testEnv
	secret string
	next   uint64
	device factors.DeviceID
}

// press returns the next code.
func (device *hardwareToken) press() []byte {
	device.next++
	return authntest.Code(device.env.t, device.secret, device.next-1)
}

// advance skips at least n counters, to one from which the codes that a test uses next are unambiguous: no other counter
// within a resynchronisation and no step of the phone has the same code. One code in a hundred fails this by chance.
func (device *hardwareToken) advance(n uint64, p *authntest.Phone) {
	device.next += n
	for !device.unambiguous(p, device.next, device.next+1, device.next+2, device.next+50) {
		device.next++
	}
}

// unambiguous reports whether the code of each counter belongs to that counter alone.
func (device *hardwareToken) unambiguous(p *authntest.Phone, counters ...uint64) bool {
	const reach = 1100
	lowest := counters[0] - min(counters[0], reach)
	counterOf := map[string][]uint64{}
	for c := lowest; c <= counters[0]+reach; c++ {
		code := string(authntest.Code(device.env.t, device.secret, c))
		counterOf[code] = append(counterOf[code], c)
	}
	for step := -60; step <= 60; step++ {
		code := string(p.CodeAt(device.env.Clock.Now().Add(time.Duration(step) * 30 * time.Second)))
		counterOf[code] = append(counterOf[code], 0)
	}
	return !slices.ContainsFunc(counters, func(c uint64) bool {
		return len(counterOf[string(authntest.Code(device.env.t, device.secret, c))]) != 1
	})
}

// enrolToken enrols a token in a session that has a step-up.
func (env *testEnv) enrolToken(session secret.Value) *hardwareToken {
	env.t.Helper()
	flow := enrol.Flow{Session: session}
	prompt, err := env.Enrolment.BeginEnrol(env.t.Context(), env.From, flow, enrol.Request{Kind: hotp.Kind, Name: "Boîtier"})
	must(env.t, err, "beginning to enrol a token")
	var view oath.View
	must(env.t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	device := &hardwareToken{env: env, secret: view.Secret}
	done, err := env.Enrolment.FinishEnrol(env.t.Context(), env.From, flow, "", device.press())
	if err != nil || !done.Accepted() {
		env.t.Fatalf("enrolling a token: %v, rejected %q", err, done.Rejected)
	}
	device.device = done.Device.ID
	return device
}

// hardwareTokenEndpoints returns the endpoints that accept the code of a token. Each call is one complete ceremony, except
// that a sign-in continues after a rejected code.
func hardwareTokenEndpoints(env *testEnv, device *hardwareToken, session secret.Value, user account.UserID) map[string]func() func([]byte) authn.Verification {
	ctx := env.t.Context()
	result := func(j authn.Verification, err error) authn.Verification {
		env.t.Helper()
		must(env.t, err, "answering")
		return j
	}
	return map[string]func() func([]byte) authn.Verification{
		"sign-in": func() func([]byte) authn.Verification {
			transaction := env.password(env.From, amelie).Secret
			return func(code []byte) authn.Verification {
				v, err := env.Authn.Verify(ctx, env.From, transaction, factors.InputCode, code)
				return result(v.Verification, err)
			}
		},
		"step-up": func() func([]byte) authn.Verification {
			return func(code []byte) authn.Verification {
				return result(env.Authn.StepUp(ctx, env.From, session, factors.InputCode, code))
			}
		},
		"verification by an administrator": func() func([]byte) authn.Verification {
			return func(code []byte) authn.Verification {
				return result(env.Authn.VerifyByAdmin(ctx, env.From, adminCall("uboss", "a", user), device.device, code))
			}
		},
		"API sign-in": func() func([]byte) authn.Verification {
			req := env.From
			req.APIToken = "token:a"
			signIn, err := env.Authn.StartAPISignIn(ctx, req, amelie, authntest.Password, visibleToAll)
			must(env.t, err, "starting an API sign-in")
			return func(code []byte) authn.Verification {
				_, j, err := env.Authn.VerifyAPISignIn(ctx, req, signIn.State, device.device, code)
				return result(j, err)
			}
		},
	}
}

func TestToken_RefusesAUsedCounterAtEveryEndpoint(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	device := env.enrolToken(session)
	endpoints := hardwareTokenEndpoints(env, device, session, u.ID)
	for first, use := range endpoints {
		code := device.press()
		if v := use()(code); !v.Accepted() {
			t.Fatalf("%s: %+v", first, v)
		}
		for second, retry := range endpoints {
			if v := retry()(code); v.Rejected != factors.ReasonReplayed {
				t.Errorf("%s, then %s: got %q, want %q", first, second, v.Rejected, factors.ReasonReplayed)
			}
		}
	}
	if got := len(env.counters(u.ID).Unknown.Codes.Times); got != 0 {
		t.Errorf("%d wrong answers counted, want none", got)
	}
}

func TestToken_ResynchronisesByTwoCodesAtEveryEndpoint(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	device := env.enrolToken(session)
	for name, open := range hardwareTokenEndpoints(env, device, session, u.ID) {
		env.Clock.Advance(20 * time.Minute) // the failures at the previous endpoint no longer count
		if _, err := env.Sessions.Authenticate(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		device.advance(200, p)
		answer := open()
		if v := answer(device.press()); v.Rejected != factors.ReasonResync {
			t.Errorf("%s, the first code: got %q, want %q", name, v.Rejected, factors.ReasonResync)
		}
		if v := open()(authntest.Code(t, device.secret, device.next+50)); v.Accepted() {
			t.Errorf("%s: one code far ahead is accepted", name)
		}
		device.advance(300, p)
		answer(device.press())
		if v := answer(device.press()); !v.Accepted() {
			t.Errorf("%s, the second code: got %q", name, v.Rejected)
		}
		if v := open()(device.press()); !v.Accepted() {
			t.Errorf("%s, after the resynchronisation: got %q", name, v.Rejected)
		}
	}
}

func TestToken_CountsOneRefusalForAllKinds(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	device := env.enrolToken(session)
	transaction := env.password(env.From, amelie).Secret
	if v := env.verify(transaction, wrongCode(p)); v.Rejected != factors.ReasonWrong {
		t.Fatalf("got %q, want %q", v.Rejected, factors.ReasonWrong)
	}
	if got := len(env.counters(u.ID).Unknown.Codes.Times); got != 1 {
		t.Errorf("%d wrong answers counted for one code, want 1", got)
	}
	if v := env.verify(transaction, device.press()); !v.Accepted() {
		t.Errorf("the token: %q", v.Rejected)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone: %q", v.Rejected)
	}
	if got := env.Events("user.authentication.auth_via_mfa"); len(got) > 0 && got[len(got)-1].Reason != string(totp.Kind) {
		t.Errorf("got event %+v, want the kind that accepted", got[len(got)-1])
	}
}

// A code far ahead is one half of a resynchronisation. It counts as a wrong one: otherwise every guess that happens to be a
// code of the next thousand counters would be free.
func TestToken_CodeFarAheadCountsAsWrong(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	device := env.enrolToken(session)
	device.advance(200, p)
	if v := env.verify(env.password(env.From, amelie).Secret, device.press()); v.Rejected != factors.ReasonResync {
		t.Fatalf("got %q, want %q", v.Rejected, factors.ReasonResync)
	}
	if got := len(env.counters(u.ID).Unknown.Codes.Times); got != 1 {
		t.Errorf("%d wrong answers counted, want 1", got)
	}
}

func TestCanAdd_LimitsCodeDevicesOverAllKinds(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	for _, kind := range []factors.Kind{totp.Kind, totp.Kind, hotp.Kind, hotp.Kind} {
		flow := enrol.Flow{Session: session}
		if kind == totp.Kind {
			env.Enrol(flow, "Téléphone")
		} else {
			env.enrolToken(session)
		}
		env.Clock.Advance(1)
	}
	for _, kind := range []factors.Kind{totp.Kind, hotp.Kind} {
		_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Session: session}, enrol.Request{Kind: kind})
		wantCode(t, err, errcode.TooMany, "a sixth device with codes")
	}
	_, err := env.Enrolment.BeginByAdmin(t.Context(), env.From, adminCall("uboss", "a", env.User(amelie).ID), enrol.Request{Kind: hotp.Kind, Name: "x",
		Seed: &factors.Seed{Secret: []byte("12345678901234567890")}})
	wantCode(t, err, errcode.TooMany, "a sixth device with codes by an administrator")
}

func TestBeginByAdmin_AcceptsSeedOnce(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	paul, q, _ := env.Member("paul@garage.example", nil)
	seed := &factors.Seed{Secret: []byte("12345678901234567890"), Counter: 3}
	offer := func(id account.UserID, code []byte) (authn.Verification, error) {
		o, err := env.Enrolment.BeginByAdmin(t.Context(), env.From, adminCall("uboss", "a", id), enrol.Request{Kind: hotp.Kind, App: "CUSTOM", Name: "Boîtier", Seed: seed})
		must(t, err, "beginning to enrol a token")
		if o.Secret.Secret != "" {
			t.Error("the answer repeats the secret")
		}
		_, _, j, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, adminCall("uboss", "a", id), o.Device.ID, code)
		return j, err
	}
	device := &hardwareToken{env: env, secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", next: 40}
	if j, err := offer(id, device.press()); err != nil || !j.Accepted() {
		t.Fatalf("got %v, %+v", err, j)
	}
	if d := env.User(amelie).Devices[0]; d.SecretSeenBy != "uboss" || d.Unique == "" {
		t.Errorf("got %+v, want a device whose secret the administrator saw", d)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, device.press()); !v.Accepted() {
		t.Errorf("signing in: %q", v.Rejected)
	}
	_, err := offer(paul.ID, device.press())
	wantCode(t, err, errcode.Taken, "the same token for another user")
	env.SignIn("paul@garage.example", authntest.Password, q)
	env.reset(env.User(amelie).ID, account.ProvenanceEmail, account.TicketTTL)
	if j, err := offer(paul.ID, device.press()); err != nil || !j.Accepted() {
		t.Errorf("after its user was reset: %v, %+v", err, j)
	}
}
