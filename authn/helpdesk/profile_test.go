package helpdesk_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func text(s string) *string { return &s }

func TestAMovedAddressEndsSessionsAndBothMailboxesAreTold(t *testing.T) {
	s := openShop(t)
	before := s.User(technician)
	u, err := s.Directory.UpdateUser(t.Context(), root, s.From, technician, directory.ProfileChange{
		Login: text(" A.Durand@Garage.example "), Email: text("a.durand@garage.example"), LastName: text("Martin")})
	if err != nil {
		t.Fatal(err)
	}
	if u.Login != "a.durand@garage.example" || u.Email != u.Login || u.SecondEmail != second || u.FirstName != "Amélie" || u.LastName != "Martin" {
		t.Errorf("got %+v", u)
	}
	if u.Epoch != before.Epoch+1 || u.PasswordEpoch != before.PasswordEpoch || len(u.Devices) != len(before.Devices) || u.Password.Hash != "" {
		t.Errorf("epochs: got %d, %d after %d, %d; hash %q", u.Epoch, u.PasswordEpoch, before.Epoch, before.PasswordEpoch, u.Password.Hash)
	}
	s.dead(t, s.session)
	sameStrings(t, "mails", s.letters(), []string{"address_changed to " + technician, "address_changed to a.durand@garage.example", "address_changed to " + second})
	if m := mailed[notice.AddressChanged](t, s, technician); m.Login != "" || m.By != root.Name || m.Address != "" {
		t.Errorf("the former mailbox learns %+v, want neither the new address nor the operator's own", m)
	}
	if m := mailed[notice.AddressChanged](t, s, second); m.Login != u.Login {
		t.Errorf("the person learns %+v, want what to sign in with", m)
	}
	events := s.Events(audit.AddressUpdated, audit.ProfileUpdated)
	if len(events) != 1 || events[0].Action != audit.AddressUpdated || events[0].Actor.ID != root.ID || events[0].Detail["changed"] != "login email lastName" {
		t.Errorf("got events %+v, want one", events)
	}
	for name, want := range map[string]errcode.Code{technician: errcode.NotFound, u.Login: "", second: ""} {
		_, err := s.Directory.Admin.User(t.Context(), root, name)
		wantCode(t, "finding "+name, err, want)
	}
	for starts, want := range map[string]int{"durand": 0, "martin": 1, "amelie": 1, "a.durand": 1} { // amelie@home.example stays
		if people, _, err := s.Directory.Users(t.Context(), root, account.UserQuery{Prefix: starts}); err != nil || len(people) != want {
			t.Errorf("looking for %q: got %d, %v, want %d", starts, len(people), err, want)
		}
	}
	s.CreateUser(technician, nil) // the address is free again
}

func TestAMovedMailboxEndsTicketsAndInvitation(t *testing.T) {
	s := openShop(t)
	s.reset(t, support, helpdesk.ResetRequest{})
	ticket := tokenOf(mailed[notice.DevicesReset](t, s, technician).Link)
	_, _, err := s.Directory.CreateUser(t.Context(), root, s.From, directory.NewUser{Login: "typo@garage.example"}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	invitation := tokenOf(mailed[notice.Invitation](t, s, "typo@garage.example").Link)
	for from, to := range map[string]string{technician: "x@garage.example", "typo@garage.example": "y@garage.example"} {
		if _, err := s.Directory.UpdateUser(t.Context(), root, s.From, from, directory.ProfileChange{Email: text(to)}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "the ticket in the old mailbox", s.Authn.TicketLink(t.Context(), ticket), errcode.InvalidLink)
	_, err = s.Authn.Invitation(t.Context(), invitation)
	wantCode(t, "the invitation in the old mailbox", err, errcode.InvalidLink)
}

func TestANameChangesWithoutEndingAnything(t *testing.T) {
	s := openShop(t)
	u, err := s.Directory.UpdateUser(t.Context(), limited(withRole(support, account.RoleUserAdmin), s.garage), s.From, technician,
		directory.ProfileChange{FirstName: text("Amélia"), Custom: map[string]json.RawMessage{"badge": []byte(`"<7>"`), "gone": []byte("null")}})
	if err != nil || u.FirstName != "Amélia" || string(u.Profile) != `{"badge":"<7>"}` {
		t.Fatalf("got %+v, %v", u, err)
	}
	if live, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil || live.Name != "Amélia Durand" {
		t.Errorf("the session: got %+v, %v, want it alive with the new name", live, err)
	}
	if _, err := s.Directory.UpdateUser(t.Context(), root, s.From, technician, directory.ProfileChange{FirstName: text("Amélia")}); err != nil {
		t.Fatal(err)
	}
	if events := s.Events(audit.ProfileUpdated); len(events) != 1 || len(s.Mails()) != 0 {
		t.Errorf("got %d events and %v, want one event: a change of nothing is no act", len(events), s.letters())
	}
}

func TestWhatBecomesOfAProfile(t *testing.T) {
	s := openShop(t)
	raw := func(members string) (out map[string]json.RawMessage) {
		if err := json.Unmarshal([]byte(members), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole := directory.ProfileChange{Login: text(technician), Email: text(technician), Replace: true}
	for _, c := range []struct {
		name   string
		change func(c *directory.ProfileChange)
		part   bool
		want   errcode.Code
		says   string
	}{
		{"an address that somebody has", func(c *directory.ProfileChange) { c.Second = text("admin@garage.example") }, true, errcode.Taken, "taken"},
		{"one's own address in another place", func(c *directory.ProfileChange) { c.Login = text(second) }, true, "", ""},
		{"no login", func(c *directory.ProfileChange) { c.Login = text("") }, true, errcode.Invalid, "login"},
		{"no mailbox", func(c *directory.ProfileChange) { c.Email = text("x") }, true, errcode.Invalid, "email"},
		{"no second mailbox", func(c *directory.ProfileChange) { c.Second = text("x") }, true, errcode.Invalid, "secondEmail"},
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
			before := s.User(string(s.amelie.ID))
			u, err := s.Directory.UpdateUser(t.Context(), root, s.From, string(s.amelie.ID), change)
			wantCode(t, "changing", err, c.want)
			if err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q named", err, c.says)
			}
			if err != nil && fmt.Sprint(s.User(string(s.amelie.ID))) != fmt.Sprint(before) {
				t.Error("a refused change changed something")
			}
			if err == nil && !c.part && (u.FirstName+u.LastName+u.SecondEmail != "" || u.Profile != nil || len(u.Groups) != 1) {
				t.Errorf("got %+v, want what was not named taken away, but no garage", u)
			}
		})
	}
}

func TestWhoMayChangeAProfile(t *testing.T) {
	s := openShop(t)
	own := withRole(root, account.RoleSuperAdmin)
	own.Owner = string(s.admin.ID)
	userAdmin := withRole(root, account.RoleUserAdmin)
	scoped := limited(userAdmin, s.garage)
	for _, c := range []struct {
		name   string
		op     admin.Principal
		id     account.UserID
		change directory.ProfileChange
		want   errcode.Code
	}{
		{"who reads only", withRole(root, account.RoleReadOnly), s.amelie.ID, directory.ProfileChange{FirstName: text("a")}, errcode.Forbidden},
		{"support", support, s.amelie.ID, directory.ProfileChange{FirstName: text("b")}, errcode.Forbidden},
		{"an administrator of people", userAdmin, s.amelie.ID, directory.ProfileChange{FirstName: text("c")}, ""},
		{"somebody of a lower role", userAdmin, s.manager.ID, directory.ProfileChange{FirstName: text("d")}, ""},
		{"somebody of a higher role", userAdmin, s.admin.ID, directory.ProfileChange{FirstName: text("e")}, errcode.Forbidden},
		{"somebody of the same role", root, s.admin.ID, directory.ProfileChange{FirstName: text("f")}, errcode.Forbidden},
		{"oneself", own, s.admin.ID, directory.ProfileChange{FirstName: text("g")}, errcode.Forbidden},
		{"the machine's owner", machine, s.admin.ID, directory.ProfileChange{Email: text("h@garage.example")}, ""},
		{"a name within the scope", scoped, s.amelie.ID, directory.ProfileChange{FirstName: text("i")}, ""},
		{"a free address within the scope", scoped, s.amelie.ID, directory.ProfileChange{Email: text("i@garage.example")}, errcode.Forbidden},
		{"an address of outside tells nothing", scoped, s.amelie.ID, directory.ProfileChange{Email: text("admin@garage.example")}, errcode.Forbidden},
		{"outside the scope nobody is there", limited(userAdmin, s.other), s.amelie.ID, directory.ProfileChange{FirstName: text("j")}, errcode.NotFound},
		{"nobody", root, "unobody", directory.ProfileChange{FirstName: text("k")}, errcode.NotFound},
	} {
		_, err := s.Directory.UpdateUser(t.Context(), c.op, s.From, string(c.id), c.change)
		wantCode(t, c.name, err, c.want)
	}
}

// Every index, 32 sessions, three tickets, a password and four mailboxes fit into one Update beside a door's own key.
func TestEverythingOfAPersonMovesInOneUpdate(t *testing.T) {
	s := openShop(t)
	if _, err := s.Directory.UpdateUser(t.Context(), root, s.From, technician, directory.ProfileChange{Login: text("a")}); err != nil {
		t.Fatal(err) // a name apart from both addresses
	}
	for range 3 {
		s.reset(t, support, helpdesk.ResetRequest{SendEmail: new(true)})
	}
	s.EmptyOutbox()
	s.crowd(t, s.amelie.ID)
	door := account.WithTxHook(t.Context(), func(tx *account.Tx) error { return tx.Raw.Put("idempotency/x", []byte("x")) })
	_, err := s.Directory.UpdateUser(door, withSecrets(root), s.From, technician, directory.ProfileChange{Login: text("l"), Email: text("m@garage.example"),
		Second: text("n@garage.example"), FirstName: text("o"), LastName: text("p"), Password: chosen})
	if err != nil {
		t.Fatal(err)
	}
	if u := s.User("l"); len(u.Sessions)+len(u.Tickets) != 0 || len(s.Mails()) != 6 {
		t.Errorf("got %d sessions, %d tickets, %v", len(u.Sessions), len(u.Tickets), s.letters())
	}
}
