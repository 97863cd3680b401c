package authn_test

import (
	"slices"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

const another = "sept chevaux dans un garage"

func TestAnInvitationLeadsToASession(t *testing.T) {
	h := newHouse(t)
	g := h.CreateGroup("Garage du Port")
	u := h.CreateUser("nadia@garage.example", func(u *account.User) { u.Groups, u.Locale = []account.GroupID{g}, "en" })
	token := h.Invite(u.ID)
	in, err := h.Authn.Invitation(t.Context(), token)
	if err != nil || in.Login != "nadia@garage.example" || in.Group != "Garage du Port" || in.Locale != "en" || in.By != "Garage Lumiere" {
		t.Errorf("got %+v, %v", in, err)
	}
	_, err = h.Authn.AcceptInvitation(t.Context(), h.From, token, "azertyui")
	refused(t, err, errcode.Invalid, "a password that everybody knows")
	first, err := h.Authn.AcceptInvitation(t.Context(), h.From, token, authntest.Password)
	if err != nil || first.Step != authn.StepEnrol {
		t.Fatalf("accepting: got %q, %v", first.Step, err)
	}
	pending := h.BeginPhone(enrol.Flow{Transaction: first.Secret}, "Premier")
	second, err := h.Authn.AcceptInvitation(t.Context(), h.From, token, another)
	do(t, err, "accepting again after closing the page")
	_, err = h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Transaction: first.Secret}, "", pending.Code())
	refused(t, err, errcode.Expired, "confirming where the password is no longer the one chosen")
	_, err = h.Authn.StartWithPassword(t.Context(), h.From, "nadia@garage.example", authntest.Password, "")
	refused(t, err, errcode.SignInFailed, "the first password")
	if got, err := h.Authn.StartWithPassword(t.Context(), h.From, "nadia@garage.example", another, ""); err != nil || got.Step != authn.StepBlocked {
		t.Errorf("the password without the link: got %q, %v", got.Step, err)
	} else if state, err := h.Authn.Transaction(t.Context(), got.Secret); err != nil || !state.Invited {
		t.Errorf("nothing says that an invitation waits: %+v, %v", state, err)
	}
	_, done := h.Enrol(enrol.Flow{Transaction: second.Secret}, "Téléphone")
	if !h.alive(done.Credentials.Session) {
		t.Error("no session")
	}
	if got := h.User(string(u.ID)); got.Status != account.StatusActive || !got.EverHadDevice || got.Password.Provenance != account.ProvenanceUser {
		t.Errorf("got %s, had a device: %v, password by %q", got.Status, got.EverHadDevice, got.Password.Provenance)
	}
	_, err = h.Authn.Invitation(t.Context(), token)
	refused(t, err, errcode.InvalidLink, "the link afterwards")
}

func TestAnInvitationIsOnlyForWhoNeverHadADevice(t *testing.T) {
	h := newHouse(t)
	invite := func(id account.UserID) error {
		_, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
			u, err := tx.User(id)
			if err != nil {
				return struct{}{}, err
			}
			if _, err = h.Authn.Invite(tx, &u, account.ProvenanceEmail, ""); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Save(&u)
		})
		return err
	}
	u, _, _ := h.Member(amelie, nil)
	refused(t, invite(u.ID), errcode.WrongState, "somebody with a device")
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	refused(t, invite(u.ID), errcode.WrongState, "somebody who was reset")
	gone := h.CreateUser("gone@garage.example", func(u *account.User) { u.Status = account.StatusDeactivated })
	refused(t, invite(gone.ID), errcode.WrongState, "somebody deactivated")
	nadia := h.CreateUser("nadia@garage.example", nil)
	first := h.Invite(nadia.ID)
	second := h.Invite(nadia.ID)
	_, err := h.Authn.AcceptInvitation(t.Context(), h.From, first, authntest.Password)
	refused(t, err, errcode.InvalidLink, "the earlier of two")
	h.Clock.Advance(account.InvitationTTL)
	_, err = h.Authn.AcceptInvitation(t.Context(), h.From, second, authntest.Password)
	refused(t, err, errcode.InvalidLink, "after a day")
}

func TestAForgottenPasswordTakesEffectWithADeviceOnly(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	link, second := h.forgot(), h.forgot()
	login, _, err := h.Authn.PasswordLink(t.Context(), link)
	if err != nil || login != amelie {
		t.Errorf("got %q, %v", login, err)
	}
	started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, link, another)
	do(t, err, "choosing")
	elsewhere, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, second, another+" bis")
	do(t, err, "choosing elsewhere")
	if h.verify(started.Secret, wrong(p)).Accepted() || !h.alive(session) {
		t.Error("it took effect without a device")
	}
	h.password(h.From, amelie)
	h.EmptyOutbox()
	if v := h.verify(started.Secret, p.Next()); !v.Accepted() || !h.alive(v.Credentials.Session) {
		t.Fatalf("got %+v", v)
	}
	if h.alive(session) || h.step(elsewhere.Secret) != authn.StepExpired || len(mailed[notice.PasswordChanged](h)) != 1 {
		t.Errorf("old session alive %v, other login at %q, %d mails", h.alive(session), h.step(elsewhere.Secret), len(mailed[notice.PasswordChanged](h)))
	}
	_, err = h.Authn.StartWithPassword(t.Context(), h.From, amelie, authntest.Password, "")
	refused(t, err, errcode.SignInFailed, "the old password")
	_, err = h.Authn.StartWithPasswordLink(t.Context(), h.From, link, another)
	refused(t, err, errcode.InvalidLink, "the link a second time")
	_, err = h.Authn.StartWithPassword(t.Context(), h.From, amelie, another, "")
	do(t, err, "the new password")
	if got := h.User(string(u.ID)).Password.Provenance; got != account.ProvenanceUser {
		t.Errorf("got source %q", got)
	}
	third := h.forgot()
	h.Clock.Advance(account.PasswordLinkTTL)
	_, _, err = h.Authn.PasswordLink(t.Context(), third)
	refused(t, err, errcode.InvalidLink, "after an hour")
}

func TestForgettingAnswersTheSameAndMailsWithinLimits(t *testing.T) {
	h := newHouse(t)
	h.Member(amelie, nil)
	suspended, _, _ := h.Member("serge@garage.example", nil)
	h.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	h.EmptyOutbox()
	for _, who := range []string{"nobody@garage.example", "serge@garage.example", "amelıe@garage.example", "", "a\x00b"} {
		if stuck, err := h.forgets(h.From, who); err != nil || stuck != "" {
			t.Errorf("%q: got %q, %v", who, stuck, err)
		}
	}
	if got := h.Mails(); len(got) != 0 {
		t.Errorf("%d mails to nobody", len(got))
	}
	for i := range 12 {
		_, err := h.forgets(h.at([]string{"198.51.100.1", "203.0.113.1"}[i%2]), amelie)
		do(t, err, "forgetting")
	}
	if got := len(mailed[notice.PasswordLink](h)); got != 10 {
		t.Errorf("a stranger caused %d mails, want 10", got)
	}
	var err error
	for range 40 {
		if _, err = h.forgets(h.at("192.0.2.77"), amelie); err != nil {
			break
		}
	}
	refused(t, err, errcode.RateLimited, "forty times from one network")
}

func TestReadingChangesNothing(t *testing.T) {
	h := newHouse(t)
	u, _, session := h.Member(amelie, nil)
	invitation := h.Invite(h.CreateUser("nadia@garage.example", nil).ID)
	forgotten := h.forgot()
	paul, _, _ := h.Member("paul@garage.example", nil)
	ticket, _ := h.reset(paul.ID, account.ProvenanceEmail, account.TicketTTL)
	login := h.password(h.From, "paul@garage.example").Secret
	_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, ticket)
	do(t, err, "presenting")
	h.BeginPhone(enrol.Flow{Transaction: login}, "Nouveau")
	h.Clock.Advance(2 * time.Minute)
	ctx := t.Context()
	reads := map[string]func() error{
		"the ticket's link":   func() error { return h.Authn.TicketLink(ctx, ticket) },
		"the invitation":      func() error { _, err := h.Authn.Invitation(ctx, invitation); return err },
		"the password's link": func() error { _, _, err := h.Authn.PasswordLink(ctx, forgotten); return err },
		"the login":           func() error { _, err := h.Authn.Transaction(ctx, login); return err },
		"what is pending":     func() error { _, err := h.Enrolment.Pending(ctx, enrol.Flow{Transaction: login}); return err },
		"whether one may":     func() error { return h.Enrolment.CheckAllowed(ctx, enrol.Flow{Transaction: login}) },
		"the account":         func() error { _, err := h.Authn.Account(ctx, session); return err },
		"the session":         func() error { _, err := h.Sessions.Authenticate(ctx, session); return err },
	}
	for name, read := range reads {
		h.unchanged(name, func() {
			for range 2 {
				do(t, read(), name)
			}
		})
	}
	state, err := h.Authn.Transaction(ctx, login)
	if err != nil || state.Enrolment == nil || state.Enrolment.Pending != nil {
		t.Errorf("the page would see %+v, %v", state.Enrolment, err)
	}
	account, err := h.Authn.Account(ctx, session)
	if err != nil || slices.ContainsFunc(account.Devices, func(d factors.Device) bool { return len(d.Data) != 0 }) || account.User != u.ID {
		t.Errorf("the account shows a device's secret: %v", err)
	}
}
