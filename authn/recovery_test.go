package authn_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// tryCode reports whether a recovery code signs amelie in, and how many codes are then left.
func (env *testEnv) tryCode(code string) (accepted bool, left int) {
	env.t.Helper()
	v, err := env.Authn.Verify(env.t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(code))
	must(env.t, err, "a recovery code")
	return v.Accepted(), v.CodesLeft
}

// wantCodes fails unless exactly the accepted ones of the codes sign amelie in. It uses the codes in their order.
func (env *testEnv) wantCodes(doing string, want bool, codes ...string) {
	env.t.Helper()
	for i, code := range codes {
		if got, _ := env.tryCode(code); got != want {
			env.t.Errorf("%s: code %d: got %v, want %v", doing, i, got, want)
		}
	}
}

func newRecoveryEnv(t *testing.T) (*testEnv, *authntest.Phone, secret.Value) {
	t.Helper()
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	return env, p, session
}

func TestRecoveryCodes_ShownAndAbandonedAtFirstEnrolmentWork(t *testing.T) {
	env, _, session := newRecoveryEnv(t)
	env.EmptyOutbox()
	codes, list := env.showRecoveryCodes(session)
	mails := mailed[notice.RecoveryShown](env)
	if len(mails) != 1 || !mails[0].OldUntil.IsZero() || len(env.Events(audit.RecoveryCodesMade)) != 1 {
		t.Errorf("got mails %+v and %d events at the showing", mails, len(env.Events(audit.RecoveryCodesMade)))
	}
	env.Clock.Advance(account.EnrolmentTTL)
	if err := env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, enrol.Flow{Session: session}, list); errcode.Of(err) == "" {
		t.Error("finished after ten minutes")
	}
	env.wantCodes("shown and abandoned", true, codes[0])
	env.Clock.Advance(30 * 24 * time.Hour)
	env.wantCodes("a month later", true, codes[1])
}

func TestRecoveryCodes_BothListsWork(t *testing.T) {
	for name, test := range map[string]struct {
		then     func(env *testEnv, session secret.Value, list factors.DeviceID, fresh []string)
		old, new bool
	}{
		"after the page was closed": {func(*testEnv, secret.Value, factors.DeviceID, []string) {}, true, true},
		"a second before 24 hours": {func(env *testEnv, _ secret.Value, _ factors.DeviceID, _ []string) {
			env.Clock.Advance(account.RecoveryOverlap - time.Second)
		}, true, true},
		"the new ones alone after 24 hours": {func(env *testEnv, _ secret.Value, _ factors.DeviceID, _ []string) {
			env.Clock.Advance(account.RecoveryOverlap)
		}, false, true},
		"the new ones alone after Finish": {func(env *testEnv, session secret.Value, list factors.DeviceID, _ []string) {
			must(t, env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, enrol.Flow{Session: session}, list), "finishing")
		}, false, true},
		"the new ones alone after a new one": {func(env *testEnv, _ secret.Value, _ factors.DeviceID, fresh []string) {
			if ok, left := env.tryCode(fresh[9]); !ok || left != 9 {
				t.Errorf("got %v, %d left, want 9", ok, left)
			}
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			env, _, session := newRecoveryEnv(t)
			old := env.recoveryCodes(session)
			env.EmptyOutbox()
			shown := env.Clock.Now()
			fresh, list := env.showRecoveryCodes(session)
			if mails := mailed[notice.RecoveryShown](env); len(mails) != 1 || !mails[0].OldUntil.Equal(shown.Add(24*time.Hour)) {
				t.Errorf("got mails %+v", mails)
			}
			test.then(env, session, list, fresh)
			if test.old { // first, because a new one ends the old ones
				if ok, left := env.tryCode(old[0]); !ok || left != 19 {
					t.Errorf("an old code: got %v, %d left, want 19", ok, left)
				}
			} else {
				env.wantCodes("an old code", false, old[1])
				ended := env.Events(audit.FactorRemoved)
				if byTime := name == "the new ones alone after 24 hours"; byTime != (len(ended) == 0) {
					t.Errorf("got %d events of the end of the old list", len(ended))
				}
			}
			env.wantCodes("a new code", test.new, fresh[0])
			env.wantCodes("an old code after it", false, old[2])
		})
	}
}

// TestRecoveryCodes_ThirdListReplacesTheUnfinishedOne shows lists and abandons each. The list that was finished stays.
func TestRecoveryCodes_ThirdListReplacesTheUnfinishedOne(t *testing.T) {
	env, _, session := newRecoveryEnv(t)
	first := env.recoveryCodes(session)
	second, _ := env.showRecoveryCodes(session)
	third, _ := env.showRecoveryCodes(session)
	if u := env.User(amelie); len(env.Accounts.RecoveryLists(&u)) != 2 {
		t.Errorf("got %d lists, want 2", len(env.Accounts.RecoveryLists(&u)))
	}
	env.wantCodes("the first list", true, first[0])
	env.wantCodes("the second list", false, second[0])
	env.wantCodes("the third list", true, third[0])
}

func TestRecoveryCodes_UsedUpListIsReplaced(t *testing.T) {
	env, _, session := newRecoveryEnv(t)
	first := env.recoveryCodes(session)
	env.wantCodes("the first list", true, first...)
	env.showRecoveryCodes(session)
	if u := env.User(amelie); len(env.Accounts.RecoveryLists(&u)) != 1 || !env.Accounts.RecoveryUntil(&u).IsZero() {
		t.Error("a list without codes is kept")
	}
}

// TestRecoveryCodes_FinishIsAboutTheListOnThePage finishes, in one tab, a list that another tab has replaced.
func TestRecoveryCodes_FinishIsAboutTheListOnThePage(t *testing.T) {
	env, p, session := newRecoveryEnv(t)
	other := env.SignIn(amelie, authntest.Password, p).Session
	env.stepUp(other, p)
	env.recoveryCodes(session)
	flow := enrol.Flow{Session: session}
	_, tab := env.showRecoveryCodes(session)
	_, elsewhere := env.showRecoveryCodes(other)
	wantCode(t, env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, flow, tab), errcode.NotFound, "finishing a list that is replaced")
	wantCode(t, env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, flow, elsewhere), errcode.Expired, "finishing the list of another session")
	wantCode(t, env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, flow, ""), errcode.NotFound, "finishing no list")
	_, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", nil)
	wantCode(t, err, errcode.Expired, "finishing codes as a device")
	if u := env.User(amelie); len(env.Accounts.RecoveryLists(&u)) != 2 {
		t.Errorf("got %d lists, want 2", len(env.Accounts.RecoveryLists(&u)))
	}
	must(t, env.Enrolment.FinishRecoveryCodes(t.Context(), env.From, enrol.Flow{Session: other}, elsewhere), "finishing where it is shown")
}

// TestAttack_RecoveryCodesShownAndAbandoned shows a list in a session without its user. It needs a step-up, and the user is
// notified at once.
func TestAttack_RecoveryCodesShownAndAbandoned(t *testing.T) {
	env, p, session := newRecoveryEnv(t)
	own := env.recoveryCodes(session)
	env.Clock.Advance(account.StepUpTTL)
	env.EmptyOutbox()
	env.wantUnchanged("showing without a step-up", func() {
		_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Session: session}, enrol.Request{Kind: "recovery"})
		wantCode(t, err, errcode.StepUpRequired, "showing without a step-up")
	})
	env.stepUp(session, p)
	env.showRecoveryCodes(session)
	if got := len(mailed[notice.RecoveryShown](env)); got != 1 {
		t.Errorf("got %d mails, want one at the showing", got)
	}
	env.wantCodes("the user's own codes", true, own[0])
}

// guessRecoveryCodes tries wrong codes in new sign-ins, and expects that ten of them are verified.
func (env *testEnv) guessRecoveryCodes() {
	env.t.Helper()
	verified := 0
	for range 13 {
		v, err := env.Authn.Verify(env.t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte("0000-0000-0000-0000"))
		must(env.t, err, "guessing")
		if v.Wait == 0 {
			verified++
		}
	}
	if verified != 10 {
		env.t.Errorf("%d were verified, want 10", verified)
	}
}

func TestAttack_TwoListsShareTheLimitOfRecoveryCodes(t *testing.T) {
	env, _, session := newRecoveryEnv(t)
	env.recoveryCodes(session)
	codes, _ := env.showRecoveryCodes(session)
	env.guessRecoveryCodes()
	env.wantCodes("a right code meanwhile", false, codes[0])
}
