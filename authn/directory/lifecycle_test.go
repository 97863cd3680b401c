package directory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

type step = func(context.Context, admin.Principal, account.RequestInfo, string) error

// steps returns the life-cycle operations by their audit action.
func (s *env) steps() map[string]step {
	return map[string]step{
		audit.UserSuspended:   s.Directory.Suspend,
		audit.UserUnsuspended: s.Directory.Unsuspend,
		audit.UserDeactivated: s.Directory.Deactivate,
		audit.UserUnlocked:    s.Directory.Unlock,
		audit.UserDeleted:     s.Directory.Delete,
		audit.UserReactivated: func(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
			_, err := s.Directory.Activate(ctx, p, from, id, true)
			return err
		},
		audit.InvitationIssued: func(ctx context.Context, p admin.Principal, from account.RequestInfo, id string) error {
			_, err := s.Directory.Reactivate(ctx, p, from, id, true)
			return err
		},
	}
}

var states = []account.Status{account.StatusStaged, account.StatusProvisioned, account.StatusActive, account.StatusSuspended, account.StatusDeactivated}

func TestLifecycle_EveryOperationFromEveryStatus(t *testing.T) {
	const no = account.Status("-")
	gone := account.Status("")
	// The result for a user who never had a device, in the order of states.
	want := map[string][]account.Status{
		audit.UserSuspended:    {no, no, account.StatusSuspended, no, no},
		audit.UserUnsuspended:  {no, no, no, account.StatusActive, no},
		audit.UserDeactivated:  {account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, no},
		audit.UserUnlocked:     {no, no, account.StatusActive, no, no},
		audit.UserDeleted:      {account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, gone},
		audit.UserReactivated:  {account.StatusProvisioned, account.StatusProvisioned, account.StatusActive, no, account.StatusProvisioned},
		audit.InvitationIssued: {no, account.StatusProvisioned, no, no, no},
	}
	s := newEnv(t)
	for action, row := range want {
		for i, state := range states {
			t.Run(fmt.Sprint(action, " from ", state), func(t *testing.T) {
				u := s.CreateUser(fmt.Sprintf("p%d.%s@garage.example", i, action), nil)
				s.Change(u.ID, func(u *account.User) { u.Status = state })
				before, events := s.User(string(u.ID)), len(s.Events())
				err := s.steps()[action](t.Context(), authntest.AsSuperAdmin, s.From, string(u.ID))
				if row[i] == no {
					authntest.WantCode(t, "the step", err, errcode.WrongState)
					if after := s.User(string(u.ID)); fmt.Sprint(after) != fmt.Sprint(before) || len(s.Events()) != events {
						t.Errorf("a refused step left %+v", after)
					}
					return
				}
				authntest.WantCode(t, "the step", err, "")
				if row[i] == gone {
					_, err := s.Directory.Admin.User(t.Context(), authntest.AsSuperAdmin, string(u.ID))
					authntest.WantCode(t, "reading", err, errcode.NotFound)
					return
				}
				after := s.User(string(u.ID))
				if after.Status != row[i] {
					t.Errorf("got %s, want %s", after.Status, row[i])
				}
				ends := after.Status == account.StatusSuspended || after.Status == account.StatusDeactivated
				if (after.Epoch > before.Epoch) != ends {
					t.Errorf("epoch: got %d after %d", after.Epoch, before.Epoch)
				}
			})
		}
	}
}

func TestLifecycle_Permissions(t *testing.T) {
	s := newEnv(t)
	reader := s.CreateUser("reader@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r9", Role: account.RoleReadOnly}} })
	self := authntest.AsSuperAdmin
	self.Owner = string(reader.ID)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	state := map[string]account.Status{audit.UserUnsuspended: account.StatusSuspended, audit.UserReactivated: account.StatusDeactivated, audit.InvitationIssued: account.StatusProvisioned}
	for _, c := range []struct {
		name                string
		op                  admin.Principal
		id                  account.UserID
		manage, help, again errcode.Code
	}{
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Amelie.ID, no, no, no},
		{"support", authntest.AsHelpDesk, s.Amelie.ID, no, ok, ok},
		{"a user administrator", userAdmin, s.Amelie.ID, ok, ok, ok},
		{"a user administrator on support", userAdmin, s.Manager.ID, ok, ok, ok},
		{"a user administrator on a higher role", userAdmin, s.Administrator.ID, no, no, no},
		{"a super administrator on an equal one", authntest.AsSuperAdmin, s.Administrator.ID, no, no, no},
		{"support on an equal role", authntest.AsHelpDesk, s.Manager.ID, no, no, no},
		{"the owner of the token", self, reader.ID, no, no, no},
		{"the operator", authntest.AsOperator, s.Administrator.ID, ok, ok, ok},
		{"a manager", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), s.Amelie.ID, no, ok, ok},
		{"a manager of another garage", authntest.Limited(authntest.AsHelpDesk, s.Nord), s.Amelie.ID, no, hidden, hidden},
		{"an administrator of another garage", authntest.Limited(userAdmin, s.Nord), s.Amelie.ID, hidden, hidden, hidden},
		{"an empty scope", authntest.Limited(userAdmin), s.Amelie.ID, hidden, hidden, hidden},
		{"the zero principal", admin.Principal{}, s.Amelie.ID, no, no, no},
	} {
		for action, do := range s.steps() {
			if action == audit.UserDeleted {
				continue // it is asked twice below
			}
			want := c.manage
			switch action {
			case audit.UserUnlocked:
				want = c.help
			case audit.InvitationIssued:
				want = c.again
			case audit.UserReactivated: // found by who invites, judged as who deactivates
				if want = c.manage; c.help == hidden {
					want = hidden
				}
			}
			if back := action == audit.UserUnsuspended || action == audit.UserReactivated; back && want == ok && !c.op.Operator && c.id == s.Manager.ID {
				want = errcode.WrongState // with a role
			}
			s.Change(c.id, func(u *account.User) {
				if u.Status = state[action]; u.Status == "" {
					u.Status = account.StatusActive
				}
				u.EverHadDevice, u.Devices = action == audit.UserReactivated, nil
			})
			authntest.WantCode(t, c.name+": "+action, do(t.Context(), c.op, s.From, string(c.id)), want)
		}
		s.Change(c.id, func(u *account.User) { u.Status = account.StatusActive })
		before := s.User(string(c.id))
		authntest.WantCode(t, c.name+": delete", s.Directory.Delete(t.Context(), c.op, s.From, string(c.id)), c.manage)
		s.Change(c.id, func(u *account.User) { u.Status = before.Status })
	}
}

func TestSuspend_EndsAccessUntilUnsuspended(t *testing.T) {
	for name, c := range map[string]struct{ out, in string }{
		"suspended":   {audit.UserSuspended, audit.UserUnsuspended},
		"deactivated": {audit.UserDeactivated, audit.UserReactivated},
	} {
		t.Run(name, func(t *testing.T) {
			s := newEnv(t)
			login := s.SubmitPassword(t, password).Secret
			if err := s.steps()[c.out](t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
				t.Fatal(err)
			}
			s.WantSignedOut(t, s.Session)
			_, err := s.VerifyCode(t.Context(), login, s.Phone.Next())
			authntest.WantCode(t, "a login under way", err, errcode.Expired)
			_, err = s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, password)
			authntest.WantCode(t, "the password", err, errcode.SignInFailed)
			if err := s.steps()[c.in](t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
				t.Fatal(err)
			}
			s.WantSignedOut(t, s.Session)
			_, err = s.VerifyCode(t.Context(), login, s.Phone.Next())
			authntest.WantCode(t, "a login of before", err, errcode.Expired)
			if issued := s.SignIn(authntest.Technician, password, s.Phone); issued.Session.IsZero() {
				t.Error("no session")
			}
			events := s.Events(c.out, c.in)
			if len(events) != 2 || events[0].Action != c.out || events[1].Action != c.in || events[0].Actor.ID != authntest.AsSuperAdmin.ID || events[0].Subject != string(s.Amelie.ID) {
				t.Errorf("got events %+v, want one for each operation", events)
			}
		})
	}
}

func TestDeactivate_EndsTicketsAndInvitations(t *testing.T) {
	s := newEnv(t)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	ticket := authntest.LinkToken(authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician).Link)
	if _, _, err := s.Directory.CreateUser(t.Context(), authntest.AsSuperAdmin, s.From, directory.NewUser{Login: "luc@garage.example"}, true, true); err != nil {
		t.Fatal(err)
	}
	invitation := authntest.LinkToken(authntest.Mailed[notice.Invitation](t, s.Env, "luc@garage.example").Link)
	for _, id := range []string{authntest.Technician, "luc@garage.example"} {
		if err := s.Directory.Deactivate(t.Context(), authntest.AsSuperAdmin, s.From, id); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Directory.Activate(t.Context(), authntest.AsSuperAdmin, s.From, id, true); err != nil {
			t.Fatal(err)
		}
	}
	authntest.WantCode(t, "the ticket of before", s.Authn.TicketLink(t.Context(), ticket), errcode.InvalidLink)
	_, err := s.Authn.Invitation(t.Context(), invitation)
	authntest.WantCode(t, "the invitation of before", err, errcode.InvalidLink)
	_, err = s.Directory.Activate(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, true)
	authntest.WantCode(t, "inviting who had a device", err, errcode.WrongState)
}

func TestUnlock_EndsWaits(t *testing.T) {
	s := newEnv(t)
	s.Clock.Advance(time.Minute) // to a code that was not used
	for range 6 {
		if out, err := s.VerifyCode(t.Context(), s.SubmitPassword(t, password).Secret, []byte("000000")); err != nil || !out.Credentials.Session.IsZero() {
			t.Fatalf("guessing: got %+v, %v", out, err)
		}
	}
	if out, err := s.VerifyCode(t.Context(), s.SubmitPassword(t, password).Secret, s.Phone.Code()); err != nil || out.Wait == 0 {
		t.Fatalf("after six wrong codes: got %+v, %v, want a wait", out, err)
	}
	if err := s.Directory.Unlock(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	if out, err := s.VerifyCode(t.Context(), s.SubmitPassword(t, password).Secret, s.Phone.Code()); err != nil || out.Credentials.Session.IsZero() {
		t.Errorf("the same code, unlocked: got %+v, %v, want a session", out, err)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("unlocking ended a session: %v", err)
	}
	if events := s.Events(audit.UserUnlocked); len(events) != 1 {
		t.Errorf("got %d events, want one", len(events))
	}
}

// TestDelete_RemovesEveryRecord requires that a deletion removes every index record of the user in one transaction, and
// nothing of other users.
func TestDelete_RemovesEveryRecord(t *testing.T) {
	s := newEnv(t)
	groups := []account.GroupID{s.Lumiere}
	for i := range 31 {
		groups = append(groups, s.CreateGroup(fmt.Sprintf("Garage %d", i)))
	}
	u := s.CreateUser("luc@garage.example", func(u *account.User) {
		u.Login, u.SecondEmail, u.FirstName, u.LastName, u.Groups = "lucien.p", "luc@home.example", "Lucien", "Petit", groups[:20]
	})
	s.FillSessions(t, u.ID)
	s.Change(u.ID, func(u *account.User) {
		u.Groups = groups
		for i := range 15 {
			u.Devices = append(u.Devices, factors.Device{ID: factors.DeviceID(fmt.Sprint("d", i)), Unique: fmt.Sprint("unique ", i)})
		}
	})
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: "luc@home.example", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []errcode.Code{"", "", errcode.NotFound} {
		s.Clock.Advance(time.Second)
		authntest.WantCode(t, "deleting", s.Directory.Delete(t.Context(), authntest.AsSuperAdmin, s.From, string(u.ID)), want)
	}
	err := s.Store.View(t.Context(), func(snap store.Snapshot) error {
		for _, kind := range []store.TableDef{store.Users, store.Summaries, store.Addresses, store.Names, store.Members, store.Uniques, store.Failures} {
			err := snap.Scan(kind.Prefix, "", 0, func(key string, _ []byte) error {
				if strings.Contains(key, string(u.ID)) || strings.Contains(key, "luc@") || strings.Contains(key, "lucien") || strings.Contains(key, "petit") {
					t.Errorf("left behind: %s", key)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []admin.Principal{authntest.AsSuperAdmin, authntest.Limited(authntest.AsHelpDesk, s.Lumiere)} {
		if _, _, err := s.Directory.HelpDesk.Requests(t.Context(), p, helpdesk.RequestQuery{}); err != nil {
			t.Errorf("help requests after it: %v", err)
		}
		if _, _, err := s.Directory.Users(t.Context(), p, roster.UserQuery{Group: s.Lumiere}); err != nil {
			t.Errorf("the garage after it: %v", err)
		}
	}
	events := s.Events(audit.UserDeactivated, audit.UserDeleted)
	if len(events) != 2 || events[1].Action != audit.UserDeleted || events[1].SubjectName != "lucien.p" {
		t.Errorf("got events %+v, want two acts", events)
	}
	if again := s.CreateUser("luc@garage.example", func(u *account.User) { u.SecondEmail = "luc@home.example" }); again.ID == u.ID {
		t.Error("the id was used again")
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("another user's session: %v", err)
	}
}
