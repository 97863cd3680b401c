package helpdesk_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// TestAttack_ResetSecondAdministratorApproves: an attacker who had the second administrator reset approves, as them, the reset that the
// first one was fooled into.
func TestAttack_ResetSecondAdministratorApproves(t *testing.T) {
	for _, reset := range []string{"first", "second"} {
		t.Run(reset, func(t *testing.T) {
			c := newApprovers(t)
			approval := c.ask(t, c.first)
			value, _ := c.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "second", Role: account.RoleSuperAdmin, Owner: "second@garage.example"})
			if _, err := c.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, c.From, reset+"@garage.example", helpdesk.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
			second, err := c.Directory.Admin.Authenticate(t.Context(), value)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Directory.HelpDesk.Approve(t.Context(), second, c.From, approval.ID)
			authntest.WantCode(t, "approving", err, errcode.Forbidden)
			want := map[string]string{"first": errcode.ReasonRequesterRefused, "second": errcode.ReasonCoolOff}[reset]
			if !errcode.HasReason(err, want) {
				t.Errorf("got %v, want the reason %s", err, want)
			}
			c.untouched(t)
		})
	}
}

// TestAttack_ResetAgentVouches: an agent in cool-off works on help requests. They write no identity check on which another administrator
// would rely, and reset nothing.
func TestAttack_ResetAgentVouches(t *testing.T) {
	c := newEnv(t)
	agent := c.NewAdministrator(t, "agent@garage.example", authntest.Assignment(account.RoleHelpDesk))
	value, _ := c.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "desk", Role: account.RoleHelpDesk, Owner: agent.Login})
	c.Change(agent.ID, func(u *account.User) { u.Resets++ })
	p, err := c.Directory.Admin.Authenticate(t.Context(), value)
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Directory.HelpDesk.Submit(t.Context(), c.From, helpdesk.Submission{Email: authntest.Technician, Topic: string(notice.TopicPhoneLost), Message: "lost"})
	if err != nil {
		t.Fatal(err)
	}
	me := helpdesk.Me
	_, err = c.Directory.HelpDesk.Patch(t.Context(), p, c.From, id, helpdesk.RequestPatch{Assignee: &me, Note: "I take it", Answer: "We call you."})
	authntest.WantCode(t, "taking, noting and answering", err, "")
	_, err = c.Directory.HelpDesk.Patch(t.Context(), p, c.From, id, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityDocument}})
	authntest.WantCode(t, "an identity check", err, errcode.Forbidden)
	_, err = c.Directory.HelpDesk.Reset(t.Context(), p, c.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: id, Check: calledBack})
	authntest.WantCode(t, "the reset", err, errcode.Forbidden)
	if u := c.User(authntest.Technician); len(u.Devices) == 0 {
		t.Error("the devices are gone")
	}
}
