package directory_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// TestAttack_ManyPlaceholdersOfOneAddress: one principal invites a known address into many groups by tokens with
// different scopes. All placeholders end when the user joins.
func TestAttack_ManyPlaceholdersOfOneAddress(t *testing.T) {
	s := newEnv(t)
	var all []account.User
	for i := range 20 {
		g := s.CreateGroup(fmt.Sprintf("Garage %d", i))
		p := authntest.Limited(authntest.AsHelpDesk, s.Nord, g)
		all = append(all, s.inviteElsewhere(t, p, authntest.Technician, s.Nord, g))
	}
	if err := s.Directory.AddMember(t.Context(), authntest.AsOperator, s.From, s.Nord, authntest.Technician); err != nil {
		t.Fatalf("the user joins the garage: %v", err)
	}
	for _, placeholder := range all[4:] { // the list of an address holds sixteen
		if err := s.Accounts.View(t.Context(), func(r account.Reader) error {
			_, err := r.User(placeholder.ID)
			return err
		}); errcode.Of(err) != errcode.NotFound {
			t.Errorf("a placeholder is left: %v", err)
		}
	}
}
