package authntest

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/handover"
	"barillet/factors"
	"barillet/internal/secret"
)

// Counter is a Garage whose technician has lost the phone and stands before a manager, with a colleague as the witness. Both are signed
// in and have old accounts.
type Counter struct {
	*Garage
	Boss, Witness               account.User
	BossPhone, WitnessPhone     *Phone
	BossSession, WitnessSession secret.Value
}

// NewCounter returns a Counter with an empty outbox.
func NewCounter(t *testing.T) *Counter {
	t.Helper()
	c := &Counter{Garage: NewGarage(t)}
	in := func(u *account.User) { u.Groups = []account.GroupID{c.Lumiere} }
	c.Boss, c.BossPhone, _ = c.Member("boss@garage.example", func(u *account.User) {
		u.FirstName, u.LastName, u.Roles = "Karim", "Benali", []account.RoleAssignment{Assignment(account.RoleHelpDesk, c.Lumiere)}
		in(u)
	})
	c.Witness, c.WitnessPhone, _ = c.Member("paul@garage.example", func(u *account.User) {
		u.FirstName, u.LastName = "Paul", "Martin"
		in(u)
	})
	c.Clock.Advance(30 * 24 * time.Hour)
	c.SignInAgain()
	c.EmptyOutbox()
	return c
}

// SignInAgain opens new sessions of the manager and the witness.
func (c *Counter) SignInAgain() {
	c.T.Helper()
	c.BossSession = c.SignIn(c.Boss.Login, Password, c.BossPhone).Session
	c.WitnessSession = c.SignIn(c.Witness.Login, Password, c.WitnessPhone).Session
	c.Clock.Advance(time.Minute)
}

// AsBoss is the manager in their session.
func (c *Counter) AsBoss() admin.Principal { return c.Principal(c.BossSession) }

// Principal is the administrator of a session.
func (e *Env) Principal(session secret.Value) admin.Principal {
	e.T.Helper()
	info, err := e.Sessions.Authenticate(e.T.Context(), session)
	if err != nil {
		e.T.Fatalf("authenticating: %v", err)
	}
	p, err := e.Directory.Admin.SessionPrincipal(e.T.Context(), info)
	if err != nil {
		e.T.Fatalf("authenticating an administrator: %v", err)
	}
	return p
}

// Prove steps up in a session.
func (c *Counter) Prove(t *testing.T, session secret.Value, p *Phone) {
	t.Helper()
	v, err := c.Authn.StepUp(t.Context(), c.From, session, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() {
		t.Fatalf("step-up: %+v, %v", v, err)
	}
}

// Wait types the password of the technician, and makes that sign-in wait. It returns the sign-in and its digits.
func (c *Counter) Wait(t *testing.T) (transaction secret.Value, digits string) {
	t.Helper()
	transaction = c.SubmitPassword(t, Password).Secret
	if err := c.Handover.Wait(t.Context(), c.From, transaction); err != nil {
		t.Fatalf("waiting: %v", err)
	}
	w, err := c.Handover.Waiting(t.Context(), transaction)
	if err != nil || len(w.Digits.Reveal()) != 2 {
		t.Fatalf("got %+v, %v", w, err)
	}
	return transaction, w.Digits.Reveal()
}

// Request asks the witness about the technician.
func (c *Counter) Request() handover.Request {
	return handover.Request{User: Technician, Witness: c.Witness.Login, Reason: "in the pit"}
}

// Begin steps up as the manager and asks the witness.
func (c *Counter) Begin(t *testing.T) handover.Handover {
	t.Helper()
	c.Prove(t, c.BossSession, c.BossPhone)
	h, err := c.Handover.Begin(t.Context(), c.AsBoss(), c.From, c.BossSession, c.Request())
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	return h
}

// Confirm steps up as the witness and types the digits.
func (c *Counter) Confirm(t *testing.T, id, digits string) {
	t.Helper()
	c.Prove(t, c.WitnessSession, c.WitnessPhone)
	a, err := c.Handover.Confirm(t.Context(), c.From, c.WitnessSession, id, digits)
	if err != nil || !a.Confirmed {
		t.Fatalf("confirming: %+v, %v", a, err)
	}
}
