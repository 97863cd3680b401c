package directory_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/roster"
	"barillet/internal/errcode"
)

// inviteElsewhere invites a user outside the scope of p and returns the placeholder.
func (s *env) inviteElsewhere(t *testing.T, p admin.Principal, login string, groups ...account.GroupID) account.User {
	t.Helper()
	u, invitation, err := s.Directory.CreateUser(t.Context(), p, s.From, directory.NewUser{Login: login, Groups: groups}, true, true)
	if err != nil || !invitation.Sent || invitation.Expires.IsZero() {
		t.Fatalf("inviting %s: got %+v, %v", login, invitation, err)
	}
	return u
}

func TestPlaceholder_CannotSignIn(t *testing.T) {
	s := newEnv(t)
	north := authntest.Limited(authntest.AsHelpDesk, s.Nord)
	placeholder := s.inviteElsewhere(t, north, authntest.Technician, s.Nord)
	if placeholder.ID == s.Amelie.ID || placeholder.Login != authntest.Technician {
		t.Fatalf("got %s as %s", placeholder.Login, placeholder.ID)
	}
	for name, to := range map[string]string{"the user": authntest.Technician, "their second address": authntest.SecondEmail, "no user": ""} {
		for _, m := range s.Mails() {
			if m.To == to {
				t.Errorf("a mail %T to %s", m.What, name)
			}
		}
	}
	started := s.SubmitPassword(t, password)
	if _, err := s.VerifyCode(t.Context(), started.Secret, s.Phone.Code()); err != nil {
		t.Fatal(err)
	}
	if u := s.User(string(placeholder.ID)); len(u.Sessions) != 0 || u.Status != account.StatusProvisioned {
		t.Errorf("got %d sessions of what stands for them, %s", len(u.Sessions), u.Status)
	}
	s.EmptyOutbox()
	if err := s.Authn.RequestPasswordLink(t.Context(), s.From, authntest.Technician, func(*account.Tx, *account.User) error { return nil }); err != nil {
		t.Fatal(err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_link to " + authntest.Technician})
	_, err := s.Directory.Activate(t.Context(), authntest.WithSecrets(authntest.WithRole(north, account.RoleUserAdmin)), s.From, string(placeholder.ID), false)
	authntest.WantCode(t, "a link to it", err, errcode.Forbidden)
}

func TestPlaceholder_DeletionKeepsUser(t *testing.T) {
	s := newEnv(t)
	north := authntest.Limited(authntest.WithRole(authntest.AsHelpDesk, account.RoleUserAdmin), s.Nord)
	placeholder := s.inviteElsewhere(t, north, authntest.Technician, s.Nord)
	for range 2 {
		authntest.WantCode(t, "deleting", s.Directory.Delete(t.Context(), north, s.From, string(placeholder.ID)), "")
	}
	if got := s.User(authntest.Technician); got.ID != s.Amelie.ID {
		t.Errorf("got %s by the address", got.ID)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("their session: %v", err)
	}
	_, err := s.Directory.Admin.User(t.Context(), north, authntest.Technician)
	authntest.WantCode(t, "by the address, to who deleted it", err, errcode.NotFound)
}

func TestPlaceholder_ManyGroupsInviteOneAddress(t *testing.T) {
	s := newEnv(t)
	var all []admin.Principal
	for i := range 20 {
		s.Clock.Advance(time.Second)
		g := s.CreateGroup(fmt.Sprintf("Garage %d", i))
		p := authntest.Limited(authntest.AsHelpDesk, g)
		u := s.inviteElsewhere(t, p, authntest.Technician, g)
		if got, err := s.Directory.Admin.User(t.Context(), p, string(u.ID)); err != nil || got.ID != u.ID {
			t.Errorf("garage %d: got %s, %v", i, got.ID, err)
		}
		all = append(all, p)
	}
	last, err := s.Directory.Admin.User(t.Context(), all[19], authntest.Technician)
	if err != nil || !slices.Equal(last.Groups, all[19].Groups) {
		t.Errorf("the last garage finds %v by the address, %v", last.Groups, err)
	}
	if users, _, err := s.Directory.Users(t.Context(), authntest.AsHelpDesk, roster.UserQuery{Prefix: "amelie"}); err != nil || len(users) != 1 || users[0].ID != s.Amelie.ID {
		t.Errorf("everybody: got %d, %v, want the user alone", len(users), err)
	}
}

// TestPlaceholder_EndsWhenUserJoinsGroup creates the user in the group of the placeholder.
func TestPlaceholder_EndsWhenUserJoinsGroup(t *testing.T) {
	s := newEnv(t)
	north := authntest.Limited(authntest.AsHelpDesk, s.Nord)
	placeholder := s.inviteElsewhere(t, north, authntest.Technician, s.Nord)
	for range 2 {
		authntest.WantCode(t, "deleting the user", s.Directory.Delete(t.Context(), authntest.AsOperator, s.From, string(s.Amelie.ID)), "")
	}
	u, _, err := s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, directory.NewUser{Login: authntest.Technician, Groups: []account.GroupID{s.Nord}}, false, true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Directory.Admin.User(t.Context(), north, authntest.Technician); err != nil || got.ID != u.ID {
		t.Errorf("got %s, %v, want who is there now", got.ID, err)
	}
	_, err = s.Directory.Admin.User(t.Context(), north, string(placeholder.ID))
	authntest.WantCode(t, "what stood for them", err, errcode.NotFound)
}

// TestPlaceholder_VisibleInItsGroup: two scopes share a group. Both see the placeholder there, and only the scope with
// the other group sees the user.
func TestPlaceholder_VisibleInItsGroup(t *testing.T) {
	s := newEnv(t)
	third := s.CreateGroup("Garage du Port")
	placeholder := s.inviteElsewhere(t, authntest.Limited(authntest.AsHelpDesk, s.Nord), authntest.Technician, s.Nord)
	for _, c := range []struct {
		name string
		op   admin.Principal
		want errcode.Code
	}{
		{"of the garage and another", authntest.Limited(authntest.AsHelpDesk, s.Nord, third), ""},
		{"of another garage", authntest.Limited(authntest.AsHelpDesk, third), errcode.NotFound},
		{"of none", authntest.Limited(authntest.AsHelpDesk), errcode.NotFound},
		{"everybody", authntest.AsHelpDesk, errcode.NotFound},
		{"the operator", authntest.AsOperator, errcode.NotFound},
	} {
		_, err := s.Directory.Admin.User(t.Context(), c.op, string(placeholder.ID))
		authntest.WantCode(t, c.name, err, c.want)
	}
	_, _, err := s.Directory.CreateUser(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Nord, third), s.From, directory.NewUser{Login: authntest.Technician, Groups: []account.GroupID{third}}, true, true)
	authntest.WantCode(t, "who is there already", err, errcode.Taken)
}
