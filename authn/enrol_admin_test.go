package authn_test

import (
	"fmt"
	"slices"
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
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// adminCall is a call by an API token. Its owner is the provenance.
func adminCall(owner string, token string, id account.UserID) authn.AdminCall {
	return authn.AdminCall{ID: "token:" + token, Owner: owner, Name: "Karim", Actor: audit.Actor{Type: audit.TypeToken, ID: "token:" + token},
		Find: func(r account.Reader) (account.User, error) { return r.User(id) }}
}

// beginByAdmin begins to enrol a phone for a user.
func (env *testEnv) beginByAdmin(c authn.AdminCall, name string) (*authntest.Phone, factors.DeviceID) {
	env.t.Helper()
	o, err := env.Enrolment.BeginByAdmin(env.t.Context(), env.From, c, enrol.Request{Kind: totp.Kind, App: "OKTA", Name: name})
	must(env.t, err, "beginning to enrol "+name)
	return &authntest.Phone{Env: env.Env, Secret: o.Secret.Secret, Device: o.Device.ID}, o.Device.ID
}

// enrolByAdmin enrols a phone for a user.
func (env *testEnv) enrolByAdmin(c authn.AdminCall, name string) *authntest.Phone {
	env.t.Helper()
	p, id := env.beginByAdmin(c, name)
	_, d, v, err := env.Enrolment.ConfirmByAdmin(env.t.Context(), env.From, c, id, p.Code())
	if err != nil || !v.Accepted() || d.Data == nil && d.ID == "" {
		env.t.Fatalf("enrolling %s for a user: %v, %+v", name, err, v)
	}
	return p
}

// withoutDevice is a user who lost their device and whose password has this provenance.
func (env *testEnv) withoutDevice(source string) account.UserID {
	env.t.Helper()
	u, _, _ := env.Member(amelie, nil)
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	env.Change(u.ID, func(u *account.User) { u.Password.Provenance = source })
	return u.ID
}

func TestConfirmByAdmin_DeviceSignsInWithUsersPassword(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	waits := env.password(env.From, amelie).Secret
	env.EmptyOutbox()
	env.Clock.Advance(time.Second) // events of one moment have no order
	phone := env.enrolByAdmin(adminCall("uboss", "a", id), "Téléphone du garage")
	if got := mailed[notice.DeviceEnrolledByAdmin](env); len(got) != 1 || got[0].Unconfirmed || got[0].By != "Karim" || got[0].Device != "Téléphone du garage" {
		t.Errorf("got mails %+v, want one that names device and administrator", got)
	}
	u := env.User(string(id))
	if u.Devices[0].SecretSeenBy != "uboss" || !u.Devices[0].Usable() || len(u.Tickets) != 0 || u.AdminEnrolment != nil {
		t.Errorf("got %+v with %d tickets, want a device with that provenance and no ticket", u.Devices[0], len(u.Tickets))
	}
	if got := env.step(waits); got != authn.StepVerify {
		t.Errorf("a transaction that waited for a ticket: got %q, want %q", got, authn.StepVerify)
	}
	if v := env.verify(waits, phone.Code()); v.Accepted() {
		t.Error("the code that confirmed the key signs in")
	}
	if v := env.verify(waits, phone.Next()); !v.Accepted() {
		t.Errorf("the next code: %q", v.Rejected)
	}
	for _, action := range []string{audit.FactorAdminEnrolled, audit.FactorActivated} {
		events := env.Events(action)
		if last := events[len(events)-1]; last.Actor.ID != "token:a" || last.Detail["provenance"] != "uboss" {
			t.Errorf("%s: got %+v, want the token's with its owner as provenance", action, last)
		}
	}
}

func TestNext_RejectsPasswordAndDeviceOfOneAdministrator(t *testing.T) {
	for name, c := range map[string]struct {
		password, device string
		want             authn.Step
	}{
		"password and device of one administrator":            {"uboss", "uboss", authn.StepTicket},
		"password of one and device of another":               {"uother", "uboss", authn.StepVerify},
		"password by email and device of an administrator":    {account.ProvenanceEmail, "uboss", authn.StepVerify},
		"password and device by the operator":                 {"operator:0", "operator:0", authn.StepTicket},
		"password by the operator and device of an operator ": {"operator:0", "uboss", authn.StepVerify},
	} {
		for _, order := range []string{"password first", "device first"} {
			t.Run(name+", "+order, func(t *testing.T) {
				env := newTestEnv(t)
				id := env.withoutDevice(account.ProvenanceUser)
				give := func() { env.Change(id, func(u *account.User) { u.Password.Provenance = c.password }) }
				if order == "password first" {
					give()
				}
				one, two := adminCall(c.device, "a", id), adminCall(c.device, "b", id) // two tokens of one owner
				phone := env.enrolByAdmin(one, "Téléphone")
				if order == "device first" {
					give()
				}
				started := env.password(env.From, amelie)
				if c.want == authn.StepTicket && order == "device first" {
					c.want = authn.StepBlocked // the ticket was spent when the device was usable
				}
				if started.Step != c.want {
					t.Fatalf("after the password: got %q, want %q", started.Step, c.want)
				}
				if c.want == authn.StepVerify {
					if v := env.verify(started.Secret, phone.Next()); !v.Accepted() {
						t.Errorf("got %q", v.Rejected)
					}
					return
				}
				_, err := env.Authn.Verify(t.Context(), env.From, started.Secret, factors.InputCode, phone.Next())
				wantCode(t, err, errcode.WrongState, "a code of the device")
				_, err = env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: started.Secret}, enrol.Request{Kind: totp.Kind})
				wantCode(t, err, errcode.Forbidden, "enrolling there")
				_, err = env.Authn.VerifyByAdmin(t.Context(), env.From, two, phone.Device, phone.Next())
				wantCode(t, err, errcode.WrongState, "a code by the owner's other token")
				env.enrolByAdmin(two, "Un autre")
				if got := env.password(env.From, amelie).Step; got != c.want {
					t.Errorf("with a device by the owner's other token: got %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestConfirmByAdmin_SecretSeenByStaysAfterUse(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	phone := env.enrolByAdmin(adminCall("uboss", "a", id), "Téléphone")
	env.SignIn(amelie, authntest.Password, phone)
	env.Change(id, func(u *account.User) { u.Password.Provenance = "uboss" }) // a password of the same provenance, later
	if got := env.password(env.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("got %q, want %q: the administrator supplied password and device", got, authn.StepBlocked)
	}
}

func TestEnrol_DisablesDeviceOfSameProvenance(t *testing.T) {
	t.Run("by a mailed ticket", func(t *testing.T) {
		env := newTestEnv(t)
		u, _, _ := env.Member(amelie, nil)
		_, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
		env.Change(u.ID, func(u *account.User) { u.Password.Provenance = "uboss" })
		theirs := env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Téléphone du garage")
		started := env.password(env.From, amelie)
		step, err := env.Authn.RedeemTicketCode(t.Context(), env.From, started.Secret, code.Reveal())
		if err != nil || step != authn.StepEnrol {
			t.Fatalf("presenting the ticket: %v, %q: provenance differs", err, step)
		}
		mine, _ := env.Enrol(enrol.Flow{Transaction: started.Secret}, "Le mien")
		if v := env.verify(env.password(env.From, amelie).Secret, theirs.Next()); v.Accepted() {
			t.Error("the administrator signs in with the password and device that they supplied")
		}
		if u := env.User(amelie); env.Accounts.CanUse(&u, u.Devices[0]) {
			t.Errorf("got %+v, want it to count for nothing", u.Devices[0])
		}
		env.SignIn(amelie, authntest.Password, mine)
	})
	t.Run("by another device", func(t *testing.T) {
		env := newTestEnv(t)
		u, mine, session := env.Member(amelie, nil)
		theirs := env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Téléphone du garage")
		env.stepUp(session, mine)
		if j, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, theirs.Device, theirs.Next()); err != nil || !j.Accepted() {
			t.Fatalf("confirming: %v, %+v", err, j)
		}
		env.Change(u.ID, func(u *account.User) { u.Password.Provenance = "uboss" })
		env.SignIn(amelie, authntest.Password, mine)
		if v := env.verify(env.password(env.From, amelie).Secret, theirs.Next()); v.Accepted() {
			t.Error("the administrator signs in with the password and device that they supplied")
		}
	})
}

func TestPasswordLink_RejectsDeviceSeenByAdministrator(t *testing.T) {
	env := newTestEnv(t)
	id := env.withoutDevice(account.ProvenanceUser)
	phone := env.enrolByAdmin(adminCall("uboss", "a", id), "Téléphone")
	asked := 0
	must(t, env.Authn.RequestPasswordLink(t.Context(), env.From, amelie, func(*account.Tx, *account.User) error { asked++; return nil }), "forgetting")
	if asked == 0 || len(mailed[notice.PasswordLink](env)) != 0 {
		t.Error("a link went to a mailbox that the administrator may have set")
	}
	link := func() (secret.Value, error) {
		return account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (secret.Value, error) {
			u, err := tx.User(id)
			if err != nil {
				return secret.Value{}, err
			}
			token, _, err := env.Authn.IssuePasswordLink(tx, &u, account.ProvenanceEmail)
			return token, err
		})
	}
	_, err := link()
	wantCode(t, err, errcode.WrongState, "an administrator's link")

	session := env.SignIn(amelie, authntest.Password, phone).Session
	env.stepUp(session, phone)
	env.Enrol(enrol.Flow{Session: session}, "Le mien")
	token, err := link()
	must(t, err, "a link beside a device of the user")
	started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, token, "un autre mot de passe entier")
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing: %v, %q", err, started.Step)
	}
	if v := env.verify(started.Secret, phone.Next()); v.Accepted() {
		t.Error("the device that the administrator saw completes a forgotten password")
	}
}

func TestConfirmByAdmin_DeviceWaitsForConfirmation(t *testing.T) {
	env := newTestEnv(t)
	u, mine, session := env.Member(amelie, nil)
	boss := adminCall("uboss", "a", u.ID)
	env.EmptyOutbox()
	given := env.enrolByAdmin(boss, "Téléphone du garage")
	if got := mailed[notice.DeviceEnrolledByAdmin](env); len(got) != 1 || !got[0].Unconfirmed {
		t.Errorf("got mails %+v, want one that reports it as unconfirmed", got)
	}
	refusedEverywhere := func() {
		t.Helper()
		if v := env.verify(env.password(env.From, amelie).Secret, given.Next()); v.Accepted() {
			t.Error("it signs in")
		}
		if j, err := env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, given.Next()); err != nil || j.Accepted() {
			t.Errorf("it steps up: %v, %+v", err, j)
		}
		_, err := env.Authn.VerifyByAdmin(t.Context(), env.From, boss, given.Device, given.Next())
		wantCode(t, err, errcode.WrongState, "verifying it by a token")
		_, err = env.Enrolment.ShowQR(t.Context(), env.From, session, given.Device, "", "Copie", factors.InputCode, mine.Next())
		wantCode(t, err, errcode.NotFound, "showing its QR code")
		state, err := env.Authn.Transaction(t.Context(), env.password(env.From, amelie).Secret)
		if err != nil || len(state.Devices) != 1 {
			t.Errorf("a transaction has %d devices, want mine: %v", len(state.Devices), err)
		}
		a, err := env.Authn.Account(t.Context(), session)
		if err != nil || a.PrimaryDevices != 1 {
			t.Errorf("it counts: %d, %v", a.PrimaryDevices, err)
		}
	}
	refusedEverywhere()

	_, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, given.Next())
	wantCode(t, err, errcode.StepUpRequired, "confirming without a step-up")
	env.Clock.Advance(time.Minute)
	env.stepUp(session, mine)
	_, err = env.Authn.RemoveDevice(t.Context(), env.From, session, mine.Device)
	wantCode(t, err, errcode.LastDevice, "removing the one that counts")
	if j, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, mine.Next()); err != nil || j.Rejected != factors.ReasonWrong {
		t.Errorf("a code of the other phone: %v, %+v", err, j)
	}
	far := given.Code()
	env.Clock.Advance(2 * time.Minute)
	if j, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, far); err != nil || j.Accepted() {
		t.Errorf("a code of four steps ago: %v, %+v", err, j)
	}
	if !env.User(string(u.ID)).Devices[1].Unconfirmed() {
		t.Fatal("a wrong code confirmed it")
	}
	_, err = env.Enrolment.ConfirmDevice(t.Context(), env.From, session, mine.Device, mine.Next())
	wantCode(t, err, errcode.NotFound, "confirming a device of the user")
	code := given.Next()
	j, err := env.Enrolment.ConfirmDevice(t.Context(), env.From, session, given.Device, code)
	if err != nil || !j.Accepted() {
		t.Fatalf("confirming: %v, %+v", err, j)
	}
	if v := env.verify(env.password(env.From, amelie).Secret, code); v.Rejected != factors.ReasonReplayed {
		t.Errorf("the same code signs in: %+v", v.Verification)
	}
	env.SignIn(amelie, authntest.Password, given)
	if d := env.User(string(u.ID)).Devices[1]; d.SecretSeenBy != "uboss" || d.Disabled != "" {
		t.Errorf("got %+v, want a device that counts and keeps its provenance", d)
	}
	if len(env.Events(audit.FactorConfirmed)) != 1 {
		t.Error("the confirmation is not in the audit log")
	}
}

func TestUnconfirmedDevice_EndsWithReset(t *testing.T) {
	env := newTestEnv(t)
	u, mine, session := env.Member(amelie, nil)
	given := env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Téléphone du garage")
	env.stepUp(session, mine)
	issued, err := env.Authn.RemoveDevice(t.Context(), env.From, session, given.Device)
	if err != nil || len(env.User(string(u.ID)).Devices) != 1 || !env.sessionValid(issued.Session) {
		t.Errorf("refusing it: %v", err)
	}
	env.enrolByAdmin(adminCall("uboss", "a", u.ID), "Encore")
	env.Change(u.ID, func(u *account.User) { u.Devices = slices.Delete(u.Devices, 0, 1) }) // remove the user's own device
	if got := env.password(env.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("with an unconfirmed device alone: got %q, want %q", got, authn.StepBlocked)
	}
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if got := len(env.User(string(u.ID)).Devices); got != 0 {
		t.Errorf("%d devices outlived the reset", got)
	}
}

func TestBeginByAdmin_PendingDeviceIsNotUsable(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	a, b := adminCall("uboss", "a", u.ID), adminCall("uboss", "b", u.ID)
	confirm := func(c authn.AdminCall, id factors.DeviceID, code []byte) (authn.Verification, error) {
		_, _, j, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, c, id, code)
		return j, err
	}
	p, id := env.beginByAdmin(a, "Premier")
	if v := env.verify(env.password(env.From, amelie).Secret, p.Code()); v.Accepted() {
		t.Error("a pending secret signs in")
	}
	_, err := env.Authn.VerifyByAdmin(t.Context(), env.From, a, id, p.Code())
	wantCode(t, err, errcode.NotFound, "verifying a pending one")
	if j, err := confirm(a, id, wrongCode(p)); err != nil || j.Rejected != factors.ReasonWrong || len(env.User(string(u.ID)).Devices) != 1 {
		t.Errorf("a wrong code: %v, %+v", err, j)
	}
	_, err = confirm(b, id, p.Code())
	wantCode(t, err, errcode.Forbidden, "another token of the same owner")
	_, err = env.Enrolment.AdminQR(t.Context(), b, id)
	wantCode(t, err, errcode.Forbidden, "its QR code by another token")

	next, nextID := env.beginByAdmin(a, "Deuxième")
	_, err = confirm(a, id, p.Code())
	wantCode(t, err, errcode.NotFound, "the one that it took the place of")
	env.Clock.Advance(account.EnrolmentTTL)
	_, err = confirm(a, nextID, next.Code())
	wantCode(t, err, errcode.NotFound, "after ten minutes")
	_, err = env.Enrolment.AdminQR(t.Context(), a, nextID)
	wantCode(t, err, errcode.NotFound, "its QR code after ten minutes")

	third, thirdID := env.beginByAdmin(a, "Troisième")
	if png, err := env.Enrolment.AdminQR(t.Context(), a, thirdID); err != nil || len(png) == 0 {
		t.Errorf("its QR code: %v", err)
	}
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	_, err = confirm(a, thirdID, third.Code())
	wantCode(t, err, errcode.NotFound, "after a reset")

	fourth, fourthID := env.beginByAdmin(a, "Quatrième")
	env.Change(u.ID, func(u *account.User) { u.Epoch++ })
	_, err = confirm(a, fourthID, fourth.Code())
	wantCode(t, err, errcode.NotFound, "after the epoch rose")

	fifth, fifthID := env.beginByAdmin(a, "Cinquième")
	env.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	_, err = confirm(a, fifthID, fifth.Code())
	wantCode(t, err, errcode.WrongState, "for a suspended user")
	_, err = env.Enrolment.BeginByAdmin(t.Context(), env.From, a, enrol.Request{Kind: totp.Kind, Name: "x"})
	wantCode(t, err, errcode.WrongState, "an offer to a suspended user")
}

func TestBeginByAdmin_LimitsPhones(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	a := adminCall("uboss", "a", u.ID)
	late, lateID := env.beginByAdmin(a, "Trop tard")
	env.Change(u.ID, func(u *account.User) {
		for i := range 4 {
			d := u.Devices[0]
			d.ID = factors.DeviceID(fmt.Sprint("d", i))
			u.Devices = append(u.Devices, d)
		}
	})
	_, _, _, err := env.Enrolment.ConfirmByAdmin(t.Context(), env.From, a, lateID, late.Code())
	wantCode(t, err, errcode.TooMany, "a sixth that was begun before")
	_, err = env.Enrolment.BeginByAdmin(t.Context(), env.From, a, enrol.Request{Kind: totp.Kind, Name: "x"})
	wantCode(t, err, errcode.TooMany, "a sixth")
	for _, kind := range []factors.Kind{webauthn.Kind, recovery.Kind, "none"} {
		_, err = env.Enrolment.BeginByAdmin(t.Context(), env.From, a, enrol.Request{Kind: kind, Name: "x"})
		wantCode(t, err, errcode.Invalid, "a kind that only a browser can enrol")
	}
	_, err = env.Enrolment.BeginByAdmin(t.Context(), env.From, a, enrol.Request{Kind: totp.Kind, Name: strings.Repeat("x", 65)})
	wantCode(t, err, errcode.Invalid, "a name too long")
}
