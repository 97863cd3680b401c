package roster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/roster"
	"barillet/store"
	"barillet/store/storetest"
)

func TestHoldings_ListWhoHasWhichRoleWhere(t *testing.T) {
	e := authntest.New(t)
	names := map[account.GroupID]string{"": "all"}
	var groups []account.GroupID
	for i := range 13 {
		g := e.CreateGroup(fmt.Sprintf("Garage %d", i))
		names[g], groups = fmt.Sprint("g", i), append(groups, g)
	}
	administrator := func(login string, roles ...account.RoleAssignment) {
		e.CreateUser(login+"@garage.example", func(u *account.User) { u.Roles = roles })
	}
	const desk, people = account.RoleHelpDesk, account.RoleUserAdmin
	administrator("a", authntest.Assignment(people))
	administrator("b", authntest.Assignment(desk, groups[0], groups[1]), authntest.Assignment(people, groups[1]))
	administrator("c", authntest.Assignment(desk, groups...))
	administrator("d")
	list := func(q roster.HoldingQuery) []string {
		t.Helper()
		var all []string
		for page := 0; page == 0 || q.After != ""; page++ {
			found, next, err := roster.Holdings(t.Context(), e.Accounts, q)
			if err != nil || page > 20 || q.Limit > 0 && len(found) > q.Limit {
				t.Fatalf("page %d: %d, %v", page, len(found), err)
			}
			for _, h := range found {
				where, roles := names[h.Group], ""
				if h.Many {
					where = "many"
				}
				for _, a := range h.Roles {
					roles += " " + string(a.Role)
				}
				all = append(all, strings.TrimSuffix(h.User.Login, "@garage.example")+" "+where+roles)
			}
			q.After = next
		}
		slices.Sort(all)
		return all
	}
	all := []string{"a all USER_ADMIN", "b g0 HELP_DESK_ADMIN", "b g1 HELP_DESK_ADMIN USER_ADMIN", "c many HELP_DESK_ADMIN"}
	for _, limit := range []int{0, 1, 2} {
		authntest.SameStrings(t, fmt.Sprint("all, by ", limit), list(roster.HoldingQuery{Limit: limit}), all)
	}
	authntest.SameStrings(t, "of a garage", list(roster.HoldingQuery{Group: groups[0]}), []string{"b g0 HELP_DESK_ADMIN", "c many HELP_DESK_ADMIN"})
	authntest.SameStrings(t, "of a role", list(roster.HoldingQuery{Role: people}), []string{"a all USER_ADMIN", "b g1 HELP_DESK_ADMIN USER_ADMIN"})
	authntest.SameStrings(t, "of a role in a garage", list(roster.HoldingQuery{Role: people, Group: groups[0]}), nil)
}

// The list of the administrators with a high role reads none of the managers.
func TestHoldings_OfAHighRoleReadNoLowerOnes(t *testing.T) {
	g := authntest.NewGarage(t)
	for i := range 30 {
		g.CreateUser(fmt.Sprintf("manager%d@garage.example", i), func(u *account.User) {
			u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk, g.Nord)}
		})
	}
	counted := storetest.CountReads(g.Store, store.Users.Prefix)
	g.Accounts.Store = counted
	found, next, err := roster.Holdings(t.Context(), g.Accounts, roster.HoldingQuery{Role: account.RoleSuperAdmin})
	if err != nil || len(found) != 1 || found[0].User.ID != g.Administrator.ID || next != "" || counted.Records() > 1 {
		t.Errorf("got %d holders and the cursor %q with %d users read, %v", len(found), next, counted.Records(), err)
	}
}
