package account_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/store"
)

func TestWhoHasARoleIsFoundBehindThousandsWhoHaveNone(t *testing.T) {
	h := authntest.New(t)
	admin := h.CreateUser("admin@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleUserAdmin}} })
	h.CreateUser("zoe@garage.example", nil)
	standings := store.NewTable[account.Summary](h.Ring, store.Summaries)
	const many, bite = 5020, 60 // more than one reading takes; ids that sort before everybody's
	for first := 0; first < many; first += bite {
		if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
			for i := first; i < min(first+bite, many); i++ {
				if err := standings.Put(tx, fmt.Sprintf("a%05d", i), account.Summary{}); err != nil {
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
		staff, next, err := h.Accounts.ListAdministrators(t.Context(), after)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, u := range staff {
			found = append(found, u.ID)
		}
		after = next
	}
	if pages != 2 || len(found) != 1 || found[0] != admin.ID {
		t.Errorf("got %v in %d readings, want the administrator in two", found, pages)
	}
}
