package account_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

func TestCreate_LimitsGroups(t *testing.T) {
	e := authntest.New(t)
	var groups []account.GroupID
	for n := range 21 {
		groups = append(groups, e.CreateGroup(fmt.Sprintf("Garage %d", n)))
	}
	create := func(address string, groups []account.GroupID) error {
		_, err := account.Update(t.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (account.User, error) {
			u := tx.NewUser()
			u.Login, u.Email, u.SecondEmail = address, "mail-"+address, "second-"+address
			u.FirstName, u.LastName, u.Groups = "Anne", "Morel", groups
			return u, tx.Create(&u)
		})
		return err
	}
	if err := create("twenty@garage.example", groups[:20]); err != nil {
		t.Errorf("twenty groups: %v", err)
	}
	if err := create("more@garage.example", groups); errcode.Of(err) != errcode.Invalid {
		t.Errorf("twenty-one groups: got %v, want Invalid", err)
	}
	if err := create("unknown@garage.example", []account.GroupID{"gnone"}); errcode.Of(err) != errcode.Invalid {
		t.Errorf("an unknown group: got %v, want Invalid", err)
	}
}
