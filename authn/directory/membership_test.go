package directory_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

func TestAddMember_WritesOneEvent(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	for range 2 { // the second time it has no effect
		if err := s.Directory.AddMember(ctx, authntest.AsSuperAdmin, s.From, s.Nord, authntest.Technician); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.User(authntest.Technician); !slices.Equal(u.Groups, []account.GroupID{s.Lumiere, s.Nord}) {
		t.Errorf("got garages %v, want both", u.Groups)
	}
	if live, err := s.Sessions.Authenticate(ctx, s.Session); err != nil || !slices.Contains(live.Groups, s.Nord) {
		t.Errorf("the session: got %v, %v, want the garage at once", live.Groups, err)
	}
	if users, _, err := s.Directory.Members(ctx, authntest.AsSuperAdmin, s.Nord, roster.UserQuery{}); err != nil || len(users) != 1 || users[0].ID != s.Amelie.ID {
		t.Errorf("members: got %v, %v", users, err)
	}
	list, next, err := s.Directory.GroupsOf(ctx, authntest.AsSuperAdmin, authntest.Technician, account.GroupQuery{})
	if err != nil || len(list) != 2 || next != "" || list[0].ID > list[1].ID {
		t.Errorf("garages of a person: got %v, %q, %v", list, next, err)
	}
	s.Clock.Advance(time.Second) // events of one instant have no order
	for range 2 {
		if err := s.Directory.RemoveMember(ctx, authntest.AsSuperAdmin, s.From, s.Lumiere, authntest.Technician); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.User(authntest.Technician); !slices.Equal(u.Groups, []account.GroupID{s.Nord}) || u.Epoch != s.Amelie.Epoch {
		t.Errorf("got %v in epoch %d, want one garage in epoch %d", u.Groups, u.Epoch, s.Amelie.Epoch)
	}
	events := s.Events(audit.GroupMemberAdded, audit.GroupMemberRemoved)
	if len(events) != 2 || events[0].Action != audit.GroupMemberAdded || events[1].Action != audit.GroupMemberRemoved {
		t.Fatalf("got %+v, want one event for each operation", events)
	}
	e := events[1]
	if e.Actor.ID != authntest.AsSuperAdmin.ID || e.Subject != string(s.Amelie.ID) || len(e.Targets) != 1 || e.Targets[0].ID != string(s.Lumiere) || e.Targets[0].Name != "Garage Lumière" {
		t.Errorf("got %+v, want who, whom and which garage", e)
	}
}

func TestMembership_Permissions(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	own := authntest.WithRole(authntest.AsSuperAdmin, account.RoleSuperAdmin)
	own.Owner = string(s.Administrator.ID)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	both := s.CreateUser("both@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.Lumiere, s.Nord} })
	dead := s.CreateGroup("Garage fermé")
	if err := s.Directory.DeleteGroup(ctx, authntest.AsSuperAdmin, s.From, dead); err != nil {
		t.Fatal(err)
	}
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	for _, c := range []struct {
		name              string
		op                admin.Principal
		gid               account.GroupID
		id                account.UserID
		list, add, remove errcode.Code
	}{
		{"the zero principal", admin.Principal{}, s.Lumiere, s.Amelie.ID, no, no, no},
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Lumiere, s.Amelie.ID, ok, no, no},
		{"support", authntest.AsHelpDesk, s.Lumiere, s.Amelie.ID, ok, no, no},
		{"a user administrator", userAdmin, s.Lumiere, s.Amelie.ID, ok, ok, ok},
		{"a user administrator on support", userAdmin, s.Lumiere, s.Manager.ID, ok, ok, ok},
		{"a user administrator on a higher role", userAdmin, s.Lumiere, s.Administrator.ID, ok, no, no},
		{"a super administrator on an equal one", authntest.AsSuperAdmin, s.Lumiere, s.Administrator.ID, ok, no, no},
		{"oneself", own, s.Lumiere, s.Administrator.ID, ok, no, no},
		{"the operator", authntest.AsOperator, s.Lumiere, s.Administrator.ID, ok, ok, ok},
		{"a garage that never was", authntest.AsSuperAdmin, "gnever", s.Amelie.ID, hidden, hidden, hidden},
		{"a garage that was deleted", authntest.AsSuperAdmin, dead, s.Amelie.ID, hidden, hidden, hidden},
		{"a person who never was", authntest.AsSuperAdmin, s.Lumiere, "unever", ok, hidden, hidden},
		{"a manager", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), s.Lumiere, s.Amelie.ID, ok, no, no},
		{"an administrator of a group", authntest.Limited(userAdmin, s.Lumiere), s.Lumiere, s.Amelie.ID, ok, no, ok},
		{"of two garages, on a user of both", authntest.Limited(userAdmin, s.Lumiere, s.Nord), s.Nord, both.ID, ok, no, ok},
		{"of one garage, on a user of two", authntest.Limited(userAdmin, s.Lumiere), s.Lumiere, both.ID, ok, no, hidden},
		{"of one garage, on a user with a role", authntest.Limited(userAdmin, s.Lumiere), s.Lumiere, s.Manager.ID, ok, no, hidden},
		{"of one garage, in another", authntest.Limited(userAdmin, s.Lumiere), s.Nord, s.Amelie.ID, hidden, no, hidden},
		{"of one garage, in one that never was", authntest.Limited(userAdmin, s.Lumiere), "gnever", s.Amelie.ID, hidden, no, hidden},
		{"of one garage, on no user", authntest.Limited(userAdmin, s.Lumiere), s.Lumiere, "unever", ok, no, hidden},
		{"of another garage", authntest.Limited(userAdmin, s.Nord), s.Lumiere, s.Amelie.ID, hidden, no, hidden},
		{"an empty scope", authntest.Limited(userAdmin), s.Lumiere, s.Amelie.ID, hidden, no, hidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := map[account.UserID][]account.GroupID{}
			for _, id := range []account.UserID{s.Amelie.ID, s.Manager.ID, s.Administrator.ID, both.ID} {
				groups[id] = s.User(string(id)).Groups
			}
			_, _, err := s.Directory.Members(ctx, c.op, c.gid, roster.UserQuery{})
			authntest.WantCode(t, "listing", err, c.list)
			authntest.WantCode(t, "removing", s.Directory.RemoveMember(ctx, c.op, s.From, c.gid, string(c.id)), c.remove)
			authntest.WantCode(t, "adding", s.Directory.AddMember(ctx, c.op, s.From, c.gid, string(c.id)), c.add)
			for id, before := range groups {
				if id == c.id && (c.add == ok || c.remove == ok) {
					if is := slices.Contains(s.User(string(id)).Groups, c.gid); is != (c.add == ok) {
						t.Errorf("got a member: %t, want %t", is, c.add == ok)
					}
					if err := s.Directory.AddMember(ctx, authntest.AsOperator, s.From, c.gid, string(id)); err != nil { // for the next one
						t.Fatal(err)
					}
				} else if got := s.User(string(id)).Groups; !slices.Equal(got, before) {
					t.Errorf("got %v, want %v: a rejected operation moves no user", got, before)
				}
			}
		})
	}
}

func TestGroup_Permissions(t *testing.T) {
	s := newEnv(t)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	for _, c := range []struct {
		name string
		op   admin.Principal
		gid  account.GroupID // "": one made for this
		want errcode.Code
	}{
		{"the zero principal", admin.Principal{}, "", errcode.Forbidden},
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), "", errcode.Forbidden},
		{"support", authntest.AsHelpDesk, "", errcode.Forbidden},
		{"an administrator of a group", authntest.Limited(userAdmin, s.Lumiere), s.Lumiere, errcode.Forbidden},
		{"of another garage", authntest.Limited(userAdmin, s.Nord), s.Lumiere, errcode.Forbidden},
		{"of another garage, one that never was", authntest.Limited(userAdmin, s.Nord), "gnever", errcode.Forbidden},
		{"a user administrator", userAdmin, "", ""},
		{"the operator", authntest.AsOperator, "", ""},
		{"one that never was", authntest.AsSuperAdmin, "gnever", errcode.NotFound},
	} {
		gid := c.gid
		if gid == "" {
			gid = s.CreateGroup("Garage " + c.name)
		}
		before := len(s.Events(audit.GroupUpdated, audit.GroupDeleted))
		_, err := s.Directory.UpdateGroup(t.Context(), c.op, s.From, gid, "Autre", "ailleurs")
		authntest.WantCode(t, c.name+": changing", err, c.want)
		authntest.WantCode(t, c.name+": deleting", s.Directory.DeleteGroup(t.Context(), c.op, s.From, gid), c.want)
		if got, want := len(s.Events(audit.GroupUpdated, audit.GroupDeleted))-before, map[bool]int{true: 2}[c.want == ""]; got != want {
			t.Errorf("%s: got %d events, want %d", c.name, got, want)
		}
	}
}

func TestUpdateGroup_KeepsMembersAndWritesOneEvent(t *testing.T) {
	s := newEnv(t)
	for range 2 {
		g, err := s.Directory.UpdateGroup(t.Context(), authntest.AsSuperAdmin, s.From, s.Lumiere, " Garage Soleil ", "Lyon")
		if err != nil || g.Name != "Garage Soleil" || g.Description != "Lyon" || g.ID != s.Lumiere || !g.Changed.After(g.Created) {
			t.Errorf("got %+v, %v", g, err)
		}
	}
	for _, bad := range [][2]string{{" ", ""}, {"a\nb", ""}, {"x", "a\x00b"}} {
		_, err := s.Directory.UpdateGroup(t.Context(), authntest.AsSuperAdmin, s.From, s.Lumiere, bad[0], bad[1])
		authntest.WantCode(t, fmt.Sprintf("%q", bad), err, errcode.Invalid)
	}
	if got := len(s.Events(audit.GroupUpdated)); got != 1 || !slices.Equal(s.User(authntest.Technician).Groups, []account.GroupID{s.Lumiere}) {
		t.Errorf("got %d events and %v, want one and everybody where they were", got, s.User(authntest.Technician).Groups)
	}
}

func TestDeleteGroup_RoleAndTokenOfItCoverNoUser(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	secret, _, err := s.Directory.Admin.CreateToken(ctx, authntest.AsOperator, s.From, admin.NewToken{Name: "garage", Role: account.RoleUserAdmin, Groups: []account.GroupID{s.Lumiere}})
	if err != nil {
		t.Fatal(err)
	}
	s.CreateUser("elsewhere@garage.example", nil)
	s.EmptyOutbox()
	if err := s.Directory.DeleteGroup(ctx, authntest.AsSuperAdmin, s.From, s.Lumiere); err != nil {
		t.Fatal(err)
	}
	authntest.WantCode(t, "deleting it again", s.Directory.DeleteGroup(ctx, authntest.AsSuperAdmin, s.From, s.Lumiere), errcode.NotFound)
	if events := s.Events(audit.GroupDeleted, audit.GroupMemberRemoved); len(events) != 1 || events[0].Targets[0].ID != string(s.Lumiere) {
		t.Errorf("got %+v, want one event for one operation", events)
	}
	if u := s.User(authntest.Technician); len(u.Groups) != 0 || len(u.Devices) == 0 {
		t.Errorf("got %+v, want the user there, without a garage", u.Groups)
	}
	p, err := s.Directory.Admin.Authenticate(ctx, secret)
	if err != nil {
		t.Fatal(err)
	}
	if users, next, err := s.Directory.Users(ctx, p, roster.UserQuery{}); err != nil || len(users) != 0 || next != "" {
		t.Errorf("the token lists %d, %q, %v, want none", len(users), next, err)
	}
	if list, _, err := s.Directory.Groups(ctx, p, account.GroupQuery{}); err != nil || len(list) != 0 {
		t.Errorf("the token lists garages %v, %v, want none", list, err)
	}
	_, err = s.Directory.Admin.User(ctx, p, "elsewhere@garage.example")
	authntest.WantCode(t, "the token on a user without a garage", err, errcode.NotFound)
	_, _, err = s.Directory.CreateUser(ctx, p, s.From, directory.NewUser{Login: "new@garage.example", Groups: []account.GroupID{s.Lumiere}}, true, true)
	authntest.WantCode(t, "inviting into the garage that is gone", err, errcode.Invalid)
	// The manager's role names the dead garage still: they hear of no reset of its former members, nor of others.
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	for _, letter := range s.MailList() {
		if strings.HasSuffix(letter, " to manager@garage.example") {
			t.Errorf("the manager is notified: %s", letter)
		}
	}
}

func TestAddMember_RejectsMoreThan32Groups(t *testing.T) {
	s := newEnv(t)
	var last account.GroupID
	for i := range 33 {
		last = s.CreateGroup(fmt.Sprintf("Garage %d", i))
		want := errcode.Code("")
		if i >= 31 { // one they have
			want = errcode.Invalid
		}
		authntest.WantCode(t, fmt.Sprintf("garage %d", i), s.Directory.AddMember(t.Context(), authntest.AsSuperAdmin, s.From, last, authntest.Technician), want)
	}
	if users, _, err := s.Directory.Members(t.Context(), authntest.AsSuperAdmin, last, roster.UserQuery{}); err != nil || len(users) != 0 || len(s.User(authntest.Technician).Groups) != 32 {
		t.Errorf("got %d members, %d garages, %v, want nothing half done", len(users), len(s.User(authntest.Technician).Groups), err)
	}
	seen, pages := []account.GroupID{}, 0
	for after := ""; ; pages++ {
		list, next, err := s.Directory.GroupsOf(t.Context(), authntest.AsSuperAdmin, authntest.Technician, account.GroupQuery{After: after, Limit: 16})
		if err != nil || pages > 2 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, g := range list {
			seen = append(seen, g.ID)
		}
		if after = next; next == "" {
			break
		}
	}
	if len(seen) != 32 || pages != 1 || !slices.IsSorted(seen) {
		t.Errorf("got %d garages on %d pages, want 32 on two", len(seen), pages+1)
	}
	_, _, err := s.Directory.GroupsOf(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere), authntest.Technician, account.GroupQuery{})
	authntest.WantCode(t, "a manager of one of them", err, errcode.NotFound)
}
