package account_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

func TestRecentSecurityChanges_KeepsChangesDespiteSignIns(t *testing.T) {
	e := authntest.New(t)
	u := e.CreateUser("amelie@garage.example", nil)
	add := func(action string, times int) {
		t.Helper()
		for range times {
			e.Clock.Advance(time.Minute)
			if _, err := account.Update(t.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
				u, err := tx.User(u.ID)
				if err != nil {
					return struct{}{}, err
				}
				tx.AddActivity(&u, action, "")
				return struct{}{}, tx.Save(&u)
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	changes := func() string {
		u := e.User(string(u.ID))
		if len(u.Activity) > 20 {
			t.Errorf("the record has %d events, want 20 at most", len(u.Activity))
		}
		var out []string
		for _, c := range u.RecentSecurityChanges(e.Clock.Now()) {
			out = append(out, c.What)
		}
		return strings.Join(out, " ")
	}
	add(audit.AddressUpdated, 1)
	add(audit.SessionStart, 40)
	add(audit.FactorsReset, 1)
	add(audit.SessionStart, 40)
	want := audit.AddressUpdated + " " + audit.FactorsReset
	if got := changes(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := e.User(string(u.ID)).Activity; len(got) != 20 || got[19].What != audit.SessionStart {
		t.Errorf("got %d events, want 20, the last of a sign-in", len(got))
	}
	add(audit.PasswordUpdated, 25)
	if got := changes(); got != strings.TrimSpace(strings.Repeat(audit.PasswordUpdated+" ", 20)) {
		t.Errorf("got %q, want the latest 20", got)
	}
	e.Clock.Advance(7 * 24 * time.Hour)
	if got := changes(); got != "" {
		t.Errorf("got %q a week later, want none", got)
	}
	add(audit.SessionStart, 20)
	if got := e.User(string(u.ID)).Activity; got[0].What != audit.SessionStart {
		t.Errorf("an old %s is listed instead of a new sign-in", got[0].What)
	}
}
