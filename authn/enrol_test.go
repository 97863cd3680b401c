package authn_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// acts are what asks for a fresh proof, each tried in a session.
func acts(h *house, p *authntest.Phone) map[string]func(secret.Value) error {
	ctx := h.t.Context()
	return map[string]func(secret.Value) error{
		"adding a device": func(session secret.Value) error {
			_, err := h.Enrolment.BeginEnrol(ctx, h.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind})
			return err
		},
		"making recovery codes": func(session secret.Value) error {
			_, err := h.Enrolment.BeginEnrol(ctx, h.From, enrol.Flow{Session: session}, enrol.Request{Kind: recovery.Kind})
			return err
		},
		"replacing a secret": func(session secret.Value) error {
			_, err := h.Enrolment.BeginEnrol(ctx, h.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind, Replace: p.Device})
			return err
		},
		"removing a device": func(session secret.Value) error {
			_, err := h.Authn.RemoveDevice(ctx, h.From, session, p.Device)
			return err
		},
		"removing a copy": func(session secret.Value) error {
			_, _, err := h.Enrolment.RemoveCopy(ctx, h.From, session, p.Device, "none")
			return err
		},
		"changing the password": func(session secret.Value) error {
			_, err := h.Authn.ChangePassword(ctx, h.From, session, "not the one", "sept chevaux dans un garage")
			return err
		},
	}
}

func TestWhatAsksForAFreshProof(t *testing.T) {
	h := newHouse(t)
	_, p, enrolled := h.Member(amelie, nil)
	h.Enrol(enrol.Flow{Session: enrolled}, "Second")
	signedIn := h.SignIn(amelie, authntest.Password, p).Session
	proven := h.SignIn(amelie, authntest.Password, p).Session
	h.prove(proven, p)
	codes := h.recoveryCodes(proven)
	v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || !v.Accepted() {
		t.Fatalf("a recovery code: %v, %+v", err, v.Verification)
	}
	adding := map[string]bool{"adding a device": true, "making recovery codes": true}
	for name, act := range acts(h, p) {
		if err := act(signedIn); errcode.Of(err) != errcode.StepUpRequired {
			t.Errorf("%s right after the sign-in: got %v", name, err)
		}
		for where, session := range map[string]secret.Value{"an enrolment": enrolled, "a recovery code": v.Credentials.Session} {
			if err := act(session); (errcode.Of(err) == errcode.StepUpRequired) == adding[name] {
				t.Errorf("%s after %s: got %v", name, where, err)
			}
		}
	}
	j, err := h.Enrolment.ShowQR(t.Context(), h.From, v.Credentials.Session, p.Device, "", "Autre", factors.InputBackup, []byte(codes[1]))
	if err != nil || j.Accepted() {
		t.Errorf("a recovery code shows the QR code: %v", err)
	}
	if j, err := h.Authn.StepUp(t.Context(), h.From, signedIn, factors.InputBackup, []byte(codes[1])); err != nil || j.Accepted() {
		t.Errorf("a recovery code is a fresh proof: %v", err)
	}
}

func TestAProofIsGoodForFiveMinutes(t *testing.T) {
	for name := range acts(newHouse(t), &authntest.Phone{}) {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			_, p, session := h.Member(amelie, nil)
			h.prove(session, p)
			h.Clock.Advance(account.StepUpTTL - time.Second)
			if err := acts(h, p)[name](session); errcode.Of(err) == errcode.StepUpRequired {
				t.Errorf("a second short of five minutes: %v", err)
			}
			h.Clock.Advance(time.Second)
			if err := acts(h, p)[name](session); errcode.Of(err) != errcode.StepUpRequired {
				t.Errorf("after five minutes: %v", err)
			}
		})
	}
}

func TestAPendingEnrolmentLendsItsProofToNothingElse(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	seat := enrol.Flow{Session: session}
	second := h.BeginPhone(seat, "Second")
	h.Clock.Advance(6 * time.Minute)
	_, err := h.Enrolment.BeginEnrol(t.Context(), h.From, seat, enrol.Request{Kind: totp.Kind})
	refused(t, err, errcode.StepUpRequired, "beginning another")
	if done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "Second", second.Code()); err != nil || !done.Accepted() {
		t.Errorf("finishing within ten minutes: %v, %q", err, done.Rejected)
	}
	h.prove(session, p)
	third := h.BeginPhone(seat, "Troisième")
	h.Clock.Advance(account.EnrolmentTTL)
	_, err = h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", third.Code())
	refused(t, err, errcode.StepUpRequired, "finishing after ten minutes")
	other := h.SignIn(amelie, authntest.Password, p).Session
	_, err = h.Enrolment.Pending(t.Context(), enrol.Flow{Session: other})
	refused(t, err, errcode.StepUpRequired, "a pending secret seen from another session")
}

func TestAKeysChallengeIsGoodForOneAnswer(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	seat := enrol.Flow{Session: session}
	_, err := h.Enrolment.BeginEnrol(t.Context(), h.From, seat, enrol.Request{Kind: webauthn.Kind, Name: "Clé"})
	do(t, err, "beginning")
	done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", []byte(`{}`))
	if err != nil || done.Accepted() {
		t.Fatalf("an empty answer: got %q, %v, want it refused", done.Rejected, err)
	}
	_, err = h.Enrolment.Pending(t.Context(), seat)
	refused(t, err, errcode.Expired, "answering the same challenge again")
}

func TestTheLastDeviceStaysAndPaperIsNoDevice(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	h.recoveryCodes(session)
	_, err := h.Authn.RemoveDevice(t.Context(), h.From, session, p.Device)
	refused(t, err, errcode.LastDevice, "removing the one phone")
	q, _ := h.Enrol(enrol.Flow{Session: session}, "Second")
	other, halfway := h.SignIn(amelie, authntest.Password, p).Session, h.password(h.From, amelie).Secret
	h.prove(session, p)
	h.EmptyOutbox()
	issued, err := h.Authn.RemoveDevice(t.Context(), h.From, session, p.Device)
	do(t, err, "removing the first phone")
	if h.alive(session) || h.alive(other) || !h.alive(issued.Session) || h.step(halfway) != authn.StepExpired {
		t.Error("the sessions do not stand as they should: this one re-issued, the others and logins dead")
	}
	if got := len(mailed[notice.DeviceRemoved](h)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the removed phone signs in")
	}
	h.SignIn(amelie, authntest.Password, q)
	_, err = h.Authn.RemoveDevice(t.Context(), h.From, issued.Session, q.Device)
	refused(t, err, errcode.LastDevice, "removing the other")
	if got := len(h.User(string(u.ID)).Devices); got != 2 {
		t.Errorf("got %d devices, want a phone and a sheet", got)
	}
}

func TestTwoDevicesRemovedAtOnceLeaveOne(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	q, _ := h.Enrol(enrol.Flow{Session: session}, "Second")
	other := h.SignIn(amelie, authntest.Password, q).Session
	h.prove(other, q)
	atOnce(2, func(i int) {
		h.Authn.RemoveDevice(t.Context(), h.From, []secret.Value{session, other}[i], []*authntest.Phone{p, q}[i].Device)
	})
	if got := len(h.User(string(u.ID)).Devices); got != 1 {
		t.Errorf("got %d devices, want 1", got)
	}
}

func TestConfirmingTwiceInParallelGivesOneDeviceAndOneMail(t *testing.T) {
	for _, inLogin := range []bool{true, false} {
		t.Run(map[bool]string{true: "in a login", false: "in a session"}[inLogin], func(t *testing.T) {
			h := newHouse(t)
			u, p, session := h.Member(amelie, nil)
			seat := enrol.Flow{Session: session}
			want := 2
			if inLogin {
				_, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
				seat, want = enrol.Flow{Transaction: h.password(h.From, amelie).Secret}, 1
				_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, seat.Transaction, code.Reveal())
				do(t, err, "presenting")
			} else {
				h.prove(session, p)
			}
			phone := h.BeginPhone(seat, "Nouveau")
			answer := phone.Code()
			h.EmptyOutbox()
			var mu sync.Mutex
			accepted := 0
			atOnce(8, func(int) {
				done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", answer)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && done.Accepted() {
					accepted++
				}
			})
			if got := len(h.User(string(u.ID)).Devices); accepted != 1 || got != want || len(mailed[notice.DeviceAdded](h)) != 1 {
				t.Errorf("%d accepted, %d devices, %d mails, want 1, %d, 1", accepted, got, len(mailed[notice.DeviceAdded](h)), want)
			}
			if v := h.verify(h.password(h.From, amelie).Secret, answer); v.Rejected != factors.ReasonReplayed {
				t.Errorf("the code that confirmed it, at the sign-in: got %q", v.Rejected)
			}
		})
	}
}

func TestAWrongConfirmationKeepsTheOldDevice(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	seat := enrol.Flow{Session: session}
	prompt, err := h.Enrolment.BeginEnrol(t.Context(), h.From, seat, enrol.Request{Kind: totp.Kind, Replace: p.Device})
	do(t, err, "beginning to replace")
	done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", wrong(p))
	if err != nil || done.Rejected != factors.ReasonWrong {
		t.Fatalf("got %+v, %v", done.Verification, err)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the old phone: %+v", v.Verification)
	}
	if strings.Contains(string(prompt.View), p.Secret) || len(h.User(string(u.ID)).Devices) != 1 {
		t.Error("the old secret was shown, or a device added")
	}
}

func TestOldRecoveryCodesDieWithTheRenewal(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	old := h.recoveryCodes(session)
	h.EmptyOutbox()
	fresh := h.recoveryCodes(session)
	if got := len(mailed[notice.RecoveryRenewed](h)); got != 1 || len(h.User(string(u.ID)).Devices) != 2 {
		t.Errorf("got %d mails and %d devices", got, len(h.User(string(u.ID)).Devices))
	}
	try := func(code string) bool {
		v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte(code))
		do(t, err, "a recovery code")
		return v.Accepted()
	}
	if try(old[0]) || !try(fresh[0]) {
		t.Error("an old code works, or a new one does not")
	}
}

func TestAChangeOfPasswordEndsEverythingElse(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	other, halfway := h.SignIn(amelie, authntest.Password, p).Session, h.password(h.From, amelie).Secret
	h.prove(session, p)
	_, err := h.Authn.ChangePassword(t.Context(), h.From, session, "not the one", another)
	refused(t, err, errcode.Invalid, "a wrong current password")
	if got := len(h.counters(u.ID).Unknown.Passwords.Times); got != 1 {
		t.Errorf("%d wrong passwords counted, want 1", got)
	}
	issued, err := h.Authn.ChangePassword(t.Context(), h.From, session, authntest.Password, another)
	do(t, err, "changing")
	if h.alive(session) || h.alive(other) || !h.alive(issued.Session) || h.step(halfway) != authn.StepExpired {
		t.Error("the sessions do not stand as they should")
	}
	h.SignIn(amelie, another, p)
}
