package authn_test

import (
	"sync"
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// expirePassword expires the password of a user as an administrator does.
func (env *testEnv) expirePassword(id account.UserID) {
	env.t.Helper()
	_, err := account.Update(env.t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		if err := env.Authn.ExpirePassword(tx, &u); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	must(env.t, err, "expiring a password")
}

// changeRequired completes both steps and returns the transaction that requires another password.
func (env *testEnv) changeRequired(p *authntest.Phone) secret.Value {
	env.t.Helper()
	v := env.verify(env.password(env.From, amelie).Secret, p.Next())
	if !v.Accepted() || v.Step != authn.StepChangePassword || v.Secret.IsZero() || !v.Credentials.Session.IsZero() {
		env.t.Fatalf("got step %q, rejected %q, a session: %v; want the step that asks for another password and no session",
			v.Step, v.Rejected, !v.Credentials.Session.IsZero())
	}
	return v.Secret
}

func TestExpirePassword_RequiresChangeBeforeSession(t *testing.T) {
	env := newTestEnv(t)
	u, p, early := env.Member(amelie, nil)
	env.expirePassword(u.ID)
	if !env.sessionValid(early) {
		t.Error("expiring the password ended the session")
	}
	first := env.password(env.From, amelie).Secret
	v := env.verify(first, p.Next())
	if env.step(first) != authn.StepExpired || v.Secret.Equal(first) {
		t.Error("the transaction keeps its secret")
	}
	closed := v.Secret // the user closes the page
	transaction := env.changeRequired(p)
	if got := env.User(string(u.ID)); len(got.Sessions) != 1 || got.Password.MustChange != account.ChangeExpired {
		t.Errorf("got %d sessions and change reason %q before the choice", len(got.Sessions), got.Password.MustChange)
	}
	for name, chosen := range map[string]string{"the present one": authntest.Password, "none": "", "a common one": "password123", "the own name": amelie} {
		if _, err := env.Authn.ReplacePassword(t.Context(), env.From, transaction, chosen); errcode.Of(err) != errcode.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	env.EmptyOutbox()
	out, err := env.Authn.ReplacePassword(t.Context(), env.From, transaction, another)
	must(t, err, "choosing")
	if out.Step != authn.StepDone || !env.sessionValid(out.Credentials.Session) || env.sessionValid(early) {
		t.Errorf("got step %q, session %v, the earlier one %v", out.Step, env.sessionValid(out.Credentials.Session), env.sessionValid(early))
	}
	if info, err := env.Sessions.Authenticate(t.Context(), out.Credentials.Session); err != nil || len(info.AMR) != 3 {
		t.Errorf("the session: got %v, %v, want pwd, otp and mfa", info.AMR, err)
	}
	got := env.User(string(u.ID)).Password
	if got.MustChange != "" || got.Provenance != account.ProvenanceUser || len(mailed[notice.PasswordChanged](env)) != 1 {
		t.Errorf("got change reason %q, source %q, %d mails", got.MustChange, got.Provenance, len(mailed[notice.PasswordChanged](env)))
	}
	for _, dead := range []secret.Value{transaction, closed} {
		_, err := env.Authn.ReplacePassword(t.Context(), env.From, dead, "encore un autre mot")
		wantCode(t, err, errcode.Expired, "choosing again")
	}
	if _, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password); errcode.Of(err) != errcode.SignInFailed {
		t.Errorf("the expired password: got %v", err)
	}
	env.SignIn(amelie, another, p)
}

func TestReplacePassword_ConcurrentCallsChangeOnce(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.expirePassword(u.ID)
	transaction := env.changeRequired(p)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, chosen := range []string{another, "huit chevaux dans une grange"} {
		all.Go(func() { _, errs[i] = env.Authn.ReplacePassword(t.Context(), env.From, transaction, chosen) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want one", errs[0], errs[1])
	}
}

// A device is verified before the password is replaced, regardless of how the transaction began.
func TestReplacePassword_FollowsEverySecondStep(t *testing.T) {
	tests := []struct {
		name string
		way  func(*testing.T, *testEnv, account.User, *authntest.Phone, secret.Value) secret.Value
	}{
		{"a recovery code, then a new phone", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			env.stepUp(session, p)
			codes := env.recoveryCodes(session)
			v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
			must(t, err, "a recovery code")
			if v.Step != authn.StepEnrol || !v.Credentials.Session.IsZero() || !v.Enrol {
				t.Fatalf("got step %q, want a device first and no session", v.Step)
			}
			_, err = env.Authn.ReplacePassword(t.Context(), env.From, v.Secret, another)
			wantCode(t, err, errcode.WrongState, "choosing with a recovery code alone")
			_, done := env.Enrol(enrol.Flow{Transaction: v.Secret}, "Nouveau")
			if done.Step != authn.StepChangePassword || !done.Credentials.Session.IsZero() {
				t.Fatalf("got step %q", done.Step)
			}
			return done.Secret
		}},
		{"a ticket, then a new phone", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			transaction := env.password(env.From, amelie).Secret
			step, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
			if err != nil || step != authn.StepEnrol {
				t.Fatalf("got %q, %v, want the device first: a ticket does not permit a password change", step, err)
			}
			_, err = env.Authn.ReplacePassword(t.Context(), env.From, transaction, another)
			wantCode(t, err, errcode.WrongState, "choosing by the ticket alone")
			_, done := env.Enrol(enrol.Flow{Transaction: transaction}, "Nouveau")
			if done.Step != authn.StepChangePassword || len(env.User(string(u.ID)).Tickets) != 0 {
				t.Fatalf("got step %q", done.Step)
			}
			return done.Secret
		}},
		{"a security key", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			env.stepUp(session, p)
			key := env.enrolKey(enrol.Flow{Session: session}, u)
			transaction := env.password(env.From, amelie).Secret
			v := env.verifyKey(transaction, key, 9)
			if v.Step != authn.StepChangePassword {
				t.Fatalf("got %+v", v)
			}
			return v.Secret
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, session := env.Member(amelie, nil)
			env.expirePassword(u.ID)
			transaction := test.way(t, env, u, p, session)
			out, err := env.Authn.ReplacePassword(t.Context(), env.From, transaction, another)
			must(t, err, "choosing")
			if !env.sessionValid(out.Credentials.Session) || env.User(string(u.ID)).Password.MustChange != "" {
				t.Error("no session, or the change is still required")
			}
		})
	}
}

func TestMustChange_ClearedByAnyChange(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.expirePassword(u.ID)
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), another)
	must(t, err, "choosing by a link")
	if v := env.verify(started.Secret, p.Next()); v.Step != authn.StepDone || env.User(string(u.ID)).Password.MustChange != "" {
		t.Errorf("by a link: got step %q", v.Step)
	}
	session := env.SignIn(amelie, another, p).Session
	env.expirePassword(u.ID)
	env.stepUp(session, p)
	_, err = env.Authn.ChangePassword(t.Context(), env.From, session, another, authntest.Password)
	must(t, err, "changing it on the account's page")
	env.SignIn(amelie, authntest.Password, p)
}
