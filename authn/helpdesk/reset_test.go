package helpdesk_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

func TestALostPhoneIsReplacedByATicketWithThePassword(t *testing.T) {
	s := openShop(t)
	half := s.signIn(t, password)
	rec := s.reset(t, support, helpdesk.ResetRequest{Reason: "phone fell\r\ninto the oil"})
	if rec.Devices[totp.Kind] != 1 || rec.Sessions != 1 || !rec.Mailed || rec.Repeated || !rec.Code.IsZero() || !rec.Link.IsZero() || rec.Reason != "phone fell into the oil" {
		t.Errorf("got receipt %+v", rec)
	}
	if want := []string{"a•••@g•••.example"}; !slices.Equal(rec.MailTo, want) {
		t.Errorf("mail to %q, want %q", rec.MailTo, want)
	}
	if want := s.Clock.Now().Add(account.TicketTTL); !rec.TicketExpires.Equal(want) {
		t.Errorf("ticket until %v, want %v", rec.TicketExpires, want)
	}
	s.dead(t, s.session)
	sameStrings(t, "mails", s.letters(), []string{"devices_reset to " + technician, "devices_reset_told to " + second,
		"devices_reset_told to manager@garage.example"})
	if told := mailed[notice.UserDevicesReset](t, s, "manager@garage.example"); told.Person != "Amélie Durand" || told.By != support.Name || told.Reason != rec.Reason {
		t.Errorf("the manager is told %+v", told)
	}
	if st, err := s.Authn.Transaction(t.Context(), half.Secret); err != nil || st.Step != authn.StepTicket {
		t.Errorf("a login that was half-way: got %v, %v, want the field for the ticket", st.Step, err)
	}
	if v, err := verifies(t.Context(), s, half.Secret, s.phone.Next()); err == nil {
		t.Errorf("the lost phone's code: got %+v, want it refused", v)
	}

	started := s.signIn(t, password)
	if started.Step != authn.StepTicket {
		t.Fatalf("the password alone leads to %q, want the ticket", started.Step)
	}
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, "0000-0000")
	wantCode(t, "a wrong ticket", err, errcode.InvalidTicket)
	step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, mailed[notice.DevicesReset](t, s, technician).Code)
	if err != nil || step != authn.StepEnrol {
		t.Fatalf("the ticket: got %v, %v", step, err)
	}
	phone, done := s.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau téléphone")
	if done.Credentials.Session.IsZero() {
		t.Error("no session after the enrolment")
	}
	s.SignIn(technician, password, phone)
	if u := s.User(technician); len(u.Tickets) != 0 || len(u.Devices) != 1 {
		t.Errorf("got %d tickets and %d devices, want none and one", len(u.Tickets), len(u.Devices))
	}
}

func TestAResetIsOneEventWithWhoAndWhy(t *testing.T) {
	s := openShop(t)
	before := len(s.Events())
	rec := s.reset(t, support, helpdesk.ResetRequest{Reason: "lost"})
	events := s.Events()[before:]
	if len(events) != 1 {
		t.Fatalf("got %d events, want one", len(events))
	}
	e := events[0]
	if e.Action != audit.FactorsReset || e.Actor.ID != support.ID || e.Actor.Type != audit.TypeToken || e.Subject != string(s.amelie.ID) ||
		e.Detail["why"] != "lost" || e.Detail["owner"] != support.Owner || e.Detail["devices"] != "totp=1" || !e.At.Equal(rec.At) {
		t.Errorf("got %+v", e)
	}
}

func TestAnotherResetChangesAndSendsNothing(t *testing.T) {
	s := openShop(t)
	first := s.reset(t, support, helpdesk.ResetRequest{Reason: "lost"})
	s.EmptyOutbox()
	before, events := s.User(technician), len(s.Events())
	s.Clock.Advance(time.Minute)
	again := s.reset(t, root, helpdesk.ResetRequest{Reason: "lost, I said"})
	first.Repeated = true
	if fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("got receipt\n%+v, want the first one's\n%+v", again, first)
	}
	if after := s.User(technician); after.Revision != before.Revision || len(s.Mails()) != 0 || len(s.Events()) != events {
		t.Errorf("got revision %d after %d, mails %v, want nothing changed", after.Revision, before.Revision, s.letters())
	}

	yes := true
	if more := s.reset(t, root, helpdesk.ResetRequest{SendEmail: &yes}); !more.Repeated || more.Devices[totp.Kind] != 1 || !more.TicketExpires.Equal(s.Clock.Now().Add(account.TicketTTL)) {
		t.Errorf("with sendEmail: got %+v", more)
	}
	sameStrings(t, "mails", s.letters(), []string{"devices_reset to " + technician})
	for range 4 {
		s.reset(t, root, helpdesk.ResetRequest{SendEmail: &yes})
	}
	if u := s.User(technician); len(u.Tickets) != 3 || u.Epoch != before.Epoch {
		t.Errorf("got %d tickets, epoch %d, want 3 and %d", len(u.Tickets), u.Epoch, before.Epoch)
	}
	s.Clock.Advance(account.TicketTTL)
	if late := s.reset(t, root, helpdesk.ResetRequest{}); late.Repeated || !late.Mailed {
		t.Errorf("after the tickets' end: got %+v, want a new one", late)
	}
}

func TestParallelResetsAreOneTicketAndOneMail(t *testing.T) {
	s := openShop(t)
	receipts := make([]helpdesk.ResetResult, 8)
	var wait sync.WaitGroup
	for i := range receipts {
		wait.Go(func() {
			var err error
			if receipts[i], err = s.Directory.HelpDesk.Reset(t.Context(), support, s.From, technician, helpdesk.ResetRequest{Reason: "lost"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	first := 0
	for _, rec := range receipts {
		if !rec.Repeated {
			first++
		}
		if rec.Devices[totp.Kind] != 1 || rec.Reason != "lost" {
			t.Errorf("got receipt %+v, want the one of the reset", rec)
		}
	}
	if u := s.User(technician); first != 1 || len(u.Tickets) != 1 || u.Resets != 1 || len(s.Events(audit.FactorsReset)) != 1 {
		t.Errorf("got %d resets, %d tickets, want one", first, len(u.Tickets))
	}
	mailed[notice.DevicesReset](t, s, "")
}

func TestTheMailboxAloneOpensNothing(t *testing.T) {
	s := openShop(t)
	s.Change(s.amelie.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail }) // chosen by a mailed link, no device proven since
	s.reset(t, support, helpdesk.ResetRequest{})
	ticket := mailed[notice.DevicesReset](t, s, technician)
	login := s.signIn(t, password).Secret
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, ticket.Code)
	wantCode(t, "code by mail, password by mail", err, errcode.SameProvenance)
	_, err = s.Authn.RedeemTicketLink(t.Context(), s.From, login, tokenOf(ticket.Link))
	wantCode(t, "link by mail, password by mail", err, errcode.SameProvenance)

	rec := s.reset(t, machine, helpdesk.ResetRequest{ShowCode: true})
	step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, rec.Code.Reveal())
	if err != nil || step != authn.StepEnrol {
		t.Errorf("code by hand: got %v, %v, want the enrolment", step, err)
	}
}

func TestOneOperatorAloneOpensNothing(t *testing.T) {
	s := openShop(t)
	s.Change(s.amelie.ID, func(u *account.User) { u.Password.Provenance = machine.Owner }) // a temporary password of theirs
	rec := s.reset(t, machine, helpdesk.ResetRequest{ShowCode: true, Reason: "at the counter"})
	if rec.Mailed || rec.Code.IsZero() || !rec.Link.IsZero() || !rec.TicketExpires.Equal(s.Clock.Now().Add(account.ScreenTicketTTL)) {
		t.Errorf("got receipt %+v, want a code for ten minutes", rec)
	}
	sameStrings(t, "mails", s.letters(), []string{"devices_reset_told to " + technician, "devices_reset_told to " + second,
		"ticket_handed to " + technician, "ticket_handed to " + second, "ticket_handed to manager@garage.example",
		"ticket_handed to admin@garage.example", "ticket_handed to support@garage.example"})
	login := s.signIn(t, password).Secret
	_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, rec.Code.Reveal())
	wantCode(t, "password and code of one operator", err, errcode.SameProvenance)

	another := machine
	another.ID, another.Owner = "operator:1000", "operator:1000"
	rec = s.reset(t, another, helpdesk.ResetRequest{ShowCode: true})
	if !rec.Repeated {
		t.Errorf("got %+v, want a further code of the same reset", rec)
	}
	if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, rec.Code.Reveal()); err != nil || step != authn.StepEnrol {
		t.Errorf("code of another operator: got %v, %v", step, err)
	}
	s.Clock.Advance(account.ScreenTicketTTL)
	login = s.signIn(t, password).Secret
	_, err = s.Authn.RedeemTicketCode(t.Context(), s.From, login, rec.Code.Reveal())
	wantCode(t, "after ten minutes", err, errcode.TicketExpired)
}

func TestWhoGetsATicketInTheAnswer(t *testing.T) {
	no := false
	for _, c := range []struct {
		name string
		op   admin.Principal
		req  helpdesk.ResetRequest
		want errcode.Code
	}{
		{"a token without secrets gets none", root, helpdesk.ResetRequest{SendEmail: &no}, errcode.Forbidden},
		{"support gets none, whatever the token says", withSecrets(support), helpdesk.ResetRequest{SendEmail: &no}, errcode.Forbidden},
		{"a token is handed no code", withSecrets(root), helpdesk.ResetRequest{ShowCode: true}, errcode.Forbidden},
		{"a token with secrets gets it", withSecrets(root), helpdesk.ResetRequest{SendEmail: &no}, ""},
		{"the machine's owner gets it", machine, helpdesk.ResetRequest{SendEmail: &no}, ""},
		{"handed and mailed is neither", machine, helpdesk.ResetRequest{SendEmail: &no, ShowCode: true}, errcode.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openShop(t)
			rec, err := s.Directory.HelpDesk.Reset(t.Context(), c.op, s.From, technician, c.req)
			wantCode(t, "reset", err, c.want)
			if c.want != "" {
				if u := s.User(technician); len(u.Devices) != 1 {
					t.Error("a refused reset took the device")
				}
				return
			}
			if rec.Code.IsZero() || rec.Link.IsZero() || rec.Mailed || s.User(technician).Tickets[0].Provenance != c.op.Owner {
				t.Errorf("got %+v, ticket %+v, want link and code by the operator's hand", rec, s.User(technician).Tickets)
			}
			login := s.signIn(t, password).Secret
			if step, err := s.Authn.RedeemTicketLink(t.Context(), s.From, login, tokenOf(rec.Link.Reveal())); err != nil || step != authn.StepEnrol {
				t.Errorf("the link: got %v, %v", step, err)
			}
			login = s.signIn(t, password).Secret
			if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, login, rec.Code.Reveal()); err != nil || step != authn.StepEnrol {
				t.Errorf("the code: got %v, %v", step, err)
			}
		})
	}
}

func TestAResetAnswersTheHelpRequestOfTheSamePersonOnly(t *testing.T) {
	s := openShop(t)
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: "stranger@else.example", Topic: "phone_lost", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Second)
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: technician, Topic: "phone_lost", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{})
	if err != nil || len(cases) != 2 {
		t.Fatalf("got %d cases, %v", len(cases), err)
	}
	for _, id := range []string{cases[0].ID, "nothing", "of-nobody"} {
		_, err = s.Directory.HelpDesk.Reset(t.Context(), support, s.From, technician, helpdesk.ResetRequest{HelpRequest: id})
		wantCode(t, "case "+id, err, errcode.Conflict)
	}
	rec := s.reset(t, support, helpdesk.ResetRequest{HelpRequest: cases[1].ID, Check: calledBack})
	c, err := s.Directory.HelpDesk.Request(t.Context(), support, cases[1].ID)
	if err != nil || c.State != helpdesk.StateResolved || len(c.History) != 2 || c.History[1].By != support.ID || rec.HelpRequest != c.ID {
		t.Errorf("got case %+v, %v", c, err)
	}
	if e := s.Events(audit.FactorsReset)[0]; e.Detail["helpRequestId"] != c.ID {
		t.Errorf("the event says %q", e.Detail)
	}
}

func TestTheMachinesOwnerResetsAnAdministratorAndEveryOtherIsTold(t *testing.T) {
	s := openShop(t)
	var want []string
	for i := range 9 {
		a := fmt.Sprintf("admin%d@garage.example", i)
		u := s.CreateUser(a, func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleUserAdmin}} })
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
		want = append(want, "devices_reset_told to "+a)
	}
	_, err := s.Directory.HelpDesk.Reset(t.Context(), root, s.From, s.admin.Login, helpdesk.ResetRequest{})
	wantCode(t, "an equal role", err, errcode.Forbidden)
	if _, err := s.Directory.HelpDesk.Reset(t.Context(), machine, s.From, s.admin.Login, helpdesk.ResetRequest{}); err != nil {
		t.Fatal(err)
	}
	sameStrings(t, "mails", s.letters(), append(want, "devices_reset to admin@garage.example", "devices_reset_told to support@garage.example"))
}

func TestTheFullestPersonIsResetWithinOneUpdate(t *testing.T) {
	s := openShop(t)
	for i := range 7 {
		u := s.CreateUser(fmt.Sprintf("manager%d@garage.example", i), func(u *account.User) {
			u.Roles = []account.RoleAssignment{{ID: "r", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.garage}}}
		})
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
	}
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), support, helpdesk.RequestQuery{})
	if err != nil {
		t.Fatal(err)
	}
	s.EmptyOutbox()
	s.Change(s.amelie.ID, func(u *account.User) {
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
	for _, hand := range []bool{false, true} {
		before := s.User(technician)
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), support, s.From, cases[0].ID, helpdesk.RequestPatch{Status: helpdesk.StateOpen}); err != nil {
			t.Fatal(err)
		}
		rec := s.reset(t, machine, helpdesk.ResetRequest{HelpRequest: cases[0].ID, ShowCode: hand, Check: calledBack})
		if rec.Devices[webauthn.Kind] != 10 || rec.Devices[totp.Kind] != 1 {
			t.Errorf("got %+v, want ten keys and a phone", rec)
		}
		told := 0
		for _, m := range s.Mails() {
			if m.To != technician && m.To != second {
				told++
			}
		}
		if told < 9 { // eight managers and the administrator
			t.Errorf("got %d others told, want nine at least: %v", told, s.letters())
		}
		s.EmptyOutbox()
		s.Change(s.amelie.ID, func(u *account.User) {
			u.Devices, u.Sessions, u.Tickets = before.Devices, before.Sessions, before.Tickets
		})
	}
}

func TestWhoNeverHadADeviceIsInvitedAndNotReset(t *testing.T) {
	s := openShop(t)
	s.CreateUser("new@garage.example", nil)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), machine, s.From, "new@garage.example", helpdesk.ResetRequest{})
	wantCode(t, "reset", err, errcode.WrongState)
	_, err = s.Directory.Activate(t.Context(), machine, s.From, technician, true)
	wantCode(t, "inviting who has a device", err, errcode.WrongState)
	s.reset(t, machine, helpdesk.ResetRequest{})
	_, err = s.Directory.Activate(t.Context(), machine, s.From, technician, true)
	wantCode(t, "inviting who had one", err, errcode.WrongState)
}

func TestADeviceTakenByAnOperatorLeavesNothingBehind(t *testing.T) {
	s := openShop(t)
	d, err := s.Directory.Device(t.Context(), support, technician, s.phone.Device)
	if err != nil || d.Name != "Téléphone" {
		t.Fatalf("got %+v, %v", d, err)
	}
	if err := s.Directory.RemoveDevice(t.Context(), support, s.From, technician, s.phone.Device); err != nil {
		t.Fatal(err)
	}
	s.dead(t, s.session)
	sameStrings(t, "mails", s.letters(), []string{"device_removed to " + technician, "device_removed to " + second})
	if started := s.signIn(t, password); started.Step != authn.StepBlocked {
		t.Errorf("got %q, want the help page", started.Step)
	}
	wantCode(t, "once more", s.Directory.RemoveDevice(t.Context(), support, s.From, technician, s.phone.Device), errcode.NotFound)
	if rec := s.reset(t, support, helpdesk.ResetRequest{}); rec.Repeated || !rec.Mailed {
		t.Errorf("a reset afterwards: got %+v, want a ticket", rec)
	}
}
