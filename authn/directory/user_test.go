package directory_test

import (
	"fmt"
	"slices"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func TestInvitation_UserChoosesPasswordAndEnrols(t *testing.T) {
	s := newEnv(t)
	u, inv, err := s.Directory.CreateUser(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere), s.From, directory.NewUser{Email: "Luc@Garage.example",
		FirstName: "Luc", Locale: "en", Groups: []account.GroupID{s.Lumiere}}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	if !inv.Sent || !inv.Link.IsZero() || u.Login != "luc@garage.example" || u.Status != account.StatusProvisioned {
		t.Errorf("got %+v, %+v", u, inv)
	}
	m := authntest.Mailed[notice.Invitation](t, s.Env, u.Login)
	if m.Inviter != authntest.AsHelpDesk.Name || m.Group != "Garage Lumière" || m.Address != "" || s.Mails()[0].Lang != "en" {
		t.Errorf("got mail %+v", m)
	}
	first := authntest.LinkToken(m.Link)
	s.EmptyOutbox()
	if inv, err = s.Directory.Activate(t.Context(), authntest.AsHelpDesk, s.From, string(u.ID), true); err != nil || !inv.Sent {
		t.Fatalf("inviting again: got %+v, %v", inv, err)
	}
	_, err = s.Authn.Invitation(t.Context(), first)
	authntest.WantCode(t, "the first link after the second", err, errcode.InvalidLink)
	_, issued := s.Accept(authntest.LinkToken(authntest.Mailed[notice.Invitation](t, s.Env, u.Login).Link), password)
	if live, err := s.Sessions.Authenticate(t.Context(), issued.Session); err != nil || live.User != u.ID {
		t.Errorf("got %v, %v, want Luc signed in", live, err)
	}
	events := s.Events(audit.UserCreated, audit.InvitationIssued)
	if len(events) != 3 || events[0].Actor.ID != authntest.AsHelpDesk.ID || events[0].SubjectName != u.Login {
		t.Errorf("got events %+v", events)
	}
}

func TestCreateUser_OperatorCreatesFirstAdministrator(t *testing.T) {
	h := authntest.New(t)
	u, inv, err := h.Directory.CreateUser(t.Context(), authntest.AsOperator, account.RequestInfo{}, directory.NewUser{Login: "root@garage.example", Role: account.RoleSuperAdmin}, true, false)
	if err != nil || inv.Sent || inv.Link.IsZero() || u.Rank() != account.RoleSuperAdmin.Rank() {
		t.Fatalf("got %+v, %+v, %v", u, inv, err)
	}
	if len(h.Mails()) != 0 || h.User(u.Login).Invited.Provenance != authntest.AsOperator.Owner {
		t.Errorf("got %d mails, way %q, want none, with the operator's provenance", len(h.Mails()), h.User(u.Login).Invited.Provenance)
	}
	if _, issued := h.Accept(authntest.LinkToken(inv.Link.Reveal()), password); issued.Session.IsZero() {
		t.Error("no session")
	}
}

func TestCreateUser_Permissions(t *testing.T) {
	s := newEnv(t)
	in := []account.GroupID{s.Lumiere}
	for i, c := range []struct {
		name           string
		op             admin.Principal
		n              directory.NewUser
		activate, mail bool
		want           errcode.Code
	}{
		{"a reader creates none", admin.Principal{Owner: "u", Role: account.RoleReadOnly}, directory.NewUser{}, true, true, errcode.Forbidden},
		{"a manager creates users of the group", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), directory.NewUser{Groups: in}, true, true, ""},
		{"a manager makes none of another garage", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), directory.NewUser{Groups: []account.GroupID{s.Lumiere, s.Nord}}, true, true, errcode.Forbidden},
		{"a manager makes none of no garage", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), directory.NewUser{}, true, true, errcode.Forbidden},
		{"a manager gives no role", authntest.Limited(authntest.AsSuperAdmin, s.Lumiere), directory.NewUser{Groups: in, Role: account.RoleReadOnly}, true, true, errcode.Forbidden},
		{"support gives no lower role alone", authntest.AsHelpDesk, directory.NewUser{Role: account.RoleReadOnly}, true, true, errcode.ApprovalRequired},
		{"support does not give its own", authntest.AsHelpDesk, directory.NewUser{Role: account.RoleHelpDesk}, true, true, errcode.Forbidden},
		{"a super administrator gives no role alone", authntest.AsSuperAdmin, directory.NewUser{Role: account.RoleSuperAdmin}, true, true, errcode.ApprovalRequired},
		{"the operator gives any role", authntest.AsOperator, directory.NewUser{Role: account.RoleSuperAdmin}, true, true, ""},
		{"a role that we do not know is none", authntest.AsSuperAdmin, directory.NewUser{Role: "ORG_ADMIN"}, true, true, errcode.Invalid},
		{"a link in the answer needs secrets", authntest.AsSuperAdmin, directory.NewUser{}, true, false, errcode.Forbidden},
		{"support gets no link", authntest.WithSecrets(authntest.AsHelpDesk), directory.NewUser{}, true, false, errcode.Forbidden},
		{"with secrets the link is answered", authntest.WithSecrets(authntest.AsSuperAdmin), directory.NewUser{}, true, false, ""},
		{"a password needs secrets", authntest.AsSuperAdmin, directory.NewUser{Password: password}, false, true, errcode.Forbidden},
		{"with secrets a password is taken", authntest.WithSecrets(authntest.AsSuperAdmin), directory.NewUser{Password: password}, false, true, ""},
		{"a weak password is not", authntest.AsOperator, directory.NewUser{Password: "password"}, false, true, errcode.Invalid},
		{"an address is written as it is", authntest.AsOperator, directory.NewUser{Login: "luc", Email: "no address"}, false, true, errcode.Invalid},
		{"a garage that is not there", authntest.AsOperator, directory.NewUser{Groups: []account.GroupID{"g0"}}, false, true, errcode.Invalid},
		{"a language that we do not speak", authntest.AsOperator, directory.NewUser{Locale: "tlh"}, false, true, errcode.Invalid},
		{"an address that a user has", authntest.AsOperator, directory.NewUser{Login: "luc", Email: authntest.SecondEmail}, false, true, errcode.Taken},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.n.Login == "" {
				c.n.Login = fmt.Sprintf("new%d@garage.example", i)
			}
			u, inv, err := s.Directory.CreateUser(t.Context(), c.op, s.From, c.n, c.activate, c.mail)
			authntest.WantCode(t, "making", err, c.want)
			if c.want != "" {
				return
			}
			if want := c.activate && !c.mail; inv.Link.IsZero() == want || inv.Sent != (c.activate && c.mail) {
				t.Errorf("got %+v", inv)
			}
			if u.Password.Hash != "" || c.n.Password != "" && (u.Status != account.StatusActive || u.Password.Provenance != c.op.Owner) {
				t.Errorf("got %+v, want it active with the operator's provenance, and no hash shown", u)
			}
			for _, e := range s.Events(audit.UserCreated) {
				if got := e.Detail["password"]; e.Subject == string(u.ID) && (got == c.op.Owner) != (c.n.Password != "") {
					t.Errorf("the log: got a password by %q", got)
				}
			}
		})
	}
}

func TestUsers_ManagerListsOwnGroupsOnly(t *testing.T) {
	s := newEnv(t)
	both := authntest.Limited(authntest.AsHelpDesk, s.Lumiere, s.Nord)
	var want []string
	for i := range 7 {
		groups := [][]account.GroupID{{s.Lumiere}, {s.Nord}, {s.Lumiere, s.Nord}}[i%3]
		u := s.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = groups })
		want = append(want, u.Login)
	}
	want = append(want, authntest.Technician)
	list := func(p admin.Principal, q roster.UserQuery) (got []string) {
		t.Helper()
		for page := 0; page == 0 || q.After != ""; page++ {
			users, next, err := s.Directory.Users(t.Context(), p, q)
			if err != nil || page > 20 {
				t.Fatalf("page %d: %v", page, err)
			}
			for _, u := range users {
				got = append(got, u.Login)
			}
			q.After = next
		}
		return got
	}
	for limit := range 9 {
		authntest.SameStrings(t, fmt.Sprint("both garages by ", limit), list(both, roster.UserQuery{Limit: limit}), want)
	}
	authntest.SameStrings(t, "one garage", list(authntest.Limited(authntest.AsHelpDesk, s.Nord), roster.UserQuery{}), []string{"p1@garage.example", "p4@garage.example"})
	authntest.SameStrings(t, "one of two", list(both, roster.UserQuery{Group: s.Nord}), []string{"p1@garage.example", "p2@garage.example", "p4@garage.example", "p5@garage.example"})
	authntest.SameStrings(t, "another's", list(authntest.Limited(authntest.AsHelpDesk, s.Nord), roster.UserQuery{Group: s.Lumiere}), nil)
	authntest.SameStrings(t, "by name", list(both, roster.UserQuery{Prefix: "AMÉ"}), []string{authntest.Technician})
	authntest.SameStrings(t, "no user", list(authntest.Limited(authntest.AsHelpDesk), roster.UserQuery{}), nil)
	if got := list(authntest.AsHelpDesk, roster.UserQuery{}); len(got) != len(want)+2 || !slices.Contains(got, s.Administrator.Login) {
		t.Errorf("everybody: got %q", got)
	}
}
