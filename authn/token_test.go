package authn_test

import (
	"encoding/json"
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

// token is a hardware token of somebody.
type token struct {
	h      *house
	secret string
	next   uint64
	device factors.DeviceID
}

// press returns the next code.
func (k *token) press() []byte {
	k.next++
	return authntest.Code(k.h.t, k.secret, k.next-1)
}

// enrolToken enrols a token in a session that has a fresh proof.
func (h *house) enrolToken(session secret.Value) *token {
	h.t.Helper()
	seat := enrol.Flow{Session: session}
	prompt, err := h.Enrolment.BeginEnrol(h.t.Context(), h.From, seat, enrol.Request{Kind: hotp.Kind, Name: "Boîtier"})
	do(h.t, err, "beginning to enrol a token")
	var view oath.View
	do(h.t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	k := &token{h: h, secret: view.Secret}
	done, err := h.Enrolment.FinishEnrol(h.t.Context(), h.From, seat, "", k.press())
	if err != nil || !done.Accepted() {
		h.t.Fatalf("enrolling a token: %v, rejected %q", err, done.Rejected)
	}
	k.device = done.Device.ID
	return k
}

// tokenEndpoints returns everything that accepts the code of a token. Each call is one complete ceremony, except that a
// sign-in goes on after a refused code.
func tokenEndpoints(h *house, k *token, session secret.Value, user account.UserID) map[string]func() func([]byte) authn.Verification {
	ctx := h.t.Context()
	judged := func(j authn.Verification, err error) authn.Verification {
		h.t.Helper()
		do(h.t, err, "answering")
		return j
	}
	return map[string]func() func([]byte) authn.Verification{
		"sign-in": func() func([]byte) authn.Verification {
			login := h.password(h.From, amelie).Secret
			return func(code []byte) authn.Verification {
				v, err := h.Authn.Verify(ctx, h.From, login, factors.InputCode, code)
				return judged(v.Verification, err)
			}
		},
		"step-up": func() func([]byte) authn.Verification {
			return func(code []byte) authn.Verification {
				return judged(h.Authn.StepUp(ctx, h.From, session, factors.InputCode, code))
			}
		},
		"verification by an administrator": func() func([]byte) authn.Verification {
			return func(code []byte) authn.Verification {
				return judged(h.Enrolment.VerifyFor(ctx, h.From, by("uboss", "a", user), k.device, code))
			}
		},
		"API sign-in": func() func([]byte) authn.Verification {
			req := h.From
			req.APIToken = "token:a"
			tx, err := h.Authn.StartAPISignIn(ctx, req, amelie, authntest.Password, everybody)
			do(h.t, err, "starting an API sign-in")
			return func(code []byte) authn.Verification {
				_, j, err := h.Authn.VerifyAPISignIn(ctx, req, tx.State, k.device, code)
				return judged(j, err)
			}
		},
	}
}

func TestToken_RefusesAUsedCounterAtEveryEndpoint(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolToken(session)
	endpoints := tokenEndpoints(h, k, session, u.ID)
	for first, use := range endpoints {
		code := k.press()
		if j := use()(code); !j.Accepted() {
			t.Fatalf("%s: %+v", first, j)
		}
		for second, retry := range endpoints {
			if j := retry()(code); j.Rejected != factors.ReasonReplayed {
				t.Errorf("%s, then %s: got %q, want %q", first, second, j.Rejected, factors.ReasonReplayed)
			}
		}
	}
	if got := len(h.counters(u.ID).Unknown.Codes.Times); got != 0 {
		t.Errorf("%d wrong answers counted, want none", got)
	}
}

func TestToken_ResynchronisesByTwoCodesAtEveryEndpoint(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolToken(session)
	for name, open := range tokenEndpoints(h, k, session, u.ID) {
		h.Clock.Advance(20 * time.Minute) // the wrong answers of the endpoint before no longer count
		if _, err := h.Sessions.Authenticate(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		k.next += 200
		answer := open()
		if j := answer(k.press()); j.Rejected != factors.ReasonResync {
			t.Errorf("%s, the first code: got %q, want %q", name, j.Rejected, factors.ReasonResync)
		}
		if j := open()(authntest.Code(t, k.secret, k.next+50)); j.Accepted() {
			t.Errorf("%s: one code far ahead is accepted", name)
		}
		k.next += 300
		answer(k.press())
		if j := answer(k.press()); !j.Accepted() {
			t.Errorf("%s, the second code: got %q", name, j.Rejected)
		}
		if j := open()(k.press()); !j.Accepted() {
			t.Errorf("%s, after the resynchronisation: got %q", name, j.Rejected)
		}
	}
}

func TestToken_CountsOneRefusalForAllKinds(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolToken(session)
	login := h.password(h.From, amelie).Secret
	if v := h.verify(login, wrong(p)); v.Rejected != factors.ReasonWrong {
		t.Fatalf("got %q, want %q", v.Rejected, factors.ReasonWrong)
	}
	if got := len(h.counters(u.ID).Unknown.Codes.Times); got != 1 {
		t.Errorf("%d wrong answers counted for one code, want 1", got)
	}
	if v := h.verify(login, k.press()); !v.Accepted() {
		t.Errorf("the token: %q", v.Rejected)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone: %q", v.Rejected)
	}
	if got := h.Events("user.authentication.auth_via_mfa"); len(got) > 0 && got[len(got)-1].Reason != string(totp.Kind) {
		t.Errorf("got event %+v, want the kind that accepted", got[len(got)-1])
	}
}

func TestCanAdd_LimitsCodeDevicesOverAllKinds(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	for _, kind := range []factors.Kind{totp.Kind, totp.Kind, hotp.Kind, hotp.Kind} {
		seat := enrol.Flow{Session: session}
		if kind == totp.Kind {
			h.Enrol(seat, "Téléphone")
		} else {
			h.enrolToken(session)
		}
		h.Clock.Advance(1)
	}
	for _, kind := range []factors.Kind{totp.Kind, hotp.Kind} {
		_, err := h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Session: session}, enrol.Request{Kind: kind})
		refused(t, err, errcode.TooMany, "a sixth device with codes")
	}
	_, err := h.Enrolment.BeginByAdmin(t.Context(), h.From, by("uboss", "a", h.User(amelie).ID), enrol.Request{Kind: hotp.Kind, Name: "x",
		Seed: &factors.Seed{Secret: []byte("12345678901234567890")}})
	refused(t, err, errcode.TooMany, "a sixth device with codes by an administrator")
}

func TestOffer_AcceptsTheSeedOfATokenOnce(t *testing.T) {
	h := newHouse(t)
	id := h.bare(account.ProvenanceUser)
	paul, q, _ := h.Member("paul@garage.example", nil)
	seed := &factors.Seed{Secret: []byte("12345678901234567890"), Counter: 3}
	offer := func(id account.UserID, code []byte) (authn.Verification, error) {
		o, err := h.Enrolment.BeginByAdmin(t.Context(), h.From, by("uboss", "a", id), enrol.Request{Kind: hotp.Kind, App: "CUSTOM", Name: "Boîtier", Seed: seed})
		do(t, err, "offering a token")
		if o.Secret.Secret != "" {
			t.Error("the answer repeats the secret")
		}
		_, _, j, err := h.Enrolment.ConfirmByAdmin(t.Context(), h.From, by("uboss", "a", id), o.Device.ID, code)
		return j, err
	}
	k := &token{h: h, secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", next: 40}
	if j, err := offer(id, k.press()); err != nil || !j.Accepted() {
		t.Fatalf("got %v, %+v", err, j)
	}
	if d := h.User(amelie).Devices[0]; d.SecretSeenBy != "uboss" || d.Unique == "" {
		t.Errorf("got %+v, want a device whose secret the administrator saw", d)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, k.press()); !v.Accepted() {
		t.Errorf("signing in: %q", v.Rejected)
	}
	_, err := offer(paul.ID, k.press())
	refused(t, err, errcode.Taken, "the same token for another user")
	h.SignIn("paul@garage.example", authntest.Password, q)
	h.reset(h.User(amelie).ID, account.ProvenanceEmail, account.TicketTTL)
	if j, err := offer(paul.ID, k.press()); err != nil || !j.Accepted() {
		t.Errorf("after its user was reset: %v, %+v", err, j)
	}
}
