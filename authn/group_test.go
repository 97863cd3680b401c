package authn_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

func TestCreateUser_LimitsGroups(t *testing.T) {
	env := newTestEnv(t)
	var garages []account.GroupID
	for n := range 21 {
		garages = append(garages, env.Group(fmt.Sprintf("Garage %d", n)))
	}
	born := func(address string, in []account.GroupID) error {
		_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (account.User, error) {
			u := tx.NewUser()
			u.Login, u.Email, u.SecondEmail = address, "mail-"+address, "second-"+address
			u.FirstName, u.LastName, u.Groups = "Anne", "Morel", in
			return u, tx.Create(&u)
		})
		return err
	}
	must(t, born("twenty@garage.example", garages[:20]), "twenty groups")
	wantCode(t, born("more@garage.example", garages), errcode.Invalid, "twenty-one groups")
	wantCode(t, born("unknown@garage.example", []account.GroupID{"gnone"}), errcode.Invalid, "a group that does not exist")
}
