package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/errcode"
)

// TestAnOperatorOffersAPhoneToWhoeverBroughtAKey: whoever imported a key knows it. They enrol another phone for the
// person, which waits for that person's word, so that the person counts as one who had a device; then they set a
// password and sign in with it and with the imported key.
func TestAnOperatorOffersAPhoneToWhoeverBroughtAKey(t *testing.T) {
	s := openShop(t)
	u, phone := s.bring(t)
	for _, op := range []admin.Principal{withSecrets(admin.Principal{ID: "token:m", Name: "scripts", Owner: machine.Owner, Role: account.RoleSuperAdmin}), thief} {
		s.offersTo(t, op, u.Login)
		if got := s.User(u.Login); !got.HasOnlyImportedDevice() {
			t.Errorf("%s: an offered phone made the key from elsewhere one that was used", op.ID)
		}
		_, err := s.Directory.UpdateUser(t.Context(), op, s.From, string(u.ID), directory.ProfileChange{Password: given})
		wantCode(t, "a password that is set", err, errcode.SameProvenance)
		_, err = s.Directory.TemporaryPassword(t.Context(), op, s.From, u.Login)
		wantCode(t, "a temporary one", err, errcode.SameProvenance)
		_, err = s.Directory.ResetPassword(t.Context(), op, s.From, u.Login, false)
		wantCode(t, "the link in the answer", err, errcode.SameProvenance)
	}
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, u.Login, given, "")
	if err == nil {
		v, err := verifies(t.Context(), s, started.Secret, phone.Next())
		t.Errorf("one operator signed in: step %q, %v", v.Step, err)
	}
}

// offersTo enrols a phone for somebody to its end.
func (s *shop) offersTo(t *testing.T, op admin.Principal, id string) {
	t.Helper()
	out, err := s.Directory.Enrol(t.Context(), op, s.From, id, directory.NewDevice{Type: "token:software:totp", Provider: "OKTA", Name: "Atelier"})
	if err != nil {
		t.Fatal(err)
	}
	phone := &authntest.Phone{Env: s.Env, Secret: out.Secret.Secret}
	if _, _, j, err := s.Directory.ActivateDevice(t.Context(), op, s.From, id, out.Device.ID, phone.Next()); err != nil || !j.Accepted() {
		t.Fatalf("confirming an offered phone: %+v, %v", j, err)
	}
}
