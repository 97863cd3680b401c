package approval_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// agent is an administrator with a session.
type agent struct {
	login   string
	phone   *authntest.Phone
	session secret.Value
}

// proves gives a second factor in the session, and returns its principal.
func (a *agent) proves(t *testing.T, c *approvers) admin.Principal {
	t.Helper()
	if v, err := c.Authn.StepUp(t.Context(), c.From, a.session, factors.InputCode, a.phone.Next()); err != nil || !v.Accepted() {
		t.Fatalf("proving: %v, rejected %q", err, v.Rejected)
	}
	return a.principal(t, c)
}

// principal returns the principal of the session as of now.
func (a *agent) principal(t *testing.T, c *approvers) admin.Principal {
	t.Helper()
	info, err := c.Sessions.Authenticate(t.Context(), a.session)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Directory.Admin.SessionPrincipal(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newSessionApprovers is newApprovers with two administrators who act in their sessions.
func newSessionApprovers(t *testing.T) (c *approvers, agnes, bruno *agent) {
	t.Helper()
	c = newApprovers(t)
	newAgent := func(login string) *agent {
		_, phone, session := c.Member(login, func(u *account.User) {
			u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin)}
		})
		return &agent{login, phone, session}
	}
	agnes, bruno = newAgent("agnes@garage.example"), newAgent("bruno@garage.example")
	c.first, c.second = agnes.proves(t, c), bruno.proves(t, c)
	c.EmptyOutbox()
	return c, agnes, bruno
}

func TestApprove_TwoAdministratorsInTheirSessions(t *testing.T) {
	c, _, bruno := newSessionApprovers(t)
	a := c.ask(t, c.first)
	if a.By != "user:"+c.first.Owner || a.Owner != c.first.Owner || a.Token != "" {
		t.Errorf("got %+v", a)
	}
	c.untouched(t)
	_, token := c.PrincipalOf(t, "agnes@garage.example", account.RoleSuperAdmin)
	for name, p := range map[string]admin.Principal{"the same session": c.first, "a token of the same owner": token, "the user": c.victim} {
		_, err := c.Approvals.Approve(t.Context(), p, c.From, a.ID)
		authntest.WantCode(t, name, err, errcode.Forbidden)
	}
	c.Clock.Advance(account.StepUpTTL) // the first was proven when it asked
	_, err := c.Approvals.Approve(t.Context(), bruno.principal(t, c), c.From, a.ID)
	authntest.WantCode(t, "without a proof", err, errcode.StepUpRequired)
	c.untouched(t)
	if result, err := c.Approvals.Approve(t.Context(), bruno.proves(t, c), c.From, a.ID); err != nil || !result.Reset.Mailed || result.Reset.Reason != "lost" {
		t.Errorf("the second: got %+v, %v", result, err)
	}
	if e := c.Events(audit.ResetRequested, audit.FactorsReset); len(e) != 2 || e[0].Actor.ID != c.first.Owner || e[1].Actor.ID != c.second.Owner || e[1].Detail["requestedBy"] != c.first.ID {
		t.Errorf("got events %+v", e)
	}
}

// A token of one administrator and a session of another are two owners; those of one are not.
func TestApprove_TokenAndSessionOfTheSameOwner(t *testing.T) {
	c, _, _ := newSessionApprovers(t)
	_, token := c.PrincipalOf(t, "agnes@garage.example", account.RoleSuperAdmin)
	a := c.ask(t, token)
	_, err := c.Approvals.Approve(t.Context(), c.first, c.From, a.ID)
	if !errcode.HasReason(err, errcode.ReasonSameOwner) {
		t.Errorf("the session of the owner of the token: got %v", err)
	}
	c.untouched(t)
	if _, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID); err != nil {
		t.Errorf("the session of another: %v", err)
	}
}

// What ends the first administrator's sessions or rights before the second approves ends the request.
func TestAttack_FirstAdministratorIsGoneBeforeTheApproval(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(t *testing.T, c *approvers) error
	}{
		{"has lost the role", func(t *testing.T, c *approvers) error {
			return c.Directory.Admin.RevokeRole(t.Context(), authntest.AsOperator, c.From, c.first.Owner, c.User(c.first.Owner).Roles[0].ID)
		}},
		{"has a role for garages only", func(t *testing.T, c *approvers) error {
			rid := c.User(c.first.Owner).Roles[0].ID
			c.AssignRole(t, authntest.AsOperator, c.first.Owner, admin.NewRoleAssignment{Role: account.RoleUserAdmin, Targets: []account.GroupID{c.Lumiere}})
			return c.Directory.Admin.RevokeRole(t.Context(), authntest.AsOperator, c.From, c.first.Owner, rid)
		}},
		{"has less, without the end of a session", func(t *testing.T, c *approvers) error {
			c.Change(account.UserID(c.first.Owner), func(u *account.User) {
				u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin, c.Lumiere)}
			})
			return nil
		}},
		{"is suspended", func(t *testing.T, c *approvers) error {
			return c.Directory.Suspend(t.Context(), authntest.AsOperator, c.From, c.first.Owner)
		}},
		{"is deleted", func(t *testing.T, c *approvers) error {
			return c.Directory.Delete(t.Context(), authntest.AsOperator, c.From, c.first.Owner)
		}},
		{"was reset, because their session was stolen", func(t *testing.T, c *approvers) error {
			_, err := c.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, c.From, c.first.Owner, helpdesk.ResetRequest{})
			return err
		}},
		{"was signed out everywhere", func(t *testing.T, c *approvers) error {
			return c.Directory.RevokeSessions(t.Context(), authntest.AsOperator, c.From, c.first.Owner, true)
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, _, _ := newSessionApprovers(t)
			a := c.ask(t, c.first)
			authntest.WantCode(t, x.name, x.end(t, c), "")
			_, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID)
			if !errcode.HasReason(err, errcode.ReasonRequesterRefused) {
				t.Errorf("got %v, want that the first administrator is refused", err)
			}
			c.untouched(t)
		})
	}
}

// A session that only closes does not end the request: administrators sign out in the evening.
func TestApprove_AfterTheFirstSignedOut(t *testing.T) {
	c, agnes, bruno := newSessionApprovers(t)
	a := c.ask(t, c.first)
	if err := c.Sessions.SignOut(t.Context(), c.From, agnes.session); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Approvals.Approve(t.Context(), bruno.proves(t, c), c.From, a.ID); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestResetApproval_InASessionNeedsAProof(t *testing.T) {
	c, agnes, _ := newSessionApprovers(t)
	c.Clock.Advance(account.StepUpTTL)
	_, _, err := c.Approvals.Reset(t.Context(), agnes.principal(t, c), c.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"})
	authntest.WantCode(t, "asking", err, errcode.StepUpRequired)
}

// An administrator with several roles asks with a lower one, which has the garage of the user.
func TestApprove_RequestWithALowerRole(t *testing.T) {
	c, agnes, _ := newSessionApprovers(t)
	c.Change(account.UserID(c.first.Owner), func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleUserAdmin, c.Nord), authntest.Assignment(account.RoleHelpDesk)}
	})
	c.Change(c.Amelie.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk)} })
	a := c.ask(t, agnes.proves(t, c).As(account.RoleHelpDesk))
	if _, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID); err != nil {
		t.Errorf("got %v", err)
	}
}
