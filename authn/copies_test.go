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

// show shows the phone's QR code to another one of that name.
func (h *house) show(session secret.Value, p *authntest.Phone, copyID, name string) (authn.Verification, error) {
	return h.Enrolment.ShowQR(h.t.Context(), h.From, session, p.Device, copyID, name, factors.InputCode, p.Next())
}

// copied shows the QR code and confirms it by a later code; it returns the copy's id.
func (h *house) copied(session secret.Value, p *authntest.Phone, name string) string {
	h.t.Helper()
	if j, err := h.show(session, p, "", name); err != nil || !j.Accepted() {
		h.t.Fatalf("showing: %v, %+v", err, j)
	}
	if j, err := h.Enrolment.ConfirmCopy(h.t.Context(), h.From, session, p.Next()); err != nil || !j.Accepted() {
		h.t.Fatalf("confirming: %v, %+v", err, j)
	}
	for _, d := range h.User(amelie).Devices {
		for _, c := range d.Copies {
			if d.ID == p.Device && c.Name == name {
				return c.ID
			}
		}
	}
	h.t.Fatalf("no copy %s", name)
	return ""
}

func TestAShowingIsRecordedAndMailedEvenIfNobodyConfirms(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	h.EmptyOutbox()
	j, err := h.show(session, p, "", "Tablette")
	if err != nil || !j.Accepted() {
		t.Fatalf("got %+v, %v", j, err)
	}
	shown, err := h.Enrolment.PendingCopy(t.Context(), session)
	do(t, err, "reading what is shown")
	var view oath.View
	if err := json.Unmarshal(shown.Prompt.View, &view); err != nil || view.Secret != p.Secret {
		t.Errorf("another secret is shown: %v", err)
	}
	if d := h.User(string(u.ID)).Devices[0]; len(d.Copies) != 1 || !d.Copies[0].Confirmed.IsZero() || d.Copies[0].Shown.IsZero() {
		t.Errorf("got copies %+v", d.Copies)
	}
	if got := len(mailed[notice.QRShown](h)); got != 1 {
		t.Errorf("got %d mails, want 1", got)
	}
	j, err = h.Enrolment.ConfirmCopy(t.Context(), h.From, session, p.Code())
	if err != nil || j.Rejected != factors.ReasonReplayed {
		t.Errorf("a code of the step already used: got %q, %v", j.Rejected, err)
	}
	if j, err = h.Enrolment.ConfirmCopy(t.Context(), h.From, session, p.Next()); err != nil || !j.Accepted() {
		t.Errorf("a later one: %+v, %v", j, err)
	}
	if d := h.User(string(u.ID)).Devices[0]; d.Copies[0].Confirmed.IsZero() || len(mailed[notice.CopyConfirmed](h)) != 1 {
		t.Error("confirming is neither kept nor mailed")
	}
	_, err = h.Enrolment.PendingCopy(t.Context(), session)
	refused(t, err, errcode.Expired, "the QR code after it was confirmed")
}

func TestThreeShowingsADayAreAllAndTheLimitIsNoOracle(t *testing.T) {
	h := newHouse(t)
	h.Accounts.Policy.SessionIdle, h.Accounts.Policy.SessionMax = 100*time.Hour, 100*time.Hour
	u, p, session := h.Member(amelie, nil)
	first := h.Clock.Now()
	for _, name := range []string{"Un", "Deux", "Trois"} {
		if j, err := h.show(session, p, "", name); err != nil || !j.Accepted() {
			t.Fatalf("%s: %+v, %v", name, j, err)
		}
		h.Clock.Advance(7 * time.Hour)
	}
	h.Clock.Advance(2 * time.Hour) // 23 hours after the first
	_, err := h.show(session, p, "", "Quatre")
	refused(t, err, errcode.QRLimit, "a fourth within 24 hours")
	// A thief of a session, who has no phone, must not learn from the refusal which code is right.
	for _, code := range [][]byte{p.Code(), wrong(p)} {
		_, err := h.Enrolment.ShowQR(t.Context(), h.From, session, p.Device, "", "Quatre", factors.InputCode, code)
		refused(t, err, errcode.QRLimit, "right or wrong")
	}
	if got := h.User(string(u.ID)).Devices[0]; len(got.Copies) != 3 {
		t.Errorf("got %d copies, want 3", len(got.Copies))
	}
	if j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputCode, p.Code()); err != nil || !j.Accepted() {
		t.Errorf("the code that was not judged: %+v, %v", j, err)
	}
	h.Clock.Advance(first.Add(24*time.Hour + time.Minute).Sub(h.Clock.Now()))
	if j, err := h.show(session, p, "", "Quatre"); err != nil || !j.Accepted() {
		t.Errorf("a day after the first: %+v, %v", j, err)
	}
	_, err = h.show(session, p, "", "Cinq")
	refused(t, err, errcode.QRLimit, "a strict window gives back one showing, not three")
}

func TestWhereAQRCodeIsNotShown(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	_, q, pauls := h.Member("paul@garage.example", nil)
	show := func(session secret.Value, id factors.DeviceID, copyID, name string) error {
		_, err := h.Enrolment.ShowQR(t.Context(), h.From, session, id, copyID, name, factors.InputCode, p.Next())
		return err
	}
	refused(t, show(session, q.Device, "", "x"), errcode.NotFound, "another person's device")
	refused(t, show(session, p.Device, "none", ""), errcode.NotFound, "a copy that is none")
	refused(t, show(session, p.Device, "", ""), errcode.Invalid, "without a name")
	if j, err := h.Enrolment.ShowQR(t.Context(), h.From, pauls, q.Device, "", "x", factors.InputCode, p.Code()); err != nil || j.Accepted() {
		t.Errorf("another person's code shows it: %v", err)
	}
	refused(t, show(secret.Value{}, p.Device, "", "x"), errcode.NoSession, "signed out")
	h.Accounts.Policy.AllowCopies = false
	refused(t, show(session, p.Device, "", "x"), errcode.CopiesDisabled, "against the policy")
	if h.Enrolment.CanCopy(h.User(amelie).Devices[0]) {
		t.Error("offered against the policy")
	}
}

func TestRemovingACopyWithAnotherDeviceKillsTheSecretAtOnce(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	lost, kept := h.copied(session, p, "Perdu"), h.copied(session, p, "Gardé")
	h.prove(session, p)
	q, _ := h.Enrol(enrol.Flow{Session: session}, "Autre")
	other := h.SignIn(amelie, authntest.Password, q).Session
	h.prove(session, q)
	replace, issued, err := h.Enrolment.RemoveCopy(t.Context(), h.From, session, p.Device, lost)
	if err != nil || replace {
		t.Fatalf("got replace %v, %v", replace, err)
	}
	if h.alive(session) || h.alive(other) || !h.alive(issued.Session) {
		t.Error("the sessions do not stand as they should")
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the old secret signs in")
	}
	d := h.User(string(u.ID)).Devices[0]
	if d.Usable() || len(d.Copies) != 1 || d.Copies[0].ID != kept || !d.Copies[0].ScanAgain {
		t.Errorf("got %q, copies %+v", d.Disabled, d.Copies)
	}
	h.prove(issued.Session, q)
	r, err := h.replace(issued.Session, p.Device, "")
	do(t, err, "scanning again")
	h.SignIn(amelie, authntest.Password, r)
}

// replace gives a device another secret and confirms it by a code.
func (h *house) replace(session secret.Value, id factors.DeviceID, lost string) (*authntest.Phone, error) {
	h.t.Helper()
	seat := enrol.Flow{Session: session}
	prompt, err := h.Enrolment.BeginEnrol(h.t.Context(), h.From, seat, enrol.Request{Kind: totp.Kind, Replace: id, LostCopy: lost})
	if err != nil {
		return nil, err
	}
	var view oath.View
	do(h.t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	p := &authntest.Phone{Env: h.Env, Secret: view.Secret, Device: id}
	done, err := h.Enrolment.FinishEnrol(h.t.Context(), h.From, seat, "", p.Code())
	if err == nil && (!done.Accepted() || !h.alive(done.Credentials.Session) || h.alive(session)) {
		h.t.Errorf("replacing: got %+v, session not re-issued", done)
	}
	return p, err
}

func TestRemovingACopyOfTheOnlyDeviceReplacesTheSecretFirst(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	lost := h.copied(session, p, "Perdu")
	kept := h.copied(session, p, "Gardé")
	h.prove(session, p)
	before := h.User(string(u.ID)).Revision
	replace, _, err := h.Enrolment.RemoveCopy(t.Context(), h.From, session, p.Device, lost)
	if err != nil || !replace || h.User(string(u.ID)).Revision != before {
		t.Fatalf("got replace %v, %v, revision %d, was %d", replace, err, h.User(string(u.ID)).Revision, before)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); !v.Accepted() {
		t.Error("the old secret died before there was a new one")
	}
	other := h.SignIn(amelie, authntest.Password, p).Session
	r, err := h.replace(session, p.Device, lost)
	do(t, err, "replacing")
	if v := h.verify(h.password(h.From, amelie).Secret, p.Next()); v.Accepted() {
		t.Error("the old secret outlived the confirmation of the new one")
	}
	if h.alive(other) {
		t.Error("another session outlived it")
	}
	d := h.User(string(u.ID)).Devices[0]
	if len(h.User(string(u.ID)).Devices) != 1 || d.ID != p.Device || len(d.Copies) != 1 || d.Copies[0].ID != kept || !d.Copies[0].ScanAgain {
		t.Errorf("got %d devices, copies %+v", len(h.User(string(u.ID)).Devices), d.Copies)
	}
	h.SignIn(amelie, authntest.Password, r)
}
