package helpdesk_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/internal/errcode"
)

// inviteElsewhere invites somebody whom the operator may not know of, and returns who stands for them.
func (s *shop) inviteElsewhere(t *testing.T, op admin.Principal, login string, groups ...account.GroupID) account.User {
	t.Helper()
	u, invitation, err := s.Directory.CreateUser(t.Context(), op, s.From, directory.NewUser{Login: login, Groups: groups}, true, true)
	if err != nil || !invitation.Sent || invitation.Expires.IsZero() {
		t.Fatalf("inviting %s: got %+v, %v", login, invitation, err)
	}
	return u
}

func TestNobodySignsInAsAShadow(t *testing.T) {
	s := openShop(t)
	north := limited(support, s.other)
	shadow := s.inviteElsewhere(t, north, technician, s.other)
	if shadow.ID == s.amelie.ID || shadow.Login != technician {
		t.Fatalf("got %s as %s", shadow.Login, shadow.ID)
	}
	for name, to := range map[string]string{"the person": technician, "their second address": second, "nobody": ""} {
		for _, m := range s.Mails() {
			if m.To == to {
				t.Errorf("a mail %T to %s", m.What, name)
			}
		}
	}
	started := s.signIn(t, password)
	if _, err := verifies(t.Context(), s, started.Secret, s.phone.Code()); err != nil {
		t.Fatal(err)
	}
	if u := s.User(string(shadow.ID)); len(u.Sessions) != 0 || u.Status != account.StatusProvisioned {
		t.Errorf("got %d sessions of what stands for them, %s", len(u.Sessions), u.Status)
	}
	s.EmptyOutbox()
	if err := s.Authn.RequestPasswordLink(t.Context(), s.From, technician, func(*account.Tx, *account.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	sameStrings(t, "mails", s.letters(), []string{"password_link to " + technician})
	_, err := s.Directory.Activate(t.Context(), withSecrets(withRole(north, account.RoleUserAdmin)), s.From, string(shadow.ID), false)
	wantCode(t, "a link to it", err, errcode.Forbidden)
}

func TestDeletingAShadowLeavesThePersonFindable(t *testing.T) {
	s := openShop(t)
	north := limited(withRole(support, account.RoleUserAdmin), s.other)
	shadow := s.inviteElsewhere(t, north, technician, s.other)
	for range 2 {
		wantCode(t, "deleting", s.Directory.Delete(t.Context(), north, s.From, string(shadow.ID)), "")
	}
	if got := s.User(technician); got.ID != s.amelie.ID {
		t.Errorf("got %s by the address", got.ID)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("their session: %v", err)
	}
	_, err := s.Directory.Admin.User(t.Context(), north, technician)
	wantCode(t, "by the address, to who deleted it", err, errcode.NotFound)
}

func TestManyGaragesInviteTheSamePerson(t *testing.T) {
	s := openShop(t)
	var all []admin.Principal
	for i := range 20 {
		s.Clock.Advance(time.Second)
		g := s.CreateGroup(fmt.Sprintf("Garage %d", i))
		op := limited(support, g)
		u := s.inviteElsewhere(t, op, technician, g)
		if got, err := s.Directory.Admin.User(t.Context(), op, string(u.ID)); err != nil || got.ID != u.ID {
			t.Errorf("garage %d: got %s, %v", i, got.ID, err)
		}
		all = append(all, op)
	}
	last, err := s.Directory.Admin.User(t.Context(), all[19], technician)
	if err != nil || !slices.Equal(last.Groups, all[19].Groups) {
		t.Errorf("the last garage finds %v by the address, %v", last.Groups, err)
	}
	if people, _, err := s.Directory.Users(t.Context(), support, account.UserQuery{Prefix: "amelie"}); err != nil || len(people) != 1 || people[0].ID != s.amelie.ID {
		t.Errorf("everybody: got %d, %v, want the person alone", len(people), err)
	}
}

// Whoever is born into the garage later is there by themselves.
func TestAShadowEndsWhenThePersonIsMadeInItsGarage(t *testing.T) {
	s := openShop(t)
	north := limited(support, s.other)
	shadow := s.inviteElsewhere(t, north, technician, s.other)
	for range 2 {
		wantCode(t, "deleting the person", s.Directory.Delete(t.Context(), machine, s.From, string(s.amelie.ID)), "")
	}
	u, _, err := s.Directory.CreateUser(t.Context(), machine, s.From, directory.NewUser{Login: technician, Groups: []account.GroupID{s.other}}, false, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Directory.Admin.User(t.Context(), north, technician); err != nil || got.ID != u.ID {
		t.Errorf("got %s, %v, want who is there now", got.ID, err)
	}
	_, err = s.Directory.Admin.User(t.Context(), north, string(shadow.ID))
	wantCode(t, "what stood for them", err, errcode.NotFound)
}

// Both scopes share a garage: each sees who is invited there, and only who looks on the other garage too sees the person.
func TestAShadowIsSeenByWhoeverSeesItsGarage(t *testing.T) {
	s := openShop(t)
	third := s.CreateGroup("Garage du Port")
	shadow := s.inviteElsewhere(t, limited(support, s.other), technician, s.other)
	for _, c := range []struct {
		name string
		op   admin.Principal
		want errcode.Code
	}{
		{"of the garage and another", limited(support, s.other, third), ""},
		{"of another garage", limited(support, third), errcode.NotFound},
		{"of nobody", limited(support), errcode.NotFound},
		{"everybody", support, errcode.NotFound},
		{"the machine's owner", machine, errcode.NotFound},
	} {
		_, err := s.Directory.Admin.User(t.Context(), c.op, string(shadow.ID))
		wantCode(t, c.name, err, c.want)
	}
	_, _, err := s.Directory.CreateUser(t.Context(), limited(support, s.other, third), s.From, directory.NewUser{Login: technician, Groups: []account.GroupID{third}}, true, true)
	wantCode(t, "who is there already", err, errcode.Taken)
}
