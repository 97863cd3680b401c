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

// by is an operator's token as authn sees it; its owner is the hand.
func by(owner string, token string, id account.UserID) enrol.AdminCall {
	return enrol.AdminCall{ID: "token:" + token, Owner: owner, Name: "Karim", Actor: audit.Actor{Type: audit.TypeToken, ID: "token:" + token},
		Find: func(r account.Reader) (account.User, error) { return r.User(id) }}
}

// offer begins to enrol a phone for somebody.
func (h *house) offer(c enrol.AdminCall, name string) (*authntest.Phone, factors.DeviceID) {
	h.t.Helper()
	o, err := h.Enrolment.BeginByAdmin(h.t.Context(), h.From, c, enrol.Request{Kind: totp.Kind, App: "OKTA", Name: name})
	do(h.t, err, "offering "+name)
	return &authntest.Phone{Env: h.Env, Secret: o.Secret.Secret, Device: o.Device.ID}, o.Device.ID
}

// given enrols a phone for somebody to its end.
func (h *house) given(c enrol.AdminCall, name string) *authntest.Phone {
	h.t.Helper()
	p, id := h.offer(c, name)
	_, d, j, err := h.Enrolment.ConfirmByAdmin(h.t.Context(), h.From, c, id, p.Code())
	if err != nil || !j.Accepted() || d.Data == nil && d.ID == "" {
		h.t.Fatalf("enrolling %s for somebody: %v, %+v", name, err, j)
	}
	return p
}

// bare is somebody with a password of this hand and no device; they had one.
func (h *house) bare(source string) account.UserID {
	h.t.Helper()
	u, _, _ := h.Member(amelie, nil)
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	h.Change(u.ID, func(u *account.User) { u.Password.Provenance = source })
	return u.ID
}

func TestADeviceGivenToWhoeverHasNoneSignsInWithTheirOwnPassword(t *testing.T) {
	h := newHouse(t)
	id := h.bare(account.ProvenanceUser)
	waits := h.password(h.From, amelie).Secret
	h.EmptyOutbox()
	h.Clock.Advance(time.Second) // events of one moment have no order
	phone := h.given(by("uboss", "a", id), "Téléphone du garage")
	if got := mailed[notice.DeviceEnrolledByAdmin](h); len(got) != 1 || got[0].Waits || got[0].By != "Karim" || got[0].Device != "Téléphone du garage" {
		t.Errorf("got mails %+v, want one that names device and operator", got)
	}
	u := h.User(string(id))
	if u.Devices[0].SecretSeenBy != "uboss" || !u.Devices[0].Usable() || len(u.Tickets) != 0 || u.AdminEnrolment != nil {
		t.Errorf("got %+v with %d tickets, want a device of that hand and no ticket", u.Devices[0], len(u.Tickets))
	}
	if got := h.step(waits); got != authn.StepVerify {
		t.Errorf("a login that waited for a ticket: got %q, want %q", got, authn.StepVerify)
	}
	if v := h.verify(waits, phone.Code()); v.Accepted() {
		t.Error("the code that confirmed the key signs in")
	}
	if v := h.verify(waits, phone.Next()); !v.Accepted() {
		t.Errorf("the next code: %q", v.Rejected)
	}
	for _, action := range []string{audit.FactorOffered, audit.FactorActivated} {
		events := h.Events(action)
		if last := events[len(events)-1]; last.Actor.ID != "token:a" || last.Detail["hand"] != "uboss" {
			t.Errorf("%s: got %+v, want the token's with its owner's hand", action, last)
		}
	}
}

func TestBothHalvesByOneOperatorOpenNothingInEitherOrder(t *testing.T) {
	for name, c := range map[string]struct {
		password, device string
		want             authn.Step
	}{
		"password and device of one operator":                        {"uboss", "uboss", authn.StepTicket},
		"password of one and device of another":                      {"uother", "uboss", authn.StepVerify},
		"password by the mailbox and device of an operator":          {account.ProvenanceEmail, "uboss", authn.StepVerify},
		"password and device by the machine's owner":                 {"operator:0", "operator:0", authn.StepTicket},
		"password by the machine's owner and device of an operator ": {"operator:0", "uboss", authn.StepVerify},
	} {
		for _, order := range []string{"password first", "device first"} {
			t.Run(name+", "+order, func(t *testing.T) {
				h := newHouse(t)
				id := h.bare(account.ProvenanceUser)
				give := func() { h.Change(id, func(u *account.User) { u.Password.Provenance = c.password }) }
				if order == "password first" {
					give()
				}
				one, two := by(c.device, "a", id), by(c.device, "b", id) // two tokens of one owner
				phone := h.given(one, "Téléphone")
				if order == "device first" {
					give()
				}
				started := h.password(h.From, amelie)
				if c.want == authn.StepTicket && order == "device first" {
					c.want = authn.StepBlocked // the ticket was spent when the device was the way in
				}
				if started.Step != c.want {
					t.Fatalf("after the password: got %q, want %q", started.Step, c.want)
				}
				if c.want == authn.StepVerify {
					if v := h.verify(started.Secret, phone.Next()); !v.Accepted() {
						t.Errorf("got %q", v.Rejected)
					}
					return
				}
				_, err := h.Authn.Verify(t.Context(), h.From, started.Secret, factors.InputCode, phone.Next())
				refused(t, err, errcode.WrongState, "a code of the device")
				_, err = h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Transaction: started.Secret}, enrol.Request{Kind: totp.Kind})
				refused(t, err, errcode.Forbidden, "enrolling there")
				_, err = h.Enrolment.VerifyFor(t.Context(), h.From, two, phone.Device, phone.Next())
				refused(t, err, errcode.WrongState, "a code by the owner's other token")
				h.given(two, "Un autre")
				if got := h.password(h.From, amelie).Step; got != c.want {
					t.Errorf("with a device by the owner's other token: got %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestWhatAnOperatorSawIsNotForgottenWhenThePersonUsesIt(t *testing.T) {
	h := newHouse(t)
	id := h.bare(account.ProvenanceUser)
	phone := h.given(by("uboss", "a", id), "Téléphone")
	h.SignIn(amelie, authntest.Password, phone)
	h.Change(id, func(u *account.User) { u.Password.Provenance = "uboss" }) // a password of the same hand, later
	if got := h.password(h.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("got %q, want %q: the operator has both halves", got, authn.StepBlocked)
	}
}

func TestADeviceOfTheHandThatGaveThePasswordWaitsOnceThePersonComesInAnotherWay(t *testing.T) {
	t.Run("by a mailed ticket", func(t *testing.T) {
		h := newHouse(t)
		u, _, _ := h.Member(amelie, nil)
		_, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
		h.Change(u.ID, func(u *account.User) { u.Password.Provenance = "uboss" })
		theirs := h.given(by("uboss", "a", u.ID), "Téléphone du garage")
		started := h.password(h.From, amelie)
		step, err := h.Authn.RedeemTicketCode(t.Context(), h.From, started.Secret, code.Reveal())
		if err != nil || step != authn.StepEnrol {
			t.Fatalf("presenting the ticket: %v, %q: two hands", err, step)
		}
		mine, _ := h.Enrol(enrol.Flow{Transaction: started.Secret}, "Le mien")
		if v := h.verify(h.password(h.From, amelie).Secret, theirs.Next()); v.Accepted() {
			t.Error("whoever gave the password signs in with it and the device that they enrolled")
		}
		if u := h.User(amelie); h.Accounts.CanUse(&u, u.Devices[0]) {
			t.Errorf("got %+v, want it to count for nothing", u.Devices[0])
		}
		h.SignIn(amelie, authntest.Password, mine)
	})
	t.Run("by another device", func(t *testing.T) {
		h := newHouse(t)
		u, mine, session := h.Member(amelie, nil)
		theirs := h.given(by("uboss", "a", u.ID), "Téléphone du garage")
		h.prove(session, mine)
		if j, err := h.Enrolment.ConfirmDevice(t.Context(), h.From, session, theirs.Device, theirs.Next()); err != nil || !j.Accepted() {
			t.Fatalf("confirming: %v, %+v", err, j)
		}
		h.Change(u.ID, func(u *account.User) { u.Password.Provenance = "uboss" })
		h.SignIn(amelie, authntest.Password, mine)
		if v := h.verify(h.password(h.From, amelie).Secret, theirs.Next()); v.Accepted() {
			t.Error("whoever gave the password signs in with it and the device that they enrolled")
		}
	})
}

func TestAForgottenPasswordIsNotReplacedByADeviceThatAnOperatorSaw(t *testing.T) {
	h := newHouse(t)
	id := h.bare(account.ProvenanceUser)
	phone := h.given(by("uboss", "a", id), "Téléphone")
	asked := 0
	do(t, h.Authn.RequestPasswordLink(t.Context(), h.From, amelie, func(*account.Tx, *account.User) error { asked++; return nil }), "forgetting")
	if asked == 0 || len(mailed[notice.PasswordLink](h)) != 0 {
		t.Error("a link went to a mailbox that the operator may have named")
	}
	link := func() (secret.Value, error) {
		return account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (secret.Value, error) {
			u, err := tx.User(id)
			if err != nil {
				return secret.Value{}, err
			}
			token, _, err := h.Authn.IssuePasswordLink(tx, &u, account.ProvenanceEmail)
			return token, err
		})
	}
	_, err := link()
	refused(t, err, errcode.WrongState, "an operator's link")

	session := h.SignIn(amelie, authntest.Password, phone).Session
	h.prove(session, phone)
	h.Enrol(enrol.Flow{Session: session}, "Le mien")
	token, err := link()
	do(t, err, "a link beside a device of one's own")
	started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, token, "un autre mot de passe entier")
	if err != nil || started.Step != authn.StepVerify {
		t.Fatalf("choosing: %v, %q", err, started.Step)
	}
	if v := h.verify(started.Secret, phone.Next()); v.Accepted() {
		t.Error("the device that the operator saw completes a forgotten password")
	}
}

func TestADeviceGivenToWhoeverHasOneWaitsForTheirWord(t *testing.T) {
	h := newHouse(t)
	u, mine, session := h.Member(amelie, nil)
	boss := by("uboss", "a", u.ID)
	h.EmptyOutbox()
	given := h.given(boss, "Téléphone du garage")
	if got := mailed[notice.DeviceEnrolledByAdmin](h); len(got) != 1 || !got[0].Waits {
		t.Errorf("got mails %+v, want one that says that it waits", got)
	}
	refusedEverywhere := func() {
		t.Helper()
		if v := h.verify(h.password(h.From, amelie).Secret, given.Next()); v.Accepted() {
			t.Error("it signs in")
		}
		if j, err := h.Authn.StepUp(t.Context(), h.From, session, factors.InputCode, given.Next()); err != nil || j.Accepted() {
			t.Errorf("it proves: %v, %+v", err, j)
		}
		_, err := h.Enrolment.VerifyFor(t.Context(), h.From, boss, given.Device, given.Next())
		refused(t, err, errcode.WrongState, "verifying it by a token")
		_, err = h.Enrolment.ShowQR(t.Context(), h.From, session, given.Device, "", "Copie", factors.InputCode, mine.Next())
		refused(t, err, errcode.NotFound, "showing its QR code")
		state, err := h.Authn.Transaction(t.Context(), h.password(h.From, amelie).Secret)
		if err != nil || len(state.Devices) != 1 {
			t.Errorf("a login knows %d devices, want mine: %v", len(state.Devices), err)
		}
		a, err := h.Authn.Account(t.Context(), session)
		if err != nil || a.PrimaryDevices != 1 {
			t.Errorf("it counts: %d, %v", a.PrimaryDevices, err)
		}
	}
	refusedEverywhere()

	_, err := h.Enrolment.ConfirmDevice(t.Context(), h.From, session, given.Device, given.Next())
	refused(t, err, errcode.StepUpRequired, "confirming without a proof")
	h.Clock.Advance(time.Minute)
	h.prove(session, mine)
	_, err = h.Authn.RemoveDevice(t.Context(), h.From, session, mine.Device)
	refused(t, err, errcode.LastDevice, "removing the one that counts")
	if j, err := h.Enrolment.ConfirmDevice(t.Context(), h.From, session, given.Device, mine.Next()); err != nil || j.Rejected != factors.ReasonWrong {
		t.Errorf("a code of the other phone: %v, %+v", err, j)
	}
	far := given.Code()
	h.Clock.Advance(2 * time.Minute)
	if j, err := h.Enrolment.ConfirmDevice(t.Context(), h.From, session, given.Device, far); err != nil || j.Accepted() {
		t.Errorf("a code of four steps ago: %v, %+v", err, j)
	}
	if !h.User(string(u.ID)).Devices[1].Unconfirmed() {
		t.Fatal("a wrong code confirmed it")
	}
	_, err = h.Enrolment.ConfirmDevice(t.Context(), h.From, session, mine.Device, mine.Next())
	refused(t, err, errcode.NotFound, "confirming a device of one's own")
	code := given.Next()
	j, err := h.Enrolment.ConfirmDevice(t.Context(), h.From, session, given.Device, code)
	if err != nil || !j.Accepted() {
		t.Fatalf("confirming: %v, %+v", err, j)
	}
	if v := h.verify(h.password(h.From, amelie).Secret, code); v.Rejected != factors.ReasonReplayed {
		t.Errorf("the same code signs in: %+v", v.Verification)
	}
	h.SignIn(amelie, authntest.Password, given)
	if d := h.User(string(u.ID)).Devices[1]; d.SecretSeenBy != "uboss" || d.Disabled != "" {
		t.Errorf("got %+v, want a device that counts and keeps the hand", d)
	}
	if len(h.Events(audit.FactorConfirmed)) != 1 {
		t.Error("the word is not in the log")
	}
}

func TestADeviceThatWaitsIsRefusedAndOutlivesNoReset(t *testing.T) {
	h := newHouse(t)
	u, mine, session := h.Member(amelie, nil)
	given := h.given(by("uboss", "a", u.ID), "Téléphone du garage")
	h.prove(session, mine)
	issued, err := h.Authn.RemoveDevice(t.Context(), h.From, session, given.Device)
	if err != nil || len(h.User(string(u.ID)).Devices) != 1 || !h.alive(issued.Session) {
		t.Errorf("refusing it: %v", err)
	}
	h.given(by("uboss", "a", u.ID), "Encore")
	h.Change(u.ID, func(u *account.User) { u.Devices = slices.Delete(u.Devices, 0, 1) }) // the person's own is taken away
	if got := h.password(h.From, amelie).Step; got != authn.StepBlocked {
		t.Errorf("with one that waits alone: got %q, want %q", got, authn.StepBlocked)
	}
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	if got := len(h.User(string(u.ID)).Devices); got != 0 {
		t.Errorf("%d devices outlived the reset", got)
	}
}

func TestAPendingOfferIsWorthNothingAndEnds(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	a, b := by("uboss", "a", u.ID), by("uboss", "b", u.ID)
	confirm := func(c enrol.AdminCall, id factors.DeviceID, code []byte) (authn.Verification, error) {
		_, _, j, err := h.Enrolment.ConfirmByAdmin(t.Context(), h.From, c, id, code)
		return j, err
	}
	p, id := h.offer(a, "Premier")
	if v := h.verify(h.password(h.From, amelie).Secret, p.Code()); v.Accepted() {
		t.Error("a pending secret signs in")
	}
	_, err := h.Enrolment.VerifyFor(t.Context(), h.From, a, id, p.Code())
	refused(t, err, errcode.NotFound, "verifying a pending one")
	if j, err := confirm(a, id, wrong(p)); err != nil || j.Rejected != factors.ReasonWrong || len(h.User(string(u.ID)).Devices) != 1 {
		t.Errorf("a wrong code: %v, %+v", err, j)
	}
	_, err = confirm(b, id, p.Code())
	refused(t, err, errcode.Forbidden, "another token of the same owner")
	_, err = h.Enrolment.AdminQR(t.Context(), b, id)
	refused(t, err, errcode.Forbidden, "its picture by another token")

	next, nextID := h.offer(a, "Deuxième")
	_, err = confirm(a, id, p.Code())
	refused(t, err, errcode.NotFound, "the one that it took the place of")
	h.Clock.Advance(account.EnrolmentTTL)
	_, err = confirm(a, nextID, next.Code())
	refused(t, err, errcode.NotFound, "after ten minutes")
	_, err = h.Enrolment.AdminQR(t.Context(), a, nextID)
	refused(t, err, errcode.NotFound, "its picture after ten minutes")

	third, thirdID := h.offer(a, "Troisième")
	if picture, err := h.Enrolment.AdminQR(t.Context(), a, thirdID); err != nil || len(picture) == 0 {
		t.Errorf("its picture: %v", err)
	}
	h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	_, err = confirm(a, thirdID, third.Code())
	refused(t, err, errcode.NotFound, "after a reset")

	fourth, fourthID := h.offer(a, "Quatrième")
	h.Change(u.ID, func(u *account.User) { u.Epoch++ })
	_, err = confirm(a, fourthID, fourth.Code())
	refused(t, err, errcode.NotFound, "after the Epoch rose")

	fifth, fifthID := h.offer(a, "Cinquième")
	h.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	_, err = confirm(a, fifthID, fifth.Code())
	refused(t, err, errcode.WrongState, "for somebody suspended")
	_, err = h.Enrolment.BeginByAdmin(t.Context(), h.From, a, enrol.Request{Kind: totp.Kind, Name: "x"})
	refused(t, err, errcode.WrongState, "an offer to somebody suspended")
}

func TestAPersonHasFivePhonesWhoeverEnrolsThem(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	a := by("uboss", "a", u.ID)
	late, lateID := h.offer(a, "Trop tard")
	h.Change(u.ID, func(u *account.User) {
		for i := range 4 {
			d := u.Devices[0]
			d.ID = factors.DeviceID(fmt.Sprint("d", i))
			u.Devices = append(u.Devices, d)
		}
	})
	_, _, _, err := h.Enrolment.ConfirmByAdmin(t.Context(), h.From, a, lateID, late.Code())
	refused(t, err, errcode.TooMany, "a sixth that was begun before")
	_, err = h.Enrolment.BeginByAdmin(t.Context(), h.From, a, enrol.Request{Kind: totp.Kind, Name: "x"})
	refused(t, err, errcode.TooMany, "a sixth")
	for _, kind := range []factors.Kind{webauthn.Kind, recovery.Kind, "none"} {
		_, err = h.Enrolment.BeginByAdmin(t.Context(), h.From, a, enrol.Request{Kind: kind, Name: "x"})
		refused(t, err, errcode.Invalid, "a kind that no program enrols")
	}
	_, err = h.Enrolment.BeginByAdmin(t.Context(), h.From, a, enrol.Request{Kind: totp.Kind, Name: strings.Repeat("x", 65)})
	refused(t, err, errcode.Invalid, "a name too long")
}

func TestACodeThatAProgramVerifiesIsSpentAtEveryDoor(t *testing.T) {
	h := newHouse(t)
	u, p, session := h.Member(amelie, nil)
	other, otherPhone, _ := h.Member("bruno@garage.example", nil)
	a := by("uboss", "a", u.ID)
	verify := func(id factors.DeviceID, code []byte) (authn.Verification, error) {
		return h.Enrolment.VerifyFor(t.Context(), h.From, a, id, code)
	}
	code := p.Next()
	if j, err := verify(p.Device, code); err != nil || !j.Accepted() {
		t.Fatalf("verifying: %v, %+v", err, j)
	}
	for name, door := range doorsOfCodes(h, p, session) {
		if name != "ConfirmCopy" && name != "ConfirmDevice" {
			if j := door(h.From, code); j.Rejected != factors.ReasonReplayed {
				t.Errorf("%s: got %+v, want a used code", name, j)
			}
		}
	}
	code = p.Next()
	h.verify(h.password(h.From, amelie).Secret, code)
	if j, err := verify(p.Device, code); err != nil || j.Rejected != factors.ReasonReplayed {
		t.Errorf("spent on the page: %v, %+v", err, j)
	}
	if j, err := verify(p.Device, otherPhone.Next()); err != nil || j.Rejected != factors.ReasonWrong {
		t.Errorf("another person's code: %v, %+v", err, j)
	}
	_, err := verify(otherPhone.Device, otherPhone.Next())
	refused(t, err, errcode.NotFound, "another person's device")
	if got := h.counters(other.ID).Streak; got != 0 {
		t.Errorf("the other person has %d wrong answers", got)
	}
	if f := h.counters(u.ID); len(f.WrongAfterPassword) != 0 || len(f.Unknown.Codes.Times) != 1 {
		t.Errorf("got %+v, want one wrong code and none after a password", f)
	}
	events := h.Events(audit.FactorProven)
	if last := events[len(events)-1]; last.Actor.ID != "token:a" || last.Outcome != audit.Failure || last.Subject != string(u.ID) {
		t.Errorf("got event %+v, want the token's about the person", last)
	}
}

func TestTwoCodesOfAClockThatIsOffSayHowFarByAToken(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	a := by("uboss", "a", u.ID)
	ahead := func() []byte { // of a phone that is three minutes ahead
		h.Clock.Advance(3 * time.Minute)
		defer h.Clock.Advance(-3 * time.Minute)
		return p.Code()
	}
	h.Clock.Advance(10 * time.Minute)
	first := ahead()
	if j, err := h.Enrolment.VerifyFor(t.Context(), h.From, a, p.Device, first); err != nil || j.Rejected != factors.ReasonWrong {
		t.Errorf("the first: %v, %+v", err, j)
	}
	h.Clock.Advance(30 * time.Second)
	if j, err := h.Enrolment.VerifyFor(t.Context(), h.From, a, p.Device, ahead()); err != nil || j.Rejected != factors.ReasonClock || j.ClockOff != 3*time.Minute {
		t.Errorf("the second: %v, %+v", err, j)
	}
	if got := h.counters(u.ID).Streak; got != 2 {
		t.Errorf("%d counted, want 2", got)
	}
	h.Clock.Advance(150 * time.Second)
	if j, err := h.Enrolment.VerifyFor(t.Context(), h.From, a, p.Device, p.Code()); err != nil || j.Accepted() {
		t.Errorf("a step recognised outside the window is good later: %v, %+v", err, j)
	}
	if h.User(string(u.ID)).AdminVerification != nil {
		t.Error("what was remembered between the two is kept for ever")
	}
}
