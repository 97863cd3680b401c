package handover_test

import (
	"context"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/account/origin"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
)

// Each of these witnesses is one whom a dishonest administrator could have made, or who cannot have seen the user.
func TestAttack_WitnessOfOnesOwn(t *testing.T) {
	for _, x := range []struct {
		name string
		play func(t *testing.T, c *authntest.Counter)
		want errcode.Code
	}{
		{"a colleague with an old account", func(*testing.T, *authntest.Counter) {}, ""},
		{"a colleague invented a minute ago", func(t *testing.T, c *authntest.Counter) {
			c.Witness, c.WitnessPhone, _ = c.Member("new@garage.example", func(u *account.User) { u.Groups = []account.GroupID{c.Lumiere} })
		}, errcode.Forbidden},
		{"one imported a minute ago, with an old device", func(t *testing.T, c *authntest.Counter) {
			c.Witness, _, _ = c.Member("new@garage.example", func(u *account.User) { u.Groups = []account.GroupID{c.Lumiere} })
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices[0].Added = c.Clock.Now().AddDate(-1, 0, 0) })
		}, errcode.Forbidden},
		{"one invited by the manager long ago", func(t *testing.T, c *authntest.Counter) {
			w, _, err := c.Directory.CreateUser(t.Context(), c.AsBoss(), c.From, directory.NewUser{Login: "mine@garage.example", Groups: []account.GroupID{c.Lumiere}}, true, true)
			if err != nil {
				t.Fatal(err)
			}
			c.WitnessPhone, _ = c.Accept(c.Invite(w.ID), authntest.Password)
			c.Witness = w
			old(c)
		}, errcode.Forbidden},
		{"one whom the manager reset yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Prove(t, c.BossSession, c.BossPhone)
			if _, err := c.Directory.HelpDesk.Reset(t.Context(), c.AsBoss(), c.From, c.Witness.Login, helpdesk.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
			// As after the enrolment of a foreign phone, and with an old one.
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices, u.ResetAt = c.Witness.Devices, time.Time{} })
			old(c)
		}, errcode.Forbidden},
		{"one in cool-off", func(t *testing.T, c *authntest.Counter) {
			if _, err := c.Directory.HelpDesk.Reset(t.Context(), authntest.AsSuperAdmin, c.From, c.Witness.Login, helpdesk.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices = c.Witness.Devices })
			old(c)
		}, errcode.Forbidden},
		{"one whom the manager added to the garage long ago", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Sponsors = u.Sponsors.Add(string(c.Boss.ID), c.Clock.Now()) })
			old(c)
		}, errcode.Forbidden},
		{"one who joined the garage yesterday", func(t *testing.T, c *authntest.Counter) { joinsNow(t, c) }, errcode.Forbidden},
		{"one who joined the garage three days ago", func(t *testing.T, c *authntest.Counter) {
			joinsNow(t, c)
			c.Clock.Advance(origin.Age)
			c.SignInAgain()
		}, ""},
		{"one of a garage that the user joined yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Groups = []account.GroupID{c.Nord} })
			moves(t, c)
			c.Clock.Advance(24 * time.Hour)
			c.SignInAgain()
		}, errcode.Forbidden},
		{"one of a garage that the user joined three days ago", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Groups = []account.GroupID{c.Nord} })
			moves(t, c)
			c.Clock.Advance(origin.Age)
			c.SignInAgain()
		}, ""},
		{"a manager of a garage to which the user was moved yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Witness, c.WitnessPhone, _ = c.Member("north@garage.example", func(u *account.User) {
				u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk, c.Nord, c.Lumiere)}
			})
			old(c)
			moves(t, c)
		}, errcode.Forbidden},
		{"one whose suspension the manager ended long ago", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Boss.ID, func(u *account.User) { u.Roles[0].Role = account.RoleUserAdmin })
			c.Change(c.Witness.ID, func(u *account.User) { u.Status = account.StatusSuspended })
			c.Prove(t, c.BossSession, c.BossPhone)
			if err := c.Directory.Unsuspend(t.Context(), c.AsBoss(), c.From, c.Witness.Login); err != nil {
				t.Fatal(err)
			}
			old(c)
		}, errcode.Forbidden},
		{"one of another garage", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Groups = []account.GroupID{c.Nord} })
		}, errcode.Forbidden},
		{"one with a phone of yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices[0].Added = c.Clock.Now().Add(-24 * time.Hour) })
		}, errcode.Forbidden},
		{"one whose QR code was shown yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) {
				u.Devices[0].Copies = append(u.Devices[0].Copies, copyShown(c.Clock.Now().Add(-24*time.Hour)))
			})
		}, errcode.Forbidden},
		{"one whose phone the manager enrolled", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices[0].SecretSeenBy = string(c.Boss.ID) })
		}, errcode.Forbidden},
		{"one whose phone is blocked", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Devices[0].Frozen = c.Clock.Now() })
		}, errcode.Forbidden},
		{"one whose password the manager set", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Password.Provenance = string(c.Boss.ID) })
		}, errcode.Forbidden},
		{"one whose address the manager wrote", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.EmailProvenance.By = string(c.Boss.ID) })
		}, errcode.Forbidden},
		{"one whose address changed yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.EmailProvenance.Moved = c.Clock.Now().Add(-24 * time.Hour) })
		}, errcode.Forbidden},
		{"one who made the manager", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Boss.ID, func(u *account.User) {
				u.Sponsors = u.Sponsors.Add(string(c.Witness.ID), c.Clock.Now().AddDate(0, 0, -20))
			})
		}, errcode.Forbidden},
		{"two whom a third administrator made last week", func(t *testing.T, c *authntest.Counter) {
			for _, id := range []account.UserID{c.Boss.ID, c.Witness.ID} {
				c.Change(id, func(u *account.User) { u.Sponsors = u.Sponsors.Add("uevil", c.Clock.Now().AddDate(0, 0, -7)) })
			}
		}, errcode.Forbidden},
		{"one made by an administrator whom the manager made", func(t *testing.T, c *authntest.Counter) {
			made := c.NewAdministrator(t, "made@garage.example", authntest.Assignment(account.RoleUserAdmin))
			c.Change(made.ID, func(u *account.User) {
				u.Sponsors = u.Sponsors.Add(string(c.Boss.ID), c.Clock.Now().AddDate(0, 0, -10))
			})
			c.Change(c.Witness.ID, func(u *account.User) { u.Sponsors = u.Sponsors.Add(string(made.ID), c.Clock.Now().AddDate(0, 0, -8)) })
		}, errcode.Forbidden},
		{"two whom a third administrator invited last year", func(t *testing.T, c *authntest.Counter) {
			for _, id := range []account.UserID{c.Boss.ID, c.Witness.ID} {
				c.Change(id, func(u *account.User) { u.Sponsors = u.Sponsors.Add("uadmin", c.Clock.Now().AddDate(-1, 0, 0)) })
			}
		}, ""},
		{"one who is suspended", func(t *testing.T, c *authntest.Counter) {
			c.Change(c.Witness.ID, func(u *account.User) { u.Status = account.StatusSuspended })
		}, errcode.Forbidden},
		{"one who does not exist", func(t *testing.T, c *authntest.Counter) { c.Witness.Login = "nobody@else.example" }, errcode.Forbidden},
		{"the manager", func(t *testing.T, c *authntest.Counter) { c.Witness = c.Boss }, errcode.Forbidden},
		{"the user", func(t *testing.T, c *authntest.Counter) { c.Witness = c.Amelie }, errcode.Forbidden},
		{"support, who is in no garage", func(t *testing.T, c *authntest.Counter) {
			c.Witness, _, _ = c.Member("desk@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk)} })
			old(c)
		}, ""},
		{"an administrator since yesterday", func(t *testing.T, c *authntest.Counter) {
			c.Witness, _, _ = c.Member("desk@garage.example", nil)
			old(c)
			c.AssignRole(t, authntest.AsOperator, c.Witness.Login, admin.NewRoleAssignment{Role: account.RoleHelpDesk})
		}, errcode.Forbidden},
		{"a reader of all garages", func(t *testing.T, c *authntest.Counter) {
			c.Witness, _, _ = c.Member("reader@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleReadOnly)} })
			old(c)
		}, errcode.Forbidden},
		{"a manager of another garage", func(t *testing.T, c *authntest.Counter) {
			c.Witness, _, _ = c.Member("north@garage.example", func(u *account.User) {
				u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk, c.Nord)}
			})
			old(c)
		}, errcode.Forbidden},
	} {
		t.Run(x.name, func(t *testing.T) {
			c := authntest.NewCounter(t)
			x.play(t, c)
			c.Wait(t)
			c.Prove(t, c.BossSession, c.BossPhone)
			_, err := c.Handover.Begin(t.Context(), c.AsBoss(), c.From, c.BossSession, c.Request())
			authntest.WantCode(t, "asking", err, x.want)
			if x.want != "" && !errcode.HasReason(err, errcode.ReasonWitness) {
				t.Errorf("got %+v: the refusal says more than that", err)
			}
		})
	}
}

// Each operation of an administrator on which an account can rest is remembered, and the operator's is not.
func TestSponsors_AreThoseWhoMadeTheAccount(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, c *authntest.Counter, p admin.Principal) error{
		"creates it": func(t *testing.T, c *authntest.Counter, p admin.Principal) (err error) {
			c.Witness, _, err = c.Directory.CreateUser(t.Context(), p, c.From, directory.NewUser{Login: "made@garage.example"}, false, true)
			return err
		},
		"resets it": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			_, err := c.Directory.HelpDesk.Reset(t.Context(), p, c.From, c.Witness.Login, helpdesk.ResetRequest{})
			return err
		},
		"adds it to a garage": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			return c.Directory.AddMember(t.Context(), p, c.From, c.Nord, c.Witness.Login)
		},
		"gives it a role": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			_, err := c.Directory.Admin.AssignRole(t.Context(), authntest.Approved(p), c.From, c.Witness.Login, admin.NewRoleAssignment{Role: account.RoleHelpDesk})
			return err
		},
		"writes its address": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			email := "other@garage.example"
			_, err := c.Directory.UpdateUser(t.Context(), authntest.Approved(p), c.From, c.Witness.Login, directory.ProfileChange{Email: &email})
			return err
		},
		"makes a temporary password": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			_, err := c.Directory.TemporaryPassword(t.Context(), p, c.From, c.Witness.Login)
			return err
		},
		"reads a password link": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			_, err := c.Directory.ResetPassword(t.Context(), p, c.From, c.Witness.Login, false)
			return err
		},
		"enrols a device": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			_, err := c.Directory.Enrol(t.Context(), p, c.From, c.Witness.Login, directory.NewDevice{Type: "token:software:totp", Provider: "GOOGLE", Name: "Phone"})
			return err
		},
		"ends its suspension": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			if err := c.Directory.Suspend(t.Context(), authntest.AsOperator, c.From, c.Witness.Login); err != nil {
				return err
			}
			return c.Directory.Unsuspend(t.Context(), p, c.From, c.Witness.Login)
		},
		"reactivates it": func(t *testing.T, c *authntest.Counter, p admin.Principal) error {
			if err := c.Directory.Deactivate(t.Context(), authntest.AsOperator, c.From, c.Witness.Login); err != nil {
				return err
			}
			_, err := c.Directory.Activate(t.Context(), p, c.From, c.Witness.Login, true)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []admin.Principal{authntest.WithSecrets(authntest.AsSuperAdmin), authntest.AsOperator} {
				c := authntest.NewCounter(t)
				if err := act(t, c, p); err != nil {
					t.Fatal(err)
				}
				if got, want := c.User(string(c.Witness.ID)).Sponsors.Has(p.Owner), !p.Operator; got != want {
					t.Errorf("%s: got %v, want %v", p.Owner, got, want)
				}
			}
		})
	}
}

// A handover itself makes the account rest on both.
func TestAttack_WitnessOfAHandoverOfLastWeek(t *testing.T) {
	c := authntest.NewCounter(t)
	_, digits := c.Wait(t)
	h := c.Begin(t)
	c.Confirm(t, h.ID, digits)
	if _, err := c.Handover.Complete(t.Context(), c.AsBoss(), c.From, h.ID); err != nil {
		t.Fatal(err)
	}
	if u := c.User(authntest.Technician); !u.Sponsors.Has(string(c.Boss.ID)) || !u.Sponsors.Has(string(c.Witness.ID)) {
		t.Errorf("got %+v", u.Sponsors)
	}
}

// old makes the changes of a test a month old, and keeps its users signed in.
func old(c *authntest.Counter) {
	c.Clock.Advance(31 * 24 * time.Hour)
	c.BossSession = c.SignIn(c.Boss.Login, authntest.Password, c.BossPhone).Session
	c.Clock.Advance(time.Minute)
}

// moves adds the user to another garage, which the manager has too.
func moves(t *testing.T, c *authntest.Counter) {
	t.Helper()
	c.Change(c.Boss.ID, func(u *account.User) { u.Roles[0].Groups = []account.GroupID{c.Lumiere, c.Nord} })
	if err := c.Directory.AddMember(t.Context(), authntest.AsOperator, c.From, c.Nord, authntest.Technician); err != nil {
		t.Fatal(err)
	}
}

// joinsNow removes the witness from the garage and adds them again, as the operator.
func joinsNow(t *testing.T, c *authntest.Counter) {
	t.Helper()
	for _, change := range []func(context.Context, admin.Principal, account.RequestInfo, account.GroupID, string) error{c.Directory.RemoveMember, c.Directory.AddMember} {
		if err := change(t.Context(), authntest.AsOperator, c.From, c.Lumiere, c.Witness.Login); err != nil {
			t.Fatal(err)
		}
	}
}

func copyShown(at time.Time) factors.Copy {
	return factors.Copy{ID: "c9", Name: "Other phone", Shown: at, Confirmed: at}
}
