package freeze_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

// env is a garage whose technician has a phone, and signs in on a browser that only they use.
type env struct {
	*authntest.Garage
	freeze *freeze.Service
	office account.RequestInfo // the known browser of the technician
}

func newEnv(t *testing.T) *env {
	t.Helper()
	g := authntest.NewGarage(t)
	e := &env{Garage: g, freeze: g.Directory.Freeze, office: g.From}
	e.Session, e.office.Browser = e.signIn(t, e.office, authntest.Technician, g.Phone)
	g.Clock.Advance(time.Minute)
	g.EmptyOutbox()
	return e
}

// signIn signs in by code and returns the session and the browser.
func (e *env) signIn(t *testing.T, from account.RequestInfo, login string, p *authntest.Phone) (session, browser secret.Value) {
	t.Helper()
	v, err := e.Authn.Verify(t.Context(), from, e.password(t, from, login), factors.InputCode, p.Next())
	if err != nil || v.Step != authn.StepDone {
		t.Fatalf("signing in as %s: %+v, %v", login, v, err)
	}
	if browser = v.Credentials.Browser; browser.IsZero() {
		browser = from.Browser
	}
	return v.Credentials.Session, browser
}

func (e *env) password(t *testing.T, from account.RequestInfo, login string) secret.Value {
	t.Helper()
	started, err := e.Authn.StartWithPassword(t.Context(), from, login, authntest.Password)
	if err != nil {
		t.Fatalf("password of %s: %v", login, err)
	}
	return started.Secret
}

// tryCode returns the result of a code at a new sign-in.
func (e *env) tryCode(t *testing.T, p *authntest.Phone) (authn.Result, error) {
	t.Helper()
	return e.Authn.Verify(t.Context(), e.office, e.password(t, e.office, authntest.Technician), factors.InputCode, p.Next())
}

func (e *env) stepUp(t *testing.T, session secret.Value, p *authntest.Phone) authn.Verification {
	t.Helper()
	v, err := e.Authn.StepUp(t.Context(), e.office, session, factors.InputCode, p.Next())
	if err != nil {
		t.Fatalf("step-up: %v", err)
	}
	return v
}

// addPhone enrols another phone in the session, after a step-up by p.
func (e *env) addPhone(t *testing.T, p *authntest.Phone, name string) (*authntest.Phone, factors.DeviceID) {
	t.Helper()
	if v := e.stepUp(t, e.Session, p); !v.Accepted() {
		t.Fatalf("step-up for another phone: %+v", v)
	}
	phone, result := e.Enrol(enrol.Flow{Session: e.Session}, name)
	return phone, result.Device.ID
}

func (e *env) device(id factors.DeviceID) factors.Device { return *e.refreshed().Device(id) }

func (e *env) refreshed() *account.User {
	u := e.User(authntest.Technician)
	return &u
}

func (e *env) first() factors.DeviceID { return e.refreshed().Devices[0].ID }

// recoveryCodes shows a list of recovery codes in the session.
func (e *env) recoveryCodes(t *testing.T) {
	t.Helper()
	e.stepUp(t, e.Session, e.Phone)
	if _, err := e.Enrolment.BeginEnrol(t.Context(), e.office, enrol.Flow{Session: e.Session}, enrol.Request{Kind: "recovery"}); err != nil {
		t.Fatal(err)
	}
}

func (e *env) unfrozen() int {
	return len(slices.DeleteFunc(slices.Clone(e.refreshed().Devices), factors.Device.IsFrozen))
}

func TestFreeze_LostPhoneVerifiesNothingAtOnce(t *testing.T) {
	e := newEnv(t)
	_, elsewhere := e.signIn(t, e.From, authntest.Technician, e.Phone)
	other, _ := e.signIn(t, account.RequestInfo{Browser: elsewhere, Address: e.From.Address}, authntest.Technician, e.Phone)
	underWay := e.password(t, e.office, authntest.Technician)
	lost := e.first()
	second, _ := e.addPhone(t, e.Phone, "Second")
	e.EmptyOutbox()

	out, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost)
	if err != nil || out.All || len(out.Devices) != 1 || out.Session.IsZero() {
		t.Fatalf("freezing: %+v, %v", out, err)
	}
	e.WantSignedOut(t, other)
	e.WantSignedOut(t, e.Session)
	if _, err := e.Authn.Verify(t.Context(), e.office, underWay, factors.InputCode, e.Phone.Next()); errcode.Of(err) != errcode.Expired {
		t.Errorf("a sign-in under way: %v, want Expired", err)
	}
	if v, err := e.tryCode(t, e.Phone); err != nil || v.Accepted() {
		t.Errorf("the frozen phone signs in: %+v, %v", v, err)
	}
	if v := e.stepUp(t, out.Session, e.Phone); v.Accepted() {
		t.Error("the frozen phone confirms an operation")
	}
	if v := e.stepUp(t, out.Session, second); !v.Accepted() {
		t.Errorf("the other phone: %+v", v)
	}
	if d := e.device(lost); !d.IsFrozen() || d.FrozenBy != "" {
		t.Errorf("got %+v", d)
	}
	m := authntest.Mailed[notice.DevicesFrozen](t, e.Env, authntest.SecondEmail)
	if len(m.Devices) != 1 || m.All || m.Freeze != "" || m.By != "" {
		t.Errorf("got mail %+v", m)
	}
	events := e.Events(audit.FactorFrozen)
	if len(events) != 1 || events[0].Lane() != audit.LaneSecurity || len(events[0].Targets) != 1 || events[0].Detail["method"] != "session" {
		t.Errorf("got events %+v", events)
	}
	if changes := e.refreshed().RecentSecurityChanges(e.Clock.Now()); !slices.ContainsFunc(changes, func(a account.Activity) bool { return a.What == audit.FactorFrozen }) {
		t.Error("support does not see the freeze")
	}
}

// The email says in words that recovery codes are blocked; a list of them has no name.
func TestFreeze_MailNamesOnlyDevices(t *testing.T) {
	e := newEnv(t)
	e.recoveryCodes(t)
	if _, err := e.freeze.ByAdmin(t.Context(), authntest.AsHelpDesk, e.From, authntest.Technician, freeze.All, "stolen"); err != nil {
		t.Fatal(err)
	}
	if m := authntest.Mailed[notice.DevicesFrozen](t, e.Env, authntest.SecondEmail); !m.All || len(m.Devices) != 1 || m.Devices[0] != e.refreshed().Devices[0].Name {
		t.Errorf("got %+v", m)
	}
}

// The device that was proven may be the one that is lost.
func TestFreeze_EndsTheStepUpOfItsSession(t *testing.T) {
	e := newEnv(t)
	_, other := e.addPhone(t, e.Phone, "Second")
	e.stepUp(t, e.Session, e.Phone)
	if info, err := e.Sessions.Authenticate(t.Context(), e.Session); err != nil || info.StepUpUntil.IsZero() {
		t.Fatalf("before: %+v, %v", info, err)
	}
	out, err := e.freeze.InSession(t.Context(), e.office, e.Session, other)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := e.Sessions.Authenticate(t.Context(), out.Session); err != nil || !info.StepUpUntil.IsZero() {
		t.Errorf("got a step-up until %v, %v, want none", info.StepUpUntil, err)
	}
}

func TestFreeze_AtSignInGoesOnWithAnotherDevice(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	second, _ := e.addPhone(t, e.Phone, "Second")
	login := e.password(t, e.office, authntest.Technician)
	if devices, err := e.freeze.CanAtSignIn(t.Context(), e.office, login); err != nil || len(devices) != 2 || devices[0].Data != nil {
		t.Fatalf("got %d devices, %v", len(devices), err)
	}
	if _, err := e.freeze.AtSignIn(t.Context(), e.office, login, lost); err != nil {
		t.Fatal(err)
	}
	e.WantSignedOut(t, e.Session)
	if v, err := e.VerifyCode(t.Context(), login, second.Next()); err != nil || v.Step != authn.StepDone {
		t.Errorf("the same sign-in with the other phone: %+v, %v", v, err)
	}
}

func TestFreeze_AllEndsCodesTicketsAndSessions(t *testing.T) {
	e := newEnv(t)
	e.recoveryCodes(t)
	login := e.password(t, e.office, authntest.Technician)
	if _, err := e.freeze.AtSignIn(t.Context(), e.office, login, freeze.All); err != nil {
		t.Fatal(err)
	}
	e.WantSignedOut(t, e.Session)
	if n := e.unfrozen(); n != 0 {
		t.Errorf("%d devices are not frozen", n)
	}
	st, err := e.Authn.Transaction(t.Context(), login)
	if err != nil || st.Step != authn.StepBlocked {
		t.Errorf("got step %q, %v", st.Step, err)
	}
	e.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{})
	if u := e.refreshed(); len(u.Devices) != 0 || len(u.Tickets) != 1 {
		t.Errorf("a reset left %d devices, %d tickets", len(u.Devices), len(u.Tickets))
	}
	// The email about a reset that an impostor obtained has a link as well.
	token := authntest.LinkToken(authntest.Mailed[notice.UserDevicesReset](t, e.Env, authntest.SecondEmail).Freeze)
	if _, err := e.freeze.ByLink(t.Context(), account.RequestInfo{}, token); err != nil {
		t.Fatal(err)
	}
	if u := e.refreshed(); len(u.Tickets) != 0 || u.MayResendTicket(e.Clock.Now()) {
		t.Error("the ticket of the impostor is still good")
	}
}

func TestFreeze_ByLinkOfAnEmail(t *testing.T) {
	e := newEnv(t)
	_, _ = e.signIn(t, e.From, authntest.Technician, e.Phone)
	m := authntest.Mailed[notice.NewBrowser](t, e.Env, authntest.Technician)
	token := authntest.LinkToken(m.Freeze)
	if !strings.HasPrefix(m.Freeze, "https://login.example/freeze/") {
		t.Fatalf("got link %q", m.Freeze)
	}
	for range 2 { // a scanner looks at it
		if login, err := e.freeze.LinkedLogin(t.Context(), token); err != nil || login != authntest.Technician || e.unfrozen() != 1 {
			t.Fatalf("reading the page: %v", err)
		}
	}
	out, err := e.freeze.ByLink(t.Context(), account.RequestInfo{}, token)
	if err != nil || !out.All || !out.Session.IsZero() {
		t.Fatalf("got %+v, %v", out, err)
	}
	e.WantSignedOut(t, e.Session)
	if _, err := e.freeze.ByLink(t.Context(), account.RequestInfo{}, token); errcode.Of(err) != errcode.InvalidLink {
		t.Errorf("used twice: %v", err)
	}
}

func TestAttack_FreezeByAnOldLink(t *testing.T) {
	e := newEnv(t)
	browser := func() secret.Value {
		e.EmptyOutbox()
		e.signIn(t, e.From, authntest.Technician, e.Phone)
		return authntest.LinkToken(authntest.Mailed[notice.NewBrowser](t, e.Env, authntest.Technician).Freeze)
	}
	week := browser()
	e.Clock.Advance(account.FreezeLinkTTL)
	_, err := e.freeze.ByLink(t.Context(), account.RequestInfo{}, week)
	authntest.WantCode(t, "after seven days", err, errcode.InvalidLink)

	before := browser()
	e.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{})
	_, err = e.freeze.ByLink(t.Context(), account.RequestInfo{}, before)
	authntest.WantCode(t, "before a reset", err, errcode.InvalidLink)
	_, err = e.freeze.ByLink(t.Context(), account.RequestInfo{}, secret.From("x"))
	authntest.WantCode(t, "made up", err, errcode.InvalidLink)
	_, err = e.freeze.ByLink(t.Context(), account.RequestInfo{}, secret.Value{})
	authntest.WantCode(t, "none", err, errcode.InvalidLink)
}

func TestAttack_FreezeInAnothersName(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	try := func(what string, from account.RequestInfo, login secret.Value) {
		t.Helper()
		_, err := e.freeze.AtSignIn(t.Context(), from, login, lost)
		authntest.WantCode(t, what, err, errcode.Forbidden)
		_, err = e.freeze.CanAtSignIn(t.Context(), from, login)
		authntest.WantCode(t, what+", the page", err, errcode.Forbidden)
	}
	try("a stolen password in an unknown browser", e.From, e.password(t, e.From, authntest.Technician))
	stolen := e.password(t, e.office, authntest.Technician)
	try("the transaction of the known browser in another one", e.From, stolen)
	made := e.From
	made.Browser = secret.From(strings.Repeat("A", 43))
	try("a made-up browser", made, e.password(t, made, authntest.Technician))

	_, theirs, _ := e.Member("bob@garage.example", nil)
	_, bobs := e.signIn(t, e.From, "bob@garage.example", theirs)
	bob := e.From
	bob.Browser = bobs
	try("the browser of a colleague", bob, e.password(t, bob, authntest.Technician))
	try("the transaction of the known browser in that of a colleague", bob, stolen)
	try("the transaction of an unknown browser in the known one", e.office, e.password(t, e.From, authntest.Technician))

	shared, _ := e.signIn(t, bob, authntest.Technician, e.Phone)
	try("a tablet that both use", bob, e.password(t, bob, authntest.Technician))
	_, err := e.freeze.InSession(t.Context(), bob, shared, lost)
	authntest.WantCode(t, "an open session on a tablet that both use", err, errcode.StepUpRequired)
	if v, err := e.Authn.StepUp(t.Context(), bob, shared, factors.InputCode, e.Phone.Next()); err != nil || !v.Accepted() {
		t.Fatalf("step-up: %+v, %v", v, err)
	}
	if e.unfrozen() != 1 {
		t.Fatal("frozen")
	}
	if _, err := e.freeze.InSession(t.Context(), bob, shared, lost); err != nil {
		t.Errorf("after a step-up there: %v", err)
	}
}

func TestAttack_FreezeByAMailboxReaderAtSignIn(t *testing.T) {
	e := newEnv(t)
	if err := e.Authn.RequestPasswordLink(t.Context(), e.office, authntest.Technician, nil); err != nil {
		t.Fatal(err)
	}
	link := authntest.LinkToken(authntest.Mailed[notice.PasswordLink](t, e.Env, authntest.Technician).Link)
	started, err := e.Authn.StartWithPasswordLink(t.Context(), e.office, link, "un autre mot de passe long")
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.freeze.AtSignIn(t.Context(), e.office, started.Secret, freeze.All)
	authntest.WantCode(t, "without the password", err, errcode.Forbidden)
}

func TestFreeze_ByAdministrators(t *testing.T) {
	e := newEnv(t)
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	try := func(what string, call func(context.Context) error, want errcode.Code) {
		t.Helper()
		authntest.WantCode(t, what, call(t.Context()), want)
		if frozen := e.unfrozen() == 0; frozen != (want == ok) {
			t.Errorf("%s: frozen %v", what, frozen)
		}
		e.Change(e.Amelie.ID, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
	}
	by := func(p admin.Principal, id factors.DeviceID) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := e.freeze.ByAdmin(ctx, p, e.From, authntest.Technician, id, "stolen")
			return err
		}
	}
	self := authntest.AsHelpDesk
	self.Owner = string(e.Amelie.ID)
	try("a manager of the garage", by(authntest.Limited(authntest.AsHelpDesk, e.Lumiere), freeze.All), ok)
	if m := e.Mails(); len(m) == 0 || m[len(m)-1].What.(notice.DevicesFrozen).By == "" {
		t.Errorf("got mails %v", e.MailList())
	}
	try("support, one device", by(authntest.AsHelpDesk, e.first()), ok)
	try("a manager of another garage", by(authntest.Limited(authntest.AsHelpDesk, e.Nord), freeze.All), hidden)
	try("a reader", by(authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), freeze.All), no)
	try("the owner of the token", by(self, freeze.All), no)
	try("no principal", by(admin.Principal{}, freeze.All), no)
	try("a device that does not exist", by(authntest.AsHelpDesk, "d0"), hidden)
	e.Change(e.Amelie.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r9", Role: account.RoleUserAdmin}} })
	try("support on a higher role", by(authntest.AsHelpDesk, freeze.All), no)
}

func TestFreeze_NeverTheLastSuperAdmin(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	e.Change(e.Amelie.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r9", Role: account.RoleSuperAdmin}} })
	_, _ = e.signIn(t, e.From, authntest.Technician, e.Phone)
	link := authntest.LinkToken(authntest.Mailed[notice.NewBrowser](t, e.Env, authntest.Technician).Freeze)
	login := e.password(t, e.office, authntest.Technician)
	// The other SUPER_ADMIN of the garage has no device.
	tries := map[string]func() error{
		"in a session":   func() error { _, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost); return err },
		"at the sign-in": func() error { _, err := e.freeze.AtSignIn(t.Context(), e.office, login, freeze.All); return err },
		"by a link":      func() error { _, err := e.freeze.ByLink(t.Context(), e.From, link); return err },
		"by the operator": func() error {
			_, err := e.freeze.ByAdmin(t.Context(), authntest.AsOperator, e.From, authntest.Technician, lost, "")
			return err
		},
	}
	for what, try := range tries {
		if err := try(); !errcode.HasReason(err, errcode.ReasonLastAdmin) || e.unfrozen() != 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
	second, _ := e.addPhone(t, e.Phone, "Second")
	_, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost)
	authntest.WantCode(t, "one of two devices", err, "")
	if v, err := e.tryCode(t, second); err != nil || !v.Accepted() {
		t.Fatalf("the other device: %+v, %v", v, err)
	}
	e.Member("chef@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r8", Role: account.RoleSuperAdmin}} })
	if err := tries["by a link"](); err != nil {
		t.Errorf("with another SUPER_ADMIN: %v", err)
	}
}

func TestUnfreeze_ByAnOlderDeviceOnly(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	second, id := e.addPhone(t, e.Phone, "Second")
	freezeAt := e.Clock.Now()
	out, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost)
	if err != nil {
		t.Fatal(err)
	}
	session := out.Session
	end := func() error {
		issued, err := e.freeze.End(t.Context(), e.office, session, lost)
		if err == nil {
			session = issued.Session
		}
		return err
	}
	e.stepUp(t, session, second)
	if err := end(); !errcode.HasReason(err, errcode.ReasonNoDevice) {
		t.Errorf("a device enrolled minutes ago: %v", err)
	}
	e.Clock.Advance(freeze.ProofAge - e.Clock.Now().Sub(freezeAt) - 5*time.Minute)
	session, _ = e.signIn(t, e.office, authntest.Technician, second)
	authntest.WantCode(t, "without a step-up of its own", end(), errcode.WrongState)
	e.Clock.Advance(time.Hour)
	session, _ = e.signIn(t, e.office, authntest.Technician, second)
	authntest.WantCode(t, "by the sign-in alone", end(), errcode.StepUpRequired)
	if v := e.stepUp(t, session, e.Phone); v.Accepted() {
		t.Error("the frozen phone is accepted")
	}
	authntest.WantCode(t, "by the frozen phone", end(), errcode.StepUpRequired)
	e.stepUp(t, session, second)
	authntest.WantCode(t, "by the other device", end(), "")
	if d := e.device(lost); d.IsFrozen() || e.device(id).IsFrozen() {
		t.Error("still frozen")
	}
	if v, err := e.tryCode(t, e.Phone); err != nil || !v.Accepted() {
		t.Errorf("the phone afterwards: %+v, %v", v, err)
	}
	authntest.WantCode(t, "a device that is not frozen", end(), errcode.NotFound)
	if len(e.Events(audit.FactorUnfrozen)) != 1 {
		t.Error("no event")
	}
}

func TestAttack_UnfreezeByACopyShownByTheThief(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	second, id := e.addPhone(t, e.Phone, "Second")
	e.Clock.Advance(30 * 24 * time.Hour)
	e.Session, _ = e.signIn(t, e.office, authntest.Technician, e.Phone)
	// The thief of the unlocked phone shows the QR code of the second device to a phone of their own.
	e.EmptyOutbox()
	v, err := e.Enrolment.ShowQR(t.Context(), e.office, e.Session, id, "", "Mine", factors.InputCode, e.Phone.Next())
	if err != nil || !v.Accepted() {
		t.Fatalf("showing: %+v, %v", v, err)
	}
	link := authntest.Mailed[notice.QRShown](t, e.Env, authntest.Technician).Freeze
	if link == "" {
		t.Error("the email about the QR code has no link")
	}
	out, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost)
	if err != nil {
		t.Fatal(err)
	}
	e.stepUp(t, out.Session, second)
	_, err = e.freeze.End(t.Context(), e.office, out.Session, lost)
	if !errcode.HasReason(err, errcode.ReasonNoDevice) {
		t.Errorf("by a fresh copy: %v", err)
	}
}

func TestAttack_UnfreezeByARecoveryCode(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	e.recoveryCodes(t)
	out, err := e.freeze.InSession(t.Context(), e.office, e.Session, lost)
	if err != nil {
		t.Fatal(err)
	}
	if out.All {
		t.Fatal("one device ends the recovery codes as well")
	}
	e.Clock.Advance(30 * 24 * time.Hour)
	u := e.refreshed()
	if proofs := e.freeze.Proofs(u, lost, e.Clock.Now()); len(proofs) != 0 {
		t.Errorf("got proofs %+v", proofs)
	}
}

func TestAttack_UnfreezeByADeviceOfAnAdministrator(t *testing.T) {
	e := newEnv(t)
	lost := e.first()
	_, id := e.addPhone(t, e.Phone, "Second")
	e.Change(e.Amelie.ID, func(u *account.User) { u.Device(id).SecretSeenBy = "uboss" })
	if _, err := e.freeze.ByAdmin(t.Context(), authntest.AsHelpDesk, e.From, authntest.Technician, lost, ""); err != nil {
		t.Fatal(err)
	}
	e.Clock.Advance(30 * 24 * time.Hour)
	if proofs := e.freeze.Proofs(e.refreshed(), lost, e.Clock.Now()); len(proofs) != 0 {
		t.Errorf("got proofs %+v", proofs)
	}
}

func TestAttack_AdministratorFreezesAndEnrolsTheirOwnPhone(t *testing.T) {
	e := newEnv(t)
	boss := authntest.WithSecrets(authntest.AsSuperAdmin)
	if _, err := e.freeze.ByAdmin(t.Context(), boss, e.From, authntest.Technician, freeze.All, ""); err != nil {
		t.Fatal(err)
	}
	out, err := e.Directory.Enrol(t.Context(), boss, e.From, authntest.Technician, directory.NewDevice{Type: "token:software:totp", Provider: "OKTA", Name: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	phone := &authntest.Phone{Env: e.Env, Secret: out.Secret.Secret}
	if _, d, v, err := e.Directory.ActivateDevice(t.Context(), boss, e.From, authntest.Technician, out.Device.ID, phone.Next()); err != nil || !v.Accepted() || !d.Unconfirmed() {
		t.Fatalf("enrolling: %+v, %+v, %v", d, v, err)
	}
	login := e.password(t, e.office, authntest.Technician)
	if st, err := e.Authn.Transaction(t.Context(), login); err != nil || st.Step != authn.StepBlocked {
		t.Errorf("the phone of the administrator counts: step %q, %v", st.Step, err)
	}
}

func TestAttack_SignInRacesTheFreeze(t *testing.T) {
	e := newEnv(t)
	for i := range 8 {
		login, code := e.password(t, e.office, authntest.Technician), e.Phone.Next()
		signedIn := make(chan authn.Result, 1)
		go func() {
			v, _ := e.Authn.Verify(context.WithoutCancel(t.Context()), e.office, login, factors.InputCode, code)
			signedIn <- v
		}()
		if _, err := e.freeze.ByAdmin(t.Context(), authntest.AsHelpDesk, e.From, authntest.Technician, freeze.All, ""); err != nil {
			t.Fatal(err)
		}
		if v := <-signedIn; !v.Credentials.Session.IsZero() {
			e.WantSignedOut(t, v.Credentials.Session)
		}
		if n := len(e.refreshed().Sessions); n != 0 {
			t.Fatalf("round %d: %d sessions outlive the freeze", i, n)
		}
		e.Change(e.Amelie.ID, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
	}
}

// TestAttack_TwoSuperAdminsFreezeAtOnce: each of two could be the one who stays.
func TestAttack_TwoSuperAdminsFreezeAtOnce(t *testing.T) {
	e := newEnv(t)
	super := func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r8", Role: account.RoleSuperAdmin}} }
	e.Change(e.Amelie.ID, super)
	chef, _, _ := e.Member("chef@garage.example", super)
	for range 8 {
		done := make(chan error, 2)
		for _, id := range []account.UserID{e.Amelie.ID, chef.ID} {
			go func() {
				_, err := e.freeze.ByAdmin(context.WithoutCancel(t.Context()), authntest.AsOperator, e.From, string(id), freeze.All, "")
				done <- err
			}()
		}
		first, second := <-done, <-done
		if (first == nil) == (second == nil) {
			t.Fatalf("got %v and %v, want one refusal", first, second)
		}
		for _, id := range []account.UserID{e.Amelie.ID, chef.ID} {
			e.Change(id, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
		}
	}
}

// TestAttack_LastSuperAdminLosesTheirDeviceMeanwhile: the one who could administer is found before the Update that freezes the
// device of another, and can no longer sign in when it runs.
func TestAttack_LastSuperAdminLosesTheirDeviceMeanwhile(t *testing.T) {
	for name, change := range map[string]func(u *account.User){
		"a frozen device": func(u *account.User) { u.Devices[0].Frozen = time.Unix(1, 0) },
		"suspended":       func(u *account.User) { u.Status = account.StatusSuspended },
		"no longer one":   func(u *account.User) { u.Roles = nil },
	} {
		e := newEnv(t)
		stays, falls := e.NewSuperAdmin("stays@garage.example"), e.NewSuperAdmin("falls@garage.example")
		rerun := e.Store.(*storetest.Rerun)
		rerun.Between = func() {
			rerun.Between = nil
			e.Change(stays.ID, change)
		}
		_, err := e.freeze.ByAdmin(t.Context(), authntest.AsOperator, e.From, string(falls.ID), freeze.All, "")
		authntest.WantCode(t, name, err, errcode.WrongState)
		if u := e.User(string(falls.ID)); u.Devices[0].IsFrozen() {
			t.Errorf("%s: nobody can administer", name)
		}
	}
}
