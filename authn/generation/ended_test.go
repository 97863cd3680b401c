package generation_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/hotp"
	"barillet/factors/oath"
	"barillet/factors/recovery"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// kind is a kind of thing that ends. begin makes one before the backup. It returns what ends it after the backup, which is nil for what
// ends in every generation, and what reports whether it lives in an environment.
type kind struct {
	name  string
	begin func(t *testing.T, s *authntest.Garage) (end func(), lives func(e *authntest.Env) bool)
	// known is set for what only the log can tell: without it, the operator is told to check.
	known bool
}

// must fails the test for an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// passes reports whether the second step of the technician accepts a code.
func passes(t *testing.T, e *authntest.Env, login string, input factors.Input, code []byte) bool {
	started, err := e.Authn.StartWithPassword(t.Context(), e.From, login, authntest.Password)
	if err != nil {
		return false
	}
	v, err := e.Authn.Verify(t.Context(), e.From, started.Secret, input, code)
	return err == nil && v.Accepted()
}

// addDevice gives the technician a device of a kind, made by the factor itself.
func addDevice(t *testing.T, s *authntest.Garage, kind factors.Kind, id factors.DeviceID, answer func(view []byte) []byte) {
	t.Helper()
	f, u := s.Accounts.Factor(kind), s.User(authntest.Technician)
	prompt, pending, err := f.BeginEnrol(s.Clock.Now(), s.Accounts.Subject(&u), nil)
	must(t, err)
	view, err := json.Marshal(prompt.View)
	must(t, err)
	out, err := f.FinishEnrol(s.Clock.Now(), s.Accounts.Subject(&u), pending, answer(view))
	if err != nil || !out.Accepted() {
		t.Fatalf("enrolling a %s: %v, %q", kind, err, out.Rejected)
	}
	out.Device.ID, out.Device.Name = id, string(kind)
	s.Change(u.ID, func(u *account.User) { u.Devices = append(u.Devices, out.Device) })
}

// principalOf returns the principal of a user after a proof.
func principalOf(t *testing.T, e *authntest.Env, id account.UserID) (p admin.Principal, err error) {
	err = e.Accounts.View(t.Context(), func(r account.Reader) (err error) {
		u, err := r.User(id)
		if err == nil {
			p, err = admin.UserPrincipal(r, id, u.Epoch, e.Clock.Now())
		}
		return err
	})
	return p, err
}

var kinds = []kind{
	{name: "a session", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				must(t, s.Directory.RevokeSessions(t.Context(), authntest.AsOperator, s.From, authntest.Technician, true))
			}, func(e *authntest.Env) bool {
				_, err := e.Sessions.Authenticate(t.Context(), s.Session)
				return err == nil
			}
	}},
	{name: "a known browser", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return nil, func(e *authntest.Env) bool {
			u := e.User(authntest.Technician)
			return len(u.Browsers) > 0
		}
	}},
	{name: "a sign-in transaction", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		started := s.SubmitPassword(t, authntest.Password)
		return nil, func(e *authntest.Env) bool {
			_, err := e.Authn.Verify(t.Context(), e.From, started.Secret, factors.InputCode, s.Phone.Next())
			return err == nil
		}
	}},
	{name: "an invitation", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		link := s.Invite(s.CreateUser("new@garage.example", nil).ID)
		return nil, func(e *authntest.Env) bool {
			_, err := e.Authn.AcceptInvitation(t.Context(), e.From, link, authntest.Password)
			return err == nil
		}
	}},
	{name: "a ticket, and the offer of new ones", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{})
		code := authntest.Mailed[notice.DevicesReset](t, s.Env, "").Code
		return nil, func(e *authntest.Env) bool {
			started, err := e.Authn.StartWithPassword(t.Context(), e.From, authntest.Technician, authntest.Password)
			must(t, err)
			_, err = e.Authn.RedeemTicketCode(t.Context(), e.From, started.Secret, code)
			u := e.User(authntest.Technician)
			return err == nil || u.MayResendTicket(e.Clock.Now())
		}
	}},
	{name: "a password link", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		link, err := s.Directory.ResetPassword(t.Context(), authntest.AsOperator, s.From, authntest.Technician, false)
		must(t, err)
		return nil, func(e *authntest.Env) bool {
			_, _, err := e.Authn.PasswordLink(t.Context(), authntest.LinkToken(link.Reveal()))
			return err == nil
		}
	}},
	{name: "an API token", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		value, token := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "scripts", Role: account.RoleReadOnly})
		return func() { must(t, s.Directory.Admin.RevokeToken(t.Context(), authntest.AsOperator, s.From, token.ID)) },
			func(e *authntest.Env) bool {
				_, err := e.Directory.Admin.Authenticate(t.Context(), value)
				return err == nil
			}
	}},
	{name: "a used code of a phone", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		var code []byte
		return func() {
				s.SignIn(authntest.Technician, authntest.Password, s.Phone)
				code = s.Phone.Code()
			}, func(e *authntest.Env) bool {
				e.Clock.Advance(-3 * time.Minute) // the time at which the store was restored
				defer e.Clock.Advance(3 * time.Minute)
				if code == nil {
					code = s.Phone.Code()
				}
				return passes(t, e, authntest.Technician, factors.InputCode, code)
			}
	}},
	{name: "a used code of a hardware token", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		var key oath.View
		addDevice(t, s, hotp.Kind, "token", func(view []byte) []byte {
			must(t, json.Unmarshal(view, &key))
			return authntest.Code(t, key.Secret, 0)
		})
		code := authntest.Code(t, key.Secret, 1)
		return func() {
			if !passes(t, s.Env, authntest.Technician, factors.InputCode, code) {
				t.Fatal("the token is refused")
			}
		}, func(e *authntest.Env) bool { return passes(t, e, authntest.Technician, factors.InputCode, code) }
	}},
	{name: "a used recovery code", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		var list recovery.View
		addDevice(t, s, recovery.Kind, "list", func(view []byte) []byte {
			must(t, json.Unmarshal(view, &list))
			return nil
		})
		code := []byte(list.Codes[0])
		return func() {
			if !passes(t, s.Env, authntest.Technician, factors.InputBackup, code) {
				t.Fatal("the recovery code is refused")
			}
		}, func(e *authntest.Env) bool { return passes(t, e, authntest.Technician, factors.InputBackup, code) }
	}},
	{name: "a removed device", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				must(t, s.Directory.RemoveDevice(t.Context(), authntest.AsOperator, s.From, authntest.Technician, s.Phone.Device))
			}, func(e *authntest.Env) bool {
				return passes(t, e, authntest.Technician, factors.InputCode, s.Phone.Next())
			}
	}},
	{name: "a frozen device", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				_, err := s.Directory.Freeze.ByAdmin(t.Context(), authntest.AsOperator, s.From, authntest.Technician, s.Phone.Device, "")
				must(t, err)
			}, func(e *authntest.Env) bool {
				return passes(t, e, authntest.Technician, factors.InputCode, s.Phone.Next())
			}
	}},
	{name: "the devices before a reset", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() { s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{}) },
			func(e *authntest.Env) bool {
				return passes(t, e, authntest.Technician, factors.InputCode, s.Phone.Next())
			}
	}},
	{name: "a suspended user", known: true, begin: statusOf((*directory.Service).Suspend)},
	{name: "a deactivated user", known: true, begin: statusOf((*directory.Service).Deactivate)},
	{name: "a deleted user", known: true, begin: statusOf(func(d *directory.Service, ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
		if err := d.Deactivate(ctx, p, req, id); err != nil {
			return err
		}
		return d.Delete(ctx, p, req, id)
	})},
	{name: "a revoked role", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				must(t, s.Directory.Admin.RevokeRole(t.Context(), authntest.AsOperator, s.From, string(s.Administrator.ID), "r2"))
			}, func(e *authntest.Env) bool {
				_, err := principalOf(t, e, s.Administrator.ID)
				return err == nil
			}
	}},
	{name: "a group that a role lost", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		role := s.AssignRole(t, authntest.AsOperator, string(s.Amelie.ID), admin.NewRoleAssignment{Role: account.RoleHelpDesk, Targets: []account.GroupID{s.Lumiere, s.Nord}})
		return func() {
				must(t, s.Directory.Admin.RemoveTarget(t.Context(), authntest.AsOperator, s.From, string(s.Amelie.ID), role.ID, s.Nord))
			}, func(e *authntest.Env) bool {
				p, err := principalOf(t, e, s.Amelie.ID)
				return err == nil && slices.Contains(p.Groups, s.Nord)
			}
	}},
	{name: "a replaced password", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				_, err := s.Directory.TemporaryPassword(t.Context(), authntest.AsOperator, s.From, authntest.Technician)
				must(t, err)
			}, func(e *authntest.Env) bool {
				started, err := e.Authn.StartWithPassword(t.Context(), e.From, authntest.Technician, authntest.Password)
				if err != nil {
					return false
				}
				v, err := e.Authn.Verify(t.Context(), e.From, started.Secret, factors.InputCode, s.Phone.Next())
				return err == nil && v.Step == authn.StepDone
			}
	}},
	{name: "a replaced address and number", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		first, second, number := "amelie@first.example", "amelie@new.example", "+33600000001"
		return func() {
				_, err := s.Directory.UpdateUser(t.Context(), authntest.AsOperator, s.From, authntest.Technician, directory.ProfileChange{Email: &first, SecondEmail: &second, MobilePhone: &number})
				must(t, err)
			}, func(e *authntest.Env) bool {
				u := e.User(authntest.Technician)
				var found error
				must(t, e.Accounts.View(t.Context(), func(r account.Reader) error {
					_, found = r.UserByAddress(authntest.SecondEmail)
					return nil
				}))
				return slices.Contains(u.Addresses(), authntest.SecondEmail) || slices.Contains(u.Addresses(), authntest.Technician) || u.MobilePhone.Number != "" || errcode.Of(found) != errcode.NotFound
			}
	}},
	{name: "a membership", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				must(t, s.Directory.RemoveMember(t.Context(), authntest.AsOperator, s.From, s.Lumiere, authntest.Technician))
			}, func(e *authntest.Env) bool {
				return slices.Contains(e.User(authntest.Technician).Groups, s.Lumiere)
			}
	}},
	{name: "a group", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() { must(t, s.Directory.DeleteGroup(t.Context(), authntest.AsOperator, s.From, s.Nord)) },
			func(e *authntest.Env) bool {
				_, err := e.Directory.Group(t.Context(), authntest.AsOperator, s.Nord)
				return err == nil
			}
	}},
	{name: "a webhook", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		_, hook, err := s.Directory.Admin.CreateWebhook(t.Context(), authntest.AsOperator, s.From, admin.NewWebhook{Name: "SIEM", URL: "https://siem.example/", Events: []string{"*"}, Enabled: true})
		must(t, err)
		return func() { must(t, s.Directory.Admin.DeleteWebhook(t.Context(), authntest.AsOperator, s.From, hook.ID)) },
			func(e *authntest.Env) (lives bool) {
				must(t, e.Store.View(t.Context(), func(snap store.Snapshot) error {
					all, err := e.Hooks.List(snap)
					there := all.Find(hook.ID)
					lives = there != nil && there.DisabledReason == ""
					return err
				}))
				return lives
			}
	}},
	{name: "a client whose secret was replaced", known: true, begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		by := client.Registrar{Actor: authntest.AsOperator.Actor(), From: s.From, Operator: true}
		made, err := clients(s.Env).Register(t.Context(), by, client.Registration{Name: "Stock", Redirects: []string{"https://stock.example/callback"}})
		must(t, err)
		return func() {
				_, err := clients(s.Env).RotateSecret(t.Context(), by, made.ID)
				must(t, err)
			}, func(e *authntest.Env) bool {
				c, err := clients(e).Find(t.Context(), made.ID)
				must(t, err)
				return c != nil && c.Policy.Allows([]account.GroupID{s.Lumiere})
			}
	}},
	{name: "a signing key before a rotation", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		of := func(e *authntest.Env) *keys.Service {
			return keys.New(keys.Config{Store: e.Store, Keyring: e.Ring, Accounts: e.Accounts, Now: e.Clock.Now})
		}
		must(t, of(s.Env).Maintain(t.Context()))
		old, err := of(s.Env).List(t.Context())
		must(t, err)
		return func() { must(t, of(s.Env).Rotate(t.Context(), s.From, authntest.AsOperator.Actor())) },
			func(e *authntest.Env) bool {
				now, err := of(e).List(t.Context())
				must(t, err)
				return slices.ContainsFunc(now, func(k keys.State) bool { return k.ID == old[0].ID })
			}
	}},
	{name: "a mail that waited", begin: func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{})
		return nil, func(e *authntest.Env) bool { return len(e.Mails()) > 0 }
	}},
}

// statusOf ends a user by an operation on their account.
func statusOf(end func(*directory.Service, context.Context, admin.Principal, account.RequestInfo, string) error) func(*testing.T, *authntest.Garage) (func(), func(*authntest.Env) bool) {
	return func(t *testing.T, s *authntest.Garage) (func(), func(e *authntest.Env) bool) {
		return func() {
				must(t, end(s.Directory, t.Context(), authntest.AsOperator, s.From, authntest.Technician))
			}, func(e *authntest.Env) bool {
				return passes(t, e, authntest.Technician, factors.InputCode, s.Phone.Next())
			}
	}
}

func TestRun_EndsEachKindOfThing(t *testing.T) {
	for _, k := range kinds {
		for way, withLog := range map[string]bool{"by the log": true, "without it": false} {
			if k.known && !withLog {
				continue
			}
			t.Run(k.name+" "+way, func(t *testing.T) {
				s := authntest.NewGarage(t)
				end, lives := k.begin(t, s)
				past, untouched := s.Copy(), s.Copy()
				if end != nil {
					end()
				}
				restore(t, s.Env, past, withLog)
				if lives(past) {
					t.Error("it lives in the restored store")
				}
				if !lives(untouched) {
					t.Error("it does not live in a copy of the store, so the test shows nothing")
				}
			})
		}
	}
}

func TestRun_ClearsTheTablesOfWhatEnds(t *testing.T) {
	s := authntest.NewGarage(t)
	cleared := []store.TableDef{store.Codes, store.Grants, store.GrantsExpiring, store.Accesses, store.Refreshes, store.AuthRequests, store.UserCodes, store.Consents,
		store.Forwards, store.Idempotency, store.WebhookDeliveries, store.Approvals, store.Handovers}
	for _, table := range cleared {
		must(t, s.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Put(table.Prefix+"x", []byte("a record")) }))
	}
	past := s.Copy()
	restore(t, s.Env, past, false)
	must(t, past.Store.View(t.Context(), func(snap store.Snapshot) error {
		for _, table := range cleared {
			if _, err := snap.Get(table.Prefix + "x"); err == nil {
				t.Errorf("a record of %s is in the restored store", table.Prefix)
			}
		}
		return nil
	}))
}
