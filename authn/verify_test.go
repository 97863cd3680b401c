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

// Each door takes the code, and every door refuses it after that.
func TestACodeSpentOnOneDoorIsSpentOnAll(t *testing.T) {
	type place struct {
		h       *house
		p       *authntest.Phone
		session secret.Value
	}
	doors := map[string]func(*testing.T, place, []byte) authn.Verification{
		"sign-in": func(t *testing.T, in place, code []byte) authn.Verification {
			return in.h.verify(in.h.password(in.h.From, amelie).Secret, code).Verification
		},
		"fresh proof": func(t *testing.T, in place, code []byte) authn.Verification {
			j, err := in.h.Authn.StepUp(t.Context(), in.h.From, in.session, factors.InputCode, code)
			do(t, err, "proving")
			return j
		},
		"showing the QR code": func(t *testing.T, in place, code []byte) authn.Verification {
			j, err := in.h.Enrolment.ShowQR(t.Context(), in.h.From, in.session, in.p.Device, "", "Tablette", factors.InputCode, code)
			do(t, err, "showing")
			return j
		},
		"confirming a copy": func(t *testing.T, in place, code []byte) authn.Verification {
			j, err := in.h.Enrolment.ConfirmCopy(t.Context(), in.h.From, in.session, code)
			do(t, err, "confirming")
			return j
		},
	}
	for first, spend := range doors {
		for second, retry := range doors {
			t.Run(first+", then "+second, func(t *testing.T) {
				h := newHouse(t)
				u, p, session := h.Member(amelie, nil)
				in := place{h, p, session}
				if strings.Contains(first+second, "confirming") {
					if j := doors["showing the QR code"](t, in, p.Next()); !j.Accepted() {
						t.Fatalf("showing: %+v", j)
					}
				}
				code := p.Next()
				if j := spend(t, in, code); !j.Accepted() {
					t.Fatalf("the first time: %+v", j)
				}
				if first == "confirming a copy" && first == second {
					if _, err := h.Enrolment.ConfirmCopy(t.Context(), h.From, session, code); errcode.Of(err) != errcode.Expired {
						t.Errorf("confirming twice: got %v", err)
					}
					return
				}
				if j := retry(t, in, code); j.Rejected != factors.ReasonReplayed {
					t.Errorf("the second time: got %q, want %q", j.Rejected, factors.ReasonReplayed)
				}
				if got := len(h.counters(u.ID).Unknown.Codes.Times); got != 0 {
					t.Errorf("%d wrong answers counted, want none: it was right once", got)
				}
			})
		}
	}
}

// atOnce runs it n times at once.
func atOnce(n int, it func(i int)) {
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

func TestOneCodeInTwentyFourPostsGivesOneSession(t *testing.T) {
	for _, several := range []bool{false, true} {
		name := map[bool]string{false: "of one login", true: "of as many logins"}[several]
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			u, p, session := h.Member(amelie, nil)
			do(t, h.Sessions.SignOut(t.Context(), h.From, session), "signing out")
			logins := make([]secret.Value, 24)
			for i := range logins {
				if logins[i] = logins[0]; i == 0 || several {
					logins[i] = h.password(h.From, amelie).Secret
				}
			}
			code := p.Next()
			accepted := make([]bool, len(logins))
			atOnce(len(logins), func(i int) {
				v, err := h.Authn.Verify(t.Context(), h.From, logins[i], factors.InputCode, code)
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
			if got := h.User(string(u.ID)); n != 1 || len(got.Sessions) != 1 {
				t.Errorf("%d accepted and %d sessions, want one", n, len(got.Sessions))
			}
			if f := h.counters(u.ID); len(f.Unknown.Codes.Times)+len(f.Known.Codes.Times)+f.Streak != 0 {
				t.Errorf("counted: %+v", f)
			}
			h.SignIn(amelie, authntest.Password, p)
		})
	}
}

// The rival signs in with the same code between the two runs of the closure that stores the sign-in.
func TestARivalWithTheSameCodeBetweenJudgingAndStoring(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	mine, rivals := h.password(h.From, amelie).Secret, h.password(h.From, amelie).Secret
	code := p.Next()
	rerun := h.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		if v := h.verify(rivals, code); !v.Accepted() {
			t.Errorf("the rival: rejected %q", v.Rejected)
		}
	}
	if v := h.verify(mine, code); v.Rejected != factors.ReasonReplayed {
		t.Errorf("got %q, want %q", v.Rejected, factors.ReasonReplayed)
	}
	if got := len(h.User(string(u.ID)).Sessions); got != 2 {
		t.Errorf("got %d sessions, want the first one and the rival's", got)
	}
}

func TestARivalWithTheSameCodeWhileAProofIsStored(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	rivals := h.password(h.From, amelie).Secret
	code := p.Next()
	rerun := h.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		if v := h.verify(rivals, code); !v.Accepted() {
			t.Errorf("the rival: rejected %q", v.Rejected)
		}
	}
	if j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputCode, code); err != nil || j.Rejected != factors.ReasonReplayed {
		t.Errorf("got %q, %v, want %q", j.Rejected, err, factors.ReasonReplayed)
	}
}

func TestWhatIsNoCodeOfThisPersonIsRefused(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	_, others, _ := h.Member("paul@garage.example", nil)
	h.prove(session, p)
	pending := h.BeginPhone(enrol.Flow{Session: session}, "Second")
	h.Clock.Advance(30 * time.Second)
	for name, code := range map[string][]byte{
		"another person's code":        others.Code(),
		"the code of a pending secret": pending.Code(),
		"a wrong code":                 wrong(p),
		"five digits":                  p.Code()[:5],
		"seven digits":                 append(p.Code(), '0'),
		"a sign":                       append([]byte("-"), p.Code()[1:]...),
		"Arabic digits":                []byte("١٢٣٤٥٦"),
		"nothing":                      nil,
	} {
		if v := h.verify(h.password(h.From, amelie).Secret, code); v.Accepted() {
			t.Errorf("%s was accepted", name)
		}
	}
	if got := len(h.User(string(u.ID)).Devices); got != 1 {
		t.Errorf("got %d devices", got)
	}
}

func TestARecoveryCodeWorksOnceAndLeadsToEnrolment(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	codes := h.recoveryCodes(session)
	_, q, paulsSession := h.Member("paul@garage.example", nil)
	h.prove(paulsSession, q)
	pauls := h.recoveryCodes(paulsSession)
	try := func(code string) authn.Result {
		t.Helper()
		v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte(code))
		do(t, err, "a recovery code")
		return v
	}
	if v := try(pauls[0]); v.Rejected != factors.ReasonWrong {
		t.Errorf("another person's code: got %q", v.Rejected)
	}
	h.Change(u.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail })
	h.EmptyOutbox()
	v := try(strings.ToLower(strings.ReplaceAll(codes[0], "-", "")))
	if !v.Accepted() || !v.Enrol || v.CodesLeft != 9 || len(mailed[notice.RecoveryUsed](h)) != 1 {
		t.Fatalf("got %+v and %d mails", v, len(mailed[notice.RecoveryUsed](h)))
	}
	if got := h.User(string(u.ID)).Password.Provenance; got != account.ProvenanceEmail {
		t.Errorf("the password's source: got %q: paper is no device (PROTOCOL 8)", got)
	}
	if again := try(codes[0]); again.Rejected != factors.ReasonReplayed {
		t.Errorf("the same again: got %q", again.Rejected)
	}
	do(t, h.Enrolment.CheckAllowed(t.Context(), enrol.Flow{Session: v.Credentials.Session}), "enrolling after it")
	_, err := h.Authn.RemoveDevice(t.Context(), h.From, v.Credentials.Session, p.Device)
	refused(t, err, errcode.StepUpRequired, "removing a device after it")
	paul, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, "paul@garage.example").Secret, factors.InputBackup, []byte(pauls[0]))
	if err != nil || !paul.Accepted() {
		t.Errorf("the code stays good for its owner: %v, %q", err, paul.Rejected)
	}
	h.SignIn(amelie, authntest.Password, p)
	if got := h.User(string(u.ID)).Password.Provenance; got != account.ProvenanceUser {
		t.Errorf("after a device: got source %q", got)
	}
}

func TestARecoveryCodeInParallelSucceedsOnce(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	code := h.recoveryCodes(session)[0]
	logins := make([]secret.Value, 12)
	for i := range logins {
		logins[i] = h.password(h.From, amelie).Secret
	}
	var mu sync.Mutex
	accepted := 0
	atOnce(len(logins), func(i int) {
		v, err := h.Authn.Verify(t.Context(), h.From, logins[i], factors.InputBackup, []byte(code))
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

func TestARecoveryCodeNeedsThePassword(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	codes := h.recoveryCodes(session)
	started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, h.forgot(), "sept chevaux dans un garage")
	do(t, err, "choosing")
	v, err := h.Authn.Verify(t.Context(), h.From, started.Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || v.Accepted() {
		t.Fatalf("mailbox and paper signed in: %v", err)
	}
	if v = h.verify(started.Secret, p.Next()); !v.Accepted() {
		t.Errorf("the phone: rejected %q", v.Rejected)
	}
}

func TestAClonedKeyIsMarkedMailedAndEndsWhatStoodOnIt(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolKey(enrol.Flow{Session: session}, u)
	if v := h.verifyKey(h.password(h.From, amelie).Secret, k, 9); !v.Accepted() {
		t.Fatalf("the key: rejected %q", v.Rejected)
	}
	h.EmptyOutbox()
	login := h.password(h.From, amelie).Secret
	v := h.verifyKey(login, k, 7)
	if v.Rejected != factors.ReasonClone || v.Step != authn.StepExpired {
		t.Errorf("a counter that goes back: got %q, step %q", v.Rejected, v.Step)
	}
	if got := len(mailed[notice.SecurityKeyDisabled](h)); got != 1 || h.alive(session) || h.step(login) != authn.StepExpired {
		t.Errorf("got %d mails, session alive %v, login at %q", got, h.alive(session), h.step(login))
	}
	login = h.password(h.From, amelie).Secret
	if prompt, err := h.Authn.BeginVerify(t.Context(), h.From, login, factors.InputAssertion); err != nil || len(prompt.JSON) != 0 {
		t.Errorf("the marked key is asked for: %v, %s", err, prompt.JSON)
	}
	if v := h.verify(login, p.Next()); !v.Accepted() {
		t.Errorf("the phone: rejected %q", v.Rejected)
	}
}

func TestAKeysAnswerIsGoodForItsOwnChallengeOnce(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	k := h.enrolKey(enrol.Flow{Session: session}, u)
	first, second := h.password(h.From, amelie).Secret, h.password(h.From, amelie).Secret
	prompt, err := h.Authn.BeginVerify(t.Context(), h.From, first, factors.InputAssertion)
	do(t, err, "asking")
	_, err = h.Authn.BeginVerify(t.Context(), h.From, second, factors.InputAssertion)
	do(t, err, "asking elsewhere")
	answer := k.answer(prompt, 9)
	for name, login := range map[string]secret.Value{"another login": second, "a login that asked for none": h.password(h.From, amelie).Secret} {
		if v, err := h.Authn.Verify(t.Context(), h.From, login, factors.InputAssertion, answer); err != nil || v.Accepted() {
			t.Errorf("in %s: %v, %+v", name, err, v.Verification)
		}
	}
	h.Clock.Advance(account.StepUpTTL)
	if v, err := h.Authn.Verify(t.Context(), h.From, first, factors.InputAssertion, answer); err != nil || v.Rejected != factors.ReasonExpired {
		t.Errorf("after five minutes: %v, %q", err, v.Rejected)
	}
	if v := h.verifyKey(first, k, 10); !v.Accepted() {
		t.Errorf("a new challenge: %q", v.Rejected)
	}
	prompt, err = h.Authn.BeginStepUp(t.Context(), h.From, session, factors.InputAssertion)
	do(t, err, "asking for a proof")
	answer = k.answer(prompt, 11)
	if j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputAssertion, answer); err != nil || !j.Accepted() {
		t.Fatalf("proving: %v, %+v", err, j)
	}
	if j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputAssertion, answer); err != nil || j.Accepted() {
		t.Errorf("proving by the same answer: %v, %+v", err, j)
	}
}

func TestThreeWrongCodesBehindTheRightPasswordAreTold(t *testing.T) {
	h := newHouse(t)
	_, p, _ := h.Member(amelie, nil)
	h.EmptyOutbox()
	for i := range 3 {
		if got := len(mailed[notice.WrongCodes](h)); got != 0 {
			t.Errorf("after %d: told already", i)
		}
		h.verify(h.password(h.From, amelie).Secret, wrong(p)) // a new login each: a guesser would
	}
	if got := len(mailed[notice.WrongCodes](h)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
}
