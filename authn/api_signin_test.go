package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

func visibleToAll(*account.User) bool { return true }

// apiClient is a request of an API client with an API token.
func (env *testEnv) apiClient(token string) account.RequestInfo {
	return account.RequestInfo{Address: env.fromAddress("203.0.113.9").Address, Agent: "vpn/2", APIToken: token}
}

// startAPISignIn starts an API sign-in with the password of a user.
func (env *testEnv) startAPISignIn(req account.RequestInfo, login string) authn.APISignIn {
	env.t.Helper()
	signIn, err := env.Authn.StartAPISignIn(env.t.Context(), req, login, authntest.Password, visibleToAll)
	must(env.t, err, "starting an API client's sign-in of "+login)
	return signIn
}

func TestAPISignIn_WithPasswordAndCode(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.EmptyOutbox()
	vpn := env.apiClient("token:vpn")
	signIn := env.startAPISignIn(vpn, amelie)
	if signIn.Step != authn.StepVerify || len(signIn.Devices) != 1 || signIn.Devices[0].Data != nil || signIn.User.ID != u.ID || signIn.User.Password.Hash != "" ||
		!signIn.Expires.Equal(env.Clock.Now().Add(5*time.Minute)) {
		t.Fatalf("got %+v, want a phone to verify within five minutes", signIn)
	}
	if _, v, err := env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, wrongCode(p)); err != nil || v.Rejected != factors.ReasonWrong {
		t.Errorf("a wrong code: %v, %+v", err, v)
	}
	done, v, err := env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Next())
	if err != nil || !v.Accepted() || done.Step != authn.StepDone || done.Session.IsZero() || !done.State.IsZero() || done.SessionID == "" {
		t.Fatalf("got %v, %+v, %+v", err, v, done)
	}
	if len(env.Mails()) != 0 || len(env.User(amelie).Browsers) != 1 {
		t.Errorf("%d mails and %d known browsers: an API client is not a browser", len(env.Mails()), len(env.User(amelie).Browsers))
	}
	_, _, err = env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Next())
	wantCode(t, err, errcode.Expired, "the same transaction again")
	var open []session.Summary
	must(t, env.Accounts.View(t.Context(), func(r account.Reader) (err error) {
		u, err := r.User(u.ID)
		if err == nil {
			open, err = env.Sessions.List(r, &u, "", env.Clock.Now())
		}
		return err
	}), "listing sessions")
	if len(open) != 2 || !open[0].FromAPI && !open[1].FromAPI {
		t.Errorf("got sessions %+v, want the program's beside the browser's", open)
	}
	events := env.Events(audit.SessionStart)
	if last := events[len(events)-1]; last.Detail["program"] != "token:vpn" || last.Subject != string(u.ID) {
		t.Errorf("got event %+v, want one that names the token", last)
	}
}

func TestAPISignIn_CredentialsAreRejectedByPages(t *testing.T) {
	env := newTestEnv(t)
	_, p, own := env.Member(amelie, nil)
	ctx, vpn := t.Context(), env.apiClient("token:vpn")
	signIn := env.startAPISignIn(vpn, amelie)
	transaction := signIn.State
	done, _, err := env.Authn.VerifyAPISignIn(ctx, vpn, env.startAPISignIn(vpn, amelie).State, p.Device, p.Next())
	must(t, err, "signing in")
	session := done.Session
	code := p.Next()
	for name, err := range map[string]error{
		"Transaction":      errOf(env.Authn.Transaction(ctx, transaction)),
		"BeginVerify":      errOf(env.Authn.BeginVerify(ctx, env.From, transaction, factors.InputCode)),
		"Verify":           errOf(env.Authn.Verify(ctx, env.From, transaction, factors.InputCode, code)),
		"RedeemTicketCode": errOf(env.Authn.RedeemTicketCode(ctx, env.From, transaction, "AAAA-AAAA")),
		"RedeemTicketLink": errOf(env.Authn.RedeemTicketLink(ctx, env.From, transaction, secret.From("x"))),
		"ResendTicket":     env.Authn.ResendTicket(ctx, env.From, transaction),
		"CheckAllowed":     env.Enrolment.CheckAllowed(ctx, enrol.Flow{Transaction: transaction}),
		"BeginEnrol":       errOf(env.Enrolment.BeginEnrol(ctx, env.From, enrol.Flow{Transaction: transaction}, enrol.Request{Kind: totp.Kind})),
		"another token":    errOf(env.Authn.APISignIn(ctx, env.apiClient("token:other"), transaction)),
		"no token":         errOf(env.Authn.APISignIn(ctx, env.From, transaction)),
	} {
		wantCode(t, err, errcode.Expired, name+" with an API client's transaction")
	}
	for name, err := range map[string]error{
		"Authenticate":   errOf(env.Sessions.Authenticate(ctx, session)),
		"Account":        errOf(env.Authn.Account(ctx, session)),
		"StepUp":         errOf(env.Authn.StepUp(ctx, env.From, session, factors.InputCode, code)),
		"BeginStepUp":    errOf(env.Authn.BeginStepUp(ctx, env.From, session, factors.InputCode)),
		"ShowQR":         errOf(env.Enrolment.ShowQR(ctx, env.From, session, p.Device, "", "x", factors.InputCode, code)),
		"ConfirmDevice":  errOf(env.Enrolment.ConfirmDevice(ctx, env.From, session, p.Device, code)),
		"ConfirmCopy":    errOf(env.Enrolment.ConfirmCopy(ctx, env.From, session, code)),
		"RenameDevice":   env.Authn.RenameDevice(ctx, env.From, session, p.Device, "x"),
		"RemoveDevice":   errOf(env.Authn.RemoveDevice(ctx, env.From, session, p.Device)),
		"ChangePassword": errOf(env.Authn.ChangePassword(ctx, env.From, session, authntest.Password, "un autre mot de passe entier")),
		"RevokeOthers":   errOf(env.Sessions.RevokeOthers(ctx, env.From, session)),
		"RevokeSession":  env.Sessions.RevokeSession(ctx, env.From, session, "x"),
		"SetLocale":      env.Authn.SetLocale(ctx, env.From, session, "en"),
		"CheckAllowed":   env.Enrolment.CheckAllowed(ctx, enrol.Flow{Session: session}),
		"BeginEnrol":     errOf(env.Enrolment.BeginEnrol(ctx, env.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind})),
	} {
		wantCode(t, err, errcode.NoSession, name+" with an API client's session")
	}
	browser := env.password(env.From, amelie).Secret
	_, err = env.Authn.APISignIn(ctx, vpn, browser)
	wantCode(t, err, errcode.Expired, "a browser's transaction in an API client")
	_, _, err = env.Authn.VerifyAPISignIn(ctx, vpn, browser, p.Device, code)
	wantCode(t, err, errcode.Expired, "finishing a browser's transaction in an API client")
	wantCode(t, env.Authn.CancelAPISignIn(ctx, vpn, browser), errcode.Expired, "cancelling a browser's transaction")
	wantCode(t, env.Authn.CancelAPISignIn(ctx, env.apiClient("token:other"), transaction), errcode.Expired, "cancelling another token's")
	_, err = env.Authn.StartAPISignIn(ctx, env.From, amelie, authntest.Password, visibleToAll)
	wantCode(t, err, errcode.Forbidden, "an API client without a token")
	if v := env.verify(browser, code); !v.Accepted() {
		t.Errorf("a rejected request consumed the code: %+v", v.Verification)
	}
	must(t, env.Authn.CancelAPISignIn(ctx, vpn, transaction), "cancelling the own one")
	_, err = env.Authn.APISignIn(ctx, vpn, transaction)
	wantCode(t, err, errcode.Expired, "after cancelling")
	if _, err := env.Sessions.RevokeOthers(ctx, env.From, own); err != nil {
		t.Errorf("signing out everywhere: %v", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

func TestAPISignIn_BlockedWithoutCodeDevice(t *testing.T) {
	env, u, p, session, key := newKeyEnv(t)
	env.recoveryCodes(session)
	vpn := env.apiClient("token:vpn")
	signIn := env.startAPISignIn(vpn, amelie)
	if len(signIn.Devices) != 1 {
		t.Errorf("got %d devices, want the phone alone", len(signIn.Devices))
	}
	sheet := factors.DeviceID("")
	for _, d := range env.User(amelie).Devices {
		if d.Kind == recovery.Kind {
			sheet = d.ID
		}
	}
	for _, id := range []factors.DeviceID{key.id, sheet, "nope"} {
		_, _, err := env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, id, p.Code())
		wantCode(t, err, errcode.NotFound, "a code of what takes none here")
	}
	for name, change := range map[string]func(*account.User){
		"a key alone":        func(u *account.User) { u.Devices = u.Devices[1:] },
		"the phone disabled": func(u *account.User) { u.Devices[0].Disabled = "clone"; u.Devices = u.Devices[:1] },
		"nothing":            func(u *account.User) { u.Devices = nil },
	} {
		before := env.User(amelie).Devices
		env.Change(u.ID, change)
		signIn := env.startAPISignIn(vpn, amelie)
		if signIn.Step != authn.StepBlocked || len(signIn.Devices) != 0 || !signIn.Session.IsZero() {
			t.Errorf("with %s: got %+v, want blocked", name, signIn)
		}
		_, _, err := env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Next())
		wantCode(t, err, errcode.WrongState, "a code with "+name)
		env.Change(u.ID, func(u *account.User) { u.Devices = before })
	}
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if signIn := env.startAPISignIn(vpn, amelie); signIn.Step != authn.StepTicket || len(signIn.Devices) != 0 {
		t.Errorf("after a reset: got %+v", signIn)
	}
}

func TestAPISignIn_Expires(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	vpn := env.apiClient("token:vpn")
	signIn := env.startAPISignIn(vpn, amelie)
	env.Clock.Advance(authn.APISignInTTL)
	_, _, err := env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Code())
	wantCode(t, err, errcode.Expired, "after five minutes")
	signIn = env.startAPISignIn(vpn, amelie)
	env.Change(u.ID, func(u *account.User) { u.Epoch++ })
	_, _, err = env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Code())
	wantCode(t, err, errcode.Expired, "after the epoch rose")
	signIn = env.startAPISignIn(vpn, amelie)
	env.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	_, _, err = env.Authn.VerifyAPISignIn(t.Context(), vpn, signIn.State, p.Device, p.Code())
	wantCode(t, err, errcode.Expired, "for a suspended user")
	_, err = env.Authn.StartAPISignIn(t.Context(), vpn, amelie, authntest.Password, visibleToAll)
	wantCode(t, err, errcode.SignInFailed, "the password of a suspended user")
}

func TestStartAPISignIn_TreatsInvisibleUserAsUnknown(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	vpn := env.apiClient("token:vpn")
	for range 4 {
		_, err := env.Authn.StartAPISignIn(t.Context(), vpn, amelie, authntest.Password, func(*account.User) bool { return false })
		wantCode(t, err, errcode.SignInFailed, "the right password of an invisible user")
	}
	if f := env.counters(u.ID); f.Streak != 0 || len(f.Unknown.Passwords.Times) != 0 {
		t.Errorf("the user was counted: %+v", f)
	}
	if n := len(env.Events(audit.UnknownName)); n != 4 {
		t.Errorf("got %d events of unknown names, want 4", n)
	}
	_, err := env.Authn.StartAPISignIn(t.Context(), vpn, amelie, "wrong in any case", visibleToAll)
	wantCode(t, err, errcode.SignInFailed, "a wrong password")
	_, err = env.Authn.StartAPISignIn(t.Context(), vpn, "nobody@garage.example", authntest.Password, visibleToAll)
	wantCode(t, err, errcode.SignInFailed, "an unknown login")
}

func TestStartAPISignIn_IgnoresBrowserCookie(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	issued := env.SignIn(amelie, authntest.Password, p)
	vpn := env.apiClient("token:vpn")
	vpn.Browser = issued.Browser
	for range 3 {
		env.Authn.StartAPISignIn(t.Context(), vpn, amelie, "wrong in any case", visibleToAll)
	}
	if f := env.counters(u.ID); len(f.Known.Passwords.Times) != 0 || len(f.Unknown.Passwords.Times) != 3 {
		t.Errorf("counted %+v, want three of unknown browsers", f)
	}
}
