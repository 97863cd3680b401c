package directory_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// withdrawal names one of the two operations.
type withdrawal struct {
	do     step
	action string
}

func (s *env) withdrawals() map[string]withdrawal {
	return map[string]withdrawal{
		"invitation": {s.Directory.WithdrawInvitation, audit.InvitationWithdrawn},
		"tickets":    {s.Directory.WithdrawTickets, audit.TicketWithdrawn},
	}
}

// linkIn returns the token of a link in an email.
func linkIn(t *testing.T, link string) secret.Value {
	t.Helper()
	return secret.From(link[len(link)-secretLength:])
}

const secretLength = 43

// The link was sent to a wrong address: it opens nothing any more, and the user is not invited.
func TestWithdraw_InvitationLinkOpensNothing(t *testing.T) {
	s := newEnv(t)
	u, _, err := s.Directory.CreateUser(t.Context(), authntest.AsHelpDesk, s.From, directory.NewUser{Email: "new@garage.example", Groups: []account.GroupID{s.Lumiere}}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	token := linkIn(t, authntest.Mailed[notice.Invitation](t, s.Env, "").Link)
	if _, err := s.Authn.Invitation(t.Context(), token); err != nil {
		t.Fatalf("before: %v", err)
	}
	if err := s.Directory.WithdrawInvitation(t.Context(), authntest.AsHelpDesk, s.From, string(u.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authn.Invitation(t.Context(), token)
	authntest.WantCode(t, "the link", err, errcode.InvalidLink)
	if got := s.User(string(u.ID)); got.Status != account.StatusStaged || !got.Invited.Expires.IsZero() {
		t.Errorf("got %s, invited %+v, want staged and not invited", got.Status, got.Invited)
	}
	err = s.Directory.WithdrawInvitation(t.Context(), authntest.AsHelpDesk, s.From, string(u.ID))
	authntest.WantCode(t, "again", err, errcode.WrongState)
	if _, err := s.Directory.Activate(t.Context(), authntest.AsHelpDesk, s.From, string(u.ID), true); err != nil {
		t.Errorf("inviting again: %v", err)
	}
}

// The reader of a wrong mailbox accepted the invitation already, and is about to enrol a phone.
func TestAttack_WithdrawnInvitationEnrolsNothing(t *testing.T) {
	s := newEnv(t)
	u, _, err := s.Directory.CreateUser(t.Context(), authntest.AsHelpDesk, s.From, directory.NewUser{Email: "new@garage.example", Groups: []account.GroupID{s.Lumiere}}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := s.Authn.AcceptInvitation(t.Context(), s.From, linkIn(t, authntest.Mailed[notice.Invitation](t, s.Env, "").Link), authntest.Password)
	if err != nil || accepted.Step != authn.StepEnrol {
		t.Fatalf("got %v, %v, want the enrolment", accepted.Step, err)
	}
	if err := s.Directory.WithdrawInvitation(t.Context(), authntest.AsHelpDesk, s.From, string(u.ID)); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Authn.Transaction(t.Context(), accepted.Secret); err == nil && st.Step == authn.StepEnrol {
		t.Errorf("the transaction goes on to %s", st.Step)
	}
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, "new@garage.example", authntest.Password)
	if err == nil && started.Step == authn.StepEnrol {
		t.Error("the password alone enrols")
	}
}

// A ticket went to a mailbox that another person reads: neither its link nor its code works, and the sign-in page sends no other one.
func TestAttack_WithdrawnTicketsEnrolNothing(t *testing.T) {
	s := newEnv(t)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	mail := authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician)
	half := s.SubmitPassword(t, authntest.Password)
	if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, half.Secret, mail.Code); err != nil || step != authn.StepEnrol {
		t.Fatalf("before: got %v, %v", step, err)
	}
	if err := s.Directory.WithdrawTickets(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Authn.Transaction(t.Context(), half.Secret); err != nil || st.Step != authn.StepBlocked {
		t.Errorf("the enrolment that began: got %v, %v, want blocked", st.Step, err)
	}
	fresh := s.SubmitPassword(t, authntest.Password)
	if fresh.Step != authn.StepBlocked {
		t.Errorf("a new sign-in: got %s, want blocked", fresh.Step)
	}
	authntest.WantCode(t, "another ticket", s.Authn.ResendTicket(t.Context(), s.From, fresh.Secret), errcode.WrongState)
	authntest.WantCode(t, "the link", s.Authn.TicketLink(t.Context(), linkIn(t, mail.Link)), errcode.InvalidLink)
	authntest.WantCode(t, "withdrawing again", s.Directory.WithdrawTickets(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician), errcode.WrongState)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{OnlyAgain: true})
	authntest.WantCode(t, "sending it again", err, errcode.WrongState)
}

// An administrator who asks for another email must not reset the phone that the user has enrolled meanwhile.
func TestAttack_SendingATicketAgainNeverResets(t *testing.T) {
	s := newEnv(t)
	again := helpdesk.ResetRequest{OnlyAgain: true}
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, again)
	authntest.WantCode(t, "with a device", err, errcode.WrongState)
	if u := s.User(authntest.Technician); len(u.Devices) == 0 {
		t.Error("the device is gone")
	}
	send := true
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	again.SendEmail = &send
	if got := s.Reset(t, authntest.AsHelpDesk, again); !got.Repeated || !got.Mailed {
		t.Errorf("got %+v, want one more email", got)
	}
	if u := s.User(authntest.Technician); len(u.Tickets) != 2 || u.Resets != 1 {
		t.Errorf("got %d tickets after %d resets, want 2 after 1", len(u.Tickets), u.Resets)
	}
}

func TestWithdraw_NeedsScopeAndRole(t *testing.T) {
	s := newEnv(t)
	for name, w := range s.withdrawals() {
		outside := authntest.Limited(authntest.AsHelpDesk, s.Nord)
		authntest.WantCode(t, name+" outside", w.do(t.Context(), outside, s.From, authntest.Technician), errcode.NotFound)
		reader := authntest.AsHelpDesk
		reader.Role = account.RoleReadOnly
		authntest.WantCode(t, name+" as a reader", w.do(t.Context(), reader, s.From, authntest.Technician), errcode.Forbidden)
		own := authntest.AsHelpDesk
		own.Owner = string(s.Amelie.ID)
		authntest.WantCode(t, name+" of oneself", w.do(t.Context(), own, s.From, authntest.Technician), errcode.Forbidden)
		if n := len(s.Events(w.action)); n != 0 {
			t.Errorf("%s: %d events", name, n)
		}
	}
}

// The list of groups by name tells a manager nothing about others (protocol rule 21).
func TestFindGroup_OutsideTheScopeIsNotFound(t *testing.T) {
	s := newEnv(t)
	in := func(p admin.Principal, text string) errcode.Code {
		_, err := s.Directory.FindGroup(t.Context(), p, text)
		return errcode.Of(err)
	}
	manager := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	for text, want := range map[string]errcode.Code{"garage lumière": "", string(s.Lumiere): "", "Garage du Nord": errcode.NotFound, string(s.Nord): errcode.NotFound, "Garage": errcode.NotFound, "": errcode.NotFound} {
		if got := in(manager, text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got := in(authntest.AsSuperAdmin, "GARAGE DU NORD"); got != "" {
		t.Errorf("without a scope: got %q", got)
	}
	names, err := s.Directory.GroupNames(t.Context(), manager, []account.User{s.Amelie, {Groups: []account.GroupID{s.Nord, "gone"}}})
	if err != nil || len(names) != 1 || names[s.Lumiere] != "Garage Lumière" {
		t.Errorf("got %v, %v, want the name of the own garage only", names, err)
	}
}
