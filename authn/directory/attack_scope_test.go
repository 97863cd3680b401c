package directory_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
)

// TestAttack_CursorRevealsUsersOutsideScope: a principal with a group scope reads small pages and looks at whether a
// cursor follows and how it begins.
func TestAttack_CursorRevealsUsersOutsideScope(t *testing.T) {
	s := newEnv(t)
	p := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	s.CreateUser("nord@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Nord} })
	for range 3 { // who lie outside, though they are members
		s.Clock.Advance(1)
		s.CreateUser("chef"+s.Clock.Now().Format("150405.000000000")+"@garage.example", func(u *account.User) {
			u.Groups = []account.GroupID{s.Lumiere, s.Nord}
		})
	}
	users, next, err := s.Directory.Users(t.Context(), p, roster.UserQuery{Limit: 1})
	if err != nil || len(users) != 1 || users[0].ID != s.Amelie.ID || next != "" {
		t.Errorf("users: got %d, cursor %q, %v, want one and no cursor", len(users), next, err)
	}

	ask := func(address string) {
		s.Clock.Advance(1)
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: address}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"nord2", "nord3"} {
		s.CreateUser(name+"@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Nord} })
	}
	zoe := s.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Lumiere} })
	for _, address := range []string{"nord@garage.example", authntest.Technician, "nord2@garage.example", zoe.Login, "nord3@garage.example", "nobody@garage.example"} {
		ask(address)
	}
	var seen []string
	for after, pages := "", 0; ; pages++ {
		cases, next, err := s.Directory.HelpDesk.Requests(t.Context(), p, helpdesk.RequestQuery{Limit: 1, After: after})
		if err != nil || len(cases) != 1 || cases[0].User != s.Amelie.ID && cases[0].User != zoe.ID || pages > 1 {
			t.Fatalf("page %d: got %d cases, %v, want one of the garage", pages, len(cases), err)
		}
		if next != "" && next != cases[0].ID {
			t.Errorf("the cursor %q is that of a request outside", next)
		}
		seen = append(seen, cases[0].ID)
		if after = next; next == "" {
			break
		}
	}
	if len(seen) != 2 || seen[0] == seen[1] {
		t.Errorf("got cases %q, want both of the garage", seen)
	}
}
