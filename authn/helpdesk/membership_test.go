package helpdesk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

func TestAMembershipIsOneActInOneEvent(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	for range 2 { // the second time it is no act
		if err := s.Directory.AddMember(ctx, root, s.From, s.other, technician); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.User(technician); !slices.Equal(u.Groups, []account.GroupID{s.garage, s.other}) {
		t.Errorf("got garages %v, want both", u.Groups)
	}
	if live, err := s.Sessions.Authenticate(ctx, s.session); err != nil || !slices.Contains(live.Groups, s.other) {
		t.Errorf("the session: got %v, %v, want the garage at once", live.Groups, err)
	}
	if people, _, err := s.Directory.Members(ctx, root, s.other, account.UserQuery{}); err != nil || len(people) != 1 || people[0].ID != s.amelie.ID {
		t.Errorf("members: got %v, %v", people, err)
	}
	list, next, err := s.Directory.GroupsOf(ctx, root, technician, account.GroupQuery{})
	if err != nil || len(list) != 2 || next != "" || list[0].ID > list[1].ID {
		t.Errorf("garages of a person: got %v, %q, %v", list, next, err)
	}
	s.Clock.Advance(time.Second) // events of one instant have no order
	for range 2 {
		if err := s.Directory.RemoveMember(ctx, root, s.From, s.garage, technician); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.User(technician); !slices.Equal(u.Groups, []account.GroupID{s.other}) || u.Epoch != s.amelie.Epoch {
		t.Errorf("got %v in epoch %d, want one garage in epoch %d", u.Groups, u.Epoch, s.amelie.Epoch)
	}
	events := s.Events(audit.GroupMemberAdded, audit.GroupMemberRemoved)
	if len(events) != 2 || events[0].Action != audit.GroupMemberAdded || events[1].Action != audit.GroupMemberRemoved {
		t.Fatalf("got %+v, want one event for each act", events)
	}
	e := events[1]
	if e.Actor.ID != root.ID || e.Subject != string(s.amelie.ID) || len(e.Targets) != 1 || e.Targets[0].ID != string(s.garage) || e.Targets[0].Name != "Garage Lumière" {
		t.Errorf("got %+v, want who, whom and which garage", e)
	}
}

func TestWhoMayMoveWhomIntoAndOutOfAGarage(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	own := withRole(root, account.RoleSuperAdmin)
	own.Owner = string(s.admin.ID)
	userAdmin := withRole(root, account.RoleUserAdmin)
	both := s.CreateUser("both@garage.example", func(u *account.User) { u.Groups = []account.GroupID{s.garage, s.other} })
	dead := s.CreateGroup("Garage fermé")
	if err := s.Directory.DeleteGroup(ctx, root, s.From, dead); err != nil {
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
		{"nobody", admin.Principal{}, s.garage, s.amelie.ID, no, no, no},
		{"who reads only", withRole(root, account.RoleReadOnly), s.garage, s.amelie.ID, ok, no, no},
		{"support", support, s.garage, s.amelie.ID, ok, no, no},
		{"an administrator of people", userAdmin, s.garage, s.amelie.ID, ok, ok, ok},
		{"an administrator of people on support", userAdmin, s.garage, s.manager.ID, ok, ok, ok},
		{"an administrator of people on a higher role", userAdmin, s.garage, s.admin.ID, ok, no, no},
		{"a super administrator on an equal one", root, s.garage, s.admin.ID, ok, no, no},
		{"oneself", own, s.garage, s.admin.ID, ok, no, no},
		{"the machine's owner", machine, s.garage, s.admin.ID, ok, ok, ok},
		{"a garage that never was", root, "gnever", s.amelie.ID, hidden, hidden, hidden},
		{"a garage that was deleted", root, dead, s.amelie.ID, hidden, hidden, hidden},
		{"a person who never was", root, s.garage, "unever", ok, hidden, hidden},
		{"a manager", limited(support, s.garage), s.garage, s.amelie.ID, ok, no, no},
		{"a garage's administrator", limited(userAdmin, s.garage), s.garage, s.amelie.ID, ok, no, ok},
		{"of two garages, on somebody of both", limited(userAdmin, s.garage, s.other), s.other, both.ID, ok, no, ok},
		{"of one garage, on somebody of two", limited(userAdmin, s.garage), s.garage, both.ID, ok, no, hidden},
		{"of one garage, on somebody with a role", limited(userAdmin, s.garage), s.garage, s.manager.ID, ok, no, hidden},
		{"of one garage, in another", limited(userAdmin, s.garage), s.other, s.amelie.ID, hidden, no, hidden},
		{"of one garage, in one that never was", limited(userAdmin, s.garage), "gnever", s.amelie.ID, hidden, no, hidden},
		{"of one garage, on nobody", limited(userAdmin, s.garage), s.garage, "unever", ok, no, hidden},
		{"of another garage", limited(userAdmin, s.other), s.garage, s.amelie.ID, hidden, no, hidden},
		{"an empty scope", limited(userAdmin), s.garage, s.amelie.ID, hidden, no, hidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			groups := map[account.UserID][]account.GroupID{}
			for _, id := range []account.UserID{s.amelie.ID, s.manager.ID, s.admin.ID, both.ID} {
				groups[id] = s.User(string(id)).Groups
			}
			_, _, err := s.Directory.Members(ctx, c.op, c.gid, account.UserQuery{})
			wantCode(t, "listing", err, c.list)
			wantCode(t, "removing", s.Directory.RemoveMember(ctx, c.op, s.From, c.gid, string(c.id)), c.remove)
			wantCode(t, "adding", s.Directory.AddMember(ctx, c.op, s.From, c.gid, string(c.id)), c.add)
			for id, before := range groups {
				if id == c.id && (c.add == ok || c.remove == ok) {
					if is := slices.Contains(s.User(string(id)).Groups, c.gid); is != (c.add == ok) {
						t.Errorf("got a member: %t, want %t", is, c.add == ok)
					}
					if err := s.Directory.AddMember(ctx, machine, s.From, c.gid, string(id)); err != nil { // for the next one
						t.Fatal(err)
					}
				} else if got := s.User(string(id)).Groups; !slices.Equal(got, before) {
					t.Errorf("got %v, want %v: a refused act moves nobody", got, before)
				}
			}
		})
	}
}

func TestWhoMayChangeAndDeleteAGarage(t *testing.T) {
	s := openShop(t)
	userAdmin := withRole(root, account.RoleUserAdmin)
	for _, c := range []struct {
		name string
		op   admin.Principal
		gid  account.GroupID // "": one made for this
		want errcode.Code
	}{
		{"nobody", admin.Principal{}, "", errcode.Forbidden},
		{"who reads only", withRole(root, account.RoleReadOnly), "", errcode.Forbidden},
		{"support", support, "", errcode.Forbidden},
		{"a garage's administrator", limited(userAdmin, s.garage), s.garage, errcode.Forbidden},
		{"of another garage", limited(userAdmin, s.other), s.garage, errcode.Forbidden},
		{"of another garage, one that never was", limited(userAdmin, s.other), "gnever", errcode.Forbidden},
		{"an administrator of people", userAdmin, "", ""},
		{"the machine's owner", machine, "", ""},
		{"one that never was", root, "gnever", errcode.NotFound},
	} {
		gid := c.gid
		if gid == "" {
			gid = s.CreateGroup("Garage " + c.name)
		}
		before := len(s.Events(audit.GroupUpdated, audit.GroupDeleted))
		_, err := s.Directory.UpdateGroup(t.Context(), c.op, s.From, gid, "Autre", "ailleurs")
		wantCode(t, c.name+": changing", err, c.want)
		wantCode(t, c.name+": deleting", s.Directory.DeleteGroup(t.Context(), c.op, s.From, gid), c.want)
		if got, want := len(s.Events(audit.GroupUpdated, audit.GroupDeleted))-before, map[bool]int{true: 2}[c.want == ""]; got != want {
			t.Errorf("%s: got %d events, want %d", c.name, got, want)
		}
	}
}

func TestAChangedGarageKeepsItsPeopleAndIsOneEvent(t *testing.T) {
	s := openShop(t)
	for range 2 {
		g, err := s.Directory.UpdateGroup(t.Context(), root, s.From, s.garage, " Garage Soleil ", "Lyon")
		if err != nil || g.Name != "Garage Soleil" || g.Description != "Lyon" || g.ID != s.garage || !g.Changed.After(g.Created) {
			t.Errorf("got %+v, %v", g, err)
		}
	}
	for _, bad := range [][2]string{{" ", ""}, {"a\nb", ""}, {"x", "a\x00b"}} {
		_, err := s.Directory.UpdateGroup(t.Context(), root, s.From, s.garage, bad[0], bad[1])
		wantCode(t, fmt.Sprintf("%q", bad), err, errcode.Invalid)
	}
	if got := len(s.Events(audit.GroupUpdated)); got != 1 || !slices.Equal(s.User(technician).Groups, []account.GroupID{s.garage}) {
		t.Errorf("got %d events and %v, want one and everybody where they were", got, s.User(technician).Groups)
	}
}

func TestARoleOrTokenOfADeletedGarageIsForNobody(t *testing.T) {
	s := openShop(t)
	ctx := t.Context()
	secret, _, err := s.Directory.Admin.CreateToken(ctx, machine, s.From, admin.NewToken{Name: "garage", Role: account.RoleUserAdmin, Groups: []account.GroupID{s.garage}})
	if err != nil {
		t.Fatal(err)
	}
	s.CreateUser("elsewhere@garage.example", nil)
	s.EmptyOutbox()
	if err := s.Directory.DeleteGroup(ctx, root, s.From, s.garage); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "deleting it again", s.Directory.DeleteGroup(ctx, root, s.From, s.garage), errcode.NotFound)
	if events := s.Events(audit.GroupDeleted, audit.GroupMemberRemoved); len(events) != 1 || events[0].Targets[0].ID != string(s.garage) {
		t.Errorf("got %+v, want one event for one act", events)
	}
	if u := s.User(technician); len(u.Groups) != 0 || len(u.Devices) == 0 {
		t.Errorf("got %+v, want the person there, without a garage", u.Groups)
	}
	op, err := s.Directory.Admin.Authenticate(ctx, secret)
	if err != nil {
		t.Fatal(err)
	}
	if people, next, err := s.Directory.Users(ctx, op, account.UserQuery{}); err != nil || len(people) != 0 || next != "" {
		t.Errorf("the token lists %d, %q, %v, want nobody", len(people), next, err)
	}
	if list, _, err := s.Directory.Groups(ctx, op, account.GroupQuery{}); err != nil || len(list) != 0 {
		t.Errorf("the token lists garages %v, %v, want none", list, err)
	}
	_, err = s.Directory.Admin.User(ctx, op, "elsewhere@garage.example")
	wantCode(t, "the token on somebody without a garage", err, errcode.NotFound)
	_, _, err = s.Directory.CreateUser(ctx, op, s.From, directory.NewUser{Login: "new@garage.example", Groups: []account.GroupID{s.garage}}, true, true)
	wantCode(t, "inviting into the garage that is gone", err, errcode.Invalid)
	// The manager's role names the dead garage still: they hear of no reset of its former people, nor of others.
	s.reset(t, support, helpdesk.ResetRequest{})
	for _, letter := range s.letters() {
		if strings.HasSuffix(letter, " to manager@garage.example") {
			t.Errorf("the manager is told: %s", letter)
		}
	}
}

func TestAPersonIsInThirtyTwoGaragesAtMost(t *testing.T) {
	s := openShop(t)
	var last account.GroupID
	for i := range 33 {
		last = s.CreateGroup(fmt.Sprintf("Garage %d", i))
		want := errcode.Code("")
		if i >= 31 { // one they have
			want = errcode.Invalid
		}
		wantCode(t, fmt.Sprintf("garage %d", i), s.Directory.AddMember(t.Context(), root, s.From, last, technician), want)
	}
	if people, _, err := s.Directory.Members(t.Context(), root, last, account.UserQuery{}); err != nil || len(people) != 0 || len(s.User(technician).Groups) != 32 {
		t.Errorf("got %d members, %d garages, %v, want nothing half done", len(people), len(s.User(technician).Groups), err)
	}
	seen, pages := []account.GroupID{}, 0
	for after := ""; ; pages++ {
		list, next, err := s.Directory.GroupsOf(t.Context(), root, technician, account.GroupQuery{After: after, Limit: 16})
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
	_, _, err := s.Directory.GroupsOf(t.Context(), limited(support, s.garage), technician, account.GroupQuery{})
	wantCode(t, "a manager of one of them", err, errcode.NotFound)
}
