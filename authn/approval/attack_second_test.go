package approval_test

import (
	"sync"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/store/storetest"
)

// requests are the two requests that one fooled administrator makes, and for whom the second one is not a second one.
var requests = map[string]func(t *testing.T, c *approvers) approval.Approval{
	"a role": func(t *testing.T, c *approvers) approval.Approval {
		return c.askRole(t, c.first, admin.NewRoleAssignment{Role: account.RoleHelpDesk})
	},
	"an address": func(t *testing.T, c *approvers) approval.Approval {
		address := foreign
		return c.askProfile(t, c.first, directory.ProfileChange{SecondEmail: &address})
	},
}

// TestAttack_SecondAdministratorIsNone: the fooled administrator also approves, by each account that is theirs or the attacker's.
func TestAttack_SecondAdministratorIsNone(t *testing.T) {
	for name, ask := range requests {
		t.Run(name, func(t *testing.T) {
			c := newChange(t)
			a := ask(t, c)
			_, sibling := c.PrincipalOf(t, "first@garage.example", account.RoleSuperAdmin)
			c.NewAdministrator(t, "made@garage.example", authntest.Assignment(account.RoleSuperAdmin))
			_, made := c.PrincipalOf(t, "made@garage.example", account.RoleSuperAdmin)
			c.Change(account.UserID(made.Owner), func(u *account.User) { u.Sponsors = u.Sponsors.Add(c.first.Owner, c.Clock.Now()) })
			lower := authntest.WithRole(c.second, account.RoleHelpDesk)
			for _, x := range []struct {
				name   string
				p      admin.Principal
				reason string
			}{
				{"the requester", c.first, errcode.ReasonSameOwner},
				{"another token of the requester", sibling, errcode.ReasonSameOwner},
				{"the user who gets it", c.victim, ""},
				{"an account that the requester made", made, errcode.ReasonRelated},
				{"an administrator with a lower role", lower, errcode.ReasonNeedsUserAdmin},
				{"nobody", admin.Principal{}, errcode.ReasonOwnClientOnly},
			} {
				_, err := c.Approvals.Approve(t.Context(), x.p, c.From, a.ID)
				if errcode.Of(err) != errcode.Forbidden || x.reason != "" && !errcode.HasReason(err, x.reason) {
					t.Errorf("%s: got %v, want the reason %s", x.name, err, x.reason)
				}
			}
			if _, err := c.Approvals.Approve(t.Context(), authntest.Limited(c.second, c.Nord), c.From, a.ID); errcode.Of(err) != errcode.NotFound {
				t.Errorf("an administrator of another garage: got %v", err)
			}
			c.unchanged(t, "refused approvals")
			c.Clock.Advance(time.Second)
			c.Change(account.UserID(c.second.Owner), func(u *account.User) { u.Sponsors = u.Sponsors.Add(made.Owner, c.Clock.Now()) })
			_, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID)
			if !errcode.HasReason(err, errcode.ReasonRelated) {
				t.Errorf("an account that rests on one that the requester made: got %v", err)
			}
			c.unchanged(t, "a related administrator")
			if _, err := c.Approvals.Approve(t.Context(), authntest.AsOperator, c.From, a.ID); err != nil {
				t.Errorf("the operator: %v", err)
			}
		})
	}
}

// What ends the rights of the requester, or makes the user another one, ends the request.
func TestAttack_RequestOutlivesItsGround(t *testing.T) {
	other, number := "other@garage.example", "+33611111111"
	for _, x := range []struct {
		name string
		end  func(t *testing.T, c *approvers) error
		want errcode.Code
	}{
		{"a day passes", func(_ *testing.T, c *approvers) error { c.Clock.Advance(24 * time.Hour); return nil }, errcode.NotFound},
		{"the requester is demoted", func(t *testing.T, c *approvers) error {
			return c.Directory.Admin.RevokeRole(t.Context(), authntest.AsOperator, c.From, c.first.Owner, c.User(c.first.Owner).Roles[0].ID)
		}, errcode.Forbidden},
		{"the requester is suspended", func(t *testing.T, c *approvers) error {
			return c.Directory.Suspend(t.Context(), authntest.AsOperator, c.From, c.first.Owner)
		}, errcode.Forbidden},
		{"the requesting token is revoked", func(t *testing.T, c *approvers) error {
			return c.Directory.Admin.RevokeToken(t.Context(), authntest.AsOperator, c.From, c.first.ID[len("token:"):])
		}, errcode.Forbidden},
		{"the user has another address", func(t *testing.T, c *approvers) error {
			_, err := c.Directory.UpdateUser(t.Context(), authntest.AsOperator, c.From, string(c.Amelie.ID), directory.ProfileChange{Email: &other})
			return err
		}, errcode.NotFound},
		{"the user has another number", func(t *testing.T, c *approvers) error {
			_, err := c.Directory.UpdateUser(t.Context(), authntest.AsOperator, c.From, string(c.Amelie.ID), directory.ProfileChange{MobilePhone: &number})
			return err
		}, errcode.NotFound},
		{"the user is deleted", func(t *testing.T, c *approvers) error {
			c.Change(c.Amelie.ID, func(u *account.User) { u.Status = account.StatusDeactivated })
			return c.Directory.Delete(t.Context(), authntest.AsOperator, c.From, string(c.Amelie.ID))
		}, errcode.NotFound},
		{"another administrator refuses", func(t *testing.T, c *approvers) error {
			list, _, err := c.Approvals.List(t.Context(), c.second, "", 0)
			if err != nil || len(list) != 1 {
				t.Fatalf("got %v, %v", list, err)
			}
			return c.Approvals.Reject(t.Context(), c.second, c.From, list[0].ID)
		}, errcode.NotFound},
	} {
		for name, ask := range requests {
			t.Run(x.name+" after "+name, func(t *testing.T) {
				c := newChange(t)
				a := ask(t, c)
				authntest.WantCode(t, x.name, x.end(t, c), "")
				_, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID)
				authntest.WantCode(t, "approving", err, x.want)
				if u, err := c.Directory.Admin.User(t.Context(), authntest.AsOperator, string(c.Amelie.ID)); err == nil && (len(u.Roles) != 0 || u.SecondEmail != c.Amelie.SecondEmail) {
					t.Errorf("got %v and %q", u.Roles, u.SecondEmail)
				}
			})
		}
	}
}

// TestAttack_AddressChangedWhileTheRoleWaits: the second administrator sees the role of an invited user. Before they approve, the fooled
// one writes the attacker's address, which needs no approval without a role.
func TestAttack_AddressChangedWhileTheRoleWaits(t *testing.T) {
	c := newChange(t)
	ctx, address := t.Context(), foreign
	u, _, err := c.Directory.CreateUser(ctx, authntest.AsOperator, c.From, directory.NewUser{Login: "leo@garage.example"}, true, true)
	if err != nil {
		t.Fatal(err)
	}
	_, a, err := c.Approvals.AssignRole(ctx, c.first, c.From, string(u.ID), admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
	if err != nil || a == nil {
		t.Fatal(a, err)
	}
	if _, err := c.Directory.UpdateUser(ctx, c.first, c.From, string(u.ID), directory.ProfileChange{Email: &address}); err != nil {
		t.Fatal(err)
	}
	_, err = c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	authntest.WantCode(t, "approving what was shown", err, errcode.NotFound)
	if u := c.User(string(u.ID)); len(u.Roles) != 0 {
		t.Errorf("got %v", u.Roles)
	}
}

// Two administrators approve at once, and one of them twice: the operation is performed once.
func TestApprove_AtOnce(t *testing.T) {
	for name, ask := range requests {
		t.Run(name, func(t *testing.T) {
			c := newChange(t)
			a := ask(t, c)
			done := make([]error, 6)
			var all sync.WaitGroup
			for i := range done {
				all.Go(func() {
					p := c.second
					if i%2 == 0 {
						p = authntest.AsOperator
					}
					_, done[i] = c.Approvals.Approve(t.Context(), p, c.From, a.ID)
				})
			}
			all.Wait()
			n := 0
			for _, err := range done {
				if err == nil {
					n++
				} else if errcode.Of(err) != errcode.NotFound {
					t.Errorf("got %v", err)
				}
			}
			if n != 1 {
				t.Errorf("performed %d times", n)
			}
		})
	}
}

// A change without effect, or of names alone, waits for nobody. Neither does one of the operator, or of their tokens.
func TestUpdateUser_NeedsNoApproval(t *testing.T) {
	c := newChange(t)
	ctx, name, same, address := t.Context(), "Zoé", c.Amelie.Email, "zoe@garage.example"
	for what, change := range map[string]directory.ProfileChange{"a name": {FirstName: &name}, "the same address": {Email: &same}} {
		if _, waits, err := c.Approvals.UpdateUser(ctx, c.first, c.From, string(c.Amelie.ID), change); err != nil || waits != nil {
			t.Errorf("%s: got %v, %v", what, waits, err)
		}
	}
	owned := admin.Principal{ID: "token:scim", Name: "scim", Owner: "operator:1000", Role: account.RoleSuperAdmin}
	if _, waits, err := c.Approvals.UpdateUser(ctx, owned, c.From, string(c.Amelie.ID), directory.ProfileChange{Email: &address}); err != nil || waits != nil {
		t.Errorf("a token of the operator: got %v, %v", waits, err)
	}
	if _, waits, err := c.Approvals.AssignRole(ctx, owned, c.From, string(c.Amelie.ID), admin.NewRoleAssignment{Role: account.RoleReadOnly}); err != nil || waits != nil {
		t.Errorf("a role by a token of the operator: got %v, %v", waits, err)
	}
}

// A faulty request does not wait: an approver sees only what can be performed. A service client of a user cannot wait.
func TestRequest_IsRefusedAtOnce(t *testing.T) {
	c := newChange(t)
	ctx, taken, none, address := t.Context(), c.Administrator.Email, "no address", foreign
	for what, x := range map[string]struct {
		p      admin.Principal
		change directory.ProfileChange
		want   errcode.Code
	}{
		"a taken address":  {c.first, directory.ProfileChange{Email: &taken}, errcode.Taken},
		"no address":       {c.first, directory.ProfileChange{Email: &none}, errcode.Invalid},
		"a password too":   {authntest.WithSecrets(c.first), directory.ProfileChange{Email: &address, Password: "clef de treize et marteau"}, errcode.Forbidden},
		"by the help desk": {authntest.WithRole(c.first, account.RoleHelpDesk), directory.ProfileChange{Email: &address}, errcode.Forbidden},
		"by a manager":     {authntest.Limited(c.first, c.Lumiere), directory.ProfileChange{Email: &address}, errcode.Forbidden},
		"by a client":      {admin.Principal{ID: "client:hr", Name: "hr", Owner: c.first.Owner, Role: account.RoleSuperAdmin}, directory.ProfileChange{Email: &address}, errcode.Forbidden},
	} {
		_, waits, err := c.Approvals.UpdateUser(ctx, x.p, c.From, string(c.Amelie.ID), x.change)
		authntest.WantCode(t, what, err, x.want)
		if waits != nil && err == nil {
			t.Errorf("%s waits", what)
		}
	}
	for what, n := range map[string]admin.NewRoleAssignment{"an unknown garage": {Role: account.RoleHelpDesk, Targets: []account.GroupID{"g0"}}, "an unknown role": {Role: "ORG_ADMIN"}} {
		_, _, err := c.Approvals.AssignRole(ctx, c.first, c.From, string(c.Amelie.ID), n)
		authntest.WantCode(t, what, err, errcode.Invalid)
	}
	if list, _, err := c.Approvals.List(ctx, c.second, "", 0); err != nil || len(list) != 0 || len(c.Mails()) != 0 {
		t.Errorf("got %v, %v and %v", list, err, c.MailList())
	}
}

// What became impossible is refused with its reason, changes nothing and still waits.
func TestApprove_AgainstThePresentRecord(t *testing.T) {
	c := newChange(t)
	ctx := t.Context()
	a := requests["a role"](t, c)
	c.AssignRole(t, authntest.AsOperator, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{c.Nord}})
	_, err := c.Approvals.Approve(ctx, c.second, c.From, a.ID)
	if !errcode.HasReason(err, errcode.ReasonHasRole) {
		t.Errorf("got %v", err)
	}
	if u := c.User(authntest.Technician); len(u.Roles) != 1 || len(u.Roles[0].Groups) != 1 {
		t.Errorf("got %v", u.Roles)
	}
	if _, err := c.Approvals.Get(ctx, c.second, a.ID); err != nil {
		t.Errorf("the request is gone: %v", err)
	}
	authntest.WantCode(t, "withdrawing", c.Approvals.Reject(ctx, c.first, c.From, a.ID), "")
}

// A principal of a garage reads the request for a number of a user there, and none for a role.
func TestApprovals_OfRolesAreNotForAGroupScope(t *testing.T) {
	c := newChange(t)
	ctx, number := t.Context(), "+33611111111"
	role := requests["a role"](t, c)
	phone := c.askProfile(t, c.first, directory.ProfileChange{MobilePhone: &number})
	manager := authntest.Limited(authntest.WithRole(c.second, account.RoleUserAdmin), c.Lumiere)
	list, _, err := c.Approvals.List(ctx, manager, "", 0)
	if err != nil || len(list) != 1 || list[0].ID != phone.ID {
		t.Errorf("got %v, %v", list, err)
	}
	_, err = c.Approvals.Get(ctx, manager, role.ID)
	authntest.WantCode(t, "the role", err, errcode.NotFound)
	if all, _, err := c.Approvals.List(ctx, c.second, "", 0); err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
	if second, _, err := c.Approvals.List(ctx, c.second, role.ID, 0); err != nil || len(second) != 0 {
		t.Errorf("after the last: got %v, %v", second, err)
	}
	if _, err := c.Approvals.Approve(ctx, manager, c.From, phone.ID); err != nil {
		t.Errorf("the number: %v", err)
	}
}

// Requests that are withdrawn and made again do not flood the mailbox of the user.
func TestRequest_MailsAreLimited(t *testing.T) {
	c := newChange(t)
	refused := 0
	for range 8 {
		_, a, err := c.Approvals.AssignRole(t.Context(), c.first, c.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleReadOnly})
		if errcode.HasReason(err, errcode.ReasonMails) {
			refused++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		authntest.WantCode(t, "withdrawing", c.Approvals.Reject(t.Context(), c.first, c.From, a.ID), "")
	}
	if refused != 3 {
		t.Errorf("refused %d of 8, want 3", refused)
	}
}

// The approval of a new address of a user with the maximum of everything fits one transaction.
func TestApprove_LargestProfileFitsOneTransaction(t *testing.T) {
	c := newChange(t)
	c.FillSessions(t, c.Amelie.ID)
	login, email, second, first, last := "un@garage.example", "deux@garage.example", "trois@garage.example", "a b c d e f g h i j", "k l m n o p q r s t"
	a := c.askProfile(t, c.first, directory.ProfileChange{Login: &login, Email: &email, SecondEmail: &second, FirstName: &first, LastName: &last})
	if _, err := c.Approvals.Approve(t.Context(), c.second, c.From, a.ID); err != nil {
		t.Errorf("got %v", err)
	}
	if err := storetest.Sweep(t.Context(), c.Store, c.Approvals.Sweep()); err != nil {
		t.Fatal(err)
	}
}
