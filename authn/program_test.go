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

func everybody(*account.User) bool { return true }

// program is a program on some machine that signs people in by a token.
func (h *house) program(token string) account.RequestInfo {
	return account.RequestInfo{Address: h.at("203.0.113.9").Address, Agent: "vpn/2", APIToken: token}
}

// start gives a program somebody's password.
func (h *house) start(req account.RequestInfo, login string) authn.APISignIn {
	h.t.Helper()
	tx, err := h.Authn.StartAPISignIn(h.t.Context(), req, login, authntest.Password, everybody)
	do(h.t, err, "starting a program's sign-in of "+login)
	return tx
}

func TestAProgramSignsSomebodyInWithPasswordAndCode(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	h.EmptyOutbox()
	vpn := h.program("token:vpn")
	tx := h.start(vpn, amelie)
	if tx.Step != authn.StepVerify || len(tx.Devices) != 1 || tx.Devices[0].Data != nil || tx.User.ID != u.ID || tx.User.Password.Hash != "" ||
		!tx.Expires.Equal(h.Clock.Now().Add(5*time.Minute)) {
		t.Fatalf("got %+v, want a phone to prove within five minutes", tx)
	}
	if _, j, err := h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, wrong(p)); err != nil || j.Rejected != factors.ReasonWrong {
		t.Errorf("a wrong code: %v, %+v", err, j)
	}
	done, j, err := h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Next())
	if err != nil || !j.Accepted() || done.Step != authn.StepDone || done.Session.IsZero() || !done.State.IsZero() || done.SessionID == "" {
		t.Fatalf("got %v, %+v, %+v", err, j, done)
	}
	if len(h.Mails()) != 0 || len(h.User(amelie).Browsers) != 1 {
		t.Errorf("%d mails and %d known browsers: a program is no browser", len(h.Mails()), len(h.User(amelie).Browsers))
	}
	_, _, err = h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Next())
	refused(t, err, errcode.Expired, "the same transaction again")
	var open []session.Summary
	do(t, h.Accounts.View(t.Context(), func(r account.Reader) (err error) {
		u, err := r.User(u.ID)
		if err == nil {
			open, err = h.Sessions.List(r, &u, "", h.Clock.Now())
		}
		return err
	}), "listing sessions")
	if len(open) != 2 || !open[0].FromAPI && !open[1].FromAPI {
		t.Errorf("got sessions %+v, want the program's beside the browser's", open)
	}
	events := h.Events(audit.SessionStart)
	if last := events[len(events)-1]; last.Detail["program"] != "token:vpn" || last.Subject != string(u.ID) {
		t.Errorf("got event %+v, want one that names the token", last)
	}
}

func TestAProgramsSessionAndLoginAreNoneAtAnyDoorOfAPerson(t *testing.T) {
	h := newHouse(t)
	_, p, own := h.Member(amelie, nil)
	ctx, vpn := t.Context(), h.program("token:vpn")
	tx := h.start(vpn, amelie)
	login := tx.State
	done, _, err := h.Authn.VerifyAPISignIn(ctx, vpn, h.start(vpn, amelie).State, p.Device, p.Next())
	do(t, err, "signing in")
	session := done.Session
	code := p.Next()
	for name, err := range map[string]error{
		"Login":         second(h.Authn.Transaction(ctx, login)),
		"Challenge":     second(h.Authn.BeginVerify(ctx, h.From, login, factors.InputCode)),
		"Verify":        second(h.Authn.Verify(ctx, h.From, login, factors.InputCode, code)),
		"PresentCode":   second(h.Authn.RedeemTicketCode(ctx, h.From, login, "AAAA-AAAA")),
		"PresentLink":   second(h.Authn.RedeemTicketLink(ctx, h.From, login, secret.From("x"))),
		"RenewTicket":   h.Authn.ResendTicket(ctx, h.From, login),
		"MayEnrol":      h.Enrolment.CheckAllowed(ctx, enrol.Flow{Transaction: login}),
		"BeginEnrol":    second(h.Enrolment.BeginEnrol(ctx, h.From, enrol.Flow{Transaction: login}, enrol.Request{Kind: totp.Kind})),
		"another token": second(h.Authn.APISignIn(ctx, h.program("token:other"), login)),
		"no token":      second(h.Authn.APISignIn(ctx, h.From, login)),
	} {
		refused(t, err, errcode.Expired, name+" with a program's login")
	}
	for name, err := range map[string]error{
		"Check":          second(h.Sessions.Authenticate(ctx, session)),
		"Account":        second(h.Authn.Account(ctx, session)),
		"Prove":          second(h.Authn.StepUp(ctx, h.From, session, factors.InputCode, code)),
		"ChallengeProof": second(h.Authn.BeginStepUp(ctx, h.From, session, factors.InputCode)),
		"ShowAgain":      second(h.Enrolment.ShowQR(ctx, h.From, session, p.Device, "", "x", factors.InputCode, code)),
		"ConfirmDevice":  second(h.Enrolment.ConfirmDevice(ctx, h.From, session, p.Device, code)),
		"ConfirmCopy":    second(h.Enrolment.ConfirmCopy(ctx, h.From, session, code)),
		"Rename":         h.Authn.RenameDevice(ctx, h.From, session, p.Device, "x"),
		"RemoveDevice":   second(h.Authn.RemoveDevice(ctx, h.From, session, p.Device)),
		"ChangePassword": second(h.Authn.ChangePassword(ctx, h.From, session, authntest.Password, "un autre mot de passe entier")),
		"EndOthers":      second(h.Sessions.RevokeOthers(ctx, h.From, session)),
		"EndSession":     h.Sessions.RevokeSession(ctx, h.From, session, "x"),
		"SetLocale":      h.Authn.SetLocale(ctx, h.From, session, "en"),
		"MayEnrol":       h.Enrolment.CheckAllowed(ctx, enrol.Flow{Session: session}),
		"BeginEnrol":     second(h.Enrolment.BeginEnrol(ctx, h.From, enrol.Flow{Session: session}, enrol.Request{Kind: totp.Kind})),
	} {
		refused(t, err, errcode.NoSession, name+" with a program's session")
	}
	browser := h.password(h.From, amelie).Secret
	_, err = h.Authn.APISignIn(ctx, vpn, browser)
	refused(t, err, errcode.Expired, "a browser's login in a program")
	_, _, err = h.Authn.VerifyAPISignIn(ctx, vpn, browser, p.Device, code)
	refused(t, err, errcode.Expired, "finishing a browser's login in a program")
	refused(t, h.Authn.CancelAPISignIn(ctx, vpn, browser), errcode.Expired, "cancelling a browser's login")
	refused(t, h.Authn.CancelAPISignIn(ctx, h.program("token:other"), login), errcode.Expired, "cancelling another token's")
	_, err = h.Authn.StartAPISignIn(ctx, h.From, amelie, authntest.Password, everybody)
	refused(t, err, errcode.Forbidden, "a program without a token")
	if v := h.verify(browser, code); !v.Accepted() {
		t.Errorf("a refused door spent the code: %+v", v.Verification)
	}
	do(t, h.Authn.CancelAPISignIn(ctx, vpn, login), "cancelling one's own")
	_, err = h.Authn.APISignIn(ctx, vpn, login)
	refused(t, err, errcode.Expired, "after cancelling")
	if _, err := h.Sessions.RevokeOthers(ctx, h.From, own); err != nil {
		t.Errorf("signing out everywhere: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestWhoeverHasNoUsablePhoneGetsNothingFromAProgram(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.prove(session, p)
	key := h.enrolKey(enrol.Flow{Session: session}, u)
	h.recoveryCodes(session)
	vpn := h.program("token:vpn")
	tx := h.start(vpn, amelie)
	if len(tx.Devices) != 1 {
		t.Errorf("got %d devices, want the phone alone", len(tx.Devices))
	}
	sheet := factors.DeviceID("")
	for _, d := range h.User(amelie).Devices {
		if d.Kind == recovery.Kind {
			sheet = d.ID
		}
	}
	for _, id := range []factors.DeviceID{key.id, sheet, "nope"} {
		_, _, err := h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, id, p.Code())
		refused(t, err, errcode.NotFound, "a code of what takes none here")
	}
	for name, change := range map[string]func(*account.User){
		"a key alone":      func(u *account.User) { u.Devices = u.Devices[1:] },
		"the phone marked": func(u *account.User) { u.Devices[0].Disabled = "clone"; u.Devices = u.Devices[:1] },
		"nothing":          func(u *account.User) { u.Devices = nil },
	} {
		before := h.User(amelie).Devices
		h.Change(u.ID, change)
		tx := h.start(vpn, amelie)
		if tx.Step != authn.StepBlocked || len(tx.Devices) != 0 || !tx.Session.IsZero() {
			t.Errorf("with %s: got %+v, want blocked", name, tx)
		}
		_, _, err := h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Next())
		refused(t, err, errcode.WrongState, "a code with "+name)
		h.Change(u.ID, func(u *account.User) { u.Devices = before })
	}
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if tx := h.start(vpn, amelie); tx.Step != authn.StepTicket || len(tx.Devices) != 0 {
		t.Errorf("after a reset: got %+v", tx)
	}
}

func TestAProgramsSignInIsOverAfterFiveMinutesAndWithWhatEndsLogins(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	vpn := h.program("token:vpn")
	tx := h.start(vpn, amelie)
	h.Clock.Advance(authn.APISignInTTL)
	_, _, err := h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Code())
	refused(t, err, errcode.Expired, "after five minutes")
	tx = h.start(vpn, amelie)
	h.Change(u.ID, func(u *account.User) { u.Epoch++ })
	_, _, err = h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Code())
	refused(t, err, errcode.Expired, "after the Epoch rose")
	tx = h.start(vpn, amelie)
	h.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	_, _, err = h.Authn.VerifyAPISignIn(t.Context(), vpn, tx.State, p.Device, p.Code())
	refused(t, err, errcode.Expired, "for somebody suspended")
	_, err = h.Authn.StartAPISignIn(t.Context(), vpn, amelie, authntest.Password, everybody)
	refused(t, err, errcode.SignInFailed, "the password of somebody suspended")
}

func TestWhomATokenDoesNotSeeIsAStrangerToItsPrograms(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	vpn := h.program("token:vpn")
	for range 4 {
		_, err := h.Authn.StartAPISignIn(t.Context(), vpn, amelie, authntest.Password, func(*account.User) bool { return false })
		refused(t, err, errcode.SignInFailed, "the right password of somebody outside")
	}
	if f := h.counters(u.ID); f.Streak != 0 || len(f.Unknown.Passwords.Times) != 0 {
		t.Errorf("the person was counted against: %+v", f)
	}
	if len(h.Events(audit.UnknownName)) != 1 {
		t.Error("want one event of unknown names a minute and source")
	}
	_, err := h.Authn.StartAPISignIn(t.Context(), vpn, amelie, "wrong in any case", everybody)
	refused(t, err, errcode.SignInFailed, "a wrong password")
	_, err = h.Authn.StartAPISignIn(t.Context(), vpn, "nobody@garage.example", authntest.Password, everybody)
	refused(t, err, errcode.SignInFailed, "nobody's name")
}

func TestAProgramIsNoKnownBrowserWhateverItSends(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	issued := h.SignIn(amelie, authntest.Password, p)
	vpn := h.program("token:vpn")
	vpn.Browser = issued.Browser
	for range 3 {
		h.Authn.StartAPISignIn(t.Context(), vpn, amelie, "wrong in any case", everybody)
	}
	if f := h.counters(u.ID); len(f.Known.Passwords.Times) != 0 || len(f.Unknown.Passwords.Times) != 3 {
		t.Errorf("counted %+v, want three of unknown browsers", f)
	}
}
