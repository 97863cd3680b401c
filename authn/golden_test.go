package authn_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/store"
	"barillet/store/storetest"
)

func TestTransaction_Golden(t *testing.T) {
	then := time.Date(2026, 3, 2, 8, 0, 0, 123456789, time.UTC)
	ceremony := &factors.Ceremony{Pending: map[factors.Kind]factors.Pending{"webauthn": factors.Pending("p")}, At: then, Expires: then}
	enrolment := &account.PendingEnrolment{Kind: "totp", App: "GOOGLE", Name: "Nouveau", Replace: "d1", Lost: "c1", Shown: "d2", Pending: factors.Pending("pending"),
		Prompt: account.Prompt{View: json.RawMessage(`{"uri":"otpauth://totp/x"}`), JSON: json.RawMessage(`{"challenge":"x"}`)}, Expires: then}
	transaction := authn.Transaction{ID: "login", User: "uabc", PasswordEpoch: 2, Epoch: 5, Resets: 1, Mailed: true, Ticket: "t1",
		NewPassword: &authn.NewPassword{Hash: "$argon2id$x", Link: "l3", Provenance: "operator:0"}, Ceremony: ceremony, Enrol: enrolment,
		SecondFactor: &authn.SecondFactor{AMR: []string{"pwd", "otp", "mfa"}, Backup: true, Enrolled: true, StepUpAt: then}, APIToken: "token:t", KnownBrowser: true,
		Started: then, Expires: then}
	storetest.Complete(t, transaction)
	storetest.Golden(t, store.Transactions, nil, transaction)
}
