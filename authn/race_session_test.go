package authn_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// limitOrReason returns what became of an answer, for atOnce.
func limitOrReason(v authn.Verification, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case v.Wait > 0:
		return refusedByLimit
	}
	return string(v.Rejected)
}

// wantTwoOfTen fails unless two of ten wrong codes at once were verified, after three.
func (env *testEnv) wantTwoOfTen(id account.UserID, got map[string]int) {
	env.t.Helper()
	if got[string(factors.ReasonWrong)] != 2 || got[refusedByLimit] != 8 {
		env.t.Errorf("got %v, want 2 more verified and 8 refused", got)
	}
	if f := env.counters(id); f.Streak != 5 {
		env.t.Errorf("counted %d, want 5", f.Streak)
	}
}

func TestStepUp_WrongCodesAtOnceStopAtFive(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	wrong := wrongCode(p)
	for range noticeAt {
		_, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, wrong)
		must(t, err, "a wrong code")
	}
	env.wantTwoOfTen(u.ID, env.atOnce(10, func(node *testEnv) string {
		return limitOrReason(node.Authn.StepUp(t.Context(), node.From, session, factors.InputCode, wrong))
	}))
}

func TestVerifyByAdmin_WrongCodesAtOnceStopAtFive(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	wrong, call := wrongCode(p), adminCall("uboss", "a", u.ID)
	for range noticeAt {
		_, err := env.Authn.VerifyByAdmin(t.Context(), env.From, call, p.Device, wrong)
		must(t, err, "a wrong code")
	}
	env.wantTwoOfTen(u.ID, env.atOnce(10, func(node *testEnv) string {
		return limitOrReason(node.Authn.VerifyByAdmin(t.Context(), node.From, call, p.Device, wrong))
	}))
}

// spend sends wrong codes at the API until the limit refuses one more.
func (env *testEnv) spend(p *authntest.Phone, id account.UserID) {
	env.t.Helper()
	for range 5 {
		v, err := env.Authn.VerifyByAdmin(env.t.Context(), env.From, adminCall("uboss", "a", id), p.Device, wrongCode(p))
		if must(env.t, err, "a wrong code"); v.Wait > 0 {
			env.t.Fatalf("refused early: %v", v.Wait)
		}
	}
}

// A right code that was verified before the limit was reached, and is stored after, is refused and changes nothing.
func TestVerify_RightCodeIsRefusedIfTheLimitWasReachedMeanwhile(t *testing.T) {
	for name, try := range map[string]func(env *testEnv, p *authntest.Phone, u account.User, session, transaction secret.Value) (authn.Verification, error){
		"step-up": func(env *testEnv, p *authntest.Phone, _ account.User, session, _ secret.Value) (authn.Verification, error) {
			return env.Authn.StepUp(env.t.Context(), env.From, session, factors.InputCode, p.Next())
		},
		"verification by an administrator": func(env *testEnv, p *authntest.Phone, u account.User, _, _ secret.Value) (authn.Verification, error) {
			return env.Authn.VerifyByAdmin(env.t.Context(), env.From, adminCall("uboss", "a", u.ID), p.Device, p.Next())
		},
		"sign-in": func(env *testEnv, p *authntest.Phone, _ account.User, _, transaction secret.Value) (authn.Verification, error) {
			v, err := env.Authn.Verify(env.t.Context(), env.From, transaction, factors.InputCode, p.Next())
			return v.Verification, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, session := env.Member(amelie, nil)
			transaction := env.password(env.From, amelie).Secret
			var revision uint64
			var events int
			env.between(func() {
				env.spend(p, u.ID)
				events, revision = len(env.Events()), env.User(amelie).Revision
			})
			v, err := try(env, p, u, session, transaction)
			if err != nil || v.Wait <= 0 {
				t.Errorf("got %+v, %v, want a wait", v, err)
			}
			if got := len(env.Events()); got != events || env.User(amelie).Revision != revision {
				t.Errorf("%d events for an answer that is not verified, revision %d after %d", got-events, env.User(amelie).Revision, revision)
			}
			if f := env.counters(u.ID); f.Streak != 5 {
				t.Errorf("counted %d, want 5", f.Streak)
			}
		})
	}
}

func passwordChange(id account.UserID, current string) authn.PasswordChange {
	return authn.PasswordChange{Find: func(r account.Reader) (account.User, error) { return r.User(id) }, Provenance: "uboss", Current: current, Chosen: another,
		OnChange: func(*account.Tx, *account.User, bool) error { return nil }}
}

func TestChangePasswordByAdmin_TenWrongPasswordsAtOnceAreFive(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	got := env.atOnce(10, func(node *testEnv) string {
		return string(errcode.Of(node.Authn.ChangePasswordByAdmin(t.Context(), node.From, passwordChange(u.ID, "wrong in any case"))))
	})
	if got[string(errcode.Invalid)] != 5 || got[string(errcode.RateLimited)] != 5 {
		t.Errorf("got %v, want 5 verified and 5 refused", got)
	}
	err := env.Authn.ChangePasswordByAdmin(t.Context(), env.From, passwordChange(u.ID, authntest.Password))
	wantCode(t, err, errcode.RateLimited, "the right password after them")
}

func TestChangePasswordByAdmin_RejectsPasswordChangedMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	hash, err := env.Accounts.Hasher.Hash(t.Context(), true, "trois clefs sous le paillasson")
	must(t, err, "hashing")
	env.between(func() { env.Change(u.ID, func(u *account.User) { u.Password.Hash = hash }) })
	err = env.Authn.ChangePasswordByAdmin(t.Context(), env.From, passwordChange(u.ID, authntest.Password))
	wantCode(t, err, errcode.Invalid, "the password of a moment ago")
	if env.User(string(u.ID)).Password.Hash != hash {
		t.Error("the newer password was replaced")
	}
}

// A copy of the key is found by the step-up of a session. That session has shown password and key; the others end.
func TestStepUp_ClonedKeyEndsOtherSessionsOnly(t *testing.T) {
	env, u, p, session, k := newKeyEnv(t)
	answer := func(counter uint32) authn.Verification {
		prompt, err := env.Authn.BeginStepUp(t.Context(), env.From, session, factors.InputAssertion)
		must(t, err, "beginning a step-up")
		v, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, k.answer(prompt, counter))
		must(t, err, "answering")
		return v
	}
	if v := answer(9); !v.Accepted() {
		t.Fatalf("the key: rejected %q", v.Rejected)
	}
	other := env.SignIn(amelie, authntest.Password, p).Session
	if v := answer(7); v.Rejected != factors.ReasonClone {
		t.Fatalf("a counter that goes back: got %q", v.Rejected)
	}
	if u = env.User(amelie); !env.sessionValid(session) || env.sessionValid(other) || u.Device(k.id).Usable() {
		t.Errorf("the session: valid %v; the other: valid %v", env.sessionValid(session), env.sessionValid(other))
	}
}

// The step-up ended while a code was verified: in another tab, the user froze a phone.
func TestConfirmDevice_RejectsStepUpThatEndedMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	given := env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Given")
	_, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, wrongCode(given))
	wantCode(t, err, errcode.StepUpRequired, "a wrong code without a step-up")
	for name, left := range map[string]account.StepUp{"none": {}, "of a recovery code": {At: env.Clock.Now().Add(time.Minute), EnrolOnly: true}} {
		env.stepUp(session, p)
		env.between(func() {
			_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
				ses, _, err := env.Sessions.Load(tx.Reader, session, tx.Op.Now)
				if ses.StepUp = left; err == nil {
					err = env.Sessions.Put(tx, session, ses)
				}
				return struct{}{}, err
			})
			must(t, err, "ending the step-up")
		})
		_, err = env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, given.Next())
		wantCode(t, err, errcode.StepUpRequired, "a step-up of a moment ago: "+name)
	}
	if u = env.User(amelie); !u.Device(given.Device).Unconfirmed() {
		t.Error("the device is confirmed")
	}
}

func TestConfirmByAdmin_RejectsEnrolmentThatBeganAgainMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	call := adminCall("uboss", "a", id)
	p, device := env.beginByAdmin(call, "First")
	env.between(func() { env.beginByAdmin(call, "Second") })
	_, _, _, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, call, device, p.Code())
	wantCode(t, err, errcode.NotFound, "the enrolment of a moment ago")
	p, device = env.beginByAdmin(call, "Third")
	env.between(func() { env.Change(id, func(u *account.User) { u.FirstName = "Another" }) })
	_, _, v, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, call, device, p.Code())
	if u := env.User(string(id)); err != nil || !v.Accepted() || u.FirstName != "Another" {
		t.Errorf("got %+v, %v, name %q, want both changes", v, err, u.FirstName)
	}
}

func TestAdminEnrolment_NeedsItsOwnID(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	call := adminCall("uboss", "a", id)
	cancel := func(device factors.DeviceID) error {
		_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
			u, err := tx.User(id)
			if err == nil {
				err = errors.Join(env.Enrolment.CancelByAdmin(tx, call, &u, device), tx.Save(&u))
			}
			return struct{}{}, err
		})
		return err
	}
	wantCode(t, cancel("d1"), errcode.NotFound, "cancelling what was not begun")
	p, device := env.beginByAdmin(call, "Phone")
	wantCode(t, cancel("d1"), errcode.NotFound, "cancelling another")
	_, _, _, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, call, "d1", p.Code())
	wantCode(t, err, errcode.NotFound, "confirming another")
	must(t, cancel(device), "cancelling")
	_, _, _, err = env.Enrolment.ConfirmByAdmin(t.Context(), env.From, call, device, p.Code())
	wantCode(t, err, errcode.NotFound, "confirming what was cancelled")
}

// Another person opened the invitation first. When the user chooses the password, the transaction of that person ends.
func TestAttack_InvitationOpenedBeforeTheUser(t *testing.T) {
	env := newTestEnv(t)
	u := env.CreateUser("new@garage.example", nil)
	invitation := env.Invite(u.ID)
	first, err := env.Authn.AcceptInvitation(t.Context(), env.From, invitation, another)
	must(t, err, "accepting first")
	second, err := env.Authn.AcceptInvitation(t.Context(), env.From, invitation, authntest.Password)
	must(t, err, "accepting again")
	if one, two := env.step(first.Secret), env.step(second.Secret); one != authn.StepExpired || two != authn.StepEnrol {
		t.Errorf("the first transaction is at %q and the second at %q, want the first to end", one, two)
	}
}
