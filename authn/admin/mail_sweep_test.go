package admin_test

import (
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/store"
	"barillet/store/storetest"
)

// remove deletes a user.
func (e *env) remove(id account.UserID) {
	e.T.Helper()
	if _, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		u.Status = account.StatusDeactivated
		if err := tx.AuditUser(&u, audit.UserDeleted, audit.Success, ""); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Delete(&u)
	}); err != nil {
		e.T.Fatal(err)
	}
}

// An address that the user no longer has is in the outbox too.
func TestSweepMail_DeletesTheEmailsOfADeletedUser(t *testing.T) {
	e := newEnv(t)
	e.EmptyOutbox()
	zoe, karim := e.CreateUser("zoe@garage.example", nil), e.CreateUser("karim@garage.example", nil)
	later := e.Clock.Now().Add(time.Hour)
	for _, u := range []account.User{zoe, karim} {
		if _, err := account.Update(t.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
			err := tx.SendTo(&u, []string{"old-" + u.Login}, notice.PasswordLink{Link: "https://login.example/password/x"}, later)
			if err == nil {
				err = tx.SendTo(nil, []string{"aide@garage.example"}, notice.HelpWaiting{}, later)
			}
			if err == nil {
				err = tx.Notify(&u, notice.PasswordChanged{}, time.Time{})
			}
			return struct{}{}, err
		}); err != nil {
			t.Fatal(err)
		}
		e.giveUp("old-"+u.Login, u.ID)
	}
	want := func(zoes ...string) {
		t.Helper()
		if err := storetest.Sweep(t.Context(), e.Store, e.Directory.Admin.SweepMail()); err != nil {
			t.Fatal(err)
		}
		want := append(zoes, "aide@garage.example help_waiting", "aide@garage.example help_waiting", "karim@garage.example password_changed",
			"old-karim@garage.example dead", "old-karim@garage.example password_link")
		if got := slices.Sorted(slices.Values(e.outbox())); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	want("old-zoe@garage.example dead", "old-zoe@garage.example password_link", "zoe@garage.example password_changed")
	e.remove(zoe.ID)
	want("zoe@garage.example password_changed") // it is still sent
	if _, err := e.Log.EraseNow(t.Context(), e.Store, string(zoe.ID), audit.System, e.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	want()
}

// giveUp stores a dead letter to an address of a user.
func (e *env) giveUp(to string, id account.UserID) {
	e.T.Helper()
	err := e.Store.Update(e.T.Context(), func(tx store.Tx) error {
		return e.Outbox.Queue(tx, store.NewTimeID(e.Clock.Now()), mail.Message{Template: "dead", To: []string{to}, Recipient: string(id), Queued: e.Clock.Now(), Dead: true, Died: e.Clock.Now()})
	})
	if err != nil {
		e.T.Fatal(err)
	}
}

// outbox returns the address and the template of each email.
func (e *env) outbox() (out []string) {
	e.T.Helper()
	err := e.Store.View(e.T.Context(), func(s store.Snapshot) error {
		items, _, err := e.Outbox.Items(s, mail.List{})
		for _, m := range items {
			out = append(out, m.To+" "+m.Template)
		}
		return err
	})
	if err != nil {
		e.T.Fatal(err)
	}
	return out
}
