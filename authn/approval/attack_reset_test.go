package approval_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
)

// TestAttack_WriterOfTheAddressAsksForAnApproval: a second administrator trusts the first, who wrote the address; or wrote it, and approves.
func TestAttack_WriterOfTheAddressAsksForAnApproval(t *testing.T) {
	c := newApprovers(t)
	c.Change(c.Amelie.ID, func(u *account.User) {
		u.EmailProvenance = account.EmailProvenance{By: c.first.Owner, Moved: c.Clock.Now().Add(-account.AddressCooldown - time.Hour)}
	})
	_, _, err := c.Approvals.Reset(t.Context(), c.first, c.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"})
	c.unsent(t, "the writer asks", err)
	a := c.ask(t, c.second)
	c.EmptyOutbox()
	_, err = c.Approvals.Approve(t.Context(), c.first, c.From, a.ID)
	c.unsent(t, "the writer approves", err)
}

// TestAttack_ApprovalAfterACallToANewNumber: also a reset of an equal needs a number to call.
func TestAttack_ApprovalAfterACallToANewNumber(t *testing.T) {
	c := newApprovers(t)
	c.Change(c.Amelie.ID, func(u *account.User) { u.MobilePhone.Since = c.Clock.Now() })
	_, _, err := c.Approvals.Reset(t.Context(), c.first, c.From, authntest.Technician, helpdesk.ResetRequest{Check: calledBack})
	authntest.WantCode(t, "asking", err, errcode.WrongState)
	c.untouched(t)
}

// TestAttack_ResetSecondAdministratorApproves: an attacker who had the second administrator reset approves, as them, the reset that the
// first one was fooled into.
func TestAttack_ResetSecondAdministratorApproves(t *testing.T) {
	for _, reset := range []string{"first", "second"} {
		t.Run(reset, func(t *testing.T) {
			c := newApprovers(t)
			a := c.ask(t, c.first)
			value, _ := c.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "second", Role: account.RoleSuperAdmin, Owner: "second@garage.example"})
			if _, err := c.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, c.From, reset+"@garage.example", helpdesk.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
			second, err := c.Directory.Admin.Authenticate(t.Context(), value)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Approvals.Approve(t.Context(), second, c.From, a.ID)
			authntest.WantCode(t, "approving", err, errcode.Forbidden)
			want := map[string]string{"first": errcode.ReasonRequesterRefused, "second": errcode.ReasonCoolOff}[reset]
			if !errcode.HasReason(err, want) {
				t.Errorf("got %v, want the reason %s", err, want)
			}
			c.untouched(t)
		})
	}
}

// unsent requires that an operation was refused because of who wrote the address, and changed and sent nothing.
func (c *approvers) unsent(t *testing.T, what string, err error) {
	t.Helper()
	if !errcode.HasReason(err, errcode.ReasonWroteAddress) || len(c.Mails()) != 0 {
		t.Errorf("%s: got %v with %v, want the reason", what, err, c.MailList())
	}
	c.untouched(t)
}

// calledBack is an identity check that needs no name.
var calledBack = &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}
