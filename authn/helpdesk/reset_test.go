package helpdesk_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func TestReset_TicketAndPasswordEnrolNewPhone(t *testing.T) {
	s := newEnv(t)
	half := s.SubmitPassword(t, password)
	result := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{Reason: "phone fell\r\ninto the oil"})
	if result.Devices[totp.Kind] != 1 || result.Sessions != 1 || !result.Mailed || result.Repeated || !result.Code.IsZero() || !result.Link.IsZero() || result.Reason != "phone fell into the oil" {
		t.Errorf("got receipt %+v", result)
	}
	if want := []string{"a•••@g•••.example"}; !slices.Equal(result.MailTo, want) {
		t.Errorf("mail to %q, want %q", result.MailTo, want)
	}
	if want := s.Clock.Now().Add(account.TicketTTL); !result.TicketExpires.Equal(want) {
		t.Errorf("ticket until %v, want %v", result.TicketExpires, want)
	}
	s.WantSignedOut(t, s.Session)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"devices_reset to " + authntest.Technician, "user_devices_reset to " + authntest.SecondEmail,
		"user_devices_reset to manager@garage.example"})
	if notified := authntest.Mailed[notice.UserDevicesReset](t, s.Env, "manager@garage.example"); notified.User != "Amélie Durand" || notified.By != authntest.AsHelpDesk.Name || notified.Reason != result.Reason {
		t.Errorf("the manager got %+v", notified)
	}
	if st, err := s.Authn.Transaction(t.Context(), half.Secret); err != nil || st.Step != authn.StepTicket {
		t.Errorf("a login that was half-way: got %v, %v, want the field for the ticket", st.Step, err)
	}
	if v, err := s.VerifyCode(t.Context(), half.Secret, s.Phone.Next()); err == nil {
		t.Errorf("the lost phone's code: got %+v, want it refused", v)
	}

	started := s.SubmitPassword(t, password)
	if started.Step != authn.StepTicket {
		t.Fatalf("the password alone leads to %q, want the ticket", started.Step)
	}
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, "0000-0000")
	authntest.WantCode(t, "a wrong ticket", err, errcode.InvalidTicket)
	step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician).Code)
	if err != nil || step != authn.StepEnrol {
		t.Fatalf("the ticket: got %v, %v", step, err)
	}
	phone, done := s.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau téléphone")
	if done.Credentials.Session.IsZero() {
		t.Error("no session after the enrolment")
	}
	s.SignIn(authntest.Technician, password, phone)
	if u := s.User(authntest.Technician); len(u.Tickets) != 0 || len(u.Devices) != 1 {
		t.Errorf("got %d tickets and %d devices, want none and one", len(u.Tickets), len(u.Devices))
	}
}

func TestReset_WritesOneEvent(t *testing.T) {
	s := newEnv(t)
	before := len(s.Events())
	result := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{Reason: "lost"})
	events := s.Events()[before:]
	if len(events) != 1 {
		t.Fatalf("got %d events, want one", len(events))
	}
	e := events[0]
	if e.Action != audit.FactorsReset || e.Actor.ID != authntest.AsHelpDesk.ID || e.Actor.Type != audit.TypeToken || e.Subject != string(s.Amelie.ID) ||
		e.Detail["reason"] != "lost" || e.Detail["owner"] != authntest.AsHelpDesk.Owner || e.Detail["devices"] != "totp=1" || !e.At.Equal(result.At) {
		t.Errorf("got %+v", e)
	}
}

func TestReset_RepeatChangesAndSendsNothing(t *testing.T) {
	s := newEnv(t)
	first := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{Reason: "lost"})
	s.EmptyOutbox()
	before, events := s.User(authntest.Technician), len(s.Events())
	s.Clock.Advance(time.Minute)
	again := s.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{Reason: "lost, I said"})
	first.Repeated = true
	if fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("got receipt\n%+v, want the first one's\n%+v", again, first)
	}
	if after := s.User(authntest.Technician); after.Revision != before.Revision || len(s.Mails()) != 0 || len(s.Events()) != events {
		t.Errorf("got revision %d after %d, mails %v, want nothing changed", after.Revision, before.Revision, s.MailList())
	}

	yes := true
	if more := s.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{SendEmail: &yes}); !more.Repeated || more.Devices[totp.Kind] != 1 || !more.TicketExpires.Equal(s.Clock.Now().Add(account.TicketTTL)) {
		t.Errorf("with sendEmail: got %+v", more)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"devices_reset to " + authntest.Technician})
	for range 4 {
		s.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{SendEmail: &yes})
	}
	if u := s.User(authntest.Technician); len(u.Tickets) != 3 || u.Epoch != before.Epoch {
		t.Errorf("got %d tickets, epoch %d, want 3 and %d", len(u.Tickets), u.Epoch, before.Epoch)
	}
	s.Clock.Advance(account.TicketTTL)
	if late := s.Reset(t, authntest.AsSuperAdmin, helpdesk.ResetRequest{}); late.Repeated || !late.Mailed {
		t.Errorf("after the tickets' end: got %+v, want a new one", late)
	}
}

func TestReset_ParallelCallsIssueOneTicket(t *testing.T) {
	s := newEnv(t)
	receipts := make([]helpdesk.ResetResult, 8)
	var wait sync.WaitGroup
	for i := range receipts {
		wait.Go(func() {
			var err error
			if receipts[i], err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	first := 0
	for _, result := range receipts {
		if !result.Repeated {
			first++
		}
		if result.Devices[totp.Kind] != 1 || result.Reason != "lost" {
			t.Errorf("got receipt %+v, want the one of the reset", result)
		}
	}
	if u := s.User(authntest.Technician); first != 1 || len(u.Tickets) != 1 || u.Resets != 1 || len(s.Events(audit.FactorsReset)) != 1 {
		t.Errorf("got %d resets, %d tickets, want one", first, len(u.Tickets))
	}
	authntest.Mailed[notice.DevicesReset](t, s.Env, "")
}

func TestReset_MailboxAloneCannotSignIn(t *testing.T) {
	s := newEnv(t)
	s.Change(s.Amelie.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail }) // chosen by a mailed link, no device proven since
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	ticket := authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician)
	login := s.SubmitPassword(t, password).Secret
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, ticket.Code)
	authntest.WantCode(t, "code by mail, password by mail", err, errcode.SameProvenance)
	_, err = s.Authn.RedeemTicketLink(t.Context(), s.From, login, authntest.LinkToken(ticket.Link))
	authntest.WantCode(t, "link by mail, password by mail", err, errcode.SameProvenance)

	result := s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{ShowCode: true})
	step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, result.Code.Reveal())
	if err != nil || step != authn.StepEnrol {
		t.Errorf("code on screen: got %v, %v, want the enrolment", step, err)
	}
}

func TestReset_AdministratorAloneCannotSignIn(t *testing.T) {
	s := newEnv(t)
	s.Change(s.Amelie.ID, func(u *account.User) { u.Password.Provenance = authntest.AsOperator.Owner }) // a temporary password of theirs
	result := s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{ShowCode: true, Reason: "at the counter"})
	if result.Mailed || result.Code.IsZero() || !result.Link.IsZero() || !result.TicketExpires.Equal(s.Clock.Now().Add(account.ScreenTicketTTL)) {
		t.Errorf("got receipt %+v, want a code for ten minutes", result)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"user_devices_reset to " + authntest.Technician, "user_devices_reset to " + authntest.SecondEmail,
		"ticket_shown to " + authntest.Technician, "ticket_shown to " + authntest.SecondEmail, "ticket_shown to manager@garage.example",
		"ticket_shown to admin@garage.example", "ticket_shown to support@garage.example"})
	login := s.SubmitPassword(t, password).Secret
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, result.Code.Reveal())
	authntest.WantCode(t, "password and code of one operator", err, errcode.SameProvenance)

	another := authntest.AsOperator
	another.ID, another.Owner = "operator:1000", "operator:1000"
	result = s.Reset(t, another, helpdesk.ResetRequest{ShowCode: true})
	if !result.Repeated {
		t.Errorf("got %+v, want a further code of the same reset", result)
	}
	if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, result.Code.Reveal()); err != nil || step != authn.StepEnrol {
		t.Errorf("code of another operator: got %v, %v", step, err)
	}
	s.Clock.Advance(account.ScreenTicketTTL)
	login = s.SubmitPassword(t, password).Secret
	_, err = s.Authn.RedeemTicketCode(t.Context(), s.From, login, result.Code.Reveal())
	authntest.WantCode(t, "after ten minutes", err, errcode.TicketExpired)
}

func TestReset_TicketInResponsePermissions(t *testing.T) {
	no := false
	for _, c := range []struct {
		name string
		op   admin.Principal
		req  helpdesk.ResetRequest
		want errcode.Code
	}{
		{"a token without secrets gets none", authntest.AsSuperAdmin, helpdesk.ResetRequest{SendEmail: &no}, errcode.Forbidden},
		{"support gets none, whatever the token says", authntest.WithSecrets(authntest.AsHelpDesk), helpdesk.ResetRequest{SendEmail: &no}, errcode.Forbidden},
		{"a token gets no code", authntest.WithSecrets(authntest.AsSuperAdmin), helpdesk.ResetRequest{ShowCode: true}, errcode.Forbidden},
		{"a token with secrets gets it", authntest.WithSecrets(authntest.AsSuperAdmin), helpdesk.ResetRequest{SendEmail: &no}, ""},
		{"the operator gets it", authntest.AsOperator, helpdesk.ResetRequest{SendEmail: &no}, ""},
		{"screen and email conflict", authntest.AsOperator, helpdesk.ResetRequest{SendEmail: &no, ShowCode: true}, errcode.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEnv(t)
			result, err := s.Directory.HelpDesk.Reset(t.Context(), c.op, s.From, authntest.Technician, c.req)
			authntest.WantCode(t, "reset", err, c.want)
			if c.want != "" {
				if u := s.User(authntest.Technician); len(u.Devices) != 1 {
					t.Error("a refused reset took the device")
				}
				return
			}
			if result.Code.IsZero() || result.Link.IsZero() || result.Mailed || s.User(authntest.Technician).Tickets[0].Provenance != c.op.Owner {
				t.Errorf("got %+v, ticket %+v, want link and code with the operator's provenance", result, s.User(authntest.Technician).Tickets)
			}
			login := s.SubmitPassword(t, password).Secret
			if step, err := s.Authn.RedeemTicketLink(t.Context(), s.From, login, authntest.LinkToken(result.Link.Reveal())); err != nil || step != authn.StepEnrol {
				t.Errorf("the link: got %v, %v", step, err)
			}
			login = s.SubmitPassword(t, password).Secret
			if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, result.Code.Reveal()); err != nil || step != authn.StepEnrol {
				t.Errorf("the code: got %v, %v", step, err)
			}
		})
	}
}

func TestReset_RejectsHelpRequestOfOtherUser(t *testing.T) {
	s := newEnv(t)
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: "stranger@else.example", Topic: "phone_lost", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Second)
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: authntest.Technician, Topic: "phone_lost", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	requests, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{})
	if err != nil || len(requests) != 2 {
		t.Fatalf("got %d requests, %v", len(requests), err)
	}
	for _, id := range []string{requests[0].ID, "nothing", "of-nobody"} {
		_, err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: id})
		authntest.WantCode(t, "case "+id, err, errcode.Conflict)
	}
	result := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: requests[1].ID, Check: calledBack})
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, requests[1].ID)
	if err != nil || c.State != helpdesk.StateResolved || len(c.History) != 2 || c.History[1].By != authntest.AsHelpDesk.ID || result.HelpRequest != c.ID {
		t.Errorf("got case %+v, %v", c, err)
	}
	if e := s.Events(audit.FactorsReset)[0]; e.Detail["helpRequestId"] != c.ID {
		t.Errorf("the event says %q", e.Detail)
	}
}

func TestReset_ByOperatorNotifiesAllAdministrators(t *testing.T) {
	s := newEnv(t)
	var want []string
	for i := range 9 {
		a := fmt.Sprintf("admin%d@garage.example", i)
		u := s.CreateUser(a, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleUserAdmin}} })
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
		want = append(want, "user_devices_reset to "+a)
	}
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsSuperAdmin, s.From, s.Administrator.Login, helpdesk.ResetRequest{})
	authntest.WantCode(t, "an equal role", err, errcode.ApprovalRequired)
	if _, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, s.From, s.Administrator.Login, helpdesk.ResetRequest{}); err != nil {
		t.Fatal(err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), append(want, "devices_reset to admin@garage.example", "user_devices_reset to support@garage.example"))
}

// The administrator who resets a user knows it; their other tokens and their own address need no notification.
func TestReset_DoesNotNotifyTheOwnerOfTheCaller(t *testing.T) {
	s := newEnv(t)
	caller := authntest.AsHelpDesk
	for _, a := range []string{"caller@garage.example", "peer@garage.example"} {
		u := s.CreateUser(a, func(u *account.User) {
			u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Lumiere}}}
		})
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
		if a == "caller@garage.example" {
			caller.Owner = string(u.ID)
		}
	}
	to, err := s.Directory.Admin.ResetRecipients(t.Context(), caller, &s.Amelie, false)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(to); strings.Contains(got, "caller@") || !strings.Contains(got, "peer@") {
		t.Errorf("got recipients %s, want the peer and not the caller", got)
	}
}

func TestReset_LargestUserFitsOneTransaction(t *testing.T) {
	s := newEnv(t)
	for i := range 7 {
		u := s.CreateUser(fmt.Sprintf("manager%d@garage.example", i), func(u *account.User) {
			u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Lumiere}}}
		})
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
	}
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: authntest.Technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	requests, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{})
	if err != nil {
		t.Fatal(err)
	}
	s.EmptyOutbox()
	s.Change(s.Amelie.ID, func(u *account.User) {
		for i := range 10 {
			u.Devices = append(u.Devices, factors.Device{ID: factors.DeviceID(fmt.Sprint("k", i)), Kind: "webauthn", Name: "key", Unique: fmt.Sprint("credential ", i), Data: []byte(`{}`)})
		}
		for i := range 31 {
			u.Sessions = append(u.Sessions, account.SessionRef{Hash: fmt.Sprintf("%064x", i)})
		}
		for i := range 3 {
			u.Tickets = append(u.Tickets, account.Ticket{ID: fmt.Sprint(i), Link: fmt.Sprintf("%064x", i), Expires: s.Clock.Now().Add(time.Hour)})
		}
	})
	for _, screen := range []bool{false, true} {
		before := s.User(authntest.Technician)
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, requests[0].ID, helpdesk.RequestPatch{Status: helpdesk.StateOpen}); err != nil {
			t.Fatal(err)
		}
		result := s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{HelpRequest: requests[0].ID, ShowCode: screen, Check: inPerson})
		if result.Devices[webauthn.Kind] != 10 || result.Devices[totp.Kind] != 1 {
			t.Errorf("got %+v, want ten keys and a phone", result)
		}
		notified := 0
		for _, m := range s.Mails() {
			if m.To != authntest.Technician && m.To != authntest.SecondEmail {
				notified++
			}
		}
		if notified < 9 { // eight managers and the administrator
			t.Errorf("got %d others notified, want nine at least: %v", notified, s.MailList())
		}
		s.EmptyOutbox()
		s.Change(s.Amelie.ID, func(u *account.User) {
			u.Devices, u.Sessions, u.Tickets = before.Devices, before.Sessions, before.Tickets
		})
	}
}

func TestReset_RejectsUserWithoutDeviceHistory(t *testing.T) {
	s := newEnv(t)
	s.CreateUser("new@garage.example", nil)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, s.From, "new@garage.example", helpdesk.ResetRequest{})
	authntest.WantCode(t, "reset", err, errcode.WrongState)
	_, err = s.Directory.Activate(t.Context(), authntest.AsOperator, s.From, authntest.Technician, true)
	authntest.WantCode(t, "inviting who has a device", err, errcode.WrongState)
	s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{})
	_, err = s.Directory.Activate(t.Context(), authntest.AsOperator, s.From, authntest.Technician, true)
	authntest.WantCode(t, "inviting who had one", err, errcode.WrongState)
}

func TestRemoveDevice_RemovesEveryTrace(t *testing.T) {
	s := newEnv(t)
	d, err := s.Directory.Device(t.Context(), authntest.AsHelpDesk, authntest.Technician, s.Phone.Device)
	if err != nil || d.Name != "Téléphone" {
		t.Fatalf("got %+v, %v", d, err)
	}
	if err := s.Directory.RemoveDevice(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, s.Phone.Device); err != nil {
		t.Fatal(err)
	}
	s.WantSignedOut(t, s.Session)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"device_removed to " + authntest.Technician, "device_removed to " + authntest.SecondEmail})
	if started := s.SubmitPassword(t, password); started.Step != authn.StepBlocked {
		t.Errorf("got %q, want the help page", started.Step)
	}
	authntest.WantCode(t, "once more", s.Directory.RemoveDevice(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, s.Phone.Device), errcode.NotFound)
	if result := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{}); result.Repeated || !result.Mailed {
		t.Errorf("a reset afterwards: got %+v, want a ticket", result)
	}
}
