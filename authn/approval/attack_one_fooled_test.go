package approval_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// newChange is newApprovers for a technician without a role, who is what a fooled administrator changes.
func newChange(t *testing.T) *approvers {
	t.Helper()
	c := newApprovers(t)
	c.Change(c.Amelie.ID, func(u *account.User) { u.Roles = nil })
	return c
}

const foreign = "attacker@else.example"

// askRole asks for a role of the technician.
func (c *approvers) askRole(t *testing.T, p admin.Principal, n admin.NewRoleAssignment) approval.Approval {
	t.Helper()
	_, waits, err := c.Approvals.AssignRole(t.Context(), p, c.From, authntest.Technician, n)
	if err != nil || waits == nil {
		t.Fatalf("got %v, %v, want an approval", waits, err)
	}
	return *waits
}

// askProfile asks for a change of the profile of the technician.
func (c *approvers) askProfile(t *testing.T, p admin.Principal, change directory.ProfileChange) approval.Approval {
	t.Helper()
	_, waits, err := c.Approvals.UpdateUser(t.Context(), p, c.From, string(c.Amelie.ID), change)
	if err != nil || waits == nil {
		t.Fatalf("got %v, %v, want an approval", waits, err)
	}
	return *waits
}

// unchanged requires that the technician has no role, and the addresses and numbers of before.
func (c *approvers) unchanged(t *testing.T, what string) {
	t.Helper()
	u := c.User(string(c.Amelie.ID))
	if len(u.Roles) != 0 || u.Login != c.Amelie.Login || u.Email != c.Amelie.Email || u.SecondEmail != c.Amelie.SecondEmail || u.PrimaryPhone != c.Amelie.PrimaryPhone ||
		u.MobilePhone.Number != c.Amelie.MobilePhone.Number {
		t.Errorf("%s: got the roles %v and %q, %q, %q", what, u.Roles, u.Login, u.Email, u.SecondEmail)
	}
}

// TestAttack_FooledSuperAdminGivesTheAttackerARole: by session or token, for an old account, a new one, or by an import.
func TestAttack_FooledSuperAdminGivesTheAttackerARole(t *testing.T) {
	c := newChange(t)
	ctx := t.Context()
	for _, role := range []account.Role{account.RoleReadOnly, account.RoleHelpDesk, account.RoleUserAdmin, account.RoleSuperAdmin} {
		_, err := c.Directory.Admin.AssignRole(ctx, c.first, c.From, authntest.Technician, admin.NewRoleAssignment{Role: role})
		authntest.WantCode(t, string(role), err, errcode.ApprovalRequired)
		_, _, err = c.Directory.CreateUser(ctx, c.first, c.From, directory.NewUser{Login: foreign, Role: role}, true, true)
		authntest.WantCode(t, "a new account with "+string(role), err, errcode.ApprovalRequired)
	}
	c.unchanged(t, "the direct calls")
	found, err := c.Directory.Import(ctx, c.first, c.From, []directory.ImportRow{{NewUser: directory.NewUser{Login: foreign, Role: account.RoleHelpDesk}}}, true, true)
	if err != nil || len(found) != 1 || len(found[0].Faults) != 1 || found[0].Faults[0].Reason != "approval" {
		t.Errorf("an import: got %+v, %v", found, err)
	}
	c.askRole(t, c.first, admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
	c.unchanged(t, "asking")
}

// TestAttack_FooledAdministratorWidensARole: a limited role gets a further group.
func TestAttack_FooledAdministratorWidensARole(t *testing.T) {
	c := newChange(t)
	ctx := t.Context()
	g := c.AssignRole(t, authntest.AsOperator, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{c.Lumiere}})
	err := c.Directory.Admin.AddTarget(ctx, c.first, c.From, authntest.Technician, g.ID, c.Nord)
	authntest.WantCode(t, "a further group", err, errcode.ApprovalRequired)
	waits, err := c.Approvals.AddTarget(ctx, c.first, c.From, authntest.Technician, g.ID, c.Nord)
	if err != nil || waits == nil || waits.Role.Assignment != g.ID || len(waits.Role.Groups) != 1 || waits.Role.Groups[0] != c.Nord {
		t.Fatalf("got %+v, %v", waits, err)
	}
	if u := c.User(authntest.Technician); len(u.Roles[0].Groups) != 1 {
		t.Errorf("got %v", u.Roles)
	}
	done, err := c.Approvals.Approve(ctx, c.second, c.From, waits.ID)
	if err != nil || len(done.Role.Assignment.Groups) != 2 {
		t.Errorf("got %+v, %v", done, err)
	}
	waits, err = c.Approvals.AddTarget(ctx, c.first, c.From, authntest.Technician, g.ID, c.Nord)
	if err != nil || waits != nil {
		t.Errorf("a group that is a target: got %v, %v", waits, err)
	}
	authntest.WantCode(t, "narrowing", c.Directory.Admin.RemoveTarget(ctx, c.first, c.From, authntest.Technician, g.ID, c.Nord), "")
	authntest.WantCode(t, "revoking", c.Directory.Admin.RevokeRole(ctx, c.first, c.From, authntest.Technician, g.ID), "")
}

// TestAttack_FooledAdministratorWritesTheAttackersAddress: into the profile of a user who has, or had, a device.
func TestAttack_FooledAdministratorWritesTheAttackersAddress(t *testing.T) {
	address, number, name := foreign, "+33699999999", "Zoé"
	for what, change := range map[string]directory.ProfileChange{"login": {Login: &address}, "email": {Email: &address}, "secondEmail": {SecondEmail: &address},
		"primaryPhone": {PrimaryPhone: &number}, "mobilePhone": {MobilePhone: &number}, "with a name": {FirstName: &name, Email: &address},
		"all": {Replace: true, Login: &address, Email: &address, FirstName: &name, LastName: &name}} {
		t.Run(what, func(t *testing.T) {
			c := newChange(t)
			_, err := c.Directory.UpdateUser(t.Context(), c.first, c.From, authntest.Technician, change)
			authntest.WantCode(t, "the direct call", err, errcode.ApprovalRequired)
			c.unchanged(t, "the direct call")
			c.askProfile(t, c.first, change)
			c.unchanged(t, "asking")
			if u := c.User(string(c.Amelie.ID)); u.FirstName != c.Amelie.FirstName || len(u.Sessions) != 1 {
				t.Errorf("got %q and %d sessions: the names wait too, and nothing ends", u.FirstName, len(u.Sessions))
			}
			for _, m := range c.MailList() {
				if m == "approval_requested to "+foreign {
					t.Error("the foreign address has mail")
				}
			}
			c.Change(c.Amelie.ID, func(u *account.User) { u.Devices = nil }) // the user had a device
			_, err = c.Directory.UpdateUser(t.Context(), c.first, c.From, string(c.Amelie.ID), change)
			authntest.WantCode(t, "after the loss of the device", err, errcode.ApprovalRequired)
		})
	}
}

// TestAttack_FooledAdministratorCorrectsTheAddressOfAnInvitedAdministrator: and sends the invitation again. The address of an invited user
// without a role may have a typing error, which one administrator corrects.
func TestAttack_FooledAdministratorCorrectsTheAddressOfAnInvitedAdministrator(t *testing.T) {
	for _, role := range []bool{true, false} {
		c := newChange(t)
		ctx, address := t.Context(), foreign
		u, _, err := c.Directory.CreateUser(ctx, authntest.AsOperator, c.From, directory.NewUser{Login: "leo@garage.example"}, true, true)
		if err != nil {
			t.Fatal(err)
		}
		if role {
			c.AssignRole(t, authntest.AsOperator, string(u.ID), admin.NewRoleAssignment{Role: account.RoleHelpDesk})
		}
		c.EmptyOutbox()
		_, err = c.Directory.UpdateUser(ctx, c.first, c.From, string(u.ID), directory.ProfileChange{Email: &address})
		authntest.WantCode(t, "the correction", err, map[bool]errcode.Code{true: errcode.ApprovalRequired}[role])
		if _, err := c.Directory.Reactivate(ctx, c.first, c.From, string(u.ID), true); err != nil {
			t.Fatal(err)
		}
		for _, m := range c.MailList() {
			if role && m == "invitation to "+foreign {
				t.Errorf("got %v", c.MailList())
			}
		}
	}
}

// TestAttack_FooledAdministratorDropsTheKeyOfAnImportedUser: an invitation ends the key, and so does a removal of the device. The address
// waits as before, although the user has no device any more.
func TestAttack_FooledAdministratorDropsTheKeyOfAnImportedUser(t *testing.T) {
	for what, drop := range map[string]func(c *approvers, u account.User) error{
		"by an invitation": func(c *approvers, u account.User) error {
			_, err := c.Directory.Activate(t.Context(), c.first, c.From, string(u.ID), true)
			return err
		},
		"by the removal of the device": func(c *approvers, u account.User) error {
			return c.Directory.RemoveDevice(t.Context(), c.first, c.From, string(u.ID), u.Devices[0].ID)
		},
	} {
		t.Run(what, func(t *testing.T) {
			c := newChange(t)
			ctx, address, number := t.Context(), foreign, "+33699999999"
			key := secret.From("otpauth://totp/Old:leo?issuer=Old&secret=" + strings.Repeat("ABCDEFGH", 4))
			u, _, err := c.Directory.CreateUser(ctx, authntest.AsOperator, c.From, directory.NewUser{Login: "leo@garage.example", OTPAuthURI: key}, true, true)
			if err != nil {
				t.Fatal(err)
			}
			if err := drop(c, c.User(string(u.ID))); err != nil {
				t.Fatal(err)
			}
			if left := c.User(string(u.ID)).Devices; len(left) != 0 {
				t.Fatalf("got %v", left)
			}
			_, err = c.Directory.UpdateUser(ctx, c.first, c.From, string(u.ID), directory.ProfileChange{Email: &address})
			authntest.WantCode(t, "the address", err, errcode.ApprovalRequired)
			_, err = c.Directory.UpdateUser(ctx, c.first, c.From, string(u.ID), directory.ProfileChange{MobilePhone: &number})
			authntest.WantCode(t, "the number", err, errcode.ApprovalRequired)
		})
	}
}

func TestApprove_RoleByTwoAdministrators(t *testing.T) {
	c := newChange(t)
	ctx := t.Context()
	a := c.askRole(t, c.first, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{c.Nord, c.Lumiere, c.Nord}})
	authntest.SameStrings(t, "mails", c.MailList(), []string{"approval_requested to " + authntest.Technician, "approval_requested to " + authntest.SecondEmail,
		"approval_requested to " + c.Administrator.Email, "approval_requested to second@garage.example"})
	c.EmptyOutbox()
	if again := c.askRole(t, c.second, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{c.Lumiere, c.Nord}}); again.ID != a.ID || len(c.Mails()) != 0 {
		t.Errorf("the same request: got %s with %v, want %s", again.ID, c.MailList(), a.ID)
	}
	_, _, err := c.Approvals.AssignRole(ctx, c.second, c.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk})
	if !errcode.HasReason(err, errcode.ReasonApprovalPending) {
		t.Errorf("another role: got %v", err)
	}
	c.Clock.Advance(time.Second)
	done, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	if err != nil || done.Role.User != c.Amelie.ID || done.Role.Assignment.Role != account.RoleHelpDesk || len(done.Role.Assignment.Groups) != 2 {
		t.Fatalf("got %+v, %v", done, err)
	}
	u := c.User(authntest.Technician)
	if len(u.Roles) != 1 || !u.Sponsors.Has(c.first.Owner) || !u.Sponsors.Has(c.second.Owner) {
		t.Errorf("got the roles %v, sponsors %v", u.Roles, u.Sponsors)
	}
	if m := authntest.Mailed[notice.RoleChanged](t, c.Env, authntest.Technician); !m.Assigned {
		t.Errorf("got %+v", m)
	}
	e := c.Events(audit.RoleRequested, audit.RoleGranted)
	if len(e) != 2 || e[0].Actor.ID != c.first.ID || e[1].Actor.ID != c.second.ID || e[1].Detail["owner"] != c.second.Owner || e[1].Detail["requestedBy"] != c.first.ID ||
		e[1].Detail["requestedByOwner"] != c.first.Owner || e[1].Detail["approvalId"] != a.ID {
		t.Errorf("got events %+v", e)
	}
	_, err = c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	authntest.WantCode(t, "again", err, errcode.NotFound)
}

func TestApprove_AddressByTwoAdministrators(t *testing.T) {
	c := newChange(t)
	ctx, address, name := t.Context(), "Amelie.New@garage.example", "Zoé"
	a := c.askProfile(t, c.first, directory.ProfileChange{Email: &address, FirstName: &name})
	if len(a.Profile.Known) != 2 || a.Profile.Known["email"] != address || a.Profile.Known["firstName"] != name || len(a.Profile.Custom) != 0 {
		t.Errorf("got %+v", a.Profile)
	}
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	done, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	if err != nil || done.User.Email != "amelie.new@garage.example" || done.User.FirstName != name || done.User.AsGiven().Email != address {
		t.Fatalf("got %+v, %v", done.User, err)
	}
	u := c.User(string(c.Amelie.ID))
	if u.EmailProvenance.By != c.first.Owner || !u.EmailProvenance.Moved.Equal(c.Clock.Now()) || !u.Sponsors.Has(c.first.Owner) || !u.Sponsors.Has(c.second.Owner) {
		t.Errorf("got %+v, %v", u.EmailProvenance, u.Sponsors)
	}
	c.WantSignedOut(t, c.Session)
	e := c.Events(audit.ProfileRequested, audit.AddressUpdated)
	if len(e) != 2 || e[0].Detail["changed"] != "email firstName" || e[1].Detail["requestedByOwner"] != c.first.Owner || e[1].Detail["owner"] != c.second.Owner {
		t.Errorf("got events %+v", e)
	}
	_, err = c.Directory.HelpDesk.Reset(ctx, c.second, c.From, string(c.Amelie.ID), helpdesk.ResetRequest{})
	if !errcode.HasReason(err, errcode.ReasonAddressChanged) {
		t.Errorf("a ticket to the young address: got %v", err)
	}
}
