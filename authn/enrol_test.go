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

// stepUpOperations are the operations that need a step-up.
func stepUpOperations(env *testEnv, p *authntest.Phone) map[string]func(secret.Value) error {
	ctx := env.t.Context()
	return map[string]func(secret.Value) error{
		"adding a device": func(session secret.Value) error {
			_, err := env.Enrolment.BeginEnrol(ctx, env.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind})
			return err
		},
		"making recovery codes": func(session secret.Value) error {
			_, err := env.Enrolment.BeginEnrol(ctx, env.From, enrol.Flow{Session: session}, enrol.Request{Kind: recovery.Kind})
			return err
		},
		"replacing a secret": func(session secret.Value) error {
			_, err := env.Enrolment.BeginEnrol(ctx, env.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind, Replace: p.Device})
			return err
		},
		"removing a device": func(session secret.Value) error {
			_, err := env.Authn.RemoveDevice(ctx, env.From, session, p.Device)
			return err
		},
		"removing a copy": func(session secret.Value) error {
			_, _, err := env.Enrolment.RemoveCopy(ctx, env.From, session, p.Device, "none")
			return err
		},
		"changing the password": func(session secret.Value) error {
			_, err := env.Authn.ChangePassword(ctx, env.From, session, "not the one", "sept chevaux dans un garage")
			return err
		},
	}
}

func TestStepUp_RequiredOperations(t *testing.T) {
	env := newTestEnv(t)
	_, p, enrolled := env.Member(amelie, nil)
	env.Enrol(enrol.Flow{Session: enrolled}, "Second")
	signedIn := env.SignIn(amelie, authntest.Password, p).Session
	proven := env.SignIn(amelie, authntest.Password, p).Session
	env.stepUp(proven, p)
	codes := env.recoveryCodes(proven)
	v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || !v.Accepted() {
		t.Fatalf("a recovery code: %v, %+v", err, v.Verification)
	}
	adding := map[string]bool{"adding a device": true, "making recovery codes": true}
	for name, act := range stepUpOperations(env, p) {
		if err := act(signedIn); errcode.Of(err) != errcode.StepUpRequired {
			t.Errorf("%s right after the sign-in: got %v", name, err)
		}
		for where, session := range map[string]secret.Value{"an enrolment": enrolled, "a recovery code": v.Credentials.Session} {
			if err := act(session); (errcode.Of(err) == errcode.StepUpRequired) == adding[name] {
				t.Errorf("%s after %s: got %v", name, where, err)
			}
		}
	}
	j, err := env.Enrolment.ShowQR(t.Context(), env.From, v.Credentials.Session, p.Device, "", "Autre", factors.InputBackup, []byte(codes[1]))
	if err != nil || j.Accepted() {
		t.Errorf("a recovery code shows the QR code: %v", err)
	}
	if j, err := env.Authn.StepUp(t.Context(), env.From, signedIn, factors.InputBackup, []byte(codes[1])); err != nil || j.Accepted() {
		t.Errorf("a recovery code is a step-up: %v", err)
	}
}

func TestStepUp_LastsFiveMinutes(t *testing.T) {
	for name := range stepUpOperations(newTestEnv(t), &authntest.Phone{}) {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t)
			_, p, session := env.Member(amelie, nil)
			env.stepUp(session, p)
			env.Clock.Advance(account.StepUpTTL - time.Second)
			if err := stepUpOperations(env, p)[name](session); errcode.Of(err) == errcode.StepUpRequired {
				t.Errorf("a second short of five minutes: %v", err)
			}
			env.Clock.Advance(time.Second)
			if err := stepUpOperations(env, p)[name](session); errcode.Of(err) != errcode.StepUpRequired {
				t.Errorf("after five minutes: %v", err)
			}
		})
	}
}

func TestStepUp_OfPendingEnrolmentDoesNotCountElsewhere(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	flow := enrol.Flow{Session: session}
	second := env.BeginPhone(flow, "Second")
	env.Clock.Advance(6 * time.Minute)
	_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, flow, enrol.Request{Kind: totp.Kind})
	wantCode(t, err, errcode.StepUpRequired, "beginning another")
	if done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "Second", second.Code()); err != nil || !done.Accepted() {
		t.Errorf("finishing within ten minutes: %v, %q", err, done.Rejected)
	}
	env.stepUp(session, p)
	third := env.BeginPhone(flow, "Troisième")
	env.Clock.Advance(account.EnrolmentTTL)
	_, err = env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", third.Code())
	wantCode(t, err, errcode.StepUpRequired, "finishing after ten minutes")
	other := env.SignIn(amelie, authntest.Password, p).Session
	_, err = env.Enrolment.Pending(t.Context(), enrol.Flow{Session: other})
	wantCode(t, err, errcode.StepUpRequired, "a pending secret seen from another session")
}

func TestFinishEnrol_ChallengeIsValidOnce(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	flow := enrol.Flow{Session: session}
	_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, flow, enrol.Request{Kind: webauthn.Kind, Name: "Clé"})
	must(t, err, "beginning")
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", []byte(`{}`))
	if err != nil || done.Accepted() {
		t.Fatalf("an empty answer: got %q, %v, want it refused", done.Rejected, err)
	}
	_, err = env.Enrolment.Pending(t.Context(), flow)
	wantCode(t, err, errcode.Expired, "answering the same challenge again")
}

func TestRemoveDevice_KeepsLastPrimaryDevice(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	env.recoveryCodes(session)
	_, err := env.Authn.RemoveDevice(t.Context(), env.From, session, p.Device)
	wantCode(t, err, errcode.LastDevice, "removing the one phone")
	q, _ := env.Enrol(enrol.Flow{Session: session}, "Second")
	other, halfway := env.SignIn(amelie, authntest.Password, p).Session, env.password(env.From, amelie).Secret
	env.stepUp(session, p)
	env.EmptyOutbox()
	issued, err := env.Authn.RemoveDevice(t.Context(), env.From, session, p.Device)
	must(t, err, "removing the first phone")
	if env.sessionValid(session) || env.sessionValid(other) || !env.sessionValid(issued.Session) || env.step(halfway) != authn.StepExpired {
		t.Error("the sessions have a wrong state: this one rotated, the others and transactions ended")
	}
	if got := len(mailed[notice.DeviceRemoved](env)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the removed phone signs in")
	}
	env.SignIn(amelie, authntest.Password, q)
	_, err = env.Authn.RemoveDevice(t.Context(), env.From, issued.Session, q.Device)
	wantCode(t, err, errcode.LastDevice, "removing the other")
	if got := len(env.User(string(u.ID)).Devices); got != 2 {
		t.Errorf("got %d devices, want a phone and recovery codes", got)
	}
}

func TestRemoveDevice_ConcurrentRemovalsLeaveOne(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	q, _ := env.Enrol(enrol.Flow{Session: session}, "Second")
	other := env.SignIn(amelie, authntest.Password, q).Session
	env.stepUp(other, q)
	concurrently(2, func(i int) {
		env.Authn.RemoveDevice(t.Context(), env.From, []secret.Value{session, other}[i], []*authntest.Phone{p, q}[i].Device)
	})
	if got := len(env.User(string(u.ID)).Devices); got != 1 {
		t.Errorf("got %d devices, want 1", got)
	}
}

func TestFinishEnrol_ConcurrentConfirmationsStoreOneDevice(t *testing.T) {
	for _, inLogin := range []bool{true, false} {
		t.Run(map[bool]string{true: "in a transaction", false: "in a session"}[inLogin], func(t *testing.T) {
			env := newTestEnv(t)
			u, p, session := env.Member(amelie, nil)
			flow := enrol.Flow{Session: session}
			want := 2
			if inLogin {
				_, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
				flow, want = enrol.Flow{Transaction: env.password(env.From, amelie).Secret}, 1
				_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, flow.Transaction, code.Reveal())
				must(t, err, "presenting")
			} else {
				env.stepUp(session, p)
			}
			phone := env.BeginPhone(flow, "Nouveau")
			answer := phone.Code()
			env.EmptyOutbox()
			var mu sync.Mutex
			accepted := 0
			concurrently(8, func(int) {
				done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", answer)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && done.Accepted() {
					accepted++
				}
			})
			if got := len(env.User(string(u.ID)).Devices); accepted != 1 || got != want || len(mailed[notice.DeviceAdded](env)) != 1 {
				t.Errorf("%d accepted, %d devices, %d mails, want 1, %d, 1", accepted, got, len(mailed[notice.DeviceAdded](env)), want)
			}
			if v := env.verify(env.password(env.From, amelie).Secret, answer); v.Rejected != factors.ReasonReplayed {
				t.Errorf("the code that confirmed it, at the sign-in: got %q", v.Rejected)
			}
		})
	}
}

func TestFinishEnrol_WrongCodeKeepsReplacedDevice(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	flow := enrol.Flow{Session: session}
	prompt, err := env.Enrolment.BeginEnrol(t.Context(), env.From, flow, enrol.Request{Kind: totp.Kind, Replace: p.Device})
	must(t, err, "beginning to replace")
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", wrongCode(p))
	if err != nil || done.Rejected != factors.ReasonWrong {
		t.Fatalf("got %+v, %v", done.Verification, err)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Errorf("the old phone: %+v", v.Verification)
	}
	if strings.Contains(string(prompt.View), p.Secret) || len(env.User(string(u.ID)).Devices) != 1 {
		t.Error("the old secret was shown, or a device added")
	}
}

func TestFinishEnrol_NewRecoveryCodesReplaceOldOnes(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	old := env.recoveryCodes(session)
	env.EmptyOutbox()
	fresh := env.recoveryCodes(session)
	if got := len(mailed[notice.RecoveryShown](env)); got != 1 || len(env.User(string(u.ID)).Devices) != 2 {
		t.Errorf("got %d mails and %d devices", got, len(env.User(string(u.ID)).Devices))
	}
	try := func(code string) bool {
		v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(code))
		must(t, err, "a recovery code")
		return v.Accepted()
	}
	if try(old[0]) || !try(fresh[0]) {
		t.Error("an old code works, or a new one does not")
	}
}

func TestChangePassword_EndsOtherSessionsAndTransactions(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	other, halfway := env.SignIn(amelie, authntest.Password, p).Session, env.password(env.From, amelie).Secret
	env.stepUp(session, p)
	_, err := env.Authn.ChangePassword(t.Context(), env.From, session, "not the one", another)
	wantCode(t, err, errcode.Invalid, "a wrong current password")
	if got := len(env.counters(u.ID).Unknown.Passwords.Times); got != 1 {
		t.Errorf("%d wrong passwords counted, want 1", got)
	}
	issued, err := env.Authn.ChangePassword(t.Context(), env.From, session, authntest.Password, another)
	must(t, err, "changing")
	if env.sessionValid(session) || env.sessionValid(other) || !env.sessionValid(issued.Session) || env.step(halfway) != authn.StepExpired {
		t.Error("the sessions have a wrong state")
	}
	env.SignIn(amelie, another, p)
}
