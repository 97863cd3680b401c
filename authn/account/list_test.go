package account_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/store"
)

func TestListAdministrators_ReadsSeveralPages(t *testing.T) {
	e := authntest.New(t)
	admin := e.CreateUser("admin@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleUserAdmin}} })
	e.CreateUser("zoe@garage.example", nil)
	summaries := store.NewTable[account.Summary](e.Ring, store.Summaries)
	const many, batch = 5020, 60 // more than one call reads; their ids sort before those of users
	for first := 0; first < many; first += batch {
		if err := e.Store.Update(t.Context(), func(tx store.Tx) error {
			for i := first; i < min(first+batch, many); i++ {
				if err := summaries.Put(tx, fmt.Sprintf("a%05d", i), account.Summary{}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	var found []account.UserID
	pages := 0
	for after := ""; pages == 0 || after != ""; pages++ {
		administrators, next, err := e.Accounts.ListAdministrators(t.Context(), after)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, u := range administrators {
			found = append(found, u.ID)
		}
		after = next
	}
	if pages != 2 || len(found) != 1 || found[0] != admin.ID {
		t.Errorf("got %v in %d pages, want the administrator in two", found, pages)
	}
}
