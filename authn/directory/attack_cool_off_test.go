package directory_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/internal/errcode"
)

// coolOffEnv is a garage with an administrator, who has a token and a service client, and a target of their operations.
type coolOffEnv struct {
	*env
	reset  account.User
	token  func() admin.Principal
	client func() admin.Principal
}

func newCoolOffEnv(t *testing.T) *coolOffEnv {
	t.Helper()
	c := &coolOffEnv{env: newEnv(t)}
	c.reset, _, _ = c.Member("paul@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleSuperAdmin)}
	})
	value, _ := c.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "scripts", Role: account.RoleSuperAdmin, Owner: c.reset.Login, Secrets: true})
	c.token = func() admin.Principal {
		t.Helper()
		p, err := c.Directory.Admin.Authenticate(t.Context(), value)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	c.client = func() (p admin.Principal) {
		t.Helper()
		err := c.Accounts.View(t.Context(), func(r account.Reader) (err error) {
			p, err = c.Directory.Admin.ServicePrincipal(r.Raw, admin.ServiceClient{ID: "c1", Name: "payroll", Owner: string(c.reset.ID),
				Role: account.RoleSuperAdmin, Expires: c.Clock.Now().Add(time.Hour)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return c
}

// lastingMoves are operations that outlive a mistake, by the permission that they need.
var lastingMoves = map[string]admin.Permission{"vouching": admin.PermVouch, "exporting": admin.PermExport, "inviting": admin.PermInvite, "resetting": admin.PermReset,
	"unlocking": admin.PermAssist, "changing": admin.PermManage, "approving": admin.PermApprove, "assigning a role": admin.PermAssignRoles,
	"making a webhook": admin.PermConfigure}

// TestAttack_ResetAdministratorUsesATokenMadeBefore: a fooled help desk resets an administrator for an attacker. No credential of that
// administrator makes a move that outlives the mistake until a day after the new phone.
func TestAttack_ResetAdministratorUsesATokenMadeBefore(t *testing.T) {
	c := newCoolOffEnv(t)
	check := func(when string, want errcode.Code, until time.Time) {
		t.Helper()
		console, err := c.Directory.Admin.SessionPrincipal(t.Context(), session.Info{User: c.reset.ID, Epoch: c.User(c.reset.Login).Epoch, StepUpUntil: c.Clock.Now().Add(time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		for name, p := range map[string]admin.Principal{"token": c.token(), "client": c.client(), "session": console} {
			for move, perm := range lastingMoves {
				err := p.Require(perm)
				authntest.WantCode(t, when+", by "+name+", "+move, err, want)
				if p.Allows(perm) != (want == "") {
					t.Errorf("%s, by %s, %s: a page shows it: %v", when, name, move, p.Allows(perm))
				}
				if want != "" && !errcode.HasReason(err, errcode.ReasonCoolOff) {
					t.Errorf("%s, by %s, %s: got %v, want the reason", when, name, move, err)
				}
			}
			for _, perm := range []admin.Permission{admin.PermRead, admin.PermHelp, admin.PermListTokens, admin.PermReadConfiguration} {
				authntest.WantCode(t, when+", by "+name+", reading and help", p.Require(perm), "")
			}
			if got, ok := p.CoolOff(); ok != (want != "") || ok && !got.Equal(until) {
				t.Errorf("%s, by %s: cool-off until %v, %v; want until %v", when, name, got, ok, until)
			}
		}
	}
	check("before the reset", "", time.Time{})
	c.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, c.From, c.reset.Login, helpdesk.ResetRequest{})
	c.Clock.Advance(48 * time.Hour)
	check("two days after the reset, without a phone", errcode.Forbidden, time.Time{})
	c.ResetAndEnrol(t, c.reset.Login)
	until := c.Clock.Now().Add(24 * time.Hour)
	check("with a new phone", errcode.Forbidden, until)
	c.Clock.Advance(24*time.Hour - time.Second)
	check("a second before the end", errcode.Forbidden, until)
	c.Clock.Advance(time.Second)
	check("a day after the new phone", "", time.Time{})
}

// TestAttack_CoolOffOutlivesAFreeze: a freeze of everything ends the tickets of a reset, not its cool-off.
func TestAttack_CoolOffOutlivesAFreeze(t *testing.T) {
	c := newCoolOffEnv(t)
	c.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, c.From, c.reset.Login, helpdesk.ResetRequest{})
	if _, err := c.Directory.Freeze.ByAdmin(t.Context(), authntest.AsOperator, c.From, c.reset.Login, freeze.All, "lost"); err != nil {
		t.Fatal(err)
	}
	u := c.User(c.reset.Login)
	if !u.ResetAt.IsZero() || len(u.Tickets) > 0 {
		t.Errorf("got a reset at %v and %d tickets, want the freeze to end them", u.ResetAt, len(u.Tickets))
	}
	if _, ok := u.CoolOff(c.Clock.Now()); !ok {
		t.Error("got no cool-off, want one until a day after the next enrolment")
	}
}

// TestAttack_AddressAndRoleOfAResetUser: an administrator who believes the story helps a reset user to another address or a role.
func TestAttack_AddressAndRoleOfAResetUser(t *testing.T) {
	c := newCoolOffEnv(t)
	ctx := t.Context()
	c.ResetAndEnrol(t, authntest.Technician)
	other := "amelie.new@garage.example"
	none := ""
	moves := map[string]func(p admin.Principal) error{
		"the address": func(p admin.Principal) error {
			_, err := c.Directory.UpdateUser(ctx, p, c.From, authntest.Technician, directory.ProfileChange{Email: &other})
			return err
		},
		"the second address": func(p admin.Principal) error {
			_, err := c.Directory.UpdateUser(ctx, p, c.From, authntest.Technician, directory.ProfileChange{SecondEmail: &none})
			return err
		},
		"a role": func(p admin.Principal) error {
			_, err := c.Directory.Admin.AssignRole(ctx, p, c.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleReadOnly})
			return err
		},
	}
	c.EmptyOutbox()
	for name, move := range moves {
		err := move(c.token())
		authntest.WantCode(t, name, err, errcode.WrongState)
		if !errcode.HasReason(err, errcode.ReasonUserCoolOff) {
			t.Errorf("%s: got %v, want the reason", name, err)
		}
	}
	if u := c.User(authntest.Technician); u.Email != authntest.Technician || u.SecondEmail == "" || len(u.Roles) != 0 || len(c.Mails()) != 0 {
		t.Errorf("got %q, %q, %v and the mails %v, want everything as it was", u.Email, u.SecondEmail, u.Roles, c.MailList())
	}
	name := "Amélie-Rose"
	if _, err := c.Directory.UpdateUser(ctx, c.token(), c.From, authntest.Technician, directory.ProfileChange{FirstName: &name}); err != nil {
		t.Errorf("a first name: %v", err)
	}
	for _, name := range []string{"the second address", "a role"} {
		authntest.WantCode(t, name+" by the operator", moves[name](authntest.AsOperator), "")
	}
	c.Clock.Advance(24 * time.Hour)
	authntest.WantCode(t, "the address a day later", moves["the address"](authntest.Approved(c.token())), "")
}

// TestAttack_TokenNamesAResetUser: even the operator makes no token for a user in cool-off.
func TestAttack_TokenNamesAResetUser(t *testing.T) {
	c := newCoolOffEnv(t)
	ctx := t.Context()
	c.ResetAndEnrol(t, c.reset.Login)
	_, _, err := c.Directory.Admin.CreateToken(ctx, authntest.AsOperator, c.From, admin.NewToken{Name: "x", Role: account.RoleReadOnly, Owner: c.reset.Login})
	authntest.WantCode(t, "a token", err, errcode.Invalid)
	_, err = c.Directory.Admin.ServiceOwner(ctx, authntest.AsOperator, account.RoleReadOnly, c.reset.Login)
	authntest.WantCode(t, "a service client", err, errcode.Invalid)
	_, _, err = c.Directory.Admin.CreateToken(ctx, c.token(), c.From, admin.NewToken{Name: "x", Role: account.RoleReadOnly})
	authntest.WantCode(t, "a token of their own", err, errcode.Forbidden)
}

// TestAttack_RemovalAndEnrolmentAreAReset: an administrator with the allowance secrets removes the devices of a user one by one and enrols
// another, which is a reset under another name.
func TestAttack_RemovalAndEnrolmentAreAReset(t *testing.T) {
	c := newCoolOffEnv(t)
	p := authntest.WithSecrets(authntest.AsSuperAdmin)
	for _, d := range c.Amelie.Devices {
		if err := c.Directory.RemoveDevice(t.Context(), p, c.From, authntest.Technician, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	c.offersTo(t, p, authntest.Technician)
	u := c.User(authntest.Technician)
	if until, ok := u.CoolOff(c.Clock.Now()); !ok || !until.Equal(c.Clock.Now().Add(24*time.Hour)) {
		t.Errorf("got a cool-off until %v, %v; want one of 24 hours", until, ok)
	}
	fresh := c.CreateUser("new@garage.example", nil)
	if _, ok := fresh.CoolOff(c.Clock.Now()); ok {
		t.Error("a new user is in cool-off")
	}
}
