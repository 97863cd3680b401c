package account_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

func TestAChangeIsNotHiddenBehindSignInsForSevenDays(t *testing.T) {
	h := authntest.New(t)
	u := h.CreateUser("amelie@garage.example", nil)
	remember := func(action string, times int) {
		t.Helper()
		for range times {
			h.Clock.Advance(time.Minute)
			if _, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
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
		u := h.User(string(u.ID))
		if len(u.Activity) > 20 {
			t.Errorf("the record holds %d events, want 20 at most", len(u.Activity))
		}
		var out []string
		for _, c := range u.RecentSecurityChanges(h.Clock.Now()) {
			out = append(out, c.What)
		}
		return strings.Join(out, " ")
	}
	remember(audit.AddressUpdated, 1)
	remember(audit.SessionStart, 40)
	remember(audit.FactorsReset, 1)
	remember(audit.SessionStart, 40)
	want := audit.AddressUpdated + " " + audit.FactorsReset
	if got := changes(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := h.User(string(u.ID)).Activity; len(got) != 20 || got[19].What != audit.SessionStart {
		t.Errorf("got %d events, want the latest sign-ins beside them", len(got))
	}
	remember(audit.PasswordUpdated, 25)
	if got := changes(); got != strings.TrimSpace(strings.Repeat(audit.PasswordUpdated+" ", 20)) {
		t.Errorf("got %q, want the latest twenty", got)
	}
	h.Clock.Advance(7 * 24 * time.Hour)
	if got := changes(); got != "" {
		t.Errorf("got %q a week later, want nothing", got)
	}
	remember(audit.SessionStart, 20)
	if got := h.User(string(u.ID)).Activity; got[0].What != audit.SessionStart {
		t.Errorf("an old %s takes the place of what is new", got[0].What)
	}
}
