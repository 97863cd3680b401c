package authn_test

import (
	"sync"
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// expire marks somebody's password as an operator does.
func (h *house) expire(id account.UserID) {
	h.t.Helper()
	_, err := account.Update(h.t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		if err := h.Authn.ExpirePassword(tx, &u); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	do(h.t, err, "expiring a password")
}

// due goes through both steps and is the login that asks for another password.
func (h *house) due(p *authntest.Phone) secret.Value {
	h.t.Helper()
	v := h.verify(h.password(h.From, amelie).Secret, p.Next())
	if !v.Accepted() || v.Step != authn.StepChangePassword || v.Secret.IsZero() || !v.Credentials.Session.IsZero() {
		h.t.Fatalf("got step %q, rejected %q, a session: %v; want the step that asks for another password and no session",
			v.Step, v.Rejected, !v.Credentials.Session.IsZero())
	}
	return v.Secret
}

func TestAMarkedPasswordIsChangedBeforeThereIsASession(t *testing.T) {
	h := newHouse(t)
	u, p, early := h.Member(amelie, nil)
	h.expire(u.ID)
	if !h.alive(early) {
		t.Error("marking the password ended the session")
	}
	first := h.password(h.From, amelie).Secret
	v := h.verify(first, p.Next())
	if h.step(first) != authn.StepExpired || v.Secret.Equal(first) {
		t.Error("the login goes on under the secret that bore less")
	}
	closed := v.Secret // the page is closed: nothing is lost
	login := h.due(p)
	if got := h.User(string(u.ID)); len(got.Sessions) != 1 || got.Password.MustChange != account.ChangeExpired {
		t.Errorf("got %d sessions and mark %q before the choice", len(got.Sessions), got.Password.MustChange)
	}
	for name, chosen := range map[string]string{"the present one": authntest.Password, "none": "", "a common one": "password123", "the own name": amelie} {
		if _, err := h.Authn.ReplacePassword(t.Context(), h.From, login, chosen); errcode.Of(err) != errcode.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	h.EmptyOutbox()
	out, err := h.Authn.ReplacePassword(t.Context(), h.From, login, another)
	do(t, err, "choosing")
	if out.Step != authn.StepDone || !h.alive(out.Credentials.Session) || h.alive(early) {
		t.Errorf("got step %q, session %v, the earlier one %v", out.Step, h.alive(out.Credentials.Session), h.alive(early))
	}
	if live, err := h.Sessions.Authenticate(t.Context(), out.Credentials.Session); err != nil || len(live.AMR) != 3 {
		t.Errorf("the session: got %v, %v, want pwd, otp and mfa", live.AMR, err)
	}
	got := h.User(string(u.ID)).Password
	if got.MustChange != "" || got.Provenance != account.ProvenanceUser || len(mailed[notice.PasswordChanged](h)) != 1 {
		t.Errorf("got mark %q, source %q, %d mails", got.MustChange, got.Provenance, len(mailed[notice.PasswordChanged](h)))
	}
	for _, dead := range []secret.Value{login, closed} {
		_, err := h.Authn.ReplacePassword(t.Context(), h.From, dead, "encore un autre mot")
		refused(t, err, errcode.Expired, "choosing again")
	}
	if _, err := h.Authn.StartWithPassword(t.Context(), h.From, amelie, authntest.Password, ""); errcode.Of(err) != errcode.SignInFailed {
		t.Errorf("the marked password: got %v", err)
	}
	h.SignIn(amelie, another, p)
}

func TestAnotherPasswordIsChosenOnceByTwoAtOnce(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	h.expire(u.ID)
	login := h.due(p)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for i, chosen := range []string{another, "huit chevaux dans une grange"} {
		all.Go(func() { _, errs[i] = h.Authn.ReplacePassword(t.Context(), h.From, login, chosen) })
	}
	all.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want one", errs[0], errs[1])
	}
}

// What leads to the second step decides nothing about the password: a device comes first, whatever it came by.
func TestEveryWayThroughTheSecondStepLeadsToTheChoice(t *testing.T) {
	tests := []struct {
		name string
		way  func(*testing.T, *house, account.User, *authntest.Phone, secret.Value) secret.Value
	}{
		{"a recovery code, then a new phone", func(t *testing.T, h *house, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			h.prove(session, p)
			codes := h.recoveryCodes(session)
			v, err := h.Authn.Verify(t.Context(), h.From, h.password(h.From, amelie).Secret, factors.InputBackup, []byte(codes[0]))
			do(t, err, "a recovery code")
			if v.Step != authn.StepEnrol || !v.Credentials.Session.IsZero() || !v.Enrol {
				t.Fatalf("got step %q, want a device first and no session", v.Step)
			}
			_, err = h.Authn.ReplacePassword(t.Context(), h.From, v.Secret, another)
			refused(t, err, errcode.WrongState, "choosing by paper alone")
			_, done := h.Enrol(enrol.Flow{Transaction: v.Secret}, "Nouveau")
			if done.Step != authn.StepChangePassword || !done.Credentials.Session.IsZero() {
				t.Fatalf("got step %q", done.Step)
			}
			return done.Secret
		}},
		{"a ticket, then a new phone", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			login := h.password(h.From, amelie).Secret
			step, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
			if err != nil || step != authn.StepEnrol {
				t.Fatalf("got %q, %v, want the device first: a ticket lets nobody choose a password", step, err)
			}
			_, err = h.Authn.ReplacePassword(t.Context(), h.From, login, another)
			refused(t, err, errcode.WrongState, "choosing by the ticket alone")
			_, done := h.Enrol(enrol.Flow{Transaction: login}, "Nouveau")
			if done.Step != authn.StepChangePassword || len(h.User(string(u.ID)).Tickets) != 0 {
				t.Fatalf("got step %q", done.Step)
			}
			return done.Secret
		}},
		{"a security key", func(t *testing.T, h *house, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			h.prove(session, p)
			key := h.enrolKey(enrol.Flow{Session: session}, u)
			login := h.password(h.From, amelie).Secret
			v := h.verifyKey(login, key, 9)
			if v.Step != authn.StepChangePassword {
				t.Fatalf("got %+v", v)
			}
			return v.Secret
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			u, p, session := h.Member(amelie, nil)
			h.expire(u.ID)
			login := test.way(t, h, u, p, session)
			out, err := h.Authn.ReplacePassword(t.Context(), h.From, login, another)
			do(t, err, "choosing")
			if !h.alive(out.Credentials.Session) || h.User(string(u.ID)).Password.MustChange != "" {
				t.Error("no session, or the mark is there still")
			}
		})
	}
}

func TestAPasswordChosenAnyOtherWayIsMarkedNoLonger(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	h.expire(u.ID)
	started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, h.forgot(), another)
	do(t, err, "choosing by a link")
	if v := h.verify(started.Secret, p.Next()); v.Step != authn.StepDone || h.User(string(u.ID)).Password.MustChange != "" {
		t.Errorf("by a link: got step %q", v.Step)
	}
	session := h.SignIn(amelie, another, p).Session
	h.expire(u.ID)
	h.prove(session, p)
	_, err = h.Authn.ChangePassword(t.Context(), h.From, session, another, authntest.Password)
	do(t, err, "changing it on the account's page")
	h.SignIn(amelie, authntest.Password, p)
}
