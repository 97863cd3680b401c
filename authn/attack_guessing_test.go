package authn_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// guess sends n wrong codes after the right password, as fast as the waits allow. It returns early if a wait does not end.
func (env *testEnv) guess(p *authntest.Phone, from account.RequestInfo, n int) (sent int) {
	env.t.Helper()
	for tries := 0; sent < n && tries < 40*n; tries++ {
		v, err := env.Authn.Verify(env.t.Context(), from, env.password(from, amelie).Secret, factors.InputCode, wrongCode(p))
		must(env.t, err, "guessing")
		if v.Wait > 0 {
			if env.counters(env.User(amelie).ID).Stopped() {
				return sent
			}
			env.Clock.Advance(v.Wait)
			continue
		}
		sent++
		env.Clock.Advance(time.Second)
	}
	return sent
}

// knownBrowser signs in once and returns the browser of the user.
func (env *testEnv) knownBrowser(p *authntest.Phone) account.RequestInfo {
	from := env.From
	from.Browser = env.SignIn(amelie, authntest.Password, p).Browser
	return from
}

func TestAttack_HundredWrongCodesStopUnknownBrowsers(t *testing.T) {
	env, u, p, _, k := newKeyEnv(t)
	env.EmptyOutbox()
	if sent := env.guess(p, env.From, 150); sent != 100 {
		t.Fatalf("%d codes were checked, want 100", sent)
	}
	for _, later := range []time.Duration{0, time.Hour, 26 * time.Hour, 60 * 24 * time.Hour} {
		env.Clock.Advance(later)
		v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputCode, p.Next())
		if err != nil || v.Accepted() || v.Wait <= 0 || v.Wait > 15*time.Minute && later > 24*time.Hour {
			t.Fatalf("a right code of an unknown browser after %v: %+v, %v", later, v, err)
		}
	}
	first := env.verify(env.password(env.From, amelie).Secret, p.Code()).Wait
	env.Clock.Advance(time.Second)
	if again := env.verify(env.password(env.From, amelie).Secret, p.Code()).Wait; again != first-time.Second && first > time.Second {
		t.Errorf("the wait does not count down as an ordinary one: %v, then %v", first, again)
	}
	if n := len(env.Events(audit.CodesStopped)); n != 1 || env.Events(audit.CodesStopped)[0].Lane() != audit.LaneSecurity {
		t.Errorf("got %d events, want one", n)
	}
	authntest.Mailed[notice.CodesStopped](t, env.Env, "")
	err := env.Accounts.View(t.Context(), func(r account.Reader) error {
		status, err := r.DisplayStatus(&u, env.Clock.Now())
		if status != account.StatusLocked {
			t.Errorf("administrators see %s", status)
		}
		return err
	})
	must(t, err, "reading the status")
	if v := env.verifyKey(env.password(env.From, amelie).Secret, k, 9); !v.Accepted() {
		t.Errorf("a security key in an unknown browser: %+v", v)
	}
}

// TestAttack_StopFillsTheMailbox: wrong codes of the known browser are counted after the stop, which stays announced once.
func TestAttack_StopFillsTheMailbox(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	own := env.knownBrowser(p)
	env.guess(p, env.From, 100)
	env.EmptyOutbox()
	for range 4 {
		if v, err := env.Authn.Verify(t.Context(), own, env.password(own, amelie).Secret, factors.InputCode, wrongCode(p)); err != nil || v.Rejected != factors.ReasonWrong {
			t.Fatalf("a wrong code of the known browser: %+v, %v", v, err)
		}
	}
	if events, mails := len(env.Events(audit.CodesStopped)), len(mailed[notice.CodesStopped](env)); events != 1 || mails != 0 {
		t.Errorf("%d events and %d more mails after 104 wrong codes, want the one of the stop", events, mails)
	}
}

func TestAttack_StopIsNoWeapon(t *testing.T) {
	for name, prove := range map[string]func(env *testEnv, p *authntest.Phone, own account.RequestInfo, codes []string){
		"a code in a known browser": func(env *testEnv, p *authntest.Phone, own account.RequestInfo, _ []string) {
			v, err := env.Authn.Verify(t.Context(), own, env.password(own, amelie).Secret, factors.InputCode, p.Next())
			if err != nil || !v.Accepted() {
				t.Errorf("a known browser: %+v, %v", v, err)
			}
		},
		"a recovery code": func(env *testEnv, _ *authntest.Phone, _ account.RequestInfo, codes []string) {
			v, err := env.Authn.Verify(t.Context(), env.From, env.password(env.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
			if err != nil || !v.Accepted() {
				t.Errorf("a recovery code: %+v, %v", v, err)
			}
		},
		"an unlock": func(env *testEnv, _ *authntest.Phone, _ account.RequestInfo, _ []string) {
			must(t, env.Directory.Unlock(t.Context(), authntest.AsHelpDesk, env.From, amelie), "unlocking")
		},
		"a new password": func(env *testEnv, _ *authntest.Phone, _ account.RequestInfo, _ []string) {
			_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
				u, err := tx.UserByAddress(amelie)
				if err != nil {
					return struct{}{}, err
				}
				if err := env.Authn.SetPassword(tx, &u, u.Password.Hash, "uboss", ""); err != nil {
					return struct{}{}, err
				}
				return struct{}{}, tx.Save(&u)
			})
			must(t, err, "setting a password")
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t)
			_, p, session := env.Member(amelie, nil)
			env.stepUp(session, p)
			codes := env.recoveryCodes(session)
			own := env.knownBrowser(p)
			env.guess(p, env.From, 100)
			if !env.counters(env.User(amelie).ID).Stopped() {
				t.Fatal("not stopped")
			}
			env.Change(env.User(amelie).ID, func(u *account.User) { u.Password.MustChange = "" })
			prove(env, p, own, codes)
			env.Clock.Advance(25 * time.Hour)
			if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
				t.Errorf("unknown browsers afterwards: %+v", v)
			}
		})
	}
}

// TestAttack_APISignInGuessesPastTheStop: the stop holds at the API as well, which has no known browser.
func TestAttack_APISignInGuessesPastTheStop(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.guess(p, env.From, 100)
	env.Clock.Advance(48 * time.Hour)
	req := env.From
	req.APIToken = "t1"
	started, err := env.Authn.StartAPISignIn(t.Context(), req, amelie, authntest.Password, func(*account.User) bool { return true })
	must(t, err, "starting")
	_, v, err := env.Authn.VerifyAPISignIn(t.Context(), req, started.State, u.Devices[0].ID, p.Next())
	if err != nil || v.Wait <= 0 {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestAttack_KnownPasswordMustChange(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	own := env.knownBrowser(p)
	env.EmptyOutbox()
	env.guess(p, env.From, 19)
	if env.User(amelie).Password.MustChange != "" {
		t.Fatal("the password must change after 19 wrong codes")
	}
	env.guess(p, env.From, 1)
	if got := env.User(amelie).Password.MustChange; got != account.ChangeExposed {
		t.Fatalf("got %q", got)
	}
	env.guess(p, env.From, 5) // announced once
	authntest.Mailed[notice.PasswordExposed](t, env.Env, "")
	if n := len(env.Events(audit.PasswordExpired)); n != 1 {
		t.Errorf("got %d events", n)
	}
	v, err := env.Authn.Verify(t.Context(), own, env.password(own, amelie).Secret, factors.InputCode, p.Next())
	if err != nil || v.Step != authn.StepChangePassword || !v.Credentials.Session.IsZero() {
		t.Fatalf("the next sign-in: %+v, %v", v, err)
	}
	done, err := env.Authn.ReplacePassword(t.Context(), own, v.Secret, "un tout autre mot de passe")
	if err != nil || done.Step != authn.StepDone {
		t.Fatalf("choosing: %+v, %v", done, err)
	}
	if f := env.counters(u.ID); len(f.WrongAfterPassword) != 0 || f.Streak != 0 {
		t.Errorf("the new password inherits %+v", f)
	}
}

func TestVerify_ClumsyUserKeepsTheirPassword(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	own := env.knownBrowser(p)
	env.guess(p, own, 40)
	if f := env.counters(u.ID); len(f.WrongAfterPassword) != 0 {
		t.Errorf("their own browser: %d wrong codes count", len(f.WrongAfterPassword))
	}
	must(t, env.Directory.Unlock(t.Context(), authntest.AsOperator, env.From, amelie), "unlocking")
	for range 3 {
		_, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, wrongCode(p))
		_ = err // the session may have expired
	}
	login := env.password(env.From, amelie).Secret
	for range 4 {
		env.verify(login, wrongCode(p))
	}
	if n := len(env.counters(u.ID).WrongAfterPassword); n != 4 {
		t.Fatalf("a new browser: %d wrong codes count, want 4", n)
	}
	if v := env.verify(login, p.Next()); !v.Accepted() {
		t.Fatalf("got %+v", v)
	}
	if n := len(env.counters(u.ID).WrongAfterPassword); n != 0 {
		t.Errorf("after the right code there: %d wrong codes count", n)
	}
	if env.User(amelie).Password.MustChange != "" {
		t.Error("the password must change")
	}
}

// TestAttack_WrongPasswordsLeaveTheMailedLink: who tries wrong passwords at the end of each wait makes the user wait for as long in an
// unknown browser. A mailed link and a known browser do not wait.
func TestAttack_WrongPasswordsLeaveTheMailedLink(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	for range 12 {
		_, err := env.Authn.StartWithPassword(t.Context(), account.RequestInfo{Address: netip.MustParseAddr("203.0.113.9")}, amelie, "wrong")
		if refused, is := errors.AsType[*errcode.Error](err); is && refused.Code == errcode.RateLimited {
			env.Clock.Advance(refused.RetryAfter)
		}
	}
	if _, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, "wrong"); err == nil {
		t.Fatal("a wrong password is accepted")
	}
	_, err := env.Authn.StartWithPassword(t.Context(), account.RequestInfo{Address: netip.MustParseAddr("192.0.2.9")}, amelie, authntest.Password)
	authntest.WantCode(t, "the user in an unknown browser of another network", err, errcode.RateLimited)
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), "un autre mot de passe long")
	must(t, err, "opening the link")
	if v := env.verify(started.Secret, p.Next()); v.Step != authn.StepDone {
		t.Errorf("got step %q, want the sign-in complete", v.Step)
	}
}

// TestAttack_MailboxReaderMakesThePasswordExpire: a link is no proof of the password, so that codes after it are no sign that
// others know it.
func TestAttack_MailboxReaderMakesThePasswordExpire(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.EmptyOutbox()
	must(t, env.Authn.RequestPasswordLink(t.Context(), env.From, amelie, nil), "asking for a link")
	token := authntest.LinkToken(authntest.Mailed[notice.PasswordLink](t, env.Env, "").Link)
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, token, "un autre mot de passe long")
	must(t, err, "opening the link")
	for range 4 {
		env.verify(started.Secret, wrongCode(p))
	}
	if n := len(env.counters(u.ID).WrongAfterPassword); n != 0 {
		t.Errorf("%d wrong codes count", n)
	}
}

func TestStepUp_NamesItsDevice(t *testing.T) {
	env, u, p, session, k := newKeyEnv(t)
	device := func() factors.DeviceID {
		var ses account.Session
		must(t, env.Accounts.View(t.Context(), func(r account.Reader) (err error) {
			ses, _, err = env.Sessions.Load(r, session, env.Clock.Now())
			return err
		}), "reading the session")
		return ses.StepUp.Device
	}
	env.stepUp(session, p)
	if got := device(); got != u.Devices[0].ID {
		t.Errorf("got %q", got)
	}
	prompt, err := env.Authn.BeginStepUp(t.Context(), env.From, session, factors.InputAssertion)
	must(t, err, "beginning")
	v, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputAssertion, k.answer(prompt, 9))
	if err != nil || !v.Accepted() || device() != k.id {
		t.Errorf("got %+v, %v, device %q", v, err, device())
	}
}
