package authn_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

func TestTheGaragesThatAPersonIsMadeWith(t *testing.T) {
	h := newHouse(t)
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
	do(t, born("twenty@garage.example", garages[:20]), "twenty garages")
	refused(t, born("more@garage.example", garages), errcode.Invalid, "twenty-one garages")
	refused(t, born("unknown@garage.example", []account.GroupID{"gnone"}), errcode.Invalid, "a garage that does not exist")
}
