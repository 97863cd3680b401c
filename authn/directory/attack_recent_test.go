package directory_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

// TestAttack_ActivityRevealsAdministratorAddress: the activity of a user contains operations of administrators, but not
// their browser and address.
func TestAttack_ActivityRevealsAdministratorAddress(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	for name, act := range map[string]func() error{
		"suspending":   func() error { return s.Directory.Suspend(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician) },
		"unsuspending": func() error { return s.Directory.Unsuspend(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician) },
		"a password": func() error {
			_, err := s.Directory.TemporaryPassword(ctx, authntest.WithSecrets(authntest.AsSuperAdmin), s.From, authntest.Technician)
			return err
		},
		"a reset": func() error {
			_, err := s.Directory.HelpDesk.Reset(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"})
			return err
		},
	} {
		s.Change(s.Amelie.ID, func(u *account.User) { u.Status = account.StatusActive })
		before := len(s.User(authntest.Technician).Activity)
		if name == "unsuspending" {
			authntest.WantCode(t, "suspending first", s.Directory.Suspend(ctx, authntest.AsSuperAdmin, s.From, authntest.Technician), "")
		}
		authntest.WantCode(t, name, act(), "")
		recent := s.User(authntest.Technician).Activity
		if len(recent) <= before {
			t.Errorf("%s: nothing is recorded", name)
		}
		for _, r := range recent[min(before, len(recent)):] {
			if r.Address != "" || r.Browser != "" {
				t.Errorf("%s: recorded with %q and %q", name, r.Address, r.Browser)
			}
		}
	}
}
