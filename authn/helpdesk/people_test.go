package helpdesk_test

import (
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func TestSomebodyInvitedByMailChoosesAPasswordAndEnrols(t *testing.T) {
	s := openShop(t)
	u, inv, err := s.Directory.CreateUser(t.Context(), limited(support, s.garage), s.From, directory.NewUser{Email: "Luc@Garage.example",
		FirstName: "Luc", Locale: "en", Groups: []account.GroupID{s.garage}}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if !inv.Sent || !inv.Link.IsZero() || u.Login != "luc@garage.example" || u.Status != account.StatusProvisioned {
		t.Errorf("got %+v, %+v", u, inv)
	}
	m := mailed[notice.Invitation](t, s, u.Login)
	if m.Inviter != support.Name || m.Garage != "Garage Lumière" || m.Address != "" || s.Mails()[0].Lang != "en" {
		t.Errorf("got mail %+v", m)
	}
	first := tokenOf(m.Link)
	s.EmptyOutbox()
	if inv, err = s.Directory.Activate(t.Context(), support, s.From, string(u.ID), true); err != nil || !inv.Sent {
		t.Fatalf("inviting again: got %+v, %v", inv, err)
	}
	_, err = s.Authn.Invitation(t.Context(), first)
	wantCode(t, "the first link after the second", err, errcode.InvalidLink)
	_, issued := s.Accept(tokenOf(mailed[notice.Invitation](t, s, u.Login).Link), password)
	if live, err := s.Sessions.Authenticate(t.Context(), issued.Session); err != nil || live.User != u.ID {
		t.Errorf("got %v, %v, want Luc signed in", live, err)
	}
	events := s.Events(audit.UserCreated, audit.InvitationIssued)
	if len(events) != 3 || events[0].Actor.ID != support.ID || events[0].SubjectName != u.Login {
		t.Errorf("got events %+v", events)
	}
}

func TestTheFirstAdministratorIsMadeAtTheMachine(t *testing.T) {
	h := authntest.New(t)
	u, inv, err := h.Directory.CreateUser(t.Context(), machine, account.RequestInfo{}, directory.NewUser{Login: "root@garage.example", Role: account.RoleSuperAdmin}, true, false)
	if err != nil || inv.Sent || inv.Link.IsZero() || u.Rank() != account.RoleSuperAdmin.Rank() {
		t.Fatalf("got %+v, %+v, %v", u, inv, err)
	}
	if len(h.Mails()) != 0 || h.User(u.Login).Invited.Provenance != machine.Owner {
		t.Errorf("got %d mails, way %q, want none, by the operator's hand", len(h.Mails()), h.User(u.Login).Invited.Provenance)
	}
	if _, issued := h.Accept(tokenOf(inv.Link.Reveal()), password); issued.Session.IsZero() {
		t.Error("no session")
	}
}

func TestWhoMayMakeWhom(t *testing.T) {
	s := openShop(t)
	in := []account.GroupID{s.garage}
	for i, c := range []struct {
		name           string
		op             admin.Principal
		n              directory.NewUser
		activate, mail bool
		want           errcode.Code
	}{
		{"who reads only makes nobody", admin.Principal{Owner: "u", Role: account.RoleReadOnly}, directory.NewUser{}, true, true, errcode.Forbidden},
		{"a manager makes people of the garage", limited(support, s.garage), directory.NewUser{Groups: in}, true, true, ""},
		{"a manager makes none of another garage", limited(support, s.garage), directory.NewUser{Groups: []account.GroupID{s.garage, s.other}}, true, true, errcode.Forbidden},
		{"a manager makes none of no garage", limited(support, s.garage), directory.NewUser{}, true, true, errcode.Forbidden},
		{"a manager gives no role", limited(root, s.garage), directory.NewUser{Groups: in, Role: account.RoleReadOnly}, true, true, errcode.Forbidden},
		{"support gives a lower role", support, directory.NewUser{Role: account.RoleReadOnly}, true, true, ""},
		{"support does not give its own", support, directory.NewUser{Role: account.RoleHelpDesk}, true, true, errcode.Forbidden},
		{"a super administrator gives any role", root, directory.NewUser{Role: account.RoleSuperAdmin}, true, true, ""},
		{"a role that we do not know is none", root, directory.NewUser{Role: "ORG_ADMIN"}, true, true, errcode.Invalid},
		{"a link in the answer needs secrets", root, directory.NewUser{}, true, false, errcode.Forbidden},
		{"support gets no link", withSecrets(support), directory.NewUser{}, true, false, errcode.Forbidden},
		{"with secrets the link is answered", withSecrets(root), directory.NewUser{}, true, false, ""},
		{"a password needs secrets", root, directory.NewUser{Password: password}, false, true, errcode.Forbidden},
		{"with secrets a password is taken", withSecrets(root), directory.NewUser{Password: password}, false, true, ""},
		{"a weak password is not", machine, directory.NewUser{Password: "password"}, false, true, errcode.Invalid},
		{"an address is written as it is", machine, directory.NewUser{Login: "luc", Email: "no address"}, false, true, errcode.Invalid},
		{"a garage that is not there", machine, directory.NewUser{Groups: []account.GroupID{"g0"}}, false, true, errcode.Invalid},
		{"a language that we do not speak", machine, directory.NewUser{Locale: "tlh"}, false, true, errcode.Invalid},
		{"an address that somebody has", machine, directory.NewUser{Login: "luc", Email: second}, false, true, errcode.Taken},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.n.Login == "" {
				c.n.Login = fmt.Sprintf("new%d@garage.example", i)
			}
			u, inv, err := s.Directory.CreateUser(t.Context(), c.op, s.From, c.n, c.activate, c.mail)
			wantCode(t, "making", err, c.want)
			if c.want != "" {
				return
			}
			if want := c.activate && !c.mail; inv.Link.IsZero() == want || inv.Sent != (c.activate && c.mail) {
				t.Errorf("got %+v", inv)
			}
			if u.Password.Hash != "" || c.n.Password != "" && (u.Status != account.StatusActive || u.Password.Provenance != c.op.Owner) {
				t.Errorf("got %+v, want it active by the operator's hand, and no hash shown", u)
			}
			for _, e := range s.Events(audit.UserCreated) {
				if got := e.Detail["password"]; e.Subject == string(u.ID) && (got == c.op.Owner) != (c.n.Password != "") {
					t.Errorf("the log: got a password by %q", got)
				}
			}
		})
	}
}

func TestAManagerListsThePeopleOfTheGaragesAndNobodyElse(t *testing.T) {
	s := openShop(t)
	both := limited(support, s.garage, s.other)
	var want []string
	for i := range 7 {
		groups := [][]account.GroupID{{s.garage}, {s.other}, {s.garage, s.other}}[i%3]
		u := s.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = groups })
		want = append(want, u.Login)
	}
	want = append(want, technician)
	list := func(op admin.Principal, q account.UserQuery) (got []string) {
		t.Helper()
		for page := 0; page == 0 || q.After != ""; page++ {
			people, next, err := s.Directory.Users(t.Context(), op, q)
			if err != nil || page > 20 {
				t.Fatalf("page %d: %v", page, err)
			}
			for _, u := range people {
				got = append(got, u.Login)
			}
			q.After = next
		}
		return got
	}
	for limit := range 9 {
		sameStrings(t, fmt.Sprint("both garages by ", limit), list(both, account.UserQuery{Limit: limit}), want)
	}
	sameStrings(t, "one garage", list(limited(support, s.other), account.UserQuery{}), []string{"p1@garage.example", "p4@garage.example"})
	sameStrings(t, "one of two", list(both, account.UserQuery{Group: s.other}), []string{"p1@garage.example", "p2@garage.example", "p4@garage.example", "p5@garage.example"})
	sameStrings(t, "another's", list(limited(support, s.other), account.UserQuery{Group: s.garage}), nil)
	sameStrings(t, "by name", list(both, account.UserQuery{Prefix: "AMÉ"}), []string{technician})
	sameStrings(t, "nobody", list(limited(support), account.UserQuery{}), nil)
	if got := list(support, account.UserQuery{}); len(got) != len(want)+2 || !slices.Contains(got, s.admin.Login) {
		t.Errorf("everybody: got %q", got)
	}
}
