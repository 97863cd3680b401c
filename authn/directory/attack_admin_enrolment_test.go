package directory_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/errcode"
)

// TestAttack_AdminEnrolmentMakesImportedKeyUsable: an administrator knows an imported key. They enrol another phone,
// which the user must confirm, so that the user counts as one who had a device. Then they set a password and sign in
// with it and with the imported key.
func TestAttack_AdminEnrolmentMakesImportedKeyUsable(t *testing.T) {
	s := newEnv(t)
	u, phone := s.bring(t)
	for _, p := range []admin.Principal{authntest.WithSecrets(admin.Principal{ID: "token:m", Name: "scripts", Owner: authntest.AsOperator.Owner, Role: account.RoleSuperAdmin}), attacker} {
		s.offersTo(t, p, u.Login)
		if got := s.User(u.Login); !got.HasOnlyImportedDevice() {
			t.Errorf("%s: an offered phone made the key from elsewhere one that was used", p.ID)
		}
		_, err := s.Directory.UpdateUser(t.Context(), p, s.From, string(u.ID), directory.ProfileChange{Password: given})
		authntest.WantCode(t, "a password that is set", err, errcode.SameProvenance)
		_, err = s.Directory.TemporaryPassword(t.Context(), p, s.From, u.Login)
		authntest.WantCode(t, "a temporary one", err, errcode.SameProvenance)
		_, err = s.Directory.ResetPassword(t.Context(), p, s.From, u.Login, false)
		authntest.WantCode(t, "the link in the answer", err, errcode.SameProvenance)
	}
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, u.Login, given)
	if err == nil {
		v, err := s.VerifyCode(t.Context(), started.Secret, phone.Next())
		t.Errorf("one operator signed in: step %q, %v", v.Step, err)
	}
}

// offersTo completes the enrolment of a phone for a user.
func (s *env) offersTo(t *testing.T, p admin.Principal, id string) {
	t.Helper()
	out, err := s.Directory.Enrol(t.Context(), p, s.From, id, directory.NewDevice{Type: "token:software:totp", Provider: "OKTA", Name: "Atelier"})
	if err != nil {
		t.Fatal(err)
	}
	phone := &authntest.Phone{Env: s.Env, Secret: out.Secret.Secret}
	if _, _, j, err := s.Directory.ActivateDevice(t.Context(), p, s.From, id, out.Device.ID, phone.Next()); err != nil || !j.Accepted() {
		t.Fatalf("confirming an offered phone: %+v, %v", j, err)
	}
}
