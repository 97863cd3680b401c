package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/directory"
)

// A principal with a group scope imports into its groups by their names. A group outside is one that does not exist (protocol rule 21).
func TestImport_OfAScopeFindsItsOwnGroupsByName(t *testing.T) {
	s := newEnv(t)
	mine, other := s.CreateGroup("Carrosserie du Port"), s.CreateGroup("Carrosserie du Lac")
	p := authntest.Limited(authntest.WithRole(authntest.AsHelpDesk, account.RoleUserAdmin), mine)
	faults := map[string]string{}
	for i, name := range []string{"carrosserie du port", string(mine), "Carrosserie du Lac", string(other), "Carrosserie du Rien"} {
		login := fmt.Sprintf("n%d@garage.example", i)
		row := directory.ImportRow{NewUser: directory.NewUser{Login: login, Email: login}, GroupNames: []string{name}}
		out, err := s.Directory.Import(t.Context(), p, s.From, []directory.ImportRow{row}, false, i > 1)
		if err != nil {
			t.Fatal(err)
		}
		if i > 1 {
			faults[name] = fmt.Sprint(out[0].ID, out[0].Exists, out[0].Faults)
			continue
		}
		if len(out[0].Faults) > 0 || !slices.Equal(s.User(login).Groups, []account.GroupID{mine}) {
			t.Errorf("%s: got %+v", name, out[0])
		}
	}
	for name, got := range faults {
		if want := faults["Carrosserie du Rien"]; got != want || !strings.Contains(got, "groupIds") {
			t.Errorf("%s: got %s, want %s as for a name that no group has", name, got, want)
		}
	}
	row := directory.ImportRow{NewUser: directory.NewUser{Login: "zoe@garage.example", Email: "zoe@garage.example"}, GroupNames: []string{"Carrosserie du Rien"}}
	out, err := s.Directory.Import(t.Context(), authntest.AsSuperAdmin, s.From, []directory.ImportRow{row}, false, false)
	if err != nil || len(out[0].Faults) != 1 || out[0].ID != "" {
		t.Errorf("without a group scope: got %+v, %v, want a fault", out[0], err)
	}
}
