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
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

// Each endpoint accepts the code, and then every endpoint rejects it.
func TestVerify_RejectsUsedCodeAtEveryEndpoint(t *testing.T) {
	type place struct {
		env     *testEnv
		p       *authntest.Phone
		session secret.Value
	}
	endpoints := map[string]func(*testing.T, place, []byte) authn.Verification{
		"sign-in": func(t *testing.T, in place, code []byte) authn.Verification {
			return in.env.verify(in.env.password(in.env.From, amelie).Secret, code).Verification
		},
		"step-up": func(t *testing.T, in place, code []byte) authn.Verification {
			v, err := in.env.Authn.StepUp(t.Context(), in.env.From, in.session, factors.InputCode, code)
			must(t, err, "stepping up")
			return v
		},
		"showing the QR code": func(t *testing.T, in place, code []byte) authn.Verification {
			v, err := in.env.Enrolment.ShowQR(t.Context(), in.env.From, in.session, in.p.Device, "", "Tablette", factors.InputCode, code)
			must(t, err, "showing")
			return v
		},
		"confirming a copy": func(t *testing.T, in place, code []byte) authn.Verification {
			v, err := in.env.Enrolment.ConfirmCopy(t.Context(), in.env.From, in.session, code)
			must(t, err, "confirming")
			return v
		},
	}
	for first, spend := range endpoints {
		for second, retry := range endpoints {
			t.Run(first+", then "+second, func(t *testing.T) {
				env := newTestEnv(t)
				u, p, session := env.Member(amelie, nil)
				in := place{env, p, session}
				if strings.Contains(first+second, "confirming") {
					if v := endpoints["showing the QR code"](t, in, p.Next()); !v.Accepted() {
						t.Fatalf("showing: %+v", v)
					}
				}
				code := p.Next()
				if v := spend(t, in, code); !v.Accepted() {
					t.Fatalf("the first time: %+v", v)
				}
				if first == "confirming a copy" && first == second {
					if _, err := env.Enrolment.ConfirmCopy(t.Context(), env.From, session, code); errcode.Of(err) != errcode.Expired {
						t.Errorf("confirming twice: got %v", err)
					}
					return
				}
				if v := retry(t, in, code); v.Rejected != factors.ReasonReplayed {
					t.Errorf("the second time: got %q, want %q", v.Rejected, factors.ReasonReplayed)
				}
				if got := len(env.counters(u.ID).Unknown.Codes.Times); got != 0 {
					t.Errorf("%d wrong answers counted, want none: it was right once", got)
				}
			})
		}
	}
}

// concurrently calls it n times in parallel.
func concurrently(n int, it func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			it(i)
		})
	}
	close(start)
	all.Wait()
}

func TestVerify_ConcurrentRequestsOpenOneSession(t *testing.T) {
	for _, several := range []bool{false, true} {
		name := map[bool]string{false: "of one transaction", true: "of as many transactions"}[several]
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, session := env.Member(amelie, nil)
			must(t, env.Sessions.SignOut(t.Context(), env.From, session), "signing out")
			logins := make([]secret.Value, 24)
			for i := range logins {
				if logins[i] = logins[0]; i == 0 || several {
					logins[i] = env.password(env.From, amelie).Secret
				}
			}
			code := p.Next()
			accepted := make([]bool, len(logins))
			concurrently(len(logins), func(i int) {
				v, err := env.Authn.Verify(t.Context(), env.From, logins[i], factors.InputCode, code)
				switch errcode.Of(err) {
				case "":
					if err != nil {
						t.Errorf("post %d: %v", i, err)
					}
				case errcode.Expired, errcode.WrongState, errcode.Overloaded:
				default:
					t.Errorf("post %d: %v", i, err)
				}
				accepted[i] = err == nil && v.Accepted()
			})
			n := 0
			for _, a := range accepted {
				if a {
					n++
				}
			}
			if got := env.User(string(u.ID)); n != 1 || len(got.Sessions) != 1 {
				t.Errorf("%d accepted and %d sessions, want one", n, len(got.Sessions))
			}
			if f := env.counters(u.ID); len(f.Unknown.Codes.Times)+len(f.Known.Codes.Times)+f.Streak != 0 {
				t.Errorf("counted: %+v", f)
			}
			env.SignIn(amelie, authntest.Password, p)
		})
	}
}

// Another request signs in with the same code between the two runs of the closure that stores the sign-in.
func TestVerify_RejectsCodeUsedWhileStoring(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	mine, rivals := env.password(env.From, amelie).Secret, env.password(env.From, amelie).Secret
	code := p.Next()
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		if v := env.verify(rivals, code); !v.Accepted() {
			t.Errorf("the other request: rejected %q", v.Rejected)
		}
	}
	if v := env.verify(mine, code); v.Rejected != factors.ReasonReplayed {
		t.Errorf("got %q, want %q", v.Rejected, factors.ReasonReplayed)
	}
	if got := len(env.User(string(u.ID)).Sessions); got != 2 {
		t.Errorf("got %d sessions, want the first one and the other request's", got)
	}
}

func TestStepUp_RejectsCodeUsedWhileStoring(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	rivals := env.password(env.From, amelie).Secret
	code := p.Next()
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		if v := env.verify(rivals, code); !v.Accepted() {
			t.Errorf("the other request: rejected %q", v.Rejected)
		}
	}
	if j, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, code); err != nil || j.Rejected != factors.ReasonReplayed {
		t.Errorf("got %q, %v, want %q", j.Rejected, err, factors.ReasonReplayed)
	}
}

func TestVerify_RejectsInvalidCodes(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	_, others, _ := env.Member("paul@garage.example", nil)
	env.stepUp(session, p)
	pending := env.BeginPhone(enrol.Flow{Session: session}, "Second")
	env.Clock.Advance(30 * time.Second)
	for name, code := range map[string][]byte{
		"another user's code":          others.Code(),
		"the code of a pending secret": pending.Code(),
		"a wrong code":                 wrongCode(p),
		"five digits":                  p.Code()[:5],
		"seven digits":                 append(p.Code(), '0'),
		"a sign":                       append([]byte("-"), p.Code()[1:]...),
		"Arabic digits":                []byte("١٢٣٤٥٦"),
		"nothing":                      nil,
	} {
		if v := env.verify(env.password(env.From, amelie).Secret, code); v.Accepted() {
			t.Errorf("%s was accepted", name)
		}
	}
	if got := len(env.User(string(u.ID)).Devices); got != 1 {
		t.Errorf("got %d devices", got)
	}
}

func TestVerify_RecoveryCodeWorksOnce(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	codes := env.recoveryCodes(session)
	_, q, paulsSession := env.Member("paul@garage.example", nil)
	env.stepUp(paulsSession, q)
	pauls := env.recoveryCodes(paulsSession)
	try := func(code string) authn.Result {
		t.Helper()
		v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(code))
		must(t, err, "a recovery code")
		return v
	}
	if v := try(pauls[0]); v.Rejected != factors.ReasonWrong {
		t.Errorf("another user's code: got %q", v.Rejected)
	}
	env.Change(u.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail })
	env.EmptyOutbox()
	v := try(strings.ToLower(strings.ReplaceAll(codes[0], "-", "")))
	if !v.Accepted() || !v.Enrol || v.CodesLeft != 9 || len(mailed[notice.RecoveryUsed](env)) != 1 {
		t.Fatalf("got %+v and %d mails", v, len(mailed[notice.RecoveryUsed](env)))
	}
	if got := env.User(string(u.ID)).Password.Provenance; got != account.ProvenanceEmail {
		t.Errorf("the password's source: got %q: a recovery code is not a device", got)
	}
	if again := try(codes[0]); again.Rejected != factors.ReasonReplayed {
		t.Errorf("the same again: got %q", again.Rejected)
	}
	must(t, env.Enrolment.CheckAllowed(t.Context(), enrol.Flow{Session: v.Credentials.Session}), "enrolling after it")
	_, err := env.Authn.RemoveDevice(t.Context(), env.From, v.Credentials.Session, p.Device)
	wantCode(t, err, errcode.StepUpRequired, "removing a device after it")
	paul, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, "paul@garage.example").Secret, factors.InputBackup, []byte(pauls[0]))
	if err != nil || !paul.Accepted() {
		t.Errorf("the code stays good for its owner: %v, %q", err, paul.Rejected)
	}
	env.SignIn(amelie, authntest.Password, p)
	if got := env.User(string(u.ID)).Password.Provenance; got != account.ProvenanceUser {
		t.Errorf("after a device: got source %q", got)
	}
}

func TestVerify_ConcurrentRecoveryCodeSucceedsOnce(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	code := env.recoveryCodes(session)[0]
	logins := make([]secret.Value, 12)
	for i := range logins {
		logins[i] = env.password(env.From, amelie).Secret
	}
	var mu sync.Mutex
	accepted := 0
	concurrently(len(logins), func(i int) {
		v, err := env.Authn.Verify(t.Context(), env.From, logins[i], factors.InputBackup, []byte(code))
		mu.Lock()
		defer mu.Unlock()
		if err == nil && v.Accepted() {
			accepted++
		}
	})
	if accepted != 1 {
		t.Errorf("%d succeeded, want one", accepted)
	}
}

func TestVerify_RejectsRecoveryCodeAfterPasswordLink(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	codes := env.recoveryCodes(session)
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), "sept chevaux dans un garage")
	must(t, err, "choosing")
	v, err := env.Authn.Verify(t.Context(), env.From, started.Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || v.Accepted() {
		t.Fatalf("mailbox and recovery code signed in: %v", err)
	}
	if v = env.verify(started.Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone: rejected %q", v.Rejected)
	}
}

func TestVerify_DisablesClonedKey(t *testing.T) {
	env, _, p, session, k := newKeyEnv(t)
	if v := env.verifyKey(env.password(env.From, amelie).Secret, k, 9); !v.Accepted() {
		t.Fatalf("the key: rejected %q", v.Rejected)
	}
	env.EmptyOutbox()
	transaction := env.password(env.From, amelie).Secret
	v := env.verifyKey(transaction, k, 7)
	if v.Rejected != factors.ReasonClone || v.Step != authn.StepExpired {
		t.Errorf("a counter that goes back: got %q, step %q", v.Rejected, v.Step)
	}
	if got := len(mailed[notice.SecurityKeyDisabled](env)); got != 1 || env.sessionValid(session) || env.step(transaction) != authn.StepExpired {
		t.Errorf("got %d mails, session valid %v, transaction at %q", got, env.sessionValid(session), env.step(transaction))
	}
	transaction = env.password(env.From, amelie).Secret
	if prompt, err := env.Authn.BeginVerify(t.Context(), env.From, transaction, factors.InputAssertion); err != nil || len(prompt.JSON) != 0 {
		t.Errorf("the disabled key is accepted: %v, %s", err, prompt.JSON)
	}
	if v := env.verify(transaction, p.Next()); !v.Accepted() {
		t.Errorf("the phone: rejected %q", v.Rejected)
	}
}

func TestVerify_KeyAnswerIsValidOnceForItsChallenge(t *testing.T) {
	env, _, _, session, k := newKeyEnv(t)
	first, second := env.password(env.From, amelie).Secret, env.password(env.From, amelie).Secret
	prompt, err := env.Authn.BeginVerify(t.Context(), env.From, first, factors.InputAssertion)
	must(t, err, "asking")
	_, err = env.Authn.BeginVerify(t.Context(), env.From, second, factors.InputAssertion)
	must(t, err, "asking elsewhere")
	answer := k.answer(prompt, 9)
	for name, transaction := range map[string]secret.Value{"another transaction": second, "a transaction without a challenge": env.password(env.From, amelie).Secret} {
		if v, err := env.Authn.Verify(t.Context(), env.From, transaction, factors.InputAssertion, answer); err != nil || v.Accepted() {
			t.Errorf("in %s: %v, %+v", name, err, v.Verification)
		}
	}
	env.Clock.Advance(account.StepUpTTL)
	if v, err := env.Authn.Verify(t.Context(), env.From, first, factors.InputAssertion, answer); err != nil || v.Rejected != factors.ReasonExpired {
		t.Errorf("after five minutes: %v, %q", err, v.Rejected)
	}
	if v := env.verifyKey(first, k, 10); !v.Accepted() {
		t.Errorf("a new challenge: %q", v.Rejected)
	}
	prompt, err = env.Authn.BeginStepUp(t.Context(), env.From, session, factors.InputAssertion)
	must(t, err, "beginning a step-up")
	answer = k.answer(prompt, 11)
	if j, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, answer); err != nil || !j.Accepted() {
		t.Fatalf("verifying: %v, %+v", err, j)
	}
	if j, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, answer); err != nil || j.Accepted() {
		t.Errorf("verifying by the same answer: %v, %+v", err, j)
	}
}

func TestVerify_NotifiesAfterThreeWrongCodes(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	env.EmptyOutbox()
	for i := range 3 {
		if got := len(mailed[notice.WrongCodes](env)); got != 0 {
			t.Errorf("after %d: notified already", i)
		}
		env.verify(env.password(env.From, amelie).Secret, wrongCode(p)) // a new transaction each, as an attacker would
	}
	if got := len(mailed[notice.WrongCodes](env)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
}
