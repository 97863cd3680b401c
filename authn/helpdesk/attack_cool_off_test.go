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
