package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/handover"
	"barillet/factors"
	"barillet/internal/secret"
)

// helpCounter is a garage with a manager, a witness and a user whose phone is lost, each in a browser.
type helpCounter struct {
	*place
	user, witness *browser
	manager       account.User
	paul          account.User
	session       secret.Value
	phones        map[string]*authntest.Phone
}

func newHelpCounter(t *testing.T) *helpCounter {
	t.Helper()
	c := &helpCounter{place: open(t, nil), phones: map[string]*authntest.Phone{}}
	garage := c.CreateGroup("Garage du Canal")
	in := func(role account.Role) func(*account.User) {
		return func(u *account.User) {
			u.Groups = []account.GroupID{garage}
			if role != "" {
				u.Roles = []account.RoleAssignment{authntest.Assignment(role, garage)}
			}
		}
	}
	c.manager, c.phones["boss"], _ = c.Member("karim@garage.example", in(account.RoleHelpDesk))
	c.paul, c.phones["paul"], _ = c.Member("paul@garage.example", in(""))
	_, c.phones["amelie"], _ = c.Member(amelie, in(""))
	c.Clock.Advance(30 * 24 * time.Hour)
	c.user, c.witness = c.browser(t), c.browser(t)
	c.witness.signIn("paul@garage.example", c.phones["paul"])
	return c
}

// ask begins the handover as the manager, in a session of their own, and returns it.
func (c *helpCounter) ask(t *testing.T) handover.Handover {
	t.Helper()
	c.session = c.SignIn(c.manager.Login, authntest.Password, c.phones["boss"]).Session
	c.Clock.Advance(time.Minute)
	if v, err := c.Authn.StepUp(t.Context(), c.From, c.session, factors.InputCode, c.phones["boss"].Next()); err != nil || !v.Accepted() {
		t.Fatalf("step-up: %+v, %v", v, err)
	}
	h, err := c.Handover.Begin(t.Context(), c.Principal(c.session), c.From, c.session, handover.Request{User: amelie, Witness: c.paul.Login, Reason: "in the pit"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

var shownDigits = regexp.MustCompile(`digits">([0-9]{2})<`)

// waits signs in with the password and makes the sign-in wait. It returns the two digits.
func (c *helpCounter) waits(t *testing.T) string {
	t.Helper()
	c.user.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := c.user.shows("/login/factor"); !strings.Contains(got.body, `action="/login/together"`) {
		t.Error("the second step does not offer it")
	}
	if got := c.user.shows("/login/together"); shownDigits.MatchString(got.body) {
		t.Error("a GET makes the sign-in wait")
	}
	c.user.goes("/login/together", "/login/together")
	found := shownDigits.FindStringSubmatch(c.user.shows("/login/together").body)
	if found == nil {
		t.Fatal("the page shows no digits")
	}
	return found[1]
}

func TestTogether_LostPhoneInTheGarage(t *testing.T) {
	c := newHelpCounter(t)
	digits := c.waits(t)
	if got := c.user.post("/login/together/code", "ticket", "K7QM-4T9X"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "There is no code yet") ||
		!strings.Contains(got.body, digits) {
		t.Errorf("a code before it exists: got %d", got.StatusCode)
	}
	h := c.ask(t)
	at := "/account/witness/" + h.ID
	if got := c.witness.shows("/account"); !strings.Contains(got.body, `href="`+at+`"`) {
		t.Error("the account page of the witness does not ask")
	}
	if got := c.witness.shows(at); !strings.Contains(got.body, "Amelie") && !strings.Contains(got.body, amelie) || !strings.Contains(got.body, `name="digits"`) || !strings.Contains(got.body, `name="code"`) ||
		strings.Contains(got.body, digits+"<") {
		t.Error("the page of the witness before the step-up")
	}
	if got := c.witness.post(at, "digits", digits); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Errorf("digits without a step-up: got %d to %q", got.StatusCode, got.next())
	}
	if got := c.witness.shows("/account/prove?next=" + at); !strings.Contains(got.body, "a colleague stands before you") {
		t.Error("the step-up does not name the operation")
	}
	c.Clock.Advance(time.Minute)
	c.witness.goes(at, "/account/prove", "code", string(c.phones["paul"].Next()), "next", at)
	if got := c.witness.shows(at); !strings.Contains(got.body, `name="digits"`) || strings.Contains(got.body, `name="code"`) {
		t.Error("the page of the witness after the step-up has no field of its own")
	}
	if got := c.witness.post(at, "digits", "x"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Type the two digits") {
		t.Errorf("no digits: got %d", got.StatusCode)
	}
	if got := c.witness.post(at, "digits", otherDigits(digits)); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "2 tries left") {
		t.Errorf("wrong digits: got %d", got.StatusCode)
	}
	if got := c.user.shows("/login/together"); !strings.Contains(got.body, "is asked as a witness") {
		t.Error("the page of the user does not name the witness")
	}
	c.witness.goes("/account?done=witness_yes", at, "digits", digits)
	if got := c.witness.get(at); got.next() != "/account?again=witness_over" {
		t.Errorf("the page of the witness afterwards: got %d to %q", got.StatusCode, got.next())
	}
	result, err := c.Handover.Complete(t.Context(), c.Principal(c.session), c.From, h.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.user.shows("/login/together"); !strings.Contains(got.body, digits) {
		t.Error("the page of the user after the reset")
	}
	if got := c.user.post("/login/together/code", "ticket", "AAAA-AAAA"); got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, digits) {
		t.Errorf("a wrong code: got %d\n%s", got.StatusCode, problemIn(got.body))
	}
	if got := c.user.post("/login/together/code"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no code: got %d", got.StatusCode)
	}
	c.user.goes("/enrol", "/login/together/code", "ticket", strings.ToLower(result.Code.Reveal()))
	c.user.shows("/enrol")
	if got := c.user.get("/login/together"); got.StatusCode != http.StatusSeeOther || got.next() != "/enrol" {
		t.Errorf("the waiting page during the enrolment: got %d to %q", got.StatusCode, got.next())
	}
}

// otherDigits returns digits other than the given ones.
func otherDigits(digits string) string {
	if digits == "11" {
		return "22"
	}
	return "11"
}

func TestTogether_WitnessRefusesWithoutAStepUp(t *testing.T) {
	c := newHelpCounter(t)
	c.waits(t)
	h := c.ask(t)
	c.witness.goes("/account?done=witness_no", "/account/witness/"+h.ID+"/refuse")
	c.witness.goes("/account?again=witness_over", "/account/witness/"+h.ID+"/refuse")
	if got := c.witness.shows("/account"); strings.Contains(got.body, "/account/witness/") {
		t.Error("the account page still asks")
	}
}

func TestTogether_ThreeWrongDigitsEndIt(t *testing.T) {
	c := newHelpCounter(t)
	digits := c.waits(t)
	h := c.ask(t)
	at := "/account/witness/" + h.ID
	c.Clock.Advance(time.Minute)
	c.witness.goes(at, "/account/prove", "code", string(c.phones["paul"].Next()), "next", at)
	for range 2 {
		c.witness.post(at, "digits", otherDigits(digits))
	}
	c.witness.goes("/account?again=witness_over", at, "digits", otherDigits(digits))
	if u := c.User(amelie); len(u.Devices) != 1 || len(u.Tickets) != 0 {
		t.Errorf("got %d devices, %d tickets", len(u.Devices), len(u.Tickets))
	}
}

// Others see nothing of a request, and nobody without a sign-in waits.
func TestAttack_WitnessPageOfAnother(t *testing.T) {
	c := newHelpCounter(t)
	c.waits(t)
	h := c.ask(t)
	at := "/account/witness/" + h.ID
	b := c.browser(t)
	if got := b.get(at); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/login?next=") {
		t.Errorf("nobody: got %d to %q", got.StatusCode, got.next())
	}
	if got := b.get("/login/together"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/login?again=session_gone") {
		t.Errorf("nobody waits: got %d to %q", got.StatusCode, got.next())
	}
	if got := b.post("/login/together"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/login?again=session_gone") {
		t.Errorf("nobody waits: got %d to %q", got.StatusCode, got.next())
	}
	_, leos, _ := c.Member("leo@garage.example", nil)
	leo := c.browser(t)
	leo.signIn("leo@garage.example", leos)
	if got := leo.get(at); got.StatusCode != http.StatusSeeOther || got.next() != "/account?again=witness_over" {
		t.Errorf("another user: got %d to %q", got.StatusCode, got.next())
	}
	for _, got := range []page{c.witness.get("/account/witness/x"), c.witness.post("/account/witness/x", "digits", "11"), c.witness.post("/account/witness/" + h.ID + "x/refuse")} {
		if got.StatusCode != http.StatusSeeOther || got.next() != "/account?again=witness_over" {
			t.Errorf("an unknown request: got %d to %q", got.StatusCode, got.next())
		}
	}
}
