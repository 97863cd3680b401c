package handover_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/handover"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store/storetest"
)

// wantState requires the state of a handover as its administrator sees it.
func wantState(t *testing.T, c *authntest.Counter, id string, want handover.State) {
	t.Helper()
	if h, err := c.Handover.Handover(t.Context(), c.AsBoss(), id); err != nil || h.State != want {
		t.Errorf("got %q, %v, want %q", h.State, err, want)
	}
}

// wantUntouched requires that the technician has the devices and sessions of before, and no ticket.
func wantUntouched(t *testing.T, c *authntest.Counter) {
	t.Helper()
	if u := c.User(authntest.Technician); len(u.Devices) != 1 || len(u.Tickets) != 0 || u.Resets != 0 {
		t.Errorf("got %d devices, %d tickets, %d resets", len(u.Devices), len(u.Tickets), u.Resets)
	}
}

func TestHandover_LostPhone(t *testing.T) {
	c := authntest.NewCounter(t)
	ctx := t.Context()
	transaction, digits := c.Wait(t)
	h := c.Begin(t)
	if m := authntest.Mailed[notice.WitnessAsked](t, c.Env, c.Witness.Email); m.By != "Karim Benali" || m.User != "Amélie Durand" || m.Group != "Garage Lumière" ||
		!strings.HasSuffix(m.Link, "/account/witness/"+h.ID) {
		t.Errorf("got %+v", m)
	}
	asked, err := c.Handover.Asked(ctx, c.WitnessSession)
	if err != nil || len(asked) != 1 || asked[0].ID != h.ID {
		t.Fatalf("asked: %+v, %v", asked, err)
	}
	if w, err := c.Handover.Waiting(ctx, transaction); err != nil || w.Witness != "Paul Martin" {
		t.Errorf("the user's page: %+v, %v", w, err)
	}
	_, err = c.Handover.Complete(ctx, c.AsBoss(), c.From, h.ID)
	authntest.WantCode(t, "the code before the witness", err, errcode.WrongState)
	c.Confirm(t, h.ID, digits[:1]+" "+digits[1:])
	wantState(t, c, h.ID, handover.StateConfirmed)
	wantUntouched(t, c)
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	result, err := c.Handover.Complete(ctx, c.AsBoss(), c.From, h.ID)
	if err != nil || result.Code.IsZero() || !result.Link.IsZero() || result.Mailed || !result.TicketExpires.Equal(c.Clock.Now().Add(10*time.Minute)) {
		t.Fatalf("got %+v, %v", result, err)
	}
	c.WantSignedOut(t, c.Session)
	authntest.SameStrings(t, "emails", c.MailList(), []string{"user_devices_reset to " + authntest.Technician, "user_devices_reset to " + authntest.SecondEmail,
		"ticket_shown to " + authntest.Technician, "ticket_shown to " + authntest.SecondEmail, "ticket_shown to " + c.Manager.Email, "ticket_shown to support@garage.example"})
	if m := authntest.Mailed[notice.TicketShown](t, c.Env, c.Manager.Email); m.By != "Karim Benali" || m.Witness != "Paul Martin" || m.User != "Amélie Durand" {
		t.Errorf("got %+v", m)
	}
	e := c.Events(audit.HandoverBegun, audit.HandoverConfirmed, audit.FactorsReset)
	if len(e) != 3 || e[1].Actor.ID != string(c.Witness.ID) || e[2].Detail["witness"] != string(c.Witness.ID) || e[2].Detail["identity"] != "in_person" ||
		e[2].Detail["identityBy"] != "Paul Martin" || e[2].Detail["handoverId"] != h.ID || e[2].Detail["reason"] != "in the pit" {
		t.Errorf("got events %+v", e)
	}
	step, err := c.Authn.RedeemTicketCode(ctx, c.From, transaction, result.Code.Reveal())
	if err != nil || step != authn.StepEnrol {
		t.Fatalf("typing the code: %v, %v", step, err)
	}
	_, enrolled := c.Enrol(enrol.Flow{Transaction: transaction}, "New phone")
	if enrolled.Step != authn.StepDone {
		t.Errorf("got %+v, want a session", enrolled)
	}
	_, err = c.Handover.Complete(ctx, c.AsBoss(), c.From, h.ID)
	authntest.WantCode(t, "the code a second time", err, errcode.WrongState)
}

// The code of a user whom an administrator has reset by email before is another ticket of the same reset.
func TestHandover_AfterAMailedReset(t *testing.T) {
	c := authntest.NewCounter(t)
	c.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	transaction, digits := c.Wait(t)
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	result, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	if err != nil || !result.Repeated || result.Code.IsZero() {
		t.Fatalf("got %+v, %v", result, err)
	}
	if step, err := c.Authn.RedeemTicketCode(t.Context(), c.From, transaction, result.Code.Reveal()); err != nil || step != authn.StepEnrol {
		t.Errorf("typing the code: %v, %v", step, err)
	}
}

// Every act of an administrator that makes an account what it is makes that account rest on them.
func TestHandover_RefusesWhoCannotBegin(t *testing.T) {
	c := authntest.NewCounter(t)
	c.Wait(t)
	c.Prove(t, c.BossSession, c.BossPhone)
	all := c.AsBoss()
	all.Groups = nil
	_, token := c.TokenPrincipal(t, admin.NewToken{Role: account.RoleHelpDesk, Owner: c.Boss.Login})
	for _, x := range []struct {
		name    string
		p       admin.Principal
		session secret.Value
		r       handover.Request
		want    errcode.Code
		reason  string
	}{
		{"a token of the manager", token, c.BossSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsSession},
		{"a service client", admin.Principal{ID: "client:c1", Owner: string(c.Boss.ID), Role: account.RoleHelpDesk}, c.BossSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsSession},
		{"the operator", authntest.AsOperator, c.BossSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsSession},
		{"nobody", admin.Principal{}, c.BossSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsSession},
		{"the session of another", c.AsBoss(), c.WitnessSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsSession},
		{"no session", c.AsBoss(), secret.Value{}, c.Request(), errcode.NoSession, ""},
		{"a manager of another garage", authntest.Limited(all, c.Nord), c.BossSession, c.Request(), errcode.NotFound, ""},
		{"a reader", authntest.WithRole(all, account.RoleReadOnly), c.BossSession, c.Request(), errcode.Forbidden, errcode.ReasonNeedsHelpDesk},
		{"an unknown user", c.AsBoss(), c.BossSession, handover.Request{User: "nobody@garage.example", Witness: c.Witness.Login}, errcode.NotFound, ""},
		{"a user who does not wait", c.AsBoss(), c.BossSession, handover.Request{User: c.Witness.Login, Witness: authntest.Technician}, errcode.WrongState, errcode.ReasonNoneWaits},
		{"an administrator as the user", authntest.WithRole(all, account.RoleSuperAdmin), c.BossSession, handover.Request{User: c.Manager.Login, Witness: c.Witness.Login}, errcode.WrongState, errcode.ReasonHasARole},
	} {
		t.Run(x.name, func(t *testing.T) {
			for _, s := range []struct {
				session secret.Value
				phone   *authntest.Phone
			}{{c.BossSession, c.BossPhone}, {c.WitnessSession, c.WitnessPhone}} {
				c.Prove(t, s.session, s.phone)
			}
			_, err := c.Handover.Begin(t.Context(), x.p, c.From, x.session, x.r)
			authntest.WantCode(t, x.name, err, x.want)
			if x.reason != "" && !errcode.HasReason(err, x.reason) {
				t.Errorf("got %+v, want reason %s", err, x.reason)
			}
		})
	}
	wantUntouched(t, c)
}

func TestHandover_Limits(t *testing.T) {
	c := authntest.NewCounter(t)
	ctx := t.Context()
	c.Wait(t)
	first := c.Begin(t)
	c.Prove(t, c.BossSession, c.BossPhone)
	_, err := c.Handover.Begin(ctx, c.AsBoss(), c.From, c.BossSession, c.Request())
	if !errcode.HasReason(err, errcode.ReasonHandoverOpen) {
		t.Errorf("a second one: got %v", err)
	}
	reader := authntest.WithRole(authntest.AsHelpDesk, account.RoleReadOnly)
	authntest.WantCode(t, "ended by a reader", c.Handover.Cancel(ctx, reader, c.From, first.ID), errcode.Forbidden)
	for n := range 5 {
		if n > 0 {
			if n == 3 {
				c.SignInAgain()
			}
			c.Wait(t)
			first = c.Begin(t)
		}
		authntest.WantCode(t, "ended by the manager", c.Handover.Cancel(ctx, c.AsBoss(), c.From, first.ID), "")
		wantState(t, c, first.ID, handover.StateCancelled)
		if asked, err := c.Handover.Asked(ctx, c.WitnessSession); err != nil || len(asked) != 0 {
			t.Errorf("the witness is still asked: %v, %v", asked, err)
		}
		c.Clock.Advance(15 * time.Minute)
	}
	c.SignInAgain()
	c.Wait(t)
	c.Prove(t, c.BossSession, c.BossPhone)
	_, err = c.Handover.Begin(ctx, c.AsBoss(), c.From, c.BossSession, c.Request())
	authntest.WantCode(t, "the sixth of a day", err, errcode.RateLimited)
}

func TestWait_KeepsItsDigitsAndIsLimited(t *testing.T) {
	c := authntest.NewCounter(t)
	transaction, digits := c.Wait(t)
	authntest.WantCode(t, "again", c.Handover.Wait(t.Context(), c.From, transaction), "")
	if w, err := c.Handover.Waiting(t.Context(), transaction); err != nil || w.Digits.Reveal() != digits {
		t.Errorf("got other digits, %v", err)
	}
	seen := map[string]bool{digits: true}
	for range 7 {
		_, more := c.Wait(t)
		if seen[more] {
			t.Errorf("digits %s are given twice", more)
		}
		seen[more] = true
	}
	authntest.WantCode(t, "the ninth", c.Handover.Wait(t.Context(), c.From, c.SubmitPassword(t, authntest.Password).Secret), errcode.RateLimited)
	c.Clock.Advance(10 * time.Minute)
	c.Wait(t)
	authntest.WantCode(t, "without a sign-in", c.Handover.Wait(t.Context(), c.From, secret.From("x")), errcode.Expired)
	authntest.WantCode(t, "without a cookie", c.Handover.Wait(t.Context(), c.From, secret.Value{}), errcode.Expired)
}

func TestHandover_Expires(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Clock.Advance(6 * time.Minute)
	c.Confirm(t, h.ID, digits)
	c.Clock.Advance(4 * time.Minute)
	wantState(t, c, h.ID, handover.StateExpired)
	c.Prove(t, c.BossSession, c.BossPhone)
	_, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	authntest.WantCode(t, "after ten minutes", err, errcode.WrongState)
	wantUntouched(t, c)
	c.Clock.Advance(24 * time.Hour)
	if err := storetest.Sweep(t.Context(), c.Store, c.Handover.Sweep()); err != nil {
		t.Fatal(err)
	}
	if all, err := storetest.Count(t.Context(), c.Store); err != nil || all["handover/"] != 0 {
		t.Errorf("%d records are left, %v", all["handover/"], err)
	}
}

// The sign-in of the user ends while the manager waits for the witness.
func TestHandover_TheSignInHasEnded(t *testing.T) {
	c := authntest.NewCounter(t)
	transaction, digits := c.Wait(t)
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	if v, err := c.VerifyCode(t.Context(), transaction, c.Phone.Next()); err != nil || v.Step != authn.StepDone {
		t.Fatalf("the phone was found: %+v, %v", v, err)
	}
	_, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	authntest.WantCode(t, "the code", err, errcode.Expired)
	wantUntouched(t, c)
}

// Another node, without the memory of this one, continues.
func TestHandover_AfterARestart(t *testing.T) {
	c := authntest.NewCounter(t)
	transaction, digits := c.Wait(t)
	h := c.Begin(t)
	c.Garage.Env = c.Node()
	c.Confirm(t, h.ID, digits)
	c.Garage.Env = c.Node()
	result, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	if step, err := c.Authn.RedeemTicketCode(t.Context(), c.From, transaction, result.Code.Reveal()); err != nil || step != authn.StepEnrol {
		t.Errorf("typing the code: %v, %v", step, err)
	}
}

func TestRefuse_NotifiesUserAndManagers(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.EmptyOutbox()
	authntest.WantCode(t, "refused", c.Handover.Refuse(t.Context(), c.From, c.WitnessSession, h.ID), "")
	wantState(t, c, h.ID, handover.StateRefused)
	authntest.SameStrings(t, "emails", c.MailList(), []string{"handover_refused to " + authntest.Technician, "handover_refused to " + authntest.SecondEmail,
		"handover_refused to " + c.Manager.Email, "handover_refused to support@garage.example"})
	if e := c.Events(audit.HandoverRefused); len(e) != 1 || e[0].Outcome != audit.Success || e[0].Actor.ID != string(c.Witness.ID) {
		t.Errorf("got %+v", e)
	}
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	_, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
	authntest.WantCode(t, "confirmed afterwards", err, errcode.NotFound)
	authntest.WantCode(t, "refused twice", c.Handover.Refuse(t.Context(), c.From, c.WitnessSession, h.ID), errcode.NotFound)
	wantUntouched(t, c)
}

// The user has the maximum of everything that a reset removes.
func TestHandover_LargestUserFitsOneTransaction(t *testing.T) {
	c := authntest.NewCounter(t)
	for i := range 7 {
		u := c.CreateUser(fmt.Sprintf("manager%d@garage.example", i), func(u *account.User) {
			u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk, c.Lumiere)}
		})
		c.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
	}
	if _, err := c.Directory.HelpDesk.Submit(t.Context(), c.From, helpdesk.Submission{Email: authntest.Technician, Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	c.Change(c.Amelie.ID, func(u *account.User) {
		for i := range 10 {
			u.Devices = append(u.Devices, factors.Device{ID: factors.DeviceID(fmt.Sprint("k", i)), Kind: "webauthn", Name: "key", Unique: fmt.Sprint("credential ", i), Data: []byte(`{}`)})
		}
		for i := range 31 {
			u.Sessions = append(u.Sessions, account.SessionRef{Hash: fmt.Sprintf("%064x", i)})
		}
		for i := range 3 {
			u.Tickets = append(u.Tickets, account.Ticket{ID: fmt.Sprint(i), Link: fmt.Sprintf("%064x", i), Expires: c.Clock.Now().Add(time.Hour)})
		}
	})
	c.EmptyOutbox()
	result, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	if err != nil || len(result.Devices) != 2 || result.HelpRequest == "" {
		t.Fatalf("got %+v, %v", result, err)
	}
	if n := len(c.MailList()); n != 4+9 { // the user twice at two addresses, eight managers and support
		t.Errorf("got %d emails: %v", n, c.MailList())
	}
}
