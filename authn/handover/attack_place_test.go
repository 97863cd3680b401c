package handover_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/handover"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// The attacker has the password and a story for the manager, and is not there: the witness knows no digits.
func TestAttack_WitnessWhoIsToldAStoryByTelephone(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t) // in the browser of the attacker
	h := c.Begin(t)
	c.EmptyOutbox()
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	for n := range 3 {
		a, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, other(digits, n))
		if err != nil || a.Confirmed || a.Left != 2-n {
			t.Fatalf("guess %d: got %+v, %v", n, a, err)
		}
	}
	wantState(t, c, h.ID, handover.StateWrong)
	_, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
	authntest.WantCode(t, "the right digits after three wrong ones", err, errcode.NotFound)
	_, err = c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
	authntest.WantCode(t, "the code", err, errcode.WrongState)
	wantUntouched(t, c)
	authntest.SameStrings(t, "emails", c.MailList(), []string{"handover_refused to " + authntest.Technician, "handover_refused to " + authntest.SecondEmail,
		"handover_refused to " + c.Manager.Email, "handover_refused to support@garage.example"})
	if e := c.Events(audit.HandoverRefused); len(e) != 3 || e[2].Outcome != audit.Success && e[0].Outcome != audit.Success && e[1].Outcome != audit.Success {
		t.Errorf("got %+v", e)
	}
}

// other returns the n-th digits after the given ones.
func other(digits string, n int) string {
	var v int
	fmt.Sscan(digits, &v)
	return fmt.Sprintf("%02d", (v+n+1)%100)
}

// A text that is not two digits is a slip, not a guess.
func TestConfirm_CountsOnlyDigits(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	for _, typed := range []string{"", "7", "123", "ab", "½5", "-1", "+7", "1.", digits + digits} {
		_, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, typed)
		authntest.WantCode(t, "typed "+typed, err, errcode.Invalid)
	}
	if a, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, " "+digits+" "); err != nil || !a.Confirmed {
		t.Errorf("got %+v, %v", a, err)
	}
}

// The user and an attacker who has the password both wait. The witness reads the page of the user, and the code is good there only.
func TestAttack_CodeInTheSignInOfAnAttackerWithThePassword(t *testing.T) {
	c := authntest.NewCounter(t)
	ctx := t.Context()
	attacker, theirs := c.Wait(t)
	user, digits := c.Wait(t)
	later, _ := c.Wait(t)
	if theirs == digits {
		t.Fatal("two sign-ins have the same digits")
	}
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	result, err := c.Handover.Complete(ctx, c.AsBoss(), c.From, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, transaction := range map[string]secret.Value{"an earlier one": attacker, "a later one": later, "a new one": c.SubmitPassword(t, authntest.Password).Secret} {
		_, err := c.Authn.RedeemTicketCode(ctx, c.From, transaction, result.Code.Reveal())
		authntest.WantCode(t, name, err, errcode.InvalidTicket)
		if err := c.Enrolment.CheckAllowed(ctx, enrol.Flow{Transaction: transaction}); err == nil {
			t.Errorf("%s: may enrol", name)
		}
	}
	if step, err := c.Authn.RedeemTicketCode(ctx, c.From, user, result.Code.Reveal()); err != nil || step != authn.StepEnrol {
		t.Errorf("the user: %v, %v", step, err)
	}
	_, err = c.Authn.RedeemTicketCode(ctx, c.From, attacker, result.Code.Reveal())
	authntest.WantCode(t, "after the user", err, errcode.InvalidTicket)
}

// One proof of a device is good for one handover, on both sides.
func TestAttack_OneProofForTwoHandovers(t *testing.T) {
	c := authntest.NewCounter(t)
	ctx := t.Context()
	leo, _, _ := c.Member("leo@garage.example", func(u *account.User) { u.Groups = []account.GroupID{c.Lumiere} })
	second, err := c.Authn.StartWithPassword(ctx, c.From, leo.Login, authntest.Password)
	if err != nil {
		t.Fatal(err)
	}
	authntest.WantCode(t, "waiting", c.Handover.Wait(ctx, c.From, second.Secret), "")
	w, err := c.Handover.Waiting(ctx, second.Secret)
	if err != nil {
		t.Fatal(err)
	}
	_, digits := c.Wait(t)
	first := c.Begin(t)
	request := handover.Request{User: leo.Login, Witness: c.Witness.Login}
	_, err = c.Handover.Begin(ctx, c.AsBoss(), c.From, c.BossSession, request)
	authntest.WantCode(t, "a second handover by the same proof", err, errcode.StepUpRequired)
	c.Prove(t, c.BossSession, c.BossPhone)
	other, err := c.Handover.Begin(ctx, c.AsBoss(), c.From, c.BossSession, request)
	if err != nil {
		t.Fatal(err)
	}
	c.Confirm(t, first.ID, digits)
	_, err = c.Handover.Confirm(ctx, c.From, c.WitnessSession, other.ID, w.Digits.Reveal())
	authntest.WantCode(t, "a second confirmation by the same proof", err, errcode.StepUpRequired)
	c.Confirm(t, other.ID, w.Digits.Reveal())
}

// A proof for something else, of an unlocked browser, or by a young device is none for a handover.
func TestAttack_HandoverWithoutAProofForIt(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(c *authntest.Counter, up *account.StepUp)
	}{
		{"none", func(_ *authntest.Counter, up *account.StepUp) { *up = account.StepUp{} }},
		{"of six minutes ago", func(c *authntest.Counter, up *account.StepUp) { up.At = c.Clock.Now().Add(-6 * time.Minute) }},
		{"the sign-in", func(_ *authntest.Counter, up *account.StepUp) { up.SignIn, up.Device = true, "" }},
		{"a recovery code", func(_ *authntest.Counter, up *account.StepUp) { up.EnrolOnly, up.Device = true, "" }},
		{"one that was used", func(_ *authntest.Counter, up *account.StepUp) { up.Spent = true }},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := authntest.NewCounter(t)
			_, digits := c.Wait(t)
			c.Prove(t, c.BossSession, c.BossPhone)
			changeStepUp(t, c, c.BossSession, x.change)
			_, err := c.Handover.Begin(t.Context(), c.AsBoss(), c.From, c.BossSession, c.Request())
			authntest.WantCode(t, "the manager", err, errcode.StepUpRequired)
			h := c.Begin(t)
			c.Prove(t, c.WitnessSession, c.WitnessPhone)
			changeStepUp(t, c, c.WitnessSession, x.change)
			_, err = c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
			authntest.WantCode(t, "the witness", err, errcode.StepUpRequired)
			wantState(t, c, h.ID, handover.StateAsked)
		})
	}
}

// changeStepUp changes the stored step-up of a session.
func changeStepUp(t *testing.T, c *authntest.Counter, session secret.Value, change func(*authntest.Counter, *account.StepUp)) {
	t.Helper()
	_, err := account.Update(t.Context(), c.Accounts, c.Accounts.NewOperation(c.From), func(tx *account.Tx) (struct{}, error) {
		ses, _, err := c.Sessions.Load(tx.Reader, session, tx.Op.Now)
		if err != nil {
			return struct{}{}, err
		}
		change(c, &ses.StepUp)
		return struct{}{}, c.Sessions.Put(tx, session, ses)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A thief of the unlocked session of the witness enrolled a phone of their own yesterday.
func TestAttack_WitnessWithAYoungPhone(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	c.Change(c.Witness.ID, func(u *account.User) {
		young := u.Devices[0]
		young.ID, young.Added = "young", c.Clock.Now().Add(-24*time.Hour)
		u.Devices = append(u.Devices, young)
	})
	h := c.Begin(t)
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	changeStepUp(t, c, c.WitnessSession, func(_ *authntest.Counter, up *account.StepUp) { up.Device = "young" })
	q, err := c.Handover.Question(t.Context(), c.WitnessSession, h.ID)
	if err != nil || q.Proven || !q.Other || len(q.Proofs) != 1 || q.Left != 3 {
		t.Errorf("got %+v, %v", q, err)
	}
	_, err = c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
	authntest.WantCode(t, "by the young phone", err, errcode.StepUpRequired)
	c.Confirm(t, h.ID, digits)
}

// Only the session of the named witness confirms: no other user, no program with their token, and not the user.
func TestAttack_AnotherConfirms(t *testing.T) {
	c := authntest.NewCounter(t)
	ctx := t.Context()
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Prove(t, c.BossSession, c.BossPhone)
	program := c.From
	program.APIToken = "t9"
	started, err := c.Authn.StartAPISignIn(ctx, program, c.Witness.Login, authntest.Password, func(*account.User) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	signedIn, _, err := c.Authn.VerifyAPISignIn(ctx, program, started.State, c.WitnessPhone.Device, c.WitnessPhone.Next())
	if err != nil || signedIn.Session.IsZero() {
		t.Fatalf("got %+v, %v", signedIn, err)
	}
	for name, session := range map[string]secret.Value{"the manager": c.BossSession, "nobody": {}, "a program of the witness": signedIn.Session} {
		_, err := c.Handover.Confirm(ctx, c.From, session, h.ID, digits)
		if code := errcode.Of(err); code != errcode.NotFound && code != errcode.NoSession {
			t.Errorf("%s: got %v", name, err)
		}
		_, err = c.Handover.Question(ctx, session, h.ID)
		if code := errcode.Of(err); code != errcode.NotFound && code != errcode.NoSession {
			t.Errorf("%s reads: got %v", name, err)
		}
		if code := errcode.Of(c.Handover.Refuse(ctx, c.From, session, h.ID)); code != errcode.NotFound && code != errcode.NoSession {
			t.Errorf("%s refuses: got %v", name, code)
		}
	}
	for _, id := range []string{"", "x", string(h.User), string(h.User) + "-", h.ID + "x", "u-" + h.ID} {
		_, err := c.Handover.Confirm(ctx, c.From, c.WitnessSession, id, digits)
		authntest.WantCode(t, "id "+id, err, errcode.NotFound)
	}
	wantState(t, c, h.ID, handover.StateAsked)
}

// Another administrator of the garage, or a token of the same one, does not get the code of a handover.
func TestAttack_CodeOfAnothersHandover(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	_, token := c.TokenPrincipal(t, admin.NewToken{Role: account.RoleHelpDesk, Owner: c.Boss.Login})
	other := c.AsBoss()
	other.ID, other.Owner = "user:"+string(c.Manager.ID), string(c.Manager.ID)
	for _, x := range []struct {
		name string
		p    admin.Principal
		want errcode.Code
	}{
		{"the other manager", other, errcode.NotFound},
		{"a token of the manager", token, errcode.Forbidden},
		{"the operator", authntest.AsOperator, errcode.Forbidden},
		{"the manager, who lost the garage", authntest.Limited(c.AsBoss(), c.Nord), errcode.NotFound},
		{"the manager, who lost the role", authntest.WithRole(c.AsBoss(), account.RoleReadOnly), errcode.Forbidden},
	} {
		_, err := c.Handover.Complete(t.Context(), x.p, c.From, h.ID)
		authntest.WantCode(t, x.name, err, x.want)
	}
	wantUntouched(t, c)
}

// Neither of the two knows the password (protocol rule 8).
func TestAttack_HandoverToAPasswordOfOnesOwn(t *testing.T) {
	for name, by := range map[string]func(c *authntest.Counter) account.UserID{
		"of the manager": func(c *authntest.Counter) account.UserID { return c.Boss.ID },
		"of the witness": func(c *authntest.Counter) account.UserID { return c.Witness.ID },
	} {
		t.Run(name, func(t *testing.T) {
			c := authntest.NewCounter(t)
			set := func(u *account.User) { u.Password.Provenance = string(by(c)) }
			_, digits := c.Wait(t)
			h := c.Begin(t)
			c.Confirm(t, h.ID, digits)
			c.Change(c.Amelie.ID, set)
			_, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID)
			authntest.WantCode(t, "set after the witness confirmed", err, errcode.SameProvenance)

			c.Change(c.Amelie.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceUser })
			authntest.WantCode(t, "cancelled", c.Handover.Cancel(t.Context(), c.AsBoss(), c.From, h.ID), "")
			h = c.Begin(t)
			c.Change(c.Amelie.ID, set)
			c.Prove(t, c.WitnessSession, c.WitnessPhone)
			_, err = c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
			authntest.WantCode(t, "set before the witness confirms", err, errcode.SameProvenance)

			authntest.WantCode(t, "cancelled", c.Handover.Cancel(t.Context(), c.AsBoss(), c.From, h.ID), "")
			c.Prove(t, c.BossSession, c.BossPhone)
			_, err = c.Handover.Begin(t.Context(), c.AsBoss(), c.From, c.BossSession, c.Request())
			authntest.WantCode(t, "set before the manager begins", err, errcode.SameProvenance)
			wantUntouched(t, c)
		})
	}
}

// A user who got a role meanwhile, and a witness who is none any more.
func TestAttack_ChangesDuringAHandover(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	c.Change(c.Witness.ID, func(u *account.User) { u.Groups = nil })
	_, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, h.ID, digits)
	if !errcode.HasReason(err, errcode.ReasonWitness) {
		t.Errorf("a witness who left the garage: got %v", err)
	}
	c.Change(c.Witness.ID, func(u *account.User) { u.Groups = []account.GroupID{c.Lumiere} })
	c.Confirm(t, h.ID, digits)
	c.Change(c.Amelie.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleReadOnly)} })
	all := authntest.WithRole(c.AsBoss(), account.RoleSuperAdmin)
	all.Groups = nil
	_, err = c.Handover.Complete(t.Context(), all, c.From, h.ID)
	if !errcode.HasReason(err, errcode.ReasonHasARole) {
		t.Errorf("a user with a role: got %v", err)
	}
	wantUntouched(t, c)
}

// A password that a mailed link chose is not proven before the second step: a stolen mailbox does not wait for a code.
func TestAttack_HandoverAfterAPasswordLink(t *testing.T) {
	c := authntest.NewCounter(t)
	if err := c.Directory.HelpDesk.RequestPasswordLink(t.Context(), c.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	link := authntest.LinkToken(authntest.Mailed[notice.PasswordLink](t, c.Env, authntest.Technician).Link)
	started, err := c.Authn.StartWithPasswordLink(t.Context(), c.From, link, "une autre clef de douze")
	if err != nil {
		t.Fatal(err)
	}
	authntest.WantCode(t, "waiting", c.Handover.Wait(t.Context(), c.From, started.Secret), errcode.WrongState)
}
