package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors/totp"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

// approvers is a garage with three administrators of one role, each with a token, and a user with a device.
type approvers struct {
	*authntest.Garage
	first, second, victim admin.Principal
	secret                secret.Value // the first's
}

func newApprovers(t *testing.T) *approvers {
	t.Helper()
	c := &approvers{Garage: authntest.NewGarage(t)}
	for _, login := range []string{"first@garage.example", "second@garage.example"} {
		c.NewAdministrator(t, login, authntest.Assignment(account.RoleSuperAdmin))
	}
	c.Change(c.Amelie.ID, func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin)}
	})
	c.secret, c.first = c.PrincipalOf(t, "first@garage.example", account.RoleSuperAdmin)
	_, c.second = c.PrincipalOf(t, "second@garage.example", account.RoleSuperAdmin)
	_, c.victim = c.PrincipalOf(t, authntest.Technician, account.RoleSuperAdmin)
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	return c
}

// ask requests the reset and returns its approval.
func (c *approvers) ask(t *testing.T, p admin.Principal) approval.Approval {
	t.Helper()
	result, waits, err := c.Approvals.Reset(t.Context(), p, c.From, authntest.Technician, helpdesk.ResetRequest{Reason: "lost"})
	if err != nil || waits == nil || !result.At.IsZero() || result.Mailed {
		t.Fatalf("got %+v, %v, want nothing done and something that waits", result, err)
	}
	return *waits
}

func (c *approvers) untouched(t *testing.T) {
	t.Helper()
	if u := c.User(authntest.Technician); len(u.Devices) == 0 || len(u.Tickets) != 0 {
		t.Errorf("got %d devices, %d tickets, want everything as it was", len(u.Devices), len(u.Tickets))
	}
}

func TestApprove_ResetsAnEqual(t *testing.T) {
	c := newApprovers(t)
	ctx := t.Context()
	a := c.ask(t, c.first)
	c.untouched(t)
	authntest.SameStrings(t, "mails", c.MailList(), []string{"approval_requested to " + authntest.Technician, "approval_requested to " + authntest.SecondEmail,
		"approval_requested to " + c.Administrator.Email, "approval_requested to second@garage.example"})
	if m := authntest.Mailed[notice.ApprovalRequested](t, c.Env, c.Administrator.Email); m.User != "Amélie Durand" || m.Reason != "lost" || !m.Until.Equal(c.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("got %+v", m)
	}
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	if again := c.ask(t, c.first); again.ID != a.ID || len(c.Mails()) != 0 {
		t.Errorf("asked again: got %s with %v, want %s and no mail", again.ID, c.MailList(), a.ID)
	}
	if list, next, err := c.Approvals.List(ctx, c.second, "", 0); err != nil || len(list) != 1 || list[0].ID != a.ID || next != "" {
		t.Errorf("got %v, %q, %v", list, next, err)
	}
	done, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	result := done.Reset
	if err != nil || result.Devices[totp.Kind] != 1 || result.Sessions != 1 || !result.Mailed || result.Reason != "lost" {
		t.Fatalf("got %+v, %v", result, err)
	}
	c.WantSignedOut(t, c.Session)
	if u := c.User(authntest.Technician); len(u.Devices) != 0 || len(u.Tickets) != 1 {
		t.Errorf("got %d devices, %d tickets", len(u.Devices), len(u.Tickets))
	}
	e := c.Events(audit.ResetRequested, audit.FactorsReset)
	if len(e) != 2 || e[0].Actor.ID != c.first.ID || e[1].Actor.ID != c.second.ID || e[1].Detail["requestedBy"] != c.first.ID || e[1].Detail["approvalId"] != a.ID {
		t.Errorf("got events %+v", e)
	}
	_, err = c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	authntest.WantCode(t, "the same word again", err, errcode.NotFound)
}

// Everybody whose word is not the second one.
func TestApprove_RejectsOtherPrincipals(t *testing.T) {
	c := newApprovers(t)
	ctx := t.Context()
	a := c.ask(t, c.first)
	_, sibling := c.PrincipalOf(t, "first@garage.example", account.RoleSuperAdmin)
	_, made := c.NewToken(t, c.first, admin.NewToken{Name: "made", Role: account.RoleSuperAdmin})
	child := c.first
	child.ID = "token:" + made.ID
	lower := c.second
	lower.Role = account.RoleUserAdmin
	narrow := authntest.Limited(c.second, c.Lumiere)
	for _, x := range []struct {
		name string
		op   admin.Principal
		want errcode.Code
	}{
		{"the requesting owner", c.first, errcode.Forbidden},
		{"another token of theirs", sibling, errcode.Forbidden},
		{"a token that theirs made", child, errcode.Forbidden},
		{"the user", c.victim, errcode.Forbidden},
		{"a user of a lower role", lower, errcode.Forbidden},
		{"support", authntest.AsHelpDesk, errcode.Forbidden},
		{"a principal with the user's group", narrow, errcode.NotFound},
		{"the zero principal", admin.Principal{}, errcode.Forbidden},
	} {
		_, err := c.Approvals.Approve(ctx, x.op, c.From, a.ID)
		authntest.WantCode(t, x.name, err, x.want)
	}
	for _, id := range []string{"", "x", string(a.User), string(a.User) + "-", a.ID + "x", "u-" + a.ID} {
		_, err := c.Approvals.Approve(ctx, c.second, c.From, id)
		authntest.WantCode(t, "id "+id, err, errcode.NotFound)
	}
	c.untouched(t)
	if list, _, err := c.Approvals.List(ctx, narrow, "", 0); err != nil || len(list) != 0 {
		t.Errorf("a principal with a group scope lists %d, %v", len(list), err)
	}
	authntest.WantCode(t, "refusing by a lower user", c.Approvals.Reject(ctx, lower, c.From, a.ID), errcode.Forbidden)
	if _, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
}

func TestApproval_Ends(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(t *testing.T, c *approvers, a approval.Approval)
		want errcode.Code
	}{
		{"after a day", func(t *testing.T, c *approvers, _ approval.Approval) { c.Clock.Advance(24 * time.Hour) }, errcode.NotFound},
		{"withdrawn", func(t *testing.T, c *approvers, a approval.Approval) {
			authntest.WantCode(t, "withdrawing", c.Approvals.Reject(t.Context(), c.first, c.From, a.ID), "")
		}, errcode.NotFound},
		{"refused by another", func(t *testing.T, c *approvers, a approval.Approval) {
			authntest.WantCode(t, "refusing", c.Approvals.Reject(t.Context(), c.second, c.From, a.ID), "")
		}, errcode.NotFound},
		{"refused by the user", func(t *testing.T, c *approvers, a approval.Approval) {
			authntest.WantCode(t, "refusing", c.Approvals.Reject(t.Context(), c.victim, c.From, a.ID), "")
		}, errcode.NotFound},
		{"reset by the operator meanwhile", func(t *testing.T, c *approvers, _ approval.Approval) {
			c.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{})
		}, errcode.NotFound},
		{"the first is suspended", func(t *testing.T, c *approvers, _ approval.Approval) {
			authntest.WantCode(t, "suspending", c.Directory.Suspend(t.Context(), authntest.AsOperator, c.From, "first@garage.example"), "")
		}, errcode.Forbidden},
		{"the first has lost the role", func(t *testing.T, c *approvers, _ approval.Approval) {
			c.Change(account.UserID(c.first.Owner), func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleUserAdmin)} })
		}, errcode.Forbidden},
		{"the first one's token is revoked", func(t *testing.T, c *approvers, _ approval.Approval) {
			authntest.WantCode(t, "revoking", c.Directory.Admin.RevokeToken(t.Context(), authntest.AsOperator, c.From, c.first.ID[len("token:"):]), "")
		}, errcode.Forbidden},
		{"the user has risen above them", func(t *testing.T, c *approvers, _ approval.Approval) {
			for _, id := range []string{c.first.Owner, c.second.Owner} {
				c.Change(account.UserID(id), func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk)} })
			}
			c.second.Role = account.RoleHelpDesk
		}, errcode.Forbidden},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := newApprovers(t)
			a := c.ask(t, c.first)
			x.end(t, c, a)
			_, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID)
			authntest.WantCode(t, "the second word", err, x.want)
			if x.name != "reset by the operator meanwhile" {
				c.untouched(t)
			}
			if x.want == errcode.NotFound {
				if list, _, err := c.Approvals.List(t.Context(), c.second, "", 0); err != nil || len(list) != 0 {
					t.Errorf("still listed: %d, %v", len(list), err)
				}
			}
		})
	}
}

func TestSweep_DeletesApprovals(t *testing.T) {
	c := newApprovers(t)
	old := c.ask(t, c.first)
	c.Clock.Advance(24*time.Hour - 1)
	if err := storetest.Sweep(t.Context(), c.Store, c.Approvals.Sweep()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Approvals.Get(t.Context(), c.second, old.ID); err != nil {
		t.Errorf("swept too early: %v", err)
	}
	c.Clock.Advance(1)
	if err := storetest.Sweep(t.Context(), c.Store, c.Approvals.Sweep()); err != nil {
		t.Fatal(err)
	}
	if fresh := c.ask(t, c.first); fresh.ID == old.ID || !fresh.Expires.Equal(c.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("got %+v after %s, want a new one", fresh, old.ID)
	}
}

// TestReset_NeedsApprovalAfterRevokingARole: an administrator revokes the role of an equal and resets them as a user
// with a lower role, by each of their tokens.
func TestReset_NeedsApprovalAfterRevokingARole(t *testing.T) {
	c := newApprovers(t)
	ctx := t.Context()
	c.NewSuperAdmin("stays@garage.example")
	rid := c.User(authntest.Technician).Roles[0].ID
	authntest.WantCode(t, "taking the role", c.Directory.Admin.RevokeRole(ctx, c.first, c.From, authntest.Technician, rid), "")
	_, sibling := c.PrincipalOf(t, "first@garage.example", account.RoleUserAdmin)
	for name, p := range map[string]admin.Principal{"the same token": c.first, "another of theirs": sibling} {
		c.ask(t, p)
		authntest.WantCode(t, "a device, by "+name, c.Directory.RemoveDevice(ctx, p, c.From, authntest.Technician, c.Phone.Device), errcode.Forbidden)
	}
	_, role, err := c.Approvals.AssignRole(ctx, c.first, c.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Approvals.Approve(ctx, c.second, c.From, role.ID); err != nil {
		t.Fatal(err)
	}
	a := c.ask(t, c.first)
	c.untouched(t)
	if _, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
}

func TestApprove_RejectsLowerRoles(t *testing.T) {
	c := newApprovers(t)
	for _, role := range []account.Role{account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly} {
		_, _, err := c.Approvals.Reset(t.Context(), authntest.WithRole(c.first, role), c.From, authntest.Technician, helpdesk.ResetRequest{})
		authntest.WantCode(t, string(role), err, errcode.Forbidden)
	}
	_, _, err := c.Approvals.Reset(t.Context(), c.victim, c.From, authntest.Technician, helpdesk.ResetRequest{})
	authntest.WantCode(t, "oneself", err, errcode.Forbidden)
	no := false
	_, _, err = c.Approvals.Reset(t.Context(), authntest.WithSecrets(c.first), c.From, authntest.Technician, helpdesk.ResetRequest{SendEmail: &no})
	authntest.WantCode(t, "with the ticket in an answer", err, errcode.Forbidden)
	authntest.WantCode(t, "one device of an equal", c.Directory.RemoveDevice(t.Context(), c.first, c.From, authntest.Technician, c.Phone.Device), errcode.Forbidden)
	c.untouched(t)
}

// TestApprove_LargestUserFitsOneTransaction approves the reset of a user with the maximum of sessions, browsers, keys
// and tickets, and with the maximum of recipients.
func TestApprove_LargestUserFitsOneTransaction(t *testing.T) {
	c := newApprovers(t)
	c.FillSessions(t, c.Amelie.ID)
	for i := range 9 {
		c.NewAdministrator(t, string(rune('a'+i))+"@council.example", authntest.Assignment(account.RoleSuperAdmin))
	}
	if _, err := c.Directory.HelpDesk.Submit(t.Context(), c.From, helpdesk.Submission{Email: authntest.Technician}); err != nil {
		t.Fatal(err)
	}
	requests, _, err := c.Directory.HelpDesk.Requests(t.Context(), c.first, helpdesk.RequestQuery{})
	if err != nil || len(requests) != 1 {
		t.Fatalf("got %d requests, %v", len(requests), err)
	}
	_, _, err = c.Approvals.Reset(t.Context(), c.first, c.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: requests[0].ID})
	authntest.WantCode(t, "no identity check", err, errcode.WrongState)
	_, waits, err := c.Approvals.Reset(t.Context(), c.first, c.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: requests[0].ID, Check: calledBack})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Approvals.Approve(t.Context(), c.second, c.From, waits.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
	if found, err := c.Directory.HelpDesk.Request(t.Context(), c.first, requests[0].ID); err != nil || found.State != helpdesk.StateResolved {
		t.Errorf("the case: %+v, %v", found.State, err)
	}
}

// A principal with a group scope lists approvals among many of others. Each page costs the same, and its cursor names no user of
// others.
func TestApprovals_OfAScopeReadOnlyAPartOfThoseOfOthers(t *testing.T) {
	c := newApprovers(t)
	want := c.ask(t, c.first)
	approvals := store.NewTable[approval.Approval](c.Ring, store.Approvals)
	if err := c.Store.Update(t.Context(), func(tx store.Tx) error {
		for i := range 60 { // before and after all users
			user := account.UserID(fmt.Sprintf("u%c%025d", "0z"[i%2], i))
			a := approval.Approval{ID: string(user) + "-reset-x", Operation: approval.OperationReset, User: user, At: c.Clock.Now(), Expires: c.Clock.Now().Add(time.Hour)}
			if err := approvals.Put(tx, string(user)+"-reset", a); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const most = 30
	c.Approvals.SetPageReads(most)
	counter := storetest.CountReads(c.Store, "")
	c.Accounts.Store = counter
	scoped := authntest.Limited(authntest.AsHelpDesk, c.Lumiere)
	for _, test := range []struct {
		p    admin.Principal
		want []string
	}{{c.second, []string{want.ID}}, {scoped, nil}} {
		var found []string
		after := ""
		for page := 0; page == 0 || after != ""; page++ {
			counter.Reset()
			list, next, err := c.Approvals.List(t.Context(), test.p, after, 0)
			if err != nil || page > 10 || counter.Records() > most+3 {
				t.Fatalf("page %d: %v with %d reads, want %d", page, err, counter.Records(), most)
			}
			if next != "" && !strings.HasPrefix(next, "sealed-") {
				t.Errorf("page %d: the cursor %q is the id of an approval of others", page, next)
			}
			for _, a := range list {
				found = append(found, a.ID)
			}
			after = next
		}
		if !slices.Equal(found, test.want) {
			t.Errorf("%s: got %q, want %q", test.p.ID, found, test.want)
		}
	}
}
