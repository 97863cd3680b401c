package account_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

func TestTheGaragesThatAPersonIsMadeWith(t *testing.T) {
	h := authntest.New(t)
	var garages []account.GroupID
	for n := range 21 {
		garages = append(garages, h.CreateGroup(fmt.Sprintf("Garage %d", n)))
	}
	born := func(address string, in []account.GroupID) error {
		_, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (account.User, error) {
			u := tx.NewUser()
			u.Login, u.Email, u.SecondEmail = address, "mail-"+address, "second-"+address
			u.FirstName, u.LastName, u.Groups = "Anne", "Morel", in
			return u, tx.Create(&u)
		})
		return err
	}
	if err := born("twenty@garage.example", garages[:20]); err != nil {
		t.Errorf("twenty groups: %v", err)
	}
	if err := born("more@garage.example", garages); errcode.Of(err) != errcode.Invalid {
		t.Errorf("twenty-one groups: got %v, want Invalid", err)
	}
	if err := born("unknown@garage.example", []account.GroupID{"gnone"}); errcode.Of(err) != errcode.Invalid {
		t.Errorf("an unknown group: got %v, want Invalid", err)
	}
}
