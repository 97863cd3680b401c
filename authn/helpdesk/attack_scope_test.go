package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/helpdesk"
)

// TestACursorTellsOfWhatLiesOutside: an operator of one garage asks for small pages and looks whether there is a
// next one, and what it begins with.
func TestACursorTellsOfWhatLiesOutside(t *testing.T) {
	s := openShop(t)
	op := limited(support, s.garage)
	s.CreateUser("nord@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.other} })
	for range 3 { // who lie outside, though they are members
		s.Clock.Advance(1)
		s.CreateUser("chef"+s.Clock.Now().Format("150405.000000000")+"@garage.example", func(u *account.User) {
			u.Groups = []account.GroupID{s.garage, s.other}
		})
	}
	people, next, err := s.Directory.Users(t.Context(), op, account.UserQuery{Limit: 1})
	if err != nil || len(people) != 1 || people[0].ID != s.amelie.ID || next != "" {
		t.Errorf("people: got %d, cursor %q, %v, want one and no cursor", len(people), next, err)
	}

	ask := func(address string) {
		s.Clock.Advance(1)
		if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: address}); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range []string{"nord@garage.example", technician, "nord@garage.example", technician, "nord@garage.example", "nobody@garage.example"} {
		ask(address)
	}
	var seen []string
	for after, pages := "", 0; ; pages++ {
		cases, next, err := s.Directory.HelpDesk.Requests(t.Context(), op, helpdesk.RequestQuery{Limit: 1, After: after})
		if err != nil || len(cases) != 1 || cases[0].User != s.amelie.ID || pages > 1 {
			t.Fatalf("page %d: got %d cases, %v, want one of the garage", pages, len(cases), err)
		}
		if next != "" && next != cases[0].ID {
			t.Errorf("the cursor %q is that of a case outside", next)
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
