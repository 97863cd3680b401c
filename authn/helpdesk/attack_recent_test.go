package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/helpdesk"
)

// TestAttack_ActivityRevealsAdministratorAddress: the activity of a user contains operations of administrators, but not
// their browser and address.
func TestAttack_ActivityRevealsAdministratorAddress(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	for name, act := range map[string]func() error{
		"suspending":   func() error { return s.Directory.Suspend(ctx, AsSuperAdmin, s.From, Technician) },
		"unsuspending": func() error { return s.Directory.Unsuspend(ctx, AsSuperAdmin, s.From, Technician) },
		"a password": func() error {
			_, err := s.Directory.TemporaryPassword(ctx, WithSecrets(AsSuperAdmin), s.From, Technician)
			return err
		},
		"a reset": func() error {
			_, err := s.Directory.HelpDesk.Reset(ctx, AsSuperAdmin, s.From, Technician, helpdesk.ResetRequest{Reason: "lost"})
			return err
		},
	} {
		s.Change(s.Amelie.ID, func(u *account.User) { u.Status = account.StatusActive })
		before := len(s.User(Technician).Activity)
		if name == "unsuspending" {
			WantCode(t, "suspending first", s.Directory.Suspend(ctx, AsSuperAdmin, s.From, Technician), "")
		}
		WantCode(t, name, act(), "")
		recent := s.User(Technician).Activity
		if len(recent) <= before {
			t.Errorf("%s: nothing is told", name)
		}
		for _, r := range recent[min(before, len(recent)):] {
			if r.Address != "" || r.Agent != "" {
				t.Errorf("%s: told with %q and %q", name, r.Address, r.Agent)
			}
		}
	}
}
