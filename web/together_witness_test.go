package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/handover"
	"barillet/factors"
	"barillet/internal/errcode"
)

// witnessPage is the page of the witness of a handover that has begun, and the digits of the user.
func witnessPage(t *testing.T) (c *helpCounter, at, digits string) {
	t.Helper()
	c = newHelpCounter(t)
	digits = c.waits(t)
	at = "/account/witness/" + c.ask(t).ID
	c.Clock.Advance(time.Minute)
	return c, at, digits
}

// left returns how many wrong digits remain to a handover.
func (c *helpCounter) left(t *testing.T, at string) int {
	t.Helper()
	session := c.SignIn(c.paul.Login, authntest.Password, c.phones["paul"]).Session
	q, err := c.Handover.Question(t.Context(), session, strings.TrimPrefix(at, "/account/witness/"))
	if err != nil {
		t.Fatal(err)
	}
	return q.Left
}

// The witness reads the digits, types them and a code of their own phone, and is done: one page, one button.
func TestTogether_WitnessTypesDigitsAndCodeOnOnePage(t *testing.T) {
	c, at, digits := witnessPage(t)
	page := c.witness.shows(at)
	if i, j := strings.Index(page.body, `name="digits"`), strings.Index(page.body, `name="code"`); i < 0 || j < i {
		t.Errorf("got digits at %d and the code at %d, want both in this order", i, j)
	}
	c.witness.goes("/account?done=witness_yes", at, "digits", digits, "code", string(c.phones["paul"].Next()))
	h, err := c.Handover.Handover(t.Context(), c.Principal(c.session), strings.TrimPrefix(at, "/account/witness/"))
	if err != nil || h.State != handover.StateConfirmed {
		t.Errorf("got %q, %v", h.State, err)
	}
}

// A wrong code of the phone never reaches the digits, whether they are right or wrong.
func TestAttack_DigitsWithAWrongCodeOfTheWitness(t *testing.T) {
	c, at, digits := witnessPage(t)
	for _, typed := range []string{digits, otherDigits(digits)} {
		got := c.witness.post(at, "digits", typed, "code", "000000")
		if got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, `name="code"`) || !strings.Contains(got.body, `value="`+typed+`"`) {
			t.Errorf("digits %s: got %d: %s", typed, got.StatusCode, problemIn(got.body))
		}
	}
	if got := c.witness.post(at, "digits", digits, "code", ""); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Errorf("no code: got %d to %q", got.StatusCode, got.next())
	}
	if left := c.left(t, at); left != 3 {
		t.Errorf("got %d tries left, want 3", left)
	}
}

// Wrong digits keep the proof: the page asks for the digits alone, and the third end the request.
func TestTogether_WrongDigitsWithARightCode(t *testing.T) {
	c, at, digits := witnessPage(t)
	got := c.witness.post(at, "digits", otherDigits(digits), "code", string(c.phones["paul"].Next()))
	if got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "2 tries left") || strings.Contains(got.body, `name="code"`) {
		t.Errorf("got %d: %s", got.StatusCode, problemIn(got.body))
	}
	c.witness.post(at, "digits", otherDigits(digits))
	c.witness.goes("/account?again=witness_over", at, "digits", otherDigits(digits))
}

// What is not two digits uses up neither a try nor the code of the phone.
func TestTogether_NoDigitsKeepTheCode(t *testing.T) {
	c, at, digits := witnessPage(t)
	code := string(c.phones["paul"].Next())
	if got := c.witness.post(at, "digits", "x", "code", code); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `name="code"`) {
		t.Errorf("got %d: %s", got.StatusCode, problemIn(got.body))
	}
	c.witness.goes("/account?done=witness_yes", at, "digits", digits, "code", code)
}

// A code of a phone enrolled yesterday, by a thief of the session, confirms nothing; the page says which device does.
func TestAttack_CodeOfAYoungPhoneOnThePageOfTheWitness(t *testing.T) {
	c, at, digits := witnessPage(t)
	c.Change(c.paul.ID, func(u *account.User) { u.Devices[0].Added = c.Clock.Now().Add(-24 * time.Hour) })
	if got := c.witness.shows(at); strings.Contains(got.body, `name="digits"`) {
		t.Error("the page asks without a device that counts")
	}
	got := c.witness.post(at, "digits", digits, "code", string(c.phones["paul"].Next()))
	if got.StatusCode != http.StatusSeeOther || strings.HasPrefix(got.next(), "/account?done") {
		t.Errorf("got %d to %q", got.StatusCode, got.next())
	}
	if _, err := c.Handover.Complete(t.Context(), c.Principal(c.session), c.From, strings.TrimPrefix(at, "/account/witness/")); errcode.Of(err) != errcode.WrongState {
		t.Errorf("the code: %v", err)
	}
}

// One code of the phone is good for one request: the second page asks for another.
func TestAttack_OneCodeOfTheWitnessForTwoRequests(t *testing.T) {
	c, at, digits := witnessPage(t)
	code := string(c.phones["paul"].Next())
	c.witness.goes("/account?done=witness_yes", at, "digits", digits, "code", code)
	leo, _, _ := c.Member("leo@garage.example", func(u *account.User) { u.Groups = c.paul.Groups })
	started, err := c.Authn.StartWithPassword(t.Context(), c.From, leo.Login, authntest.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Handover.Wait(t.Context(), c.From, started.Secret); err != nil {
		t.Fatal(err)
	}
	w, err := c.Handover.Waiting(t.Context(), started.Secret)
	if err != nil {
		t.Fatal(err)
	}
	c.Clock.Advance(time.Minute)
	if v, err := c.Authn.StepUp(t.Context(), c.From, c.session, factors.InputCode, c.phones["boss"].Next()); err != nil || !v.Accepted() {
		t.Fatalf("step-up: %+v, %v", v, err)
	}
	h, err := c.Handover.Begin(t.Context(), c.Principal(c.session), c.From, c.session, handover.Request{User: leo.Login, Witness: c.paul.Login, Reason: "in the pit"})
	if err != nil {
		t.Fatal(err)
	}
	second := "/account/witness/" + h.ID
	if got := c.witness.post(second, "digits", w.Digits.Reveal()); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Errorf("without a code: got %d to %q", got.StatusCode, got.next())
	}
	if got := c.witness.post(second, "digits", w.Digits.Reveal(), "code", code); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("with the same code: got %d to %q", got.StatusCode, got.next())
	}
}
