package authn_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

func TestTicket_ReplacesLostPhone(t *testing.T) {
	env := newTestEnv(t)
	u, lost, session := env.Member(amelie, nil)
	link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if env.sessionValid(session) {
		t.Error("the session outlived the reset")
	}
	started := env.password(env.From, amelie)
	if started.Step != authn.StepTicket {
		t.Fatalf("after the password: got step %q, want %q", started.Step, authn.StepTicket)
	}
	_, err := env.Authn.Verify(t.Context(), env.From, started.Secret, factors.InputCode, lost.Next())
	wantCode(t, err, errcode.WrongState, "a code of the lost phone")
	must(t, env.Authn.TicketLink(t.Context(), link), "looking at the link")
	step, err := env.Authn.RedeemTicketLink(t.Context(), env.From, started.Secret, link)
	if err != nil || step != authn.StepEnrol {
		t.Fatalf("presenting the link: got %q, %v, want %q", step, err, authn.StepEnrol)
	}
	env.EmptyOutbox()
	phone, done := env.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau")
	if !done.First || !env.sessionValid(done.Credentials.Session) || done.PrimaryDevices != 1 {
		t.Errorf("got %+v, want a completed transaction", done)
	}
	if got := len(mailed[notice.DeviceAdded](env)); got != 1 {
		t.Errorf("got %d mails about the device, want 1", got)
	}
	wantCode(t, env.Authn.TicketLink(t.Context(), link), errcode.InvalidLink, "the link afterwards")
	second := env.password(env.From, amelie)
	if second.Step != authn.StepVerify {
		t.Fatalf("signing in again: got step %q", second.Step)
	}
	_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, second.Secret, code.Reveal())
	wantCode(t, err, errcode.WrongState, "the ticket's code afterwards")
	if v := env.verify(second.Secret, lost.Next()); v.Accepted() {
		t.Error("the lost phone signs in")
	}
	if v := env.verify(second.Secret, phone.Code()); !v.Accepted() {
		t.Errorf("the new phone: rejected %q", v.Rejected)
	}
	if len(env.Events(audit.TicketSpent)) != 1 {
		t.Error("spending the ticket is not in the log")
	}
}

func TestRedeemTicketCode_NormalizesInput(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	_, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	c := code.Reveal()
	bare := strings.ReplaceAll(c, "-", "")
	tests := []struct {
		name, typed string
		want        errcode.Code
	}{
		{"as mailed", c, ""},
		{"without the hyphen", bare, ""},
		{"in small letters", strings.ToLower(c), ""},
		{"with blanks around and within", "  " + strings.Join(strings.Split(bare, ""), " ") + "\r\n", ""},
		{"with the dash of a phone", bare[:4] + "–" + bare[4:], ""},
		{"with a zero-width blank and a byte order mark", "\ufeff" + c[:3] + "\u200b" + c[3:], ""},
		{"in full width", strings.Map(func(r rune) rune { return r - '!' + '！' }, c), ""},
		{"with O for 0", strings.ReplaceAll(c, "0", "o"), ""},
		{"with I for 1", strings.ReplaceAll(c, "1", "I"), ""},
		{"with L for 1", strings.ReplaceAll(c, "1", "l"), ""},
		{"cut short", bare[:7], errcode.InvalidTicket},
		{"with one more", bare + "0", errcode.InvalidTicket},
		{"empty", "", errcode.InvalidTicket},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, env.password(env.From, amelie).Secret, test.typed)
			wantCode(t, err, test.want, "presenting")
		})
	}
}

func TestRedeemTicket_BindsToLastTransaction(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	first, second := env.password(env.From, amelie), env.password(env.From, amelie)
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, first.Secret, link)
	must(t, err, "presenting in the first browser")
	old := env.BeginPhone(enrol.Flow{Transaction: first.Secret}, "Premier")
	if got := env.step(second.Secret); got != authn.StepTicket {
		t.Errorf("the other browser: got step %q, want %q: nothing moves by itself", got, authn.StepTicket)
	}
	_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, second.Secret, code.Reveal())
	must(t, err, "presenting in the second browser")
	_, err = env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Transaction: first.Secret}, "", old.Code())
	wantCode(t, err, errcode.Forbidden, "confirming in the first browser")
	_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, first.Secret, code.Reveal())
	must(t, err, "presenting in the first browser again")
	_, err = env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Transaction: first.Secret}, "", old.Code())
	wantCode(t, err, errcode.Expired, "confirming the secret that was voided")
	_, err = env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: second.Secret}, enrol.Request{Kind: totp.Kind})
	wantCode(t, err, errcode.Forbidden, "enrolling where the ticket went away")
	if got := len(env.User(string(u.ID)).Devices); got != 0 {
		t.Errorf("got %d devices, want none", got)
	}
	env.Enrol(enrol.Flow{Transaction: first.Secret}, "Le bon")
}

func TestSpendTickets_EndsAllTickets(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	first, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login, other := env.password(env.From, amelie), env.password(env.From, amelie)
	links := []secret.Value{first}
	for range 2 {
		env.EmptyOutbox()
		must(t, env.Authn.ResendTicket(t.Context(), env.From, login.Secret), "resending")
		links = append(links, tokenOf(mailed[notice.DevicesReset](env)[0].Link))
	}
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, login.Secret, links[0])
	must(t, err, "presenting the first ticket")
	_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, other.Secret, links[1])
	must(t, err, "presenting the second ticket elsewhere")
	pending := env.BeginPhone(enrol.Flow{Transaction: other.Secret}, "Autre")
	env.Enrol(enrol.Flow{Transaction: login.Secret}, "Nouveau")
	for i, l := range links {
		wantCode(t, env.Authn.TicketLink(t.Context(), l), errcode.InvalidLink, "link "+string(rune('1'+i)))
	}
	_, err = env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Transaction: other.Secret}, "", pending.Code())
	wantCode(t, err, errcode.Forbidden, "confirming what another ticket began")
	if got := env.User(string(u.ID)); len(got.Devices) != 1 || len(got.Tickets) != 0 {
		t.Errorf("got %d devices and %d tickets, want 1 and none", len(got.Devices), len(got.Tickets))
	}
}

func TestResendTicket_Limits(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, func(u *account.User) { u.SecondEmail = "amelie@home.example" })
	link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	env.Clock.Advance(account.TicketTTL)
	wantCode(t, env.Authn.TicketLink(t.Context(), link), errcode.TicketExpired, "the link after a day")
	transaction := env.password(env.From, amelie).Secret
	_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal())
	wantCode(t, err, errcode.TicketExpired, "the code after a day")
	_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
	wantCode(t, err, errcode.TicketExpired, "presenting the link after a day")
	env.EmptyOutbox()
	for range 3 {
		must(t, env.Authn.ResendTicket(t.Context(), env.From, transaction), "resending")
	}
	wantCode(t, env.Authn.ResendTicket(t.Context(), env.From, transaction), errcode.WrongState, "a fourth in a day")
	mails := env.Mails()
	if len(mails) != 3 || mails[0].To != amelie || !mails[0].UselessAfter.Equal(env.Clock.Now().Add(account.TicketTTL)) {
		t.Errorf("got %d mails (%+v), want 3 to the first address, useless after a day", len(mails), mails)
	}
	env.Clock.Advance(24 * time.Hour)
	transaction = env.password(env.From, amelie).Secret
	must(t, env.Authn.ResendTicket(t.Context(), env.From, transaction), "resending the next day")
	env.Clock.Advance(6 * 24 * time.Hour)
	if got := env.password(env.From, amelie); got.Step != authn.StepBlocked {
		t.Errorf("a week later: got step %q, want %q", got.Step, authn.StepBlocked)
	} else {
		wantCode(t, env.Authn.ResendTicket(t.Context(), env.From, got.Secret), errcode.WrongState, "resending after a week")
	}
}

func TestRedeemTicket_RejectsSameProvenance(t *testing.T) {
	const paul, marie = "operator:1000", "operator:1001"
	tests := []struct {
		name, password, ticket string
		want                   errcode.Code
	}{
		{"own password, mailed ticket", account.ProvenanceUser, account.ProvenanceEmail, ""},
		{"own password, ticket on screen", account.ProvenanceUser, paul, ""},
		{"both by mail", account.ProvenanceEmail, account.ProvenanceEmail, errcode.SameProvenance},
		{"password by mail, ticket on screen", account.ProvenanceEmail, paul, ""},
		{"both from one administrator", paul, paul, errcode.SameProvenance},
		{"from two administrators", marie, paul, ""},
		{"password from an administrator, mailed ticket", paul, account.ProvenanceEmail, ""},
	}
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env.Change(u.ID, func(u *account.User) { u.Password.Provenance = test.password })
			_, code := env.reset(u.ID, test.ticket, account.ScreenTicketTTL)
			transaction := env.password(env.From, amelie).Secret
			step, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal())
			wantCode(t, err, test.want, "presenting")
			if (step == authn.StepEnrol) != (test.want == "") || (env.step(transaction) == authn.StepEnrol) != (test.want == "") {
				t.Errorf("got step %q", step)
			}
		})
	}
}

func TestIssueTicket_ScreenCodeHasNoLink(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, code := env.reset(u.ID, "operator:1000", account.ScreenTicketTTL)
	if !link.IsZero() || env.User(string(u.ID)).Tickets[0].Link != "" {
		t.Error("a ticket that is shown on screen has a link")
	}
	env.Clock.Advance(account.ScreenTicketTTL - time.Second)
	transaction := env.password(env.From, amelie).Secret
	if _, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal()); err != nil {
		t.Errorf("within its ten minutes: %v", err)
	}
	env.Clock.Advance(time.Second)
	_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, env.password(env.From, amelie).Secret, code.Reveal())
	wantCode(t, err, errcode.TicketExpired, "after ten minutes")
	if got := env.step(transaction); got == authn.StepEnrol {
		t.Error("a transaction still enrols with an expired ticket")
	}
}

// The transaction would end with recovery codes as the device, although an invitation provides password and device.
func TestEnrol_RejectsRecoveryCodesByTicket(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	transaction := env.password(env.From, amelie).Secret
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
	must(t, err, "presenting the link")
	_, err = env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: transaction}, enrol.Request{Kind: recovery.Kind})
	wantCode(t, err, errcode.Forbidden, "making recovery codes by a ticket")
	invited := env.CreateUser("nadia@garage.example", nil)
	started, err := env.Authn.AcceptInvitation(t.Context(), env.From, env.Invite(invited.ID), authntest.Password)
	must(t, err, "accepting")
	_, err = env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: started.Secret}, enrol.Request{Kind: recovery.Kind})
	wantCode(t, err, errcode.Forbidden, "making recovery codes by an invitation")
}

// Otherwise password and mailbox would suffice to enrol after a second loss within the week of the first reset.
func TestTicket_SecondLossNeedsNewReset(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	transaction := env.password(env.From, amelie).Secret
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
	must(t, err, "presenting the link")
	env.Enrol(enrol.Flow{Transaction: transaction}, "Nouveau")
	env.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
	started := env.password(env.From, amelie)
	if started.Step != authn.StepBlocked {
		t.Errorf("got step %q, want %q", started.Step, authn.StepBlocked)
	}
	wantCode(t, env.Authn.ResendTicket(t.Context(), env.From, started.Secret), errcode.WrongState, "resending")
}

func TestRedeemTicketCode_LimitsToTenPerHour(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	verified := 0
	for range 14 {
		transaction := env.password(env.fromAddress("198.51.100.7"), amelie).Secret
		_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, "AAAA-AAAA")
		if errcode.Of(err) == errcode.InvalidTicket {
			verified++
		} else if errcode.Of(err) != errcode.RateLimited || retry(err) > time.Hour || retry(err) <= 0 {
			t.Fatalf("got %v", err)
		}
		env.Clock.Advance(time.Second)
	}
	if verified != 10 {
		t.Errorf("%d were verified, want 10", verified)
	}
	transaction := env.password(env.From, amelie).Secret
	_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal())
	wantCode(t, err, errcode.RateLimited, "the right code meanwhile")
	env.Clock.Advance(time.Hour)
	_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, env.password(env.From, amelie).Secret, link)
	must(t, err, "an hour later")
}

func TestFinishEnrol_WrongCodeKeepsTicket(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	transaction := env.password(env.From, amelie).Secret
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
	must(t, err, "presenting")
	flow := enrol.Flow{Transaction: transaction}
	p := env.BeginPhone(flow, "Nouveau")
	done, err := env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", wrongCode(p))
	if err != nil || done.Rejected != factors.ReasonWrong || len(env.User(string(u.ID)).Devices) != 0 {
		t.Fatalf("a wrong code: got %+v, %v", done.Verification, err)
	}
	must(t, env.Authn.TicketLink(t.Context(), link), "the link after a wrong code")
	if done, err = env.Enrolment.FinishEnrol(t.Context(), env.From, flow, "", p.Code()); err != nil || !done.Accepted() {
		t.Errorf("then the right one: %v, %q", err, done.Rejected)
	}
}
