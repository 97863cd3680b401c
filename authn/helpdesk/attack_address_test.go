package helpdesk_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

const foreign = "attacker@mail.example"

// writes lets an administrator write the address of the technician, and a number with it if it is not empty, and waits 72 hours.
func (s *env) writes(t *testing.T, p admin.Principal, number string) {
	t.Helper()
	address, c := foreign, directory.ProfileChange{}
	c.Email = &address
	if number != "" {
		c.MobilePhone = &number
	}
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(p), s.From, string(s.Amelie.ID), c); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(account.AddressCooldown + time.Second)
	s.EmptyOutbox()
}

// unsent requires that a reset was refused because of who wrote the address, and changed nothing.
func (s *env) unsent(t *testing.T, what string, err error) {
	t.Helper()
	authntest.WantCode(t, what, err, errcode.Forbidden)
	if !errcode.HasReason(err, errcode.ReasonWroteAddress) {
		t.Errorf("%s: got %v, want the reason", what, err)
	}
	if u := s.User(string(s.Amelie.ID)); len(u.Devices) == 0 || len(u.Tickets) != 0 || len(s.Mails()) != 0 {
		t.Errorf("%s: got %d devices, %d tickets and mails %v", what, len(u.Devices), len(u.Tickets), s.MailList())
	}
}

// TestAttack_FooledAdministratorChangesTheAddressAndResetsLater: the attacker has the password. One administrator writes the attacker's
// address, waits until it is no longer young, and resets.
func TestAttack_FooledAdministratorChangesTheAddressAndResetsLater(t *testing.T) {
	s := newEnv(t)
	fooled := admin.Principal{ID: "token:a", Name: "Agnès", Owner: "uagnes", Role: account.RoleUserAdmin}
	again := admin.Principal{ID: "token:b", Name: "a script of Agnès", Owner: "uagnes", Role: account.RoleUserAdmin}
	other := admin.Principal{ID: "token:c", Name: "Bruno", Owner: "ubruno", Role: account.RoleHelpDesk}
	s.writes(t, fooled, "")
	for name, p := range map[string]admin.Principal{"the writer": fooled, "a token of the writer": again} {
		for _, r := range []helpdesk.ResetRequest{{}, {SendEmail: new(true)}, {Check: inPerson}} {
			_, err := s.Directory.HelpDesk.Reset(t.Context(), p, s.From, string(s.Amelie.ID), r)
			s.unsent(t, name, err)
		}
	}
	if result := s.Reset(t, other, helpdesk.ResetRequest{}); !result.Mailed {
		t.Fatalf("another administrator: got %+v", result)
	}
	for _, r := range []helpdesk.ResetRequest{{SendEmail: new(true)}, {SendEmail: new(true), OnlyAgain: true}} {
		_, err := s.Directory.HelpDesk.Reset(t.Context(), fooled, s.From, string(s.Amelie.ID), r)
		if !errcode.HasReason(err, errcode.ReasonWroteAddress) {
			t.Errorf("the writer sends the ticket again: got %v", err)
		}
	}
}

// TestAttack_FooledAdministratorChangesTheAddressAfterTheReset: the ticket expires, and its renewal would go to the new address.
func TestAttack_FooledAdministratorChangesTheAddressAfterTheReset(t *testing.T) {
	s := newEnv(t)
	fooled := admin.Principal{ID: "token:a", Name: "Agnès", Owner: "uagnes", Role: account.RoleUserAdmin}
	s.Reset(t, fooled, helpdesk.ResetRequest{})
	s.Change(s.Amelie.ID, func(u *account.User) {
		u.Resets, u.EmailProvenance = 0, account.EmailProvenance{By: fooled.Owner, Moved: s.Clock.Now()}
		u.Email = foreign
	})
	s.Clock.Advance(account.AddressCooldown + time.Second)
	s.EmptyOutbox()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, s.User(string(s.Amelie.ID)).Login, password)
	if err != nil || started.Step != authn.StepTicket {
		t.Fatalf("got %v, %v", started.Step, err)
	}
	if st, err := s.Authn.Transaction(t.Context(), started.Secret); err != nil || st.CanResendTicket {
		t.Errorf("another ticket is offered: %v, %v", st.CanResendTicket, err)
	}
	authntest.WantCode(t, "asking for another ticket", s.Authn.ResendTicket(t.Context(), s.From, started.Secret), errcode.WrongState)
	if len(s.Mails()) != 0 {
		t.Errorf("got %v", s.MailList())
	}
}

// TestAttack_WriterOfTheAddressMakesASecondAdministrator: a fooled administrator writes the address, and gives the attacker an account with
// a role, which resets. The attacker also writes the address by that account, and lets the first or a third one of theirs reset.
func TestAttack_WriterOfTheAddressMakesASecondAdministrator(t *testing.T) {
	for _, x := range []struct{ writer, resetter string }{{"first", "made"}, {"made", "first"}, {"made", "also"}, {"first", "next"}, {"next", "first"}, {"also", "next"}} {
		s := newEnv(t)
		owner := map[string]string{}
		for _, name := range []string{"first", "made", "also", "next"} {
			u := s.NewAdministrator(t, name+"@garage.example", authntest.Assignment(account.RoleSuperAdmin))
			owner[name] = string(u.ID)
			if by := map[string]string{"made": "first", "also": "first", "next": "made"}[name]; by != "" {
				s.Change(u.ID, func(u *account.User) { u.Sponsors = u.Sponsors.Add(owner[by], s.Clock.Now()) })
			}
		}
		of := func(name string) admin.Principal {
			return admin.Principal{ID: "token:" + name, Name: name, Owner: owner[name], Role: account.RoleSuperAdmin}
		}
		s.writes(t, of(x.writer), "")
		_, err := s.Directory.HelpDesk.Reset(t.Context(), of(x.resetter), s.From, string(s.Amelie.ID), helpdesk.ResetRequest{})
		s.unsent(t, x.writer+" writes, "+x.resetter+" resets", err)
		s.Clock.Advance(30 * 24 * time.Hour)
		if result := s.Reset(t, of(x.resetter), helpdesk.ResetRequest{}); !result.Mailed {
			t.Errorf("a month later: got %+v", result)
		}
	}
}

// TestAttack_WriterOfTheAddressWroteTheNumberToo: another agent keeps to the rules and calls back the number on file, which the same
// administrator wrote as the address.
func TestAttack_WriterOfTheAddressWroteTheNumberToo(t *testing.T) {
	s := newEnv(t)
	fooled := admin.Principal{ID: "token:a", Name: "Agnès", Owner: "uagnes", Role: account.RoleUserAdmin}
	other := admin.Principal{ID: "token:c", Name: "Bruno", Owner: "ubruno", Role: account.RoleHelpDesk}
	s.writes(t, fooled, "+44 20 7946 0958")
	_, err := s.Directory.HelpDesk.Reset(t.Context(), other, s.From, string(s.Amelie.ID), helpdesk.ResetRequest{Check: calledBack})
	wantReason(t, "calling the number of the same administrator", err, errcode.ReasonNoNumber)
}

// A user who verified the address has it as their own: its writer resets again.
func TestReset_AddressIsTheUsersOwnAfterTheirSignIn(t *testing.T) {
	s := newEnv(t)
	fooled := admin.Principal{ID: "token:a", Name: "Agnès", Owner: "uagnes", Role: account.RoleUserAdmin}
	other := admin.Principal{ID: "token:c", Name: "Bruno", Owner: "ubruno", Role: account.RoleHelpDesk}
	s.writes(t, fooled, "")
	s.Reset(t, other, helpdesk.ResetRequest{})
	m := authntest.Mailed[notice.DevicesReset](t, s.Env, foreign)
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, s.User(string(s.Amelie.ID)).Login, password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Authn.RedeemTicketLink(t.Context(), s.From, started.Secret, authntest.LinkToken(m.Link)); err != nil {
		t.Fatal(err)
	}
	s.Enrol(enrol.Flow{Transaction: started.Secret}, "new phone")
	if result := s.Reset(t, fooled, helpdesk.ResetRequest{}); !result.Mailed {
		t.Errorf("got %+v", result)
	}
}
