package helpdesk_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

// TestASwarmOfShadowsKeepsSomebodyOutOfAGarage: an operator of many garages invites somebody who is known elsewhere into
// one of them and each of the others, by tokens that do not see one another's shadows. All end when the person joins.
func TestASwarmOfShadowsKeepsSomebodyOutOfAGarage(t *testing.T) {
	s := openShop(t)
	var all []account.User
	for i := range 20 {
		g := s.CreateGroup(fmt.Sprintf("Garage %d", i))
		op := limited(support, s.other, g)
		all = append(all, s.inviteElsewhere(t, op, technician, s.other, g))
	}
	if err := s.Directory.AddMember(t.Context(), machine, s.From, s.other, technician); err != nil {
		t.Fatalf("the person joins the garage: %v", err)
	}
	for _, shadow := range all[4:] { // the list of an address holds sixteen
		if err := s.Accounts.View(t.Context(), func(r account.Reader) error {
			_, err := r.User(shadow.ID)
			return err
		}); errcode.Of(err) != errcode.NotFound {
			t.Errorf("a shadow is left: %v", err)
		}
	}
}
