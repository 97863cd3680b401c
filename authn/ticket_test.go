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

func TestALostPhoneIsAMatterOfPasswordAndTicket(t *testing.T) {
	h := newHouse(t)
	u, lost, session := h.Member(amelie, nil)
	link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if h.alive(session) {
		t.Error("the session outlived the reset")
	}
	started := h.password(h.From, amelie)
	if started.Step != authn.StepTicket {
		t.Fatalf("after the password: got step %q, want %q", started.Step, authn.StepTicket)
	}
	_, err := h.Authn.Verify(t.Context(), h.From, started.Secret, factors.InputCode, lost.Next())
	refused(t, err, errcode.WrongState, "a code of the lost phone")
	do(t, h.Authn.TicketLink(t.Context(), link), "looking at the link")
	step, err := h.Authn.RedeemTicketLink(t.Context(), h.From, started.Secret, link)
	if err != nil || step != authn.StepEnrol {
		t.Fatalf("presenting the link: got %q, %v, want %q", step, err, authn.StepEnrol)
	}
	h.EmptyOutbox()
	phone, done := h.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau")
	if !done.First || !h.alive(done.Credentials.Session) || done.Counted != 1 {
		t.Errorf("got %+v, want a login that is complete", done)
	}
	if got := len(mailed[notice.DeviceAdded](h)); got != 1 {
		t.Errorf("got %d mails about the device, want 1", got)
	}
	refused(t, h.Authn.TicketLink(t.Context(), link), errcode.InvalidLink, "the link afterwards")
	second := h.password(h.From, amelie)
	if second.Step != authn.StepVerify {
		t.Fatalf("signing in again: got step %q", second.Step)
	}
	_, err = h.Authn.RedeemTicketCode(t.Context(), h.From, second.Secret, code.Reveal())
	refused(t, err, errcode.WrongState, "the ticket's code afterwards")
	if v := h.verify(second.Secret, lost.Next()); v.Accepted() {
		t.Error("the lost phone signs in")
	}
	if v := h.verify(second.Secret, phone.Code()); !v.Accepted() {
		t.Errorf("the new phone: rejected %q", v.Rejected)
	}
	if len(h.Events(audit.TicketSpent)) != 1 {
		t.Error("spending the ticket is not in the log")
	}
}

func TestWhatPeopleDoToAShortCodeIsForgiven(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	_, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
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
		{"with O for 0", strings.ReplaceAll(c, "0", "o"), ""},
		{"with I for 1", strings.ReplaceAll(c, "1", "I"), ""},
		{"with L for 1", strings.ReplaceAll(c, "1", "l"), ""},
		{"cut short", bare[:7], errcode.InvalidTicket},
		{"with one more", bare + "0", errcode.InvalidTicket},
		{"empty", "", errcode.InvalidTicket},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, h.password(h.From, amelie).Secret, test.typed)
			refused(t, err, test.want, "presenting")
		})
	}
}

func TestATicketInTwoBrowsersEnrolsOnlyWhereItWasPresentedLast(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	first, second := h.password(h.From, amelie), h.password(h.From, amelie)
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, first.Secret, link)
	do(t, err, "presenting in the first browser")
	old := h.BeginPhone(enrol.Flow{Transaction: first.Secret}, "Premier")
	if got := h.step(second.Secret); got != authn.StepTicket {
		t.Errorf("the other browser: got step %q, want %q: nothing moves by itself", got, authn.StepTicket)
	}
	_, err = h.Authn.RedeemTicketCode(t.Context(), h.From, second.Secret, code.Reveal())
	do(t, err, "presenting in the second browser")
	_, err = h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Transaction: first.Secret}, "", old.Code())
	refused(t, err, errcode.Forbidden, "confirming in the first browser")
	_, err = h.Authn.RedeemTicketCode(t.Context(), h.From, first.Secret, code.Reveal())
	do(t, err, "presenting in the first browser again")
	_, err = h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Transaction: first.Secret}, "", old.Code())
	refused(t, err, errcode.Expired, "confirming the secret that was voided")
	_, err = h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Transaction: second.Secret}, enrol.Request{Kind: totp.Kind})
	refused(t, err, errcode.Forbidden, "enrolling where the ticket went away")
	if got := len(h.User(string(u.ID)).Devices); got != 0 {
		t.Errorf("got %d devices, want none", got)
	}
	h.Enrol(enrol.Flow{Transaction: first.Secret}, "Le bon")
}

func TestOneTicketUsedEndsAll(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	first, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login, other := h.password(h.From, amelie), h.password(h.From, amelie)
	links := []secret.Value{first}
	for range 2 {
		h.EmptyOutbox()
		do(t, h.Authn.ResendTicket(t.Context(), h.From, login.Secret), "renewing")
		links = append(links, tokenOf(mailed[notice.DevicesReset](h)[0].Link))
	}
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login.Secret, links[0])
	do(t, err, "presenting the first ticket")
	_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, other.Secret, links[1])
	do(t, err, "presenting the second ticket elsewhere")
	pending := h.BeginPhone(enrol.Flow{Transaction: other.Secret}, "Autre")
	h.Enrol(enrol.Flow{Transaction: login.Secret}, "Nouveau")
	for i, l := range links {
		refused(t, h.Authn.TicketLink(t.Context(), l), errcode.InvalidLink, "link "+string(rune('1'+i)))
	}
	_, err = h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Transaction: other.Secret}, "", pending.Code())
	refused(t, err, errcode.Forbidden, "confirming what another ticket began")
	if got := h.User(string(u.ID)); len(got.Devices) != 1 || len(got.Tickets) != 0 {
		t.Errorf("got %d devices and %d tickets, want 1 and none", len(got.Devices), len(got.Tickets))
	}
}

func TestAnExpiredTicketIsRenewedThreeTimesADayForAWeek(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, func(u *account.User) { u.SecondEmail = "amelie@home.example" })
	link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	h.Clock.Advance(account.TicketTTL)
	refused(t, h.Authn.TicketLink(t.Context(), link), errcode.TicketExpired, "the link after a day")
	login := h.password(h.From, amelie).Secret
	_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal())
	refused(t, err, errcode.TicketExpired, "the code after a day")
	_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
	refused(t, err, errcode.TicketExpired, "presenting the link after a day")
	h.EmptyOutbox()
	for range 3 {
		do(t, h.Authn.ResendTicket(t.Context(), h.From, login), "renewing")
	}
	refused(t, h.Authn.ResendTicket(t.Context(), h.From, login), errcode.WrongState, "a fourth in a day")
	mails := h.Mails()
	if len(mails) != 3 || mails[0].To != amelie || !mails[0].UselessAfter.Equal(h.Clock.Now().Add(account.TicketTTL)) {
		t.Errorf("got %d mails (%+v), want 3 to the first address, useless after a day", len(mails), mails)
	}
	h.Clock.Advance(24 * time.Hour)
	login = h.password(h.From, amelie).Secret
	do(t, h.Authn.ResendTicket(t.Context(), h.From, login), "renewing the next day")
	h.Clock.Advance(6 * 24 * time.Hour)
	if got := h.password(h.From, amelie); got.Step != authn.StepBlocked {
		t.Errorf("a week later: got step %q, want %q", got.Step, authn.StepBlocked)
	} else {
		refused(t, h.Authn.ResendTicket(t.Context(), h.From, got.Secret), errcode.WrongState, "renewing after a week")
	}
}

func TestPasswordAndTicketMustComeByTwoHands(t *testing.T) {
	const paul, marie = "operator:1000", "operator:1001"
	tests := []struct {
		name, password, ticket string
		want                   errcode.Code
	}{
		{"own password, mailed ticket", account.ProvenanceUser, account.ProvenanceEmail, ""},
		{"own password, handed ticket", account.ProvenanceUser, paul, ""},
		{"both by mail", account.ProvenanceEmail, account.ProvenanceEmail, errcode.SameProvenance},
		{"password by mail, handed ticket", account.ProvenanceEmail, paul, ""},
		{"both from one operator", paul, paul, errcode.SameProvenance},
		{"from two operators", marie, paul, ""},
		{"password from an operator, mailed ticket", paul, account.ProvenanceEmail, ""},
	}
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.Change(u.ID, func(u *account.User) { u.Password.Provenance = test.password })
			_, code := h.reset(u.ID, test.ticket, account.ScreenTicketTTL)
			login := h.password(h.From, amelie).Secret
			step, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal())
			refused(t, err, test.want, "presenting")
			if (step == authn.StepEnrol) != (test.want == "") || (h.step(login) == authn.StepEnrol) != (test.want == "") {
				t.Errorf("got step %q", step)
			}
		})
	}
}

func TestAHandedCodeLivesTenMinutesAndHasNoLink(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, code := h.reset(u.ID, "operator:1000", account.ScreenTicketTTL)
	if !link.IsZero() || h.User(string(u.ID)).Tickets[0].Link != "" {
		t.Error("a ticket that is handed over has a link")
	}
	h.Clock.Advance(account.ScreenTicketTTL - time.Second)
	login := h.password(h.From, amelie).Secret
	if _, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal()); err != nil {
		t.Errorf("within its ten minutes: %v", err)
	}
	h.Clock.Advance(time.Second)
	_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, h.password(h.From, amelie).Secret, code.Reveal())
	refused(t, err, errcode.TicketExpired, "after ten minutes")
	if got := h.step(login); got == authn.StepEnrol {
		t.Error("a login still enrols with a ticket whose time is over")
	}
}

// The login would end with codes on paper for a device, and the invitation's two halves with it.
func TestATicketSpentOnRecoveryCodesIsRefused(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login := h.password(h.From, amelie).Secret
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
	do(t, err, "presenting the link")
	_, err = h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Transaction: login}, enrol.Request{Kind: recovery.Kind})
	refused(t, err, errcode.Forbidden, "making recovery codes by a ticket")
	invited := h.CreateUser("nadia@garage.example", nil)
	started, err := h.Authn.AcceptInvitation(t.Context(), h.From, h.Invite(invited.ID), authntest.Password)
	do(t, err, "accepting")
	_, err = h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Transaction: started.Secret}, enrol.Request{Kind: recovery.Kind})
	refused(t, err, errcode.Forbidden, "making recovery codes by an invitation")
}

// Password and mailbox would otherwise wait for the new device to be lost within the week of the old reset.
func TestADeviceLostAfterAResetNeedsAResetOfItsOwn(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login := h.password(h.From, amelie).Secret
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
	do(t, err, "presenting the link")
	h.Enrol(enrol.Flow{Transaction: login}, "Nouveau")
	h.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
	started := h.password(h.From, amelie)
	if started.Step != authn.StepBlocked {
		t.Errorf("got step %q, want %q", started.Step, authn.StepBlocked)
	}
	refused(t, h.Authn.ResendTicket(t.Context(), h.From, started.Secret), errcode.WrongState, "renewing")
}

func TestAGuesserOfTicketCodesIsStoppedAtTenAnHour(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	judged := 0
	for range 14 {
		login := h.password(h.at("198.51.100.7"), amelie).Secret
		_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, "AAAA-AAAA")
		if errcode.Of(err) == errcode.InvalidTicket {
			judged++
		} else if errcode.Of(err) != errcode.RateLimited || retry(err) > time.Hour || retry(err) <= 0 {
			t.Fatalf("got %v", err)
		}
		h.Clock.Advance(time.Second)
	}
	if judged != 10 {
		t.Errorf("%d were judged, want 10", judged)
	}
	login := h.password(h.From, amelie).Secret
	_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal())
	refused(t, err, errcode.RateLimited, "the right code meanwhile")
	h.Clock.Advance(time.Hour)
	_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, h.password(h.From, amelie).Secret, link)
	do(t, err, "an hour later")
}

func TestAWrongConfirmationKeepsTheTicketAndTheSecret(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login := h.password(h.From, amelie).Secret
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
	do(t, err, "presenting")
	seat := enrol.Flow{Transaction: login}
	p := h.BeginPhone(seat, "Nouveau")
	done, err := h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", wrong(p))
	if err != nil || done.Rejected != factors.ReasonWrong || len(h.User(string(u.ID)).Devices) != 0 {
		t.Fatalf("a wrong code: got %+v, %v", done.Verification, err)
	}
	do(t, h.Authn.TicketLink(t.Context(), link), "the link after a wrong code")
	if done, err = h.Enrolment.FinishEnrol(t.Context(), h.From, seat, "", p.Code()); err != nil || !done.Accepted() {
		t.Errorf("then the right one: %v, %q", err, done.Rejected)
	}
}
