package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

func TestVerifyByAdmin_ConsumesCodeForEveryEndpoint(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	other, otherPhone, _ := env.Member("bruno@garage.example", nil)
	a := adminCall("uboss", "a", u.ID)
	verify := func(id factors.DeviceID, code []byte) (authn.Verification, error) {
		return env.Authn.VerifyByAdmin(t.Context(), env.From, a, id, code)
	}
	code := p.Next()
	if v, err := verify(p.Device, code); err != nil || !v.Accepted() {
		t.Fatalf("verifying: %v, %+v", err, v)
	}
	for name, endpoint := range codeEndpoints(env, p, session) {
		if name != "ConfirmCopy" && name != "ConfirmDevice" {
			if v := endpoint(env.From, code); v.Rejected != factors.ReasonReplayed {
				t.Errorf("%s: got %+v, want a used code", name, v)
			}
		}
	}
	code = p.Next()
	env.verify(env.password(env.From, amelie).Secret, code)
	if v, err := verify(p.Device, code); err != nil || v.Rejected != factors.ReasonReplayed {
		t.Errorf("spent on the page: %v, %+v", err, v)
	}
	if v, err := verify(p.Device, otherPhone.Next()); err != nil || v.Rejected != factors.ReasonWrong {
		t.Errorf("another user's code: %v, %+v", err, v)
	}
	_, err := verify(otherPhone.Device, otherPhone.Next())
	wantCode(t, err, errcode.NotFound, "another user's device")
	if got := env.counters(other.ID).Streak; got != 0 {
		t.Errorf("the other user has %d wrong answers", got)
	}
	if f := env.counters(u.ID); len(f.WrongAfterPassword) != 0 || len(f.Unknown.Codes.Times) != 1 {
		t.Errorf("got %+v, want one wrong code and none after a password", f)
	}
	events := env.Events(audit.FactorProven)
	if last := events[len(events)-1]; last.Actor.ID != "token:a" || last.Outcome != audit.Failure || last.Subject != string(u.ID) {
		t.Errorf("got event %+v, want one by the token about the user", last)
	}
}

func TestVerifyByAdmin_ReportsClockOffset(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	a := adminCall("uboss", "a", u.ID)
	ahead := func() []byte { // of a phone that is three minutes ahead
		env.Clock.Advance(3 * time.Minute)
		defer env.Clock.Advance(-3 * time.Minute)
		return p.Code()
	}
	env.Clock.Advance(10 * time.Minute)
	first := ahead()
	if v, err := env.Authn.VerifyByAdmin(t.Context(), env.From, a, p.Device, first); err != nil || v.Rejected != factors.ReasonWrong {
		t.Errorf("the first: %v, %+v", err, v)
	}
	env.Clock.Advance(30 * time.Second)
	if v, err := env.Authn.VerifyByAdmin(t.Context(), env.From, a, p.Device, ahead()); err != nil || v.Rejected != factors.ReasonClock || v.ClockOff != 3*time.Minute {
		t.Errorf("the second: %v, %+v", err, v)
	}
	if got := env.counters(u.ID).Streak; got != 2 {
		t.Errorf("%d counted, want 2", got)
	}
	env.Clock.Advance(150 * time.Second)
	if v, err := env.Authn.VerifyByAdmin(t.Context(), env.From, a, p.Device, p.Code()); err != nil || v.Accepted() {
		t.Errorf("a step recognised outside the window is good later: %v, %+v", err, v)
	}
	if env.User(string(u.ID)).AdminVerification != nil {
		t.Error("what was remembered between the two is kept for ever")
	}
}
