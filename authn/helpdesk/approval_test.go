package helpdesk_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/factors/totp"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// council is a shop with three administrators of one role, each with a token; the victim has a device.
type council struct {
	*shop
	first, second, victim admin.Principal
	secret                secret.Value // the first's
}

func openCouncil(t *testing.T) *council {
	t.Helper()
	c := &council{shop: openShop(t)}
	for _, login := range []string{"first@garage.example", "second@garage.example"} {
		c.boss(t, login, grant(account.RoleSuperAdmin))
	}
	c.Change(c.amelie.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{grant(account.RoleSuperAdmin)} })
	c.secret, c.first = c.ownedAfter(t, "first@garage.example", account.RoleSuperAdmin)
	_, c.second = c.ownedAfter(t, "second@garage.example", account.RoleSuperAdmin)
	_, c.victim = c.ownedAfter(t, technician, account.RoleSuperAdmin)
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	return c
}

// ask asks for the reset and returns what waits.
func (c *council) ask(t *testing.T, op admin.Principal) helpdesk.ResetApproval {
	t.Helper()
	rec := c.reset(t, op, helpdesk.ResetRequest{Reason: "lost"})
	if rec.Approval == nil || !rec.At.IsZero() || rec.Mailed {
		t.Fatalf("got %+v, want nothing done and something that waits", rec)
	}
	return *rec.Approval
}

func (c *council) untouched(t *testing.T) {
	t.Helper()
	if u := c.User(technician); len(u.Devices) == 0 || len(u.Tickets) != 0 {
		t.Errorf("got %d devices, %d tickets, want everything as it was", len(u.Devices), len(u.Tickets))
	}
}

func TestAnEqualIsResetByTheWordOfTwoAdministrators(t *testing.T) {
	c := openCouncil(t)
	ctx := t.Context()
	p := c.ask(t, c.first)
	c.untouched(t)
	sameStrings(t, "mails", c.letters(), []string{"reset_asked to " + technician, "reset_asked to " + second,
		"reset_asked to " + c.admin.Email, "reset_asked to second@garage.example"})
	if m := mailed[notice.ResetRequested](t, c.shop, c.admin.Email); m.Person != "Amélie Durand" || m.Reason != "lost" || !m.Until.Equal(c.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("got %+v", m)
	}
	c.EmptyOutbox()
	c.Clock.Advance(time.Second)
	if again := c.ask(t, c.first); again.ID != p.ID || len(c.Mails()) != 0 {
		t.Errorf("asked again: got %s with %v, want %s and no mail", again.ID, c.letters(), p.ID)
	}
	if list, next, err := c.Directory.HelpDesk.Approvals(ctx, c.second, "", 0); err != nil || len(list) != 1 || list[0].ID != p.ID || next != "" {
		t.Errorf("got %v, %q, %v", list, next, err)
	}
	rec, err := c.Directory.HelpDesk.Approve(ctx, c.second, c.From, p.ID)
	if err != nil || rec.Approval != nil || rec.Devices[totp.Kind] != 1 || rec.Sessions != 1 || !rec.Mailed || rec.Reason != "lost" {
		t.Fatalf("got %+v, %v", rec, err)
	}
	c.dead(t, c.session)
	if u := c.User(technician); len(u.Devices) != 0 || len(u.Tickets) != 1 {
		t.Errorf("got %d devices, %d tickets", len(u.Devices), len(u.Tickets))
	}
	e := c.Events(audit.ResetRequested, audit.FactorsReset)
	if len(e) != 2 || e[0].Actor.ID != c.first.ID || e[1].Actor.ID != c.second.ID || e[1].Detail["requestedBy"] != c.first.ID || e[1].Detail["approvalId"] != p.ID {
		t.Errorf("got events %+v", e)
	}
	_, err = c.Directory.HelpDesk.Approve(ctx, c.second, c.From, p.ID)
	wantCode(t, "the same word again", err, errcode.NotFound)
}

// Everybody whose word is not the second one.
func TestTheSecondWordIsThatOfAnotherWhoMay(t *testing.T) {
	c := openCouncil(t)
	ctx := t.Context()
	p := c.ask(t, c.first)
	_, sibling := c.ownedAfter(t, "first@garage.example", account.RoleSuperAdmin)
	_, made := c.token(t, c.first, admin.NewToken{Name: "made", Role: account.RoleSuperAdmin})
	child := c.first
	child.ID = "token:" + made.ID
	lower := c.second
	lower.Role = account.RoleUserAdmin
	narrow := limited(c.second, c.garage)
	for _, x := range []struct {
		name string
		op   admin.Principal
		want errcode.Code
	}{
		{"whoever asked", c.first, errcode.Forbidden},
		{"another token of theirs", sibling, errcode.Forbidden},
		{"a token that theirs made", child, errcode.Forbidden},
		{"the person themselves", c.victim, errcode.Forbidden},
		{"somebody of a lower role", lower, errcode.Forbidden},
		{"support", support, errcode.Forbidden},
		{"somebody limited to the person's garage", narrow, errcode.NotFound},
		{"nobody", admin.Principal{}, errcode.Forbidden},
	} {
		_, err := c.Directory.HelpDesk.Approve(ctx, x.op, c.From, p.ID)
		wantCode(t, x.name, err, x.want)
	}
	for _, id := range []string{"", "x", string(p.User), string(p.User) + "-", p.ID + "x", "u-" + p.ID} {
		_, err := c.Directory.HelpDesk.Approve(ctx, c.second, c.From, id)
		wantCode(t, "id "+id, err, errcode.NotFound)
	}
	c.untouched(t)
	if list, _, err := c.Directory.HelpDesk.Approvals(ctx, narrow, "", 0); err != nil || len(list) != 0 {
		t.Errorf("somebody limited to a garage lists %d, %v", len(list), err)
	}
	wantCode(t, "refusing by somebody lower", c.Directory.HelpDesk.RejectApproval(ctx, lower, c.From, p.ID), errcode.Forbidden)
	if _, err := c.Directory.HelpDesk.Approve(ctx, c.second, c.From, p.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
}

func TestAWordEndsWithItsTimeAndWithWhoGaveIt(t *testing.T) {
	for _, x := range []struct {
		name string
		end  func(t *testing.T, c *council, p helpdesk.ResetApproval)
		want errcode.Code
	}{
		{"after a day", func(t *testing.T, c *council, _ helpdesk.ResetApproval) { c.Clock.Advance(24 * time.Hour) }, errcode.NotFound},
		{"withdrawn", func(t *testing.T, c *council, p helpdesk.ResetApproval) {
			wantCode(t, "withdrawing", c.Directory.HelpDesk.RejectApproval(t.Context(), c.first, c.From, p.ID), "")
		}, errcode.NotFound},
		{"refused by another", func(t *testing.T, c *council, p helpdesk.ResetApproval) {
			wantCode(t, "refusing", c.Directory.HelpDesk.RejectApproval(t.Context(), c.second, c.From, p.ID), "")
		}, errcode.NotFound},
		{"refused by the person", func(t *testing.T, c *council, p helpdesk.ResetApproval) {
			wantCode(t, "refusing", c.Directory.HelpDesk.RejectApproval(t.Context(), c.victim, c.From, p.ID), "")
		}, errcode.NotFound},
		{"reset by the machine's owner meanwhile", func(t *testing.T, c *council, _ helpdesk.ResetApproval) {
			c.reset(t, machine, helpdesk.ResetRequest{})
		}, errcode.NotFound},
		{"the first is suspended", func(t *testing.T, c *council, _ helpdesk.ResetApproval) {
			wantCode(t, "suspending", c.Directory.Suspend(t.Context(), machine, c.From, "first@garage.example"), "")
		}, errcode.Forbidden},
		{"the first has lost the role", func(t *testing.T, c *council, _ helpdesk.ResetApproval) {
			c.Change(account.UserID(c.first.Owner), func(u *account.User) { u.Roles = []account.RoleAssignment{grant(account.RoleUserAdmin)} })
		}, errcode.Forbidden},
		{"the first one's token is revoked", func(t *testing.T, c *council, _ helpdesk.ResetApproval) {
			wantCode(t, "revoking", c.Directory.Admin.RevokeToken(t.Context(), machine, c.From, c.first.ID[len("token:"):]), "")
		}, errcode.Forbidden},
		{"the person has risen above them", func(t *testing.T, c *council, _ helpdesk.ResetApproval) {
			for _, id := range []string{c.first.Owner, c.second.Owner} {
				c.Change(account.UserID(id), func(u *account.User) { u.Roles = []account.RoleAssignment{grant(account.RoleHelpDesk)} })
			}
			c.second.Role = account.RoleHelpDesk
		}, errcode.Forbidden},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := openCouncil(t)
			p := c.ask(t, c.first)
			x.end(t, c, p)
			_, err := c.Directory.HelpDesk.Approve(t.Context(), c.second, c.From, p.ID)
			wantCode(t, "the second word", err, x.want)
			if x.name != "reset by the machine's owner meanwhile" {
				c.untouched(t)
			}
			if x.want == errcode.NotFound {
				if list, _, err := c.Directory.HelpDesk.Approvals(t.Context(), c.second, "", 0); err != nil || len(list) != 0 {
					t.Errorf("still listed: %d, %v", len(list), err)
				}
			}
		})
	}
}

func TestWhatWaitsNoLongerIsSweptAway(t *testing.T) {
	c := openCouncil(t)
	old := c.ask(t, c.first)
	c.Clock.Advance(24*time.Hour - 1)
	if err := c.Directory.HelpDesk.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Directory.HelpDesk.Approval(t.Context(), c.second, old.ID); err != nil {
		t.Errorf("swept too early: %v", err)
	}
	c.Clock.Advance(1)
	if err := c.Directory.HelpDesk.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if fresh := c.ask(t, c.first); fresh.ID == old.ID || !fresh.Expires.Equal(c.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("got %+v after %s, want a new one", fresh, old.ID)
	}
}

// TestTakingARoleIsNoWayAroundTheSecondWord: an administrator takes an equal's role and resets them as somebody lower,
// by every token that they have.
func TestTakingARoleIsNoWayAroundTheSecondWord(t *testing.T) {
	c := openCouncil(t)
	ctx := t.Context()
	rid := c.User(technician).Roles[0].ID
	wantCode(t, "taking the role", c.Directory.Admin.RevokeRole(ctx, c.first, c.From, technician, rid), "")
	_, sibling := c.ownedAfter(t, "first@garage.example", account.RoleUserAdmin)
	for name, op := range map[string]admin.Principal{"the same token": c.first, "another of theirs": sibling} {
		c.ask(t, op)
		wantCode(t, "a device, by "+name, c.Directory.RemoveDevice(ctx, op, c.From, technician, c.phone.Device), errcode.Forbidden)
	}
	c.give(t, c.first, technician, admin.NewRole{Role: account.RoleReadOnly})
	p := c.ask(t, c.first)
	c.untouched(t)
	if _, err := c.Directory.HelpDesk.Approve(ctx, c.second, c.From, p.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
}

func TestNobodyHigherIsResetByTwoLower(t *testing.T) {
	c := openCouncil(t)
	for _, role := range []account.Role{account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly} {
		_, err := c.Directory.HelpDesk.Reset(t.Context(), withRole(c.first, role), c.From, technician, helpdesk.ResetRequest{})
		wantCode(t, string(role), err, errcode.Forbidden)
	}
	_, err := c.Directory.HelpDesk.Reset(t.Context(), c.victim, c.From, technician, helpdesk.ResetRequest{})
	wantCode(t, "oneself", err, errcode.Forbidden)
	no := false
	_, err = c.Directory.HelpDesk.Reset(t.Context(), withSecrets(c.first), c.From, technician, helpdesk.ResetRequest{SendEmail: &no})
	wantCode(t, "with the ticket in an answer", err, errcode.Forbidden)
	wantCode(t, "one device of an equal", c.Directory.RemoveDevice(t.Context(), c.first, c.From, technician, c.phone.Device), errcode.Forbidden)
	c.untouched(t)
}

// A person with as many sessions, browsers, keys and tickets as there may be, and a house full of administrators.
func TestASecondWordFitsIntoOneUpdate(t *testing.T) {
	c := openCouncil(t)
	c.crowd(t, c.amelie.ID)
	for i := range 9 {
		c.boss(t, string(rune('a'+i))+"@council.example", grant(account.RoleSuperAdmin))
	}
	if _, err := c.Directory.HelpDesk.Submit(t.Context(), c.From, helpdesk.Submission{Email: technician}); err != nil {
		t.Fatal(err)
	}
	cases, _, err := c.Directory.HelpDesk.Requests(t.Context(), c.first, helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 {
		t.Fatalf("got %d cases, %v", len(cases), err)
	}
	_, err = c.Directory.HelpDesk.Reset(t.Context(), c.first, c.From, technician, helpdesk.ResetRequest{HelpRequest: cases[0].ID})
	wantCode(t, "nobody checked who is asking", err, errcode.WrongState)
	rec := c.reset(t, c.first, helpdesk.ResetRequest{HelpRequest: cases[0].ID, Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}})
	if _, err := c.Directory.HelpDesk.Approve(t.Context(), c.second, c.From, rec.Approval.ID); err != nil {
		t.Errorf("the second word: %v", err)
	}
	if found, err := c.Directory.HelpDesk.Request(t.Context(), c.first, cases[0].ID); err != nil || found.State != helpdesk.StateResolved {
		t.Errorf("the case: %+v, %v", found.State, err)
	}
}
