package authn_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/oath"
	"barillet/factors/totp"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// showQR shows the QR code of the phone for a copy with this name.
func (env *testEnv) showQR(session secret.Value, p *authntest.Phone, copyID, name string) (authn.Verification, error) {
	return env.Enrolment.ShowQR(env.t.Context(), env.From, session, p.Device, copyID, name, factors.InputCode, p.Next())
}

// confirmedCopy adds a copy, confirms it with a later code and returns its ID.
func (env *testEnv) confirmedCopy(session secret.Value, p *authntest.Phone, name string) string {
	env.t.Helper()
	if v, err := env.showQR(session, p, "", name); err != nil || !v.Accepted() {
		env.t.Fatalf("showing: %v, %+v", err, v)
	}
	if v, err := env.Enrolment.ConfirmCopy(env.t.Context(), env.From, session, p.Next()); err != nil || !v.Accepted() {
		env.t.Fatalf("confirming: %v, %+v", err, v)
	}
	for _, d := range env.User(amelie).Devices {
		for _, c := range d.Copies {
			if d.ID == p.Device && c.Name == name {
				return c.ID
			}
		}
	}
	env.t.Fatalf("no copy %s", name)
	return ""
}

func TestShowQR_RecordsShowingWithoutConfirmation(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.EmptyOutbox()
	v, err := env.showQR(session, p, "", "Tablette")
	if err != nil || !v.Accepted() {
		t.Fatalf("got %+v, %v", v, err)
	}
	shown, err := env.Enrolment.PendingCopy(t.Context(), session)
	must(t, err, "reading what is shown")
	var view oath.View
	if err := json.Unmarshal(shown.Prompt.View, &view); err != nil || view.Secret != p.Secret {
		t.Errorf("another secret is shown: %v", err)
	}
	if d := env.User(string(u.ID)).Devices[0]; len(d.Copies) != 1 || !d.Copies[0].Confirmed.IsZero() || d.Copies[0].Shown.IsZero() {
		t.Errorf("got copies %+v", d.Copies)
	}
	if got := len(mailed[notice.QRShown](env)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
	v, err = env.Enrolment.ConfirmCopy(t.Context(), env.From, session, p.Code())
	if err != nil || v.Rejected != factors.ReasonReplayed {
		t.Errorf("a code of the step already used: got %q, %v", v.Rejected, err)
	}
	if v, err = env.Enrolment.ConfirmCopy(t.Context(), env.From, session, p.Next()); err != nil || !v.Accepted() {
		t.Errorf("a later one: %+v, %v", v, err)
	}
	if d := env.User(string(u.ID)).Devices[0]; d.Copies[0].Confirmed.IsZero() || len(mailed[notice.CopyConfirmed](env)) != 1 {
		t.Error("confirming is neither kept nor mailed")
	}
	_, err = env.Enrolment.PendingCopy(t.Context(), session)
	wantCode(t, err, errcode.Expired, "the QR code after it was confirmed")
}

func TestShowQR_LimitsToThreePerDayBeforeVerifying(t *testing.T) {
	env := newTestEnv(t)
	env.Accounts.Policy.SessionIdle, env.Accounts.Policy.SessionMax = 100*time.Hour, 100*time.Hour
	u, p, session := env.Member(amelie, nil)
	first := env.Clock.Now()
	for _, name := range []string{"Un", "Deux", "Trois"} {
		if v, err := env.showQR(session, p, "", name); err != nil || !v.Accepted() {
			t.Fatalf("%s: %+v, %v", name, v, err)
		}
		env.Clock.Advance(7 * time.Hour)
	}
	env.Clock.Advance(2 * time.Hour) // 23 hours after the first
	_, err := env.showQR(session, p, "", "Quatre")
	wantCode(t, err, errcode.QRLimit, "a fourth within 24 hours")
	// An attacker with a session, who has no phone, must not learn from the error whether a code is correct.
	for _, code := range [][]byte{p.Code(), wrongCode(p)} {
		_, err := env.Enrolment.ShowQR(t.Context(), env.From, session, p.Device, "", "Quatre", factors.InputCode, code)
		wantCode(t, err, errcode.QRLimit, "right or wrong")
	}
	if got := env.User(string(u.ID)).Devices[0]; len(got.Copies) != 3 {
		t.Errorf("got %d copies, want 3", len(got.Copies))
	}
	if v, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, p.Code()); err != nil || !v.Accepted() {
		t.Errorf("the code that was not verified: %+v, %v", v, err)
	}
	env.Clock.Advance(first.Add(24*time.Hour + time.Minute).Sub(env.Clock.Now()))
	if v, err := env.showQR(session, p, "", "Quatre"); err != nil || !v.Accepted() {
		t.Errorf("a day after the first: %+v, %v", v, err)
	}
	_, err = env.showQR(session, p, "", "Cinq")
	wantCode(t, err, errcode.QRLimit, "a strict window gives back one showing, not three")
}

func TestShowQR_Rejections(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	_, q, pauls := env.Member("paul@garage.example", nil)
	show := func(session secret.Value, id factors.DeviceID, copyID, name string) error {
		_, err := env.Enrolment.ShowQR(t.Context(), env.From, session, id, copyID, name, factors.InputCode, p.Next())
		return err
	}
	wantCode(t, show(session, q.Device, "", "x"), errcode.NotFound, "another user's device")
	wantCode(t, show(session, p.Device, "none", ""), errcode.NotFound, "a copy that is none")
	wantCode(t, show(session, p.Device, "", ""), errcode.Invalid, "without a name")
	if v, err := env.Enrolment.ShowQR(t.Context(), env.From, pauls, q.Device, "", "x", factors.InputCode, p.Code()); err != nil || v.Accepted() {
		t.Errorf("another user's code shows it: %v", err)
	}
	wantCode(t, show(secret.Value{}, p.Device, "", "x"), errcode.NoSession, "signed out")
	env.Accounts.Policy.AllowCopies = false
	wantCode(t, show(session, p.Device, "", "x"), errcode.CopiesDisabled, "against the configuration")
	if env.Enrolment.CanCopy(env.User(amelie).Devices[0]) {
		t.Error("possible against the configuration")
	}
}

func TestRemoveCopy_EndsSecretIfAnotherDeviceRemains(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	lost, kept := env.confirmedCopy(session, p, "Perdu"), env.confirmedCopy(session, p, "Gardé")
	env.stepUp(session, p)
	q, _ := env.Enrol(enrol.Flow{Session: session}, "Autre")
	other := env.SignIn(amelie, authntest.Password, q).Session
	env.stepUp(session, q)
	replace, issued, err := env.Enrolment.RemoveCopy(t.Context(), env.From, session, p.Device, lost)
	if err != nil || replace {
		t.Fatalf("got replace %v, %v", replace, err)
	}
	if env.sessionValid(session) || env.sessionValid(other) || !env.sessionValid(issued.Session) {
		t.Error("the sessions have a wrong state")
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the old secret signs in")
	}
	d := env.User(string(u.ID)).Devices[0]
	if d.Usable() || len(d.Copies) != 1 || d.Copies[0].ID != kept || !d.Copies[0].ScanAgain {
		t.Errorf("got %q, copies %+v", d.Disabled, d.Copies)
	}
	env.stepUp(issued.Session, q)
	r, err := env.replaceSecret(issued.Session, p.Device, "")
	must(t, err, "scanning again")
	env.SignIn(amelie, authntest.Password, r)
}

// replaceSecret replaces the secret of a device and confirms it with a code.
func (env *testEnv) replaceSecret(session secret.Value, id factors.DeviceID, lost string) (*authntest.Phone, error) {
	env.t.Helper()
	flow := enrol.Flow{Session: session}
	prompt, err := env.Enrolment.BeginEnrol(env.t.Context(), env.From, flow, enrol.Request{Kind: totp.Kind, Replace: id, LostCopy: lost})
	if err != nil {
		return nil, err
	}
	var view oath.View
	must(env.t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	p := &authntest.Phone{Env: env.Env, Secret: view.Secret, Device: id}
	done, err := env.Enrolment.FinishEnrol(env.t.Context(), env.From, flow, "", p.Code())
	if err == nil && (!done.Accepted() || !env.sessionValid(done.Credentials.Session) || env.sessionValid(session)) {
		env.t.Errorf("replacing: got %+v, session not rotated", done)
	}
	return p, err
}

func TestRemoveCopy_KeepsSecretOfOnlyDeviceUntilReplaced(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	lost := env.confirmedCopy(session, p, "Perdu")
	kept := env.confirmedCopy(session, p, "Gardé")
	env.stepUp(session, p)
	before := env.User(string(u.ID)).Revision
	replace, _, err := env.Enrolment.RemoveCopy(t.Context(), env.From, session, p.Device, lost)
	if err != nil || !replace || env.User(string(u.ID)).Revision != before {
		t.Fatalf("got replace %v, %v, revision %d, was %d", replace, err, env.User(string(u.ID)).Revision, before)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Error("the old secret ended before there was a new one")
	}
	other := env.SignIn(amelie, authntest.Password, p).Session
	r, err := env.replaceSecret(session, p.Device, lost)
	must(t, err, "replacing")
	if v := env.verify(env.password(env.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the old secret outlived the confirmation of the new one")
	}
	if env.sessionValid(other) {
		t.Error("another session outlived it")
	}
	d := env.User(string(u.ID)).Devices[0]
	if len(env.User(string(u.ID)).Devices) != 1 || d.ID != p.Device || len(d.Copies) != 1 || d.Copies[0].ID != kept || !d.Copies[0].ScanAgain {
		t.Errorf("got %d devices, copies %+v", len(env.User(string(u.ID)).Devices), d.Copies)
	}
	env.SignIn(amelie, authntest.Password, r)
}
