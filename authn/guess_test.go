package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// doorsOfCodes are all the methods that take six digits, each with an answer.
func doorsOfCodes(h *house, p *authntest.Phone, session secret.Value) map[string]func(account.RequestInfo, []byte) authn.Verification {
	ctx := h.t.Context()
	told := func(j authn.Verification, err error) authn.Verification {
		h.t.Helper()
		do(h.t, err, "answering")
		return j
	}
	return map[string]func(account.RequestInfo, []byte) authn.Verification{
		"Verify": func(req account.RequestInfo, code []byte) authn.Verification {
			v, err := h.Authn.Verify(ctx, req, h.password(req, amelie).Secret, factors.InputCode, code)
			return told(v.Verification, err)
		},
		"Prove": func(req account.RequestInfo, code []byte) authn.Verification {
			return told(h.Authn.StepUp(ctx, req, session, factors.InputCode, code))
		},
		"ShowAgain": func(req account.RequestInfo, code []byte) authn.Verification {
			return told(h.Enrolment.ShowQR(ctx, req, session, p.Device, "", "Tablette", factors.InputCode, code))
		},
		"VerifyFor": func(req account.RequestInfo, code []byte) authn.Verification {
			u, err := h.Sessions.Authenticate(ctx, session)
			do(h.t, err, "finding out whose phone it is")
			return told(h.Enrolment.VerifyFor(ctx, req, by("uboss", "a", u.User), p.Device, code))
		},
		"FinishProgram": func(req account.RequestInfo, code []byte) authn.Verification {
			req.APIToken = "token:a"
			tx, err := h.Authn.StartAPISignIn(ctx, req, amelie, authntest.Password, everybody)
			do(h.t, err, "a program's password")
			_, j, err := h.Authn.VerifyAPISignIn(ctx, req, tx.State, p.Device, code)
			return told(j, err)
		},
		"ConfirmDevice": func(req account.RequestInfo, code []byte) authn.Verification {
			id := factors.DeviceID("")
			for _, d := range h.User(amelie).Devices {
				if d.Unconfirmed() {
					id = d.ID
				}
			}
			return told(h.Enrolment.ConfirmDevice(ctx, req, session, id, code))
		},
		"ConfirmCopy": func(req account.RequestInfo, code []byte) authn.Verification {
			return told(h.Enrolment.ConfirmCopy(ctx, req, session, code))
		},
	}
}

func TestEveryDoorThatTakesSixDigitsMovesTheSameCounter(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	doors := doorsOfCodes(h, p, session)
	h.given(by("uboss", "a", u.ID), "Du garage")
	if j := doors["ShowAgain"](h.From, p.Next()); !j.Accepted() {
		t.Fatalf("showing: %+v", j)
	}
	h.prove(session, p)
	want, row := 0, 0
	for name, door := range doors {
		if row == 4 { // a fifth would make everybody wait
			h.verify(h.password(h.From, amelie).Secret, p.Next())
			row = 0
		}
		if j := door(h.From, wrong(p)); j.Rejected != factors.ReasonWrong {
			t.Errorf("%s: got %+v", name, j)
		}
		want, row = want+1, row+1
		if f := h.counters(u.ID); len(f.Unknown.Codes.Times) != want || f.Streak != row {
			t.Errorf("after %s: %d counted, %d in a row, want %d and %d", name, len(f.Unknown.Codes.Times), f.Streak, want, row)
		}
	}
	for ; row < 5; row++ {
		doors["Verify"](h.From, wrong(p))
	}
	for name, door := range doors {
		if j := door(h.From, p.Code()); j.Wait <= 0 || j.Wait > 30*time.Second || j.Accepted() {
			t.Errorf("%s judges a code while the person waits: %+v", name, j)
		}
	}
	if j := doors["Verify"](h.From, p.Next()); !j.Accepted() {
		t.Errorf("after the wait: %+v", j)
	}
}

func TestGuessingCodesIsLimitedOverDoorsLoginsAddressesAndNodes(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.Accounts.Policy.SessionIdle, h.Accounts.Policy.SessionMax = 1000*time.Hour, 1000*time.Hour
	nodes := []*authntest.Env{h.Env, h.Env.Node()}
	start := h.Clock.Now()
	var judged []time.Time
	for i := 0; h.Clock.Now().Before(start.Add(23 * time.Hour)); i++ {
		req := h.at([]string{"198.51.100.1", "198.51.100.2", "2001:db8::1"}[i%3])
		h.Env = nodes[i%2]
		names := []string{"Verify", "Prove", "ShowAgain"}
		j := doorsOfCodes(h, p, session)[names[i%3]](req, wrong(p))
		if j.Wait > 0 {
			if j.Wait > 24*time.Hour {
				t.Fatalf("a wait of %v", j.Wait)
			}
			h.Clock.Advance(j.Wait)
			continue
		}
		judged = append(judged, h.Clock.Now())
		h.Clock.Advance(time.Second)
	}
	for i := range judged {
		for span, most := range map[time.Duration]int{15 * time.Minute: 10, 24 * time.Hour: 20} {
			n := 0
			for _, other := range judged[i:] {
				if other.Before(judged[i].Add(span)) {
					n++
				}
			}
			if n > most {
				t.Errorf("%d were judged within %v, want %d at most", n, span, most)
			}
		}
	}
	if len(judged) < 15 {
		t.Errorf("only %d were judged in a day", len(judged))
	}
	if got := h.counters(u.ID).Streak; got != len(judged) {
		t.Errorf("%d in a row, want %d", got, len(judged))
	}
	h.Clock.Advance(24 * time.Hour)
	if issued := h.SignIn(amelie, authntest.Password, p); issued.Session.IsZero() {
		t.Error("the stop did not end by itself")
	}
}

// noise spends a person's unknown budget of codes.
func (h *house) noise(p *authntest.Phone) {
	h.t.Helper()
	for range 6 {
		h.Authn.Verify(h.t.Context(), h.at("198.51.100.66"), h.password(h.at("198.51.100.66"), amelie).Secret, factors.InputCode, wrong(p))
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Code()); v.Wait <= 0 {
		h.t.Fatalf("the noise stopped nothing: %+v", v)
	}
}

func TestAStrangersNoiseLeavesKeysAndKnownBrowsersAlone(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolKey(enrol.Flow{Session: session}, u)
	mine := h.From
	mine.Browser = h.SignIn(amelie, authntest.Password, p).Browser
	if mine.Browser.IsZero() {
		t.Fatal("no cookie for the browser")
	}
	h.noise(p)
	if v := h.verifyKey(h.password(h.From, amelie).Secret, k, 9); !v.Accepted() {
		t.Errorf("the key from an unknown browser: %+v", v.Verification)
	}
	h.noise(p) // the key ended the wait: noise once more
	v, err := h.Authn.Verify(t.Context(), mine, h.password(mine, amelie).Secret, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() {
		t.Errorf("a code from a known browser: %v, %+v", err, v.Verification)
	}
	for range 30 {
		h.Authn.StartWithPassword(t.Context(), h.at("198.51.100.66"), amelie, "wrong in any case", "")
		h.Clock.Advance(5 * time.Second)
	}
	_, err = h.Authn.StartWithPassword(t.Context(), h.From, amelie, authntest.Password, "")
	refused(t, err, errcode.RateLimited, "the right password from an unknown browser")
	h.password(mine, amelie)
}

func TestAKnownBrowserHasABudgetNotALicence(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	mine := h.From
	mine.Browser = h.SignIn(amelie, authntest.Password, p).Browser
	for range 5 {
		v, err := h.Authn.Verify(t.Context(), mine, h.password(mine, amelie).Secret, factors.InputCode, wrong(p))
		if err != nil || v.Rejected != factors.ReasonWrong {
			t.Fatalf("got %v, %+v", err, v.Verification)
		}
	}
	v, err := h.Authn.Verify(t.Context(), mine, h.password(mine, amelie).Secret, factors.InputCode, p.Code())
	if err != nil || v.Wait <= 0 {
		t.Errorf("after five wrong ones: %v, %+v", err, v.Verification)
	}
	if f := h.counters(u.ID); len(f.Known.Codes.Times) != 5 || len(f.Unknown.Codes.Times) != 0 {
		t.Errorf("counted %d known and %d unknown, want 5 and none", len(f.Known.Codes.Times), len(f.Unknown.Codes.Times))
	}
	h.SignIn(amelie, authntest.Password, p) // from an unknown one meanwhile
}

func TestARecoveryCodeCannotBeGuessed(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	codes := h.recoveryCodes(session)
	judged := 0
	for range 13 {
		v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte("0000-0000-0000-0000"))
		do(t, err, "guessing")
		if v.Wait == 0 {
			judged++
		}
	}
	if judged != 10 {
		t.Errorf("%d were judged, want 10", judged)
	}
	v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || v.Wait <= 0 || v.Wait > time.Hour {
		t.Errorf("a right one meanwhile: %v, %+v", err, v.Verification)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone meanwhile: %+v", v.Verification)
	}
}
