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

// TestAPhoneThatScannedTheOldQRCodeIsConfirmedByTheNewOne: the QR code is open in the session when its secret is
// replaced. A code of the new secret proves nothing about who scanned the old one.
func TestAPhoneThatScannedTheOldQRCodeIsConfirmedByTheNewOne(t *testing.T) {
	h := newHouse(t)
	_, p, session := h.Member(amelie, nil)
	lost := h.copied(session, p, "Tablette")
	if j, err := h.show(session, p, "", "Atelier"); err != nil || !j.Accepted() {
		t.Fatalf("showing: %v, %+v", err, j)
	}
	h.prove(session, p)
	prompt, err := h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Session: session},
		enrol.Request{Kind: totp.Kind, Replace: p.Device, LostCopy: lost})
	do(t, err, "beginning to replace the secret")
	var view oath.View
	do(t, json.Unmarshal(prompt.View, &view), "reading the prompt")
	fresh := &authntest.Phone{Env: h.Env, Device: p.Device, Secret: view.Secret}
	done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Session: session}, "", fresh.Next())
	if err != nil || !done.Accepted() {
		t.Fatalf("replacing: %v, %+v", err, done)
	}
	_, err = h.Enrolment.PendingCopy(t.Context(), done.Credentials.Session)
	refused(t, err, errcode.Expired, "showing the old QR code")
	_, err = h.Enrolment.ConfirmCopy(t.Context(), h.From, done.Credentials.Session, fresh.Next())
	refused(t, err, errcode.Expired, "confirming by the new secret")
	for _, c := range h.User(amelie).Devices[0].Copies {
		if !c.ScanAgain || !c.Confirmed.IsZero() {
			t.Errorf("%s counts as having scanned the new QR code", c.Name)
		}
	}
}
