package admin_test

import (
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

// An event of a session has the id of the administrator. A reader who may read about that user gets a name.
func TestNameActors_NamesWhomTheReaderMayKnow(t *testing.T) {
	s := newEnv(t)
	colleague := s.CreateUser("colleague@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Lumiere} })
	user := func(id account.UserID) audit.Actor { return audit.Actor{Type: audit.TypeUser, ID: string(id)} }
	var entries []audit.Entry
	for _, a := range []audit.Actor{user(s.Administrator.ID), user(s.Manager.ID), user(colleague.ID), user("uaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		{Type: audit.TypeToken, ID: "token:t", Name: "desk"}, {Type: audit.TypeSystem}} {
		entries = append(entries, audit.Entry{Event: audit.Event{Actor: a, Subject: string(s.Amelie.ID)}})
	}
	manager := admin.Principal{ID: "user:" + string(s.Manager.ID), Owner: string(s.Manager.ID), Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Lumiere}}
	for name, c := range map[string]struct {
		reader admin.Principal
		want   string
	}{
		"support":                 {authntest.AsHelpDesk, "[admin@garage.example manager@garage.example colleague@garage.example  desk ]"},
		"the manager of a garage": {manager, "[ manager@garage.example colleague@garage.example  desk ]"},
		"of another garage":       {authntest.Limited(authntest.AsHelpDesk, s.Nord), "[    desk ]"},
	} {
		var got []string
		copies := append([]audit.Entry{}, entries...)
		if err := s.Directory.Admin.NameActors(t.Context(), c.reader, copies); err != nil {
			t.Fatal(err)
		}
		for _, e := range copies {
			got = append(got, e.Actor.Name)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: got %q, want %s", name, got, c.want)
		}
	}
}
