package authn_test

import (
	"fmt"
	"testing"

	"barillet/authn"
	"barillet/internal/errcode"
)

func TestTheGaragesThatAPersonIsMadeWith(t *testing.T) {
	h := newHouse(t)
	var garages []authn.GroupID
	for n := range 21 {
		garages = append(garages, h.Group(fmt.Sprintf("Garage %d", n)))
	}
	born := func(address string, in []authn.GroupID) error {
		_, err := authn.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *authn.Tx) (authn.User, error) {
			u := tx.NewUser()
			u.Login, u.Email, u.SecondEmail = address, "mail-"+address, "second-"+address
			u.FirstName, u.LastName, u.Groups = "Anne", "Morel", in
			return u, tx.Create(&u)
		})
		return err
	}
	do(t, born("twenty@garage.example", garages[:20]), "twenty garages")
	refused(t, born("more@garage.example", garages), errcode.Invalid, "twenty-one garages")
	refused(t, born("unknown@garage.example", []authn.GroupID{"gnone"}), errcode.Invalid, "a garage that does not exist")
}
