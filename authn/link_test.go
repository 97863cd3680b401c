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

func TestAcceptInvitation_LeadsToSession(t *testing.T) {
	env := newTestEnv(t)
	g := env.CreateGroup("Garage du Port")
	u := env.CreateUser("nadia@garage.example", func(u *account.User) { u.Groups, u.Locale = []account.GroupID{g}, "en" })
	token := env.Invite(u.ID)
	in, err := env.Authn.Invitation(t.Context(), token)
	if err != nil || in.Login != "nadia@garage.example" || in.Group != "Garage du Port" || in.Locale != "en" || in.By != "Garage Lumiere" {
		t.Errorf("got %+v, %v", in, err)
	}
	_, err = env.Authn.AcceptInvitation(t.Context(), env.From, token, "azertyui")
	wantCode(t, err, errcode.Invalid, "a common password")
	first, err := env.Authn.AcceptInvitation(t.Context(), env.From, token, authntest.Password)
	if err != nil || first.Step != authn.StepEnrol {
		t.Fatalf("accepting: got %q, %v", first.Step, err)
	}
	pending := env.BeginPhone(enrol.Flow{Transaction: first.Secret}, "Premier")
	second, err := env.Authn.AcceptInvitation(t.Context(), env.From, token, another)
	must(t, err, "accepting again after closing the page")
	_, err = env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Transaction: first.Secret}, "", pending.Code())
	wantCode(t, err, errcode.Expired, "confirming where the password is no longer the one chosen")
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, "nadia@garage.example", authntest.Password)
	wantCode(t, err, errcode.SignInFailed, "the first password")
	if got, err := env.Authn.StartWithPassword(t.Context(), env.From, "nadia@garage.example", another); err != nil || got.Step != authn.StepBlocked {
		t.Errorf("the password without the link: got %q, %v", got.Step, err)
	} else if state, err := env.Authn.Transaction(t.Context(), got.Secret); err != nil || !state.Invited {
		t.Errorf("the valid invitation is not reported: %+v, %v", state, err)
	}
	_, done := env.Enrol(enrol.Flow{Transaction: second.Secret}, "Téléphone")
	if !env.sessionValid(done.Credentials.Session) {
		t.Error("no session")
	}
	if got := env.User(string(u.ID)); got.Status != account.StatusActive || !got.EverHadDevice || got.Password.Provenance != account.ProvenanceUser {
		t.Errorf("got %s, had a device: %v, password by %q", got.Status, got.EverHadDevice, got.Password.Provenance)
	}
	_, err = env.Authn.Invitation(t.Context(), token)
	wantCode(t, err, errcode.InvalidLink, "the link afterwards")
}

func TestInvite_RejectsUserWhoHadDevice(t *testing.T) {
	env := newTestEnv(t)
	invite := func(id account.UserID) error {
		_, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (struct{}, error) {
			u, err := tx.User(id)
			if err != nil {
				return struct{}{}, err
			}
			if _, err = env.Authn.Invite(tx, &u, account.ProvenanceEmail, ""); err != nil {
				return struct{}{}, err
			}
			return struct{}{}, tx.Save(&u)
		})
		return err
	}
	u, _, _ := env.Member(amelie, nil)
	wantCode(t, invite(u.ID), errcode.WrongState, "a user with a device")
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	wantCode(t, invite(u.ID), errcode.WrongState, "a user who was reset")
	gone := env.CreateUser("gone@garage.example", func(u *account.User) { u.Status = account.StatusDeactivated })
	wantCode(t, invite(gone.ID), errcode.WrongState, "a deactivated user")
	nadia := env.CreateUser("nadia@garage.example", nil)
	first := env.Invite(nadia.ID)
	second := env.Invite(nadia.ID)
	_, err := env.Authn.AcceptInvitation(t.Context(), env.From, first, authntest.Password)
	wantCode(t, err, errcode.InvalidLink, "the earlier of two")
	env.Clock.Advance(account.InvitationTTL)
	_, err = env.Authn.AcceptInvitation(t.Context(), env.From, second, authntest.Password)
	wantCode(t, err, errcode.InvalidLink, "after a day")
}

func TestStartWithPasswordLink_PasswordAppliesAfterSecondStep(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	link, second := env.mailedPasswordLink(), env.mailedPasswordLink()
	login, _, err := env.Authn.PasswordLink(t.Context(), link)
	if err != nil || login != amelie {
		t.Errorf("got %q, %v", login, err)
	}
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, link, another)
	must(t, err, "choosing")
	elsewhere, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, second, another+" bis")
	must(t, err, "choosing elsewhere")
	if env.verify(started.Secret, wrongCode(p)).Accepted() || !env.sessionValid(session) {
		t.Error("it took effect without a device")
	}
	env.password(env.From, amelie)
	env.EmptyOutbox()
	if v := env.verify(started.Secret, p.Next()); !v.Accepted() || !env.sessionValid(v.Credentials.Session) {
		t.Fatalf("got %+v", v)
	}
	if env.sessionValid(session) || env.step(elsewhere.Secret) != authn.StepExpired || len(mailed[notice.PasswordChanged](env)) != 1 {
		t.Errorf("old session valid %v, other transaction at %q, %d mails", env.sessionValid(session), env.step(elsewhere.Secret), len(mailed[notice.PasswordChanged](env)))
	}
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.SignInFailed, "the old password")
	_, err = env.Authn.StartWithPasswordLink(t.Context(), env.From, link, another)
	wantCode(t, err, errcode.InvalidLink, "the link a second time")
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, another)
	must(t, err, "the new password")
	if got := env.User(string(u.ID)).Password.Provenance; got != account.ProvenanceUser {
		t.Errorf("got source %q", got)
	}
	third := env.mailedPasswordLink()
	env.Clock.Advance(account.PasswordLinkTTL)
	_, _, err = env.Authn.PasswordLink(t.Context(), third)
	wantCode(t, err, errcode.InvalidLink, "after an hour")
}

func TestRequestPasswordLink_SameAnswerAndLimits(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	suspended, _, _ := env.Member("serge@garage.example", nil)
	env.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	env.EmptyOutbox()
	for _, login := range []string{"nobody@garage.example", "serge@garage.example", "amelıe@garage.example", "", "a\x00b"} {
		if stuck, err := env.requestPasswordLink(env.From, login); err != nil || stuck != "" {
			t.Errorf("%q: got %q, %v", login, stuck, err)
		}
	}
	if got := env.Mails(); len(got) != 0 {
		t.Errorf("%d mails to unknown logins", len(got))
	}
	for i := range 12 {
		_, err := env.requestPasswordLink(env.fromAddress([]string{"198.51.100.1", "203.0.113.1"}[i%2]), amelie)
		must(t, err, "forgetting")
	}
	if got := len(mailed[notice.PasswordLink](env)); got != 10 {
		t.Errorf("an unauthenticated client caused %d mails, want 10", got)
	}
	var err error
	for range 40 {
		if _, err = env.requestPasswordLink(env.fromAddress("192.0.2.77"), amelie); err != nil {
			break
		}
	}
	wantCode(t, err, errcode.RateLimited, "forty times from one network")
}

func TestReads_DoNotWrite(t *testing.T) {
	env := newTestEnv(t)
	u, _, session := env.Member(amelie, nil)
	invitation := env.Invite(env.CreateUser("nadia@garage.example", nil).ID)
	forgotten := env.mailedPasswordLink()
	paul, _, _ := env.Member("paul@garage.example", nil)
	ticket, _ := env.reset(paul.ID, account.ProvenanceEmail, account.TicketTTL)
	transaction := env.password(env.From, "paul@garage.example").Secret
	_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, ticket)
	must(t, err, "presenting")
	env.BeginPhone(enrol.Flow{Transaction: transaction}, "Nouveau")
	env.Clock.Advance(2 * time.Minute)
	ctx := t.Context()
	reads := map[string]func() error{
		"the ticket's link":   func() error { return env.Authn.TicketLink(ctx, ticket) },
		"the invitation":      func() error { _, err := env.Authn.Invitation(ctx, invitation); return err },
		"the password's link": func() error { _, _, err := env.Authn.PasswordLink(ctx, forgotten); return err },
		"the transaction":     func() error { _, err := env.Authn.Transaction(ctx, transaction); return err },
		"what is pending":     func() error { _, err := env.Enrolment.Pending(ctx, enrol.Flow{Transaction: transaction}); return err },
		"whether one may":     func() error { return env.Enrolment.CheckAllowed(ctx, enrol.Flow{Transaction: transaction}) },
		"the account":         func() error { _, err := env.Authn.Account(ctx, session); return err },
		"the session":         func() error { _, err := env.Sessions.Authenticate(ctx, session); return err },
	}
	for name, read := range reads {
		env.wantUnchanged(name, func() {
			for range 2 {
				must(t, read(), name)
			}
		})
	}
	state, err := env.Authn.Transaction(ctx, transaction)
	if err != nil || state.Enrolment == nil || state.Enrolment.Pending != nil {
		t.Errorf("the page would see %+v, %v", state.Enrolment, err)
	}
	account, err := env.Authn.Account(ctx, session)
	if err != nil || slices.ContainsFunc(account.Devices, func(d factors.Device) bool { return len(d.Data) != 0 }) || account.User != u.ID {
		t.Errorf("the account shows a device's secret: %v", err)
	}
}
