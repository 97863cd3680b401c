package freeze_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/freeze"
	"barillet/store/storetest"
)

// growth returns how many records fn adds to the store.
func (e *env) growth(t *testing.T, fn func() error) (n int) {
	t.Helper()
	count := func() (n int) {
		all, err := storetest.Count(t.Context(), e.Accounts.Store)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range all {
			n += of
		}
		return n
	}
	before := count()
	if err := fn(); err != nil {
		t.Fatal(err)
	}
	return count() - before
}

// A freeze is never refused: a stolen API token, or a stolen known browser with the password, can repeat it without a limit.
func TestAttack_RepeatedFreezesWriteNothing(t *testing.T) {
	e := newEnv(t)
	login := e.password(t, e.office, authntest.Technician)
	for name, fn := range map[string]func() error{
		"by an administrator": func() error {
			_, err := e.freeze.ByAdmin(t.Context(), authntest.AsHelpDesk, e.From, authntest.Technician, freeze.All, "lost")
			return err
		},
		"at the sign-in": func() error {
			_, err := e.freeze.AtSignIn(t.Context(), e.office, login, freeze.All)
			return err
		},
	} {
		if name == "at the sign-in" {
			e.Change(e.Amelie.ID, func(u *account.User) { u.Devices[0].Frozen = time.Time{} })
			login = e.password(t, e.office, authntest.Technician)
		}
		if err := fn(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		e.EmptyOutbox()
		if n := e.growth(t, fn); n != 0 || len(e.Mails()) != 0 {
			t.Errorf("%s: the second freeze wrote %d records and queued %d emails", name, n, len(e.Mails()))
		}
	}
}
