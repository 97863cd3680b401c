package directory_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func text(s string) *string { return &s }

func TestUpdateUser_AddressChangeEndsSessionsAndNotifiesBoth(t *testing.T) {
	s := newEnv(t)
	before := s.User(authntest.Technician)
	u, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{
		Login: text(" A.Durand@Garage.example "), Email: text("a.durand@garage.example"), LastName: text("Martin")})
	if err != nil {
		t.Fatal(err)
	}
	if u.Login != "a.durand@garage.example" || u.Email != u.Login || u.SecondEmail != authntest.SecondEmail || u.FirstName != "Amélie" || u.LastName != "Martin" {
		t.Errorf("got %+v", u)
	}
	if u.Epoch != before.Epoch+1 || u.PasswordEpoch != before.PasswordEpoch || len(u.Devices) != len(before.Devices) || u.Password.Hash != "" {
		t.Errorf("epochs: got %d, %d after %d, %d; hash %q", u.Epoch, u.PasswordEpoch, before.Epoch, before.PasswordEpoch, u.Password.Hash)
	}
	s.WantSignedOut(t, s.Session)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"address_changed to " + authntest.Technician, "address_changed to a.durand@garage.example", "address_changed to " + authntest.SecondEmail})
	if m := authntest.Mailed[notice.AddressChanged](t, s.Env, authntest.Technician); m.Login != "" || m.By != authntest.AsSuperAdmin.Name || m.Address != "" {
		t.Errorf("the former mailbox learns %+v, want neither the new address nor the operator's own", m)
	}
	if m := authntest.Mailed[notice.AddressChanged](t, s.Env, authntest.SecondEmail); m.Login != "A.Durand@Garage.example" {
		t.Errorf("the user learns %+v, want what to sign in with", m)
	}
	events := s.Events(audit.AddressUpdated, audit.ProfileUpdated)
	if len(events) != 1 || events[0].Action != audit.AddressUpdated || events[0].Actor.ID != authntest.AsSuperAdmin.ID || events[0].Detail["changed"] != "login email lastName" {
		t.Errorf("got events %+v, want one", events)
	}
	for name, want := range map[string]errcode.Code{authntest.Technician: errcode.NotFound, u.Login: "", authntest.SecondEmail: ""} {
		_, err := s.Directory.Admin.User(t.Context(), authntest.AsSuperAdmin, name)
		authntest.WantCode(t, "finding "+name, err, want)
	}
	for starts, want := range map[string]int{"durand": 1, "technicien": 0, "martin": 1, "amelie": 1, "a.durand": 1, "Martin Am": 1} { // amelie@home.example stays
		if users, _, err := s.Directory.Users(t.Context(), authntest.AsSuperAdmin, roster.UserQuery{Prefix: starts}); err != nil || len(users) != want {
			t.Errorf("looking for %q: got %d, %v, want %d", starts, len(users), err, want)
		}
	}
	s.CreateUser(authntest.Technician, nil) // the address is free again
}

func TestUpdateUser_AddressChangeEndsTicketsAndInvitation(t *testing.T) {
	s := newEnv(t)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	ticket := authntest.LinkToken(authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician).Link)
	_, _, err := s.Directory.CreateUser(t.Context(), authntest.AsSuperAdmin, s.From, directory.NewUser{Login: "typo@garage.example"}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	invitation := authntest.LinkToken(authntest.Mailed[notice.Invitation](t, s.Env, "typo@garage.example").Link)
	for from, to := range map[string]string{authntest.Technician: "x@garage.example", "typo@garage.example": "y@garage.example"} {
		if _, err := s.Directory.UpdateUser(t.Context(), authntest.AsOperator, s.From, from, directory.ProfileChange{Email: text(to)}); err != nil {
			t.Fatal(err)
		}
	}
	authntest.WantCode(t, "the ticket in the old mailbox", s.Authn.TicketLink(t.Context(), ticket), errcode.InvalidLink)
	_, err = s.Authn.Invitation(t.Context(), invitation)
	authntest.WantCode(t, "the invitation in the old mailbox", err, errcode.InvalidLink)
}

func TestUpdateUser_NameChangeKeepsSessions(t *testing.T) {
	s := newEnv(t)
	u, err := s.Directory.UpdateUser(t.Context(), authntest.Limited(authntest.WithRole(authntest.AsHelpDesk, account.RoleUserAdmin), s.Lumiere), s.From, authntest.Technician,
		directory.ProfileChange{FirstName: text("Amélia"), Custom: map[string]json.RawMessage{"badge": []byte(`"<7>"`), "gone": []byte("null")}})
	if err != nil || u.FirstName != "Amélia" || string(u.Profile) != `{"badge":"<7>"}` {
		t.Fatalf("got %+v, %v", u, err)
	}
	if live, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil || live.Name != "Amélia Durand" {
		t.Errorf("the session: got %+v, %v, want it alive with the new name", live, err)
	}
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{FirstName: text("Amélia")}); err != nil {
		t.Fatal(err)
	}
	if events := s.Events(audit.ProfileUpdated); len(events) != 1 || len(s.Mails()) != 0 {
		t.Errorf("got %d events and %v, want one event: a change of nothing is no operation", len(events), s.MailList())
	}
}

func TestUpdateUser_Profile(t *testing.T) {
	s := newEnv(t)
	raw := func(members string) (out map[string]json.RawMessage) {
		if err := json.Unmarshal([]byte(members), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole := directory.ProfileChange{Login: text(authntest.Technician), Email: text(authntest.Technician), Replace: true}
	for _, c := range []struct {
		name   string
		change func(c *directory.ProfileChange)
		part   bool
		want   errcode.Code
		says   string
	}{
		{"an address that a user has", func(c *directory.ProfileChange) { c.SecondEmail = text("admin@garage.example") }, true, errcode.Taken, "taken"},
		{"one's own address in another place", func(c *directory.ProfileChange) { c.Login = text(authntest.SecondEmail) }, true, "", ""},
		{"no login", func(c *directory.ProfileChange) { c.Login = text("") }, true, errcode.Invalid, "login"},
		{"no mailbox", func(c *directory.ProfileChange) { c.Email = text("x") }, true, errcode.Invalid, "email"},
		{"no second mailbox", func(c *directory.ProfileChange) { c.SecondEmail = text("x") }, true, errcode.Invalid, "secondEmail"},
		{"a look-alike", func(c *directory.ProfileChange) { c.Login = text("\u212aim@garage.example") }, true, errcode.Invalid, "login"},
		{"a name with a line break", func(c *directory.ProfileChange) { c.FirstName = text("a\nb") }, true, errcode.Invalid, "firstName"},
		{"a name that is too long", func(c *directory.ProfileChange) { c.LastName = text(strings.Repeat("x", 65)) }, true, errcode.Invalid, "lastName"},
		{"a language that we do not speak", func(c *directory.ProfileChange) { c.Locale = text("tlh") }, true, errcode.Invalid, "locale"},
		{"custom members beyond their room", func(c *directory.ProfileChange) { c.Custom = raw(`{"x":"` + strings.Repeat("y", 16<<10) + `"}`) }, true, errcode.Invalid, "profile"},
		{"a whole profile without login", func(c *directory.ProfileChange) { c.Login = nil }, false, errcode.Invalid, "login"},
		{"a whole profile without email", func(c *directory.ProfileChange) { c.Email = nil }, false, errcode.Invalid, "email"},
		{"a whole profile", func(*directory.ProfileChange) {}, false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			change := directory.ProfileChange{}
			if !c.part {
				change = whole
			}
			c.change(&change)
			before := s.User(string(s.Amelie.ID))
			u, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, string(s.Amelie.ID), change)
			authntest.WantCode(t, "changing", err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q named", err, c.says)
			}
			if err != nil && fmt.Sprint(s.User(string(s.Amelie.ID))) != fmt.Sprint(before) {
				t.Error("a refused change changed something")
			}
			if err == nil && !c.part && (u.FirstName+u.LastName+u.SecondEmail != "" || u.Profile != nil || len(u.Groups) != 1) {
				t.Errorf("got %+v, want what was not named taken away, but no garage", u)
			}
		})
	}
}

func TestUpdateUser_Permissions(t *testing.T) {
	s := newEnv(t)
	own := authntest.WithRole(authntest.AsSuperAdmin, account.RoleSuperAdmin)
	own.Owner = string(s.Administrator.ID)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	scoped := authntest.Limited(userAdmin, s.Lumiere)
	for _, c := range []struct {
		name   string
		op     admin.Principal
		id     account.UserID
		change directory.ProfileChange
		want   errcode.Code
	}{
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Amelie.ID, directory.ProfileChange{FirstName: text("a")}, errcode.Forbidden},
		{"support", authntest.AsHelpDesk, s.Amelie.ID, directory.ProfileChange{FirstName: text("b")}, errcode.Forbidden},
		{"a user administrator", userAdmin, s.Amelie.ID, directory.ProfileChange{FirstName: text("c")}, ""},
		{"a user of a lower role", userAdmin, s.Manager.ID, directory.ProfileChange{FirstName: text("d")}, ""},
		{"a user of a higher role", userAdmin, s.Administrator.ID, directory.ProfileChange{FirstName: text("e")}, errcode.Forbidden},
		{"a user of the same role", authntest.AsSuperAdmin, s.Administrator.ID, directory.ProfileChange{FirstName: text("f")}, errcode.Forbidden},
		{"oneself", own, s.Administrator.ID, directory.ProfileChange{FirstName: text("g")}, errcode.Forbidden},
		{"the operator", authntest.AsOperator, s.Administrator.ID, directory.ProfileChange{Email: text("h@garage.example")}, ""},
		{"a name within the scope", scoped, s.Amelie.ID, directory.ProfileChange{FirstName: text("i")}, ""},
		{"a free address within the scope", scoped, s.Amelie.ID, directory.ProfileChange{Email: text("i@garage.example")}, errcode.Forbidden},
		{"an address of outside tells nothing", scoped, s.Amelie.ID, directory.ProfileChange{Email: text("admin@garage.example")}, errcode.Forbidden},
		{"outside the scope", authntest.Limited(userAdmin, s.Nord), s.Amelie.ID, directory.ProfileChange{FirstName: text("j")}, errcode.NotFound},
		{"no user", authntest.AsSuperAdmin, "unobody", directory.ProfileChange{FirstName: text("k")}, errcode.NotFound},
	} {
		_, err := s.Directory.UpdateUser(t.Context(), c.op, s.From, string(c.id), c.change)
		authntest.WantCode(t, c.name, err, c.want)
	}
}

// TestUpdateUser_LargestUserFitsOneTransaction: every index, 32 sessions, three tickets, a password and four emails fit
// into one transaction with a record of the caller.
func TestUpdateUser_LargestUserFitsOneTransaction(t *testing.T) {
	s := newEnv(t)
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{Login: text("a")}); err != nil {
		t.Fatal(err) // a name apart from both addresses
	}
	for range 3 {
		s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{SendEmail: new(true)})
	}
	s.EmptyOutbox()
	s.FillSessions(t, s.Amelie.ID)
	ctx := account.WithTxHook(t.Context(), func(tx *account.Tx) error { return tx.Raw.Put("idempotency/x", []byte("x")) })
	_, err := s.Directory.UpdateUser(ctx, authntest.WithSecrets(authntest.AsOperator), s.From, authntest.Technician, directory.ProfileChange{Login: text("l"), Email: text("m@garage.example"),
		SecondEmail: text("n@garage.example"), FirstName: text("o"), LastName: text("p"), Password: chosen})
	if err != nil {
		t.Fatal(err)
	}
	if u := s.User("l"); len(u.Sessions)+len(u.Tickets) != 0 || len(s.Mails()) != 6 {
		t.Errorf("got %d sessions, %d tickets, %v", len(u.Sessions), len(u.Tickets), s.MailList())
	}
}
