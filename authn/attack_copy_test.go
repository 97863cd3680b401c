package authn_test

import (
	"encoding/json"
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors/oath"
	"barillet/factors/totp"
	"barillet/internal/errcode"
)

// The QR code is open in the session when its secret is replaced. A code of the new secret does not confirm a copy of the
// old one.
func TestConfirmCopy_ExpiresWhenSecretIsReplaced(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	lost := env.confirmedCopy(session, p, "Tablette")
	if v, err := env.showQR(session, p, "", "Atelier"); err != nil || !v.Accepted() {
		t.Fatalf("showing: %v, %+v", err, v)
	}
	env.stepUp(session, p)
	prompt, err := env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Session: session},
		enrol.Request{Kind: totp.Kind, Replace: p.Device, LostCopy: lost})
	must(t, err, "beginning to replace the secret")
	var view oath.View
	must(t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	fresh := &authntest.Phone{Env: env.Env, Device: p.Device, Secret: view.Secret}
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Session: session}, "", fresh.Next())
	if err != nil || !done.Accepted() {
		t.Fatalf("replacing: %v, %+v", err, done)
	}
	_, err = env.Enrolment.PendingCopy(t.Context(), done.Credentials.Session)
	wantCode(t, err, errcode.Expired, "showing the old QR code")
	_, err = env.Enrolment.ConfirmCopy(t.Context(), env.From, done.Credentials.Session, fresh.Next())
	wantCode(t, err, errcode.Expired, "confirming by the new secret")
	for _, c := range env.User(amelie).Devices[0].Copies {
		if !c.ScanAgain || !c.Confirmed.IsZero() {
			t.Errorf("%s counts as having scanned the new QR code", c.Name)
		}
	}
}
