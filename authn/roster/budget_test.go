package roster_test

import (
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/authn/authntest"
	"barillet/authn/roster"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/store/storetest"
)

// putMany stores n records in Updates of their own.
func putMany(t *testing.T, s store.Store, n int, put func(tx store.Tx, i int) error) {
	t.Helper()
	for first := 0; first < n; first += store.MaxUpdateKeys {
		if err := s.Update(t.Context(), func(tx store.Tx) error {
			for i := first; i < min(first+store.MaxUpdateKeys, n); i++ {
				if err := put(tx, i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Each source of a list has more records that show no user than one page reads. The page is empty, with a sealed cursor, and the next
// one continues.
func TestUsers_PageReadsABoundedNumberOfRecords(t *testing.T) {
	const records = store.PageReads + 10
	g := authntest.NewGarage(t)
	// The last of each source: ids of users sort after these.
	found := g.CreateUser("zoe@garage.example", func(u *account.User) {
		u.Status, u.Groups, u.FirstName = account.StatusSuspended, []account.GroupID{g.Nord}, "Zoé"
	})
	none := func(i int) string { return fmt.Sprintf("u%026d", i) }
	in := func(def store.TableDef, prefix string) func(tx store.Tx, i int) error {
		entries := store.NewIndex(def)
		return func(tx store.Tx, i int) error { return entries.Put(tx, prefix+none(i)) }
	}
	users, failures := store.NewTable[account.User](g.Ring, store.Users), store.NewTable[throttle.Failures](g.Ring, store.Failures)
	placeholder := func(tx store.Tx, i int) error {
		return users.Put(tx, none(i), account.User{ID: account.UserID(none(i)), Placeholder: true})
	}
	counter := func(tx store.Tx, i int) error {
		return failures.Put(tx, fmt.Sprintf("user-%026d", i), throttle.Failures{User: none(i)})
	}
	suspended := []account.Status{account.StatusSuspended}
	for name, source := range map[string]struct {
		q    roster.UserQuery
		put  func(tx store.Tx, i int) error
		want []account.UserID
	}{
		"members":     {roster.UserQuery{Group: g.Nord}, in(store.Members, string(g.Nord)+"/"), []account.UserID{found.ID}},
		"a scope":     {roster.UserQuery{Scope: []account.GroupID{g.Nord}}, in(store.Members, string(g.Nord)+"/"), []account.UserID{found.ID}},
		"names":       {roster.UserQuery{Prefix: "zoe garage"}, in(store.Names, index.SearchKey("zoe garage aaa")+"/"), []account.UserID{found.ID}},
		"states":      {roster.UserQuery{Statuses: suspended}, in(store.UserStates, index.StatePrefix(string(suspended[0]), 0)+string(g.Nord)+"/"), []account.UserID{found.ID}},
		"devices":     {roster.UserQuery{Statuses: suspended, Devices: []int{0}}, in(store.UserStates, index.StatePrefix(string(suspended[0]), 0)+string(g.Nord)+"/"), []account.UserID{found.ID}},
		"holders":     {roster.UserQuery{Role: account.RoleSuperAdmin}, in(store.RoleHolders, index.HolderPrefix(index.ScopeAll, 4)), []account.UserID{g.Administrator.ID}},
		"every user":  {roster.UserQuery{}, placeholder, []account.UserID{g.Amelie.ID, found.ID}},
		"locked ones": {roster.UserQuery{Statuses: []account.Status{account.StatusLocked}}, counter, nil},
	} {
		t.Run(name, func(t *testing.T) {
			putMany(t, g.Store, records, source.put)
			counted := storetest.CountReads(g.Store, "")
			g.Accounts.Store = counted
			var got []account.UserID
			var pages int
			q := source.q
			q.Seal = func(cursor string) string { return "sealed-" + cursor }
			for after := "-"; after != ""; pages++ {
				counted.Reset()
				page, next, err := roster.Users(t.Context(), g.Accounts, q)
				if err != nil || pages > 5 || counted.Records() > 2*store.PageReads+5 {
					t.Fatalf("page %d: %v with %d reads", pages, err, counted.Records())
				}
				if pages == 0 && (len(page) > 0 || len(next) < 8 || next[:7] != "sealed-") {
					t.Errorf("the first page has %d users and the cursor %q, want none and a sealed one", len(page), next)
				}
				for _, u := range page {
					got = append(got, u.ID)
				}
				if after = next; next != "" {
					q.After = next[7:]
				}
			}
			for _, id := range source.want {
				if !slices.Contains(got, id) {
					t.Errorf("got %v after %d pages, want %s", got, pages, id)
				}
			}
		})
	}
}

// A search for a name among the users at risk finds them by their name: nearly every user may be at risk.
func TestUsers_AtRiskWithANameReadsThoseWithTheName(t *testing.T) {
	g := authntest.NewGarage(t)
	for i := range 40 {
		g.CreateUser(fmt.Sprintf("atelier%d@garage.example", i), func(u *account.User) { u.Status = account.StatusActive })
	}
	counted := storetest.CountReads(g.Store, "")
	g.Accounts.Store = counted
	found, next, err := roster.Users(t.Context(), g.Accounts, roster.UserQuery{AtRisk: true, Prefix: "amelie"})
	if err != nil || len(found) != 1 || found[0].ID != g.Amelie.ID || next != "" || counted.Records() > 10 {
		t.Errorf("got %d users and the cursor %q with %d records read, %v", len(found), next, counted.Records(), err)
	}
}

// A search for a name reads whether a user is locked out only if all else is as the search asks.
func TestUsers_ASearchReadsTheFailuresOfFew(t *testing.T) {
	g := authntest.NewGarage(t)
	for i := range 30 {
		g.CreateUser(fmt.Sprintf("zoe%d@garage.example", i), func(u *account.User) {
			if u.FirstName, u.Status = "Zoé", account.StatusActive; i == 7 {
				u.Status = account.StatusSuspended
			}
		})
	}
	for name, c := range map[string]struct {
		q           roster.UserQuery
		found, most int
	}{
		"suspended":         {roster.UserQuery{Statuses: []account.Status{account.StatusSuspended}}, 1, 0},
		"two devices":       {roster.UserQuery{Devices: []int{2}, WithDisplayStatus: true}, 0, 0},
		"locked, a device":  {roster.UserQuery{Statuses: []account.Status{account.StatusLocked}, Devices: []int{1}}, 0, 0},
		"active, no device": {roster.UserQuery{Statuses: []account.Status{account.StatusActive}, Devices: []int{0}}, 29, 29},
	} {
		c.q.Prefix = "zoe"
		counted := storetest.CountReads(g.Store, store.Failures.Prefix)
		g.Accounts.Store = counted
		found, _, err := roster.Users(t.Context(), g.Accounts, c.q)
		if err != nil || len(found) != c.found || counted.Records() > int64(c.most) {
			t.Errorf("%s: got %d users with %d failures read, %v; want %d with at most %d", name, len(found), counted.Records(), err, c.found, c.most)
		}
		g.Accounts.Store = g.Store
	}
}
