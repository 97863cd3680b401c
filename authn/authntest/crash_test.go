package authntest_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/factors"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

// operation is what a crash interrupts. prepare makes what it needs; it returns the operation, which a repeat calls again, on any process.
type operation struct {
	name    string
	prepare func(c *authntest.Counter) func(e *authntest.Env) error
	updates int    // with more than one, the sweep of authn/account completes what a crash left
	later   string // the email to administrators that follows in an Update of its own, so that a crash can lose it (admin.NotifyRemaining)
}

// operations are those of users, administrators and the help form that write.
var operations = []operation{
	{"password of a sign-in", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Authn.StartWithPassword(c.T.Context(), c.From, c.Amelie.Login, authntest.Password)
			return err
		}
	}, 1, ""},
	{"wrong password", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Authn.StartWithPassword(c.T.Context(), c.From, c.Amelie.Login, "wrong")
			return err
		}
	}, 1, ""},
	{"code of a sign-in", func(c *authntest.Counter) func(*authntest.Env) error {
		started, code := submitPassword(c), c.Phone.Next()
		return func(e *authntest.Env) error {
			_, err := e.Authn.Verify(c.T.Context(), c.From, started, factors.InputCode, code)
			return err
		}
	}, 1, ""},
	{"step-up", func(c *authntest.Counter) func(*authntest.Env) error {
		code := c.BossPhone.Next()
		return func(e *authntest.Env) error {
			_, err := e.Authn.StepUp(c.T.Context(), c.From, c.BossSession, factors.InputCode, code)
			return err
		}
	}, 1, ""},
	{"sign-out", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error { return e.Sessions.SignOut(c.T.Context(), c.From, c.WitnessSession) }
	}, 1, ""},
	{"invitation", func(c *authntest.Counter) func(*authntest.Env) error {
		u := c.CreateUser("zoe@garage.example", nil)
		token := c.Invite(u.ID)
		return func(e *authntest.Env) error {
			_, err := e.Authn.AcceptInvitation(c.T.Context(), c.From, token, authntest.Password)
			return err
		}
	}, 1, ""},
	{"enrolment", func(c *authntest.Counter) func(*authntest.Env) error {
		flow := proven(c)
		p := c.BeginPhone(flow, "Tablette")
		code := p.Code()
		return func(e *authntest.Env) error {
			_, err := e.Enrolment.FinishEnrol(c.T.Context(), c.From, flow, "", code)
			return err
		}
	}, 1, ""},
	{"removal of a device", func(c *authntest.Counter) func(*authntest.Env) error {
		flow := proven(c)
		second, _ := c.Enrol(flow, "Tablette")
		return func(e *authntest.Env) error {
			_, err := e.Authn.RemoveDevice(c.T.Context(), c.From, flow.Session, second.Device)
			return err
		}
	}, 1, ""},
	{"new password", func(c *authntest.Counter) func(*authntest.Env) error {
		flow := proven(c)
		return func(e *authntest.Env) error {
			_, err := e.Authn.ChangePassword(c.T.Context(), c.From, flow.Session, authntest.Password, "quatre clefs et un cric")
			return err
		}
	}, 1, ""},
	{"help request", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Directory.HelpDesk.Submit(c.T.Context(), c.From, helpdesk.Submission{Email: c.Amelie.Email, Message: "téléphone cassé"})
			return err
		}
	}, 1, ""},
	{"reset", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Directory.HelpDesk.Reset(c.T.Context(), authntest.AsSuperAdmin, c.From, string(c.Amelie.ID), helpdesk.ResetRequest{Reason: "lost"})
			return err
		}
	}, 1, ""},
	{"handover", func(c *authntest.Counter) func(*authntest.Env) error {
		_, digits := c.Wait(c.T.(*testing.T))
		h := c.Begin(c.T.(*testing.T))
		c.Confirm(c.T.(*testing.T), h.ID, digits)
		boss := c.AsBoss()
		return func(e *authntest.Env) error {
			_, err := e.Handover.Complete(c.T.Context(), boss, c.From, h.ID)
			return err
		}
	}, 1, ""},
	{"freeze", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Directory.Freeze.ByAdmin(c.T.Context(), authntest.AsSuperAdmin, c.From, string(c.Amelie.ID), freeze.All, "stolen")
			return err
		}
	}, 1, ""},
	{"new user", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, _, err := e.Directory.CreateUser(c.T.Context(), authntest.AsSuperAdmin, c.From,
				directory.NewUser{Login: "zoe@garage.example", Email: "zoe@garage.example", Groups: []account.GroupID{c.Nord}}, true, true)
			return err
		}
	}, 1, ""},
	{"suspension", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			return e.Directory.Suspend(c.T.Context(), authntest.AsSuperAdmin, c.From, string(c.Amelie.ID))
		}
	}, 1, ""},
	{"deletion of a user", func(c *authntest.Counter) func(*authntest.Env) error {
		if err := c.Directory.Deactivate(c.T.Context(), authntest.AsSuperAdmin, c.From, string(c.Amelie.ID)); err != nil {
			c.T.Fatal(err)
		}
		return func(e *authntest.Env) error {
			return e.Directory.Delete(c.T.Context(), authntest.AsSuperAdmin, c.From, string(c.Amelie.ID))
		}
	}, 1, ""},
	{"deletion of a group", func(c *authntest.Counter) func(*authntest.Env) error {
		sweep(c.T, c.Env) // then what the sweep after the crash deletes is of the group
		return func(e *authntest.Env) error {
			return e.Directory.DeleteGroup(c.T.Context(), authntest.AsSuperAdmin, c.From, c.Lumiere)
		}
	}, 3, ""},
	{"role", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, err := e.Directory.Admin.AssignRole(c.T.Context(), authntest.AsOperator, c.From, string(c.Amelie.ID), admin.NewRoleAssignment{Role: account.RoleHelpDesk})
			return err
		}
	}, 1, ""},
	{"request of a role", func(c *authntest.Counter) func(*authntest.Env) error {
		first := superAdmin(c, "first@garage.example")
		return func(e *authntest.Env) error {
			_, _, err := e.Approvals.AssignRole(c.T.Context(), first, c.From, string(c.Amelie.ID), admin.NewRoleAssignment{Role: account.RoleHelpDesk})
			return err
		}
	}, 3, "notice.ApprovalRequested"}, // the first finds that it needs an approval
	{"approval of a role", func(c *authntest.Counter) func(*authntest.Env) error {
		first, second := superAdmin(c, "first@garage.example"), superAdmin(c, "second@garage.example")
		_, waits, err := c.Approvals.AssignRole(c.T.Context(), first, c.From, string(c.Amelie.ID), admin.NewRoleAssignment{Role: account.RoleHelpDesk})
		if err != nil {
			c.T.Fatal(err)
		}
		return func(e *authntest.Env) error {
			_, err := e.Approvals.Approve(c.T.Context(), second, c.From, waits.ID)
			return err
		}
	}, 1, ""},
	{"API token", func(c *authntest.Counter) func(*authntest.Env) error {
		return func(e *authntest.Env) error {
			_, _, err := e.Directory.Admin.CreateToken(c.T.Context(), authntest.AsOperator, c.From, admin.NewToken{Name: "scripts", Role: account.RoleReadOnly})
			return err
		}
	}, 1, ""},
}

func sweep(t testing.TB, e *authntest.Env) {
	t.Helper()
	if err := storetest.Sweep(t.Context(), e.Store, e.Accounts.Sweeps()...); err != nil {
		t.Fatal(err)
	}
}

func submitPassword(c *authntest.Counter) secret.Value {
	return c.SubmitPassword(c.T.(*testing.T), authntest.Password).Secret
}

func superAdmin(c *authntest.Counter, login string) admin.Principal {
	t := c.T.(*testing.T)
	c.NewAdministrator(t, login, authntest.Assignment(account.RoleSuperAdmin))
	_, p := c.PrincipalOf(t, login, account.RoleSuperAdmin)
	return p
}

// proven is a session of the technician with a step-up.
func proven(c *authntest.Counter) enrol.Flow {
	session := c.SignIn(c.Amelie.Login, authntest.Password, c.Phone).Session
	c.Prove(c.T.(*testing.T), session, c.Phone)
	return enrol.Flow{Session: session}
}

// TestCrash_LeavesAllOrNothing ends the process at each step of each Update of each operation. A new process then finds the state of
// before or that of after, with every index right. The sweep completes an operation of several Updates first.
func TestCrash_LeavesAllOrNothing(t *testing.T) {
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			before, after, updates := reference(t, o)
			if updates != o.updates {
				t.Errorf("got %d updates, want %d", updates, o.updates)
			}
			if before == after {
				t.Fatal("the operation changes nothing")
			}
			for at := range updates {
				for _, how := range []storetest.Crash{storetest.BeforeUpdate, storetest.BeforeCommit, storetest.BeforeAnswer} {
					got := crashed(t, o, at, how)
					if got != before && got != after && (o.later == "" || lost(got, o.later) != lost(after, o.later)) {
						t.Errorf("update %d of %d, %s: the state is neither that of before nor, with these differences, that of after:\n%s", at+1, updates, how, difference(after, got))
					}
				}
			}
		})
	}
}

// reference returns the states before and after the operation, and how many Updates it has.
func reference(t *testing.T, o operation) (before, after string, updates int) {
	c := authntest.NewCounter(t)
	run := o.prepare(c)
	before = describe(t, c.Env)
	var crasher *storetest.Crasher
	e := c.NodeOn(func(s store.Store) store.Store {
		crasher = &storetest.Crasher{Store: s, At: -1}
		return crasher
	})
	if err := run(e); err != nil && o.name != "wrong password" {
		t.Fatal(err)
	}
	return before, describe(t, c.Env), crasher.Updates()
}

// crashed returns the state that a new process finds after a crash.
func crashed(t *testing.T, o operation, at int, how storetest.Crash) string {
	c := authntest.NewCounter(t)
	run := o.prepare(c)
	e := c.NodeOn(func(s store.Store) store.Store { return &storetest.Crasher{Store: s, At: at, How: how} })
	if err := run(e); !errors.Is(err, storetest.ErrCrashed) {
		t.Fatalf("update %d, %s: got %v, want the crash", at+1, how, err)
	}
	again := c.Node()
	if o.updates > 1 && o.later == "" {
		sweep(t, again)
	}
	found, err := roster.NewChecker(again.Accounts, again.Ring).Check(t.Context(), false)
	for _, x := range found {
		if err == nil && x.Missing+x.Wrong > 0 {
			t.Errorf("update %d, %s: index %s has %d entries missing and %d wrong", at+1, how, x.Name, x.Missing, x.Wrong)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return describe(t, again)
}

// describe returns a text that is equal for equal states: the number of records of each table, and what users, events and emails say.
func describe(t *testing.T, e *authntest.Env) string {
	t.Helper()
	counts, err := storetest.Count(t.Context(), e.Store)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, prefix := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", prefix, counts[prefix]))
	}
	err = e.Store.View(t.Context(), func(s store.Snapshot) error {
		return e.Accounts.Reader(s).ScanUsers(s, "", func(u account.User) error {
			out = append(out, describeUser(&u))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range e.Events() {
		out = append(out, fmt.Sprintf("event %s %s", x.Action, x.Outcome))
	}
	for _, m := range e.Mails() {
		out = append(out, fmt.Sprintf("mail %T to %s", m.What, m.To))
	}
	slices.Sort(out) // ids of one moment have no order
	return strings.Join(out, "\n")
}

func describeUser(u *account.User) string {
	var devices, roles []string
	for _, d := range u.Devices {
		devices = append(devices, fmt.Sprintf("%s %s frozen %t, %d bytes", d.Name, d.Disabled, d.IsFrozen(), len(d.Data)))
	}
	for _, r := range u.Roles {
		roles = append(roles, fmt.Sprint(r.Role, len(r.Groups)))
	}
	return fmt.Sprintf("user %s %s epochs %d %d devices %q roles %q groups %d sessions %d browsers %d tickets %d",
		u.Login, u.Status, u.Epoch, u.PasswordEpoch, devices, roles, len(u.Groups), len(u.Sessions), len(u.Browsers), len(u.Tickets))
}

// lost returns a state without the emails that a crash can lose.
func lost(state, template string) string {
	lines := slices.DeleteFunc(strings.Split(state, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "mail "+template+" to admin@") || strings.HasPrefix(line, "outbox/ ")
	})
	return strings.Join(lines, "\n")
}

// difference returns the lines that only one of two states has.
func difference(want, got string) string {
	had, has := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out []string
	for _, line := range had {
		if !slices.Contains(has, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range has {
		if !slices.Contains(had, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}
