package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/notice"
)

// TestReset_MailsNameTheAdministratorAndNotTheToken resets by tokens with the name "mgr".
func TestReset_MailsNameTheAdministratorAndNotTheToken(t *testing.T) {
	for _, owned := range []bool{true, false} {
		s := newEnv(t)
		n, want := admin.NewToken{Name: "mgr", Role: account.RoleHelpDesk}, "Garage Lumiere"
		if owned {
			boss := s.NewAdministrator(t, "boss@garage.example", authntest.Assignment(account.RoleUserAdmin))
			s.Change(boss.ID, func(u *account.User) { u.FirstName, u.LastName = "Karim", "Benali" })
			n.Owner, want = string(boss.ID), "Karim Benali"
		}
		_, p := s.TokenPrincipal(t, n)
		s.EmptyOutbox()
		s.Reset(t, p, helpdesk.ResetRequest{})
		if m := authntest.Mailed[notice.UserDevicesReset](t, s.Env, authntest.SecondEmail); m.By != want {
			t.Errorf("owned by a user %t: got %q, want %q", owned, m.By, want)
		}
	}
}
