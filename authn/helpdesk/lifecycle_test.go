package helpdesk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
)

type step = func(context.Context, admin.Principal, account.RequestInfo, string) error

// steps returns the steps of a life by the event that each writes.
func (s *shop) steps() map[string]step {
	return map[string]step{
		audit.UserSuspended:   s.Directory.Suspend,
		audit.UserUnsuspended: s.Directory.Unsuspend,
		audit.UserDeactivated: s.Directory.Deactivate,
		audit.UserUnlocked:    s.Directory.Unlock,
		audit.UserDeleted:     s.Directory.Delete,
		audit.UserReactivated: func(ctx context.Context, op admin.Principal, from account.RequestInfo, id string) error {
			_, err := s.Directory.Activate(ctx, op, from, id, true)
			return err
		},
		audit.InvitationIssued: func(ctx context.Context, op admin.Principal, from account.RequestInfo, id string) error {
			_, err := s.Directory.Reactivate(ctx, op, from, id, true)
			return err
		},
	}
}

var states = []account.Status{account.StatusStaged, account.StatusProvisioned, account.StatusActive, account.StatusSuspended, account.StatusDeactivated}

func TestEveryStepFromEveryState(t *testing.T) {
	const no = account.Status("-")
	gone := account.Status("")
	// What becomes of somebody who never had a device, in the order of states.
	want := map[string][]account.Status{
		audit.UserSuspended:    {no, no, account.StatusSuspended, no, no},
		audit.UserUnsuspended:  {no, no, no, account.StatusActive, no},
		audit.UserDeactivated:  {account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, no},
		audit.UserUnlocked:     {no, no, account.StatusActive, no, no},
		audit.UserDeleted:      {account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, account.StatusDeactivated, gone},
		audit.UserReactivated:  {account.StatusProvisioned, account.StatusProvisioned, account.StatusActive, no, account.StatusProvisioned},
		audit.InvitationIssued: {no, account.StatusProvisioned, no, no, no},
	}
	s := openShop(t)
	for action, row := range want {
		for i, state := range states {
			t.Run(fmt.Sprint(action, " from ", state), func(t *testing.T) {
				u := s.CreateUser(fmt.Sprintf("p%d.%s@garage.example", i, action), nil)
				s.Change(u.ID, func(u *account.User) { u.Status = state })
				before, events := s.User(string(u.ID)), len(s.Events())
				err := s.steps()[action](t.Context(), root, s.From, string(u.ID))
				if row[i] == no {
					wantCode(t, "the step", err, errcode.WrongState)
					if after := s.User(string(u.ID)); fmt.Sprint(after) != fmt.Sprint(before) || len(s.Events()) != events {
						t.Errorf("a refused step left %+v", after)
					}
					return
				}
				wantCode(t, "the step", err, "")
				if row[i] == gone {
					_, err := s.Directory.Admin.User(t.Context(), root, string(u.ID))
					wantCode(t, "reading", err, errcode.NotFound)
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

func TestWhoMayTakeAStep(t *testing.T) {
	s := openShop(t)
	reader := s.CreateUser("reader@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r9", Role: account.RoleReadOnly}} })
	self := root
	self.Owner = string(reader.ID)
	userAdmin := withRole(root, account.RoleUserAdmin)
	const ok, no, hidden = errcode.Code(""), errcode.Forbidden, errcode.NotFound
	state := map[string]account.Status{audit.UserUnsuspended: account.StatusSuspended, audit.UserReactivated: account.StatusDeactivated, audit.InvitationIssued: account.StatusProvisioned}
	for _, c := range []struct {
		name                string
		op                  admin.Principal
		id                  account.UserID
		manage, help, again errcode.Code
	}{
		{"who reads only", withRole(root, account.RoleReadOnly), s.amelie.ID, no, no, no},
		{"support", support, s.amelie.ID, no, ok, ok},
		{"an administrator of people", userAdmin, s.amelie.ID, ok, ok, ok},
		{"an administrator of people on support", userAdmin, s.manager.ID, ok, ok, ok},
		{"an administrator of people on a higher role", userAdmin, s.admin.ID, no, no, no},
		{"a super administrator on an equal one", root, s.admin.ID, no, no, no},
		{"support on an equal role", support, s.manager.ID, no, no, no},
		{"the owner of the token", self, reader.ID, no, no, no},
		{"the machine's owner", machine, s.admin.ID, ok, ok, ok},
		{"a manager", limited(support, s.garage), s.amelie.ID, no, ok, ok},
		{"a manager of another garage", limited(support, s.other), s.amelie.ID, no, hidden, hidden},
		{"an administrator of another garage", limited(userAdmin, s.other), s.amelie.ID, hidden, hidden, hidden},
		{"an empty scope", limited(userAdmin), s.amelie.ID, hidden, hidden, hidden},
		{"nobody", admin.Principal{}, s.amelie.ID, no, no, no},
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
			s.Change(c.id, func(u *account.User) {
				if u.Status = state[action]; u.Status == "" {
					u.Status = account.StatusActive
				}
				u.EverHadDevice, u.Devices = action == audit.UserReactivated, nil
			})
			wantCode(t, c.name+": "+action, do(t.Context(), c.op, s.From, string(c.id)), want)
		}
		s.Change(c.id, func(u *account.User) { u.Status = account.StatusActive })
		before := s.User(string(c.id))
		wantCode(t, c.name+": delete", s.Directory.Delete(t.Context(), c.op, s.From, string(c.id)), c.manage)
		s.Change(c.id, func(u *account.User) { u.Status = before.Status })
	}
}

func TestASuspendedPersonIsOutAtOnceAndBackAsBefore(t *testing.T) {
	for name, c := range map[string]struct{ out, in string }{
		"suspended":   {audit.UserSuspended, audit.UserUnsuspended},
		"deactivated": {audit.UserDeactivated, audit.UserReactivated},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t)
			login := s.signIn(t, password).Secret
			if err := s.steps()[c.out](t.Context(), root, s.From, technician); err != nil {
				t.Fatal(err)
			}
			s.dead(t, s.session)
			_, err := verifies(t.Context(), s, login, s.phone.Next())
			wantCode(t, "a login under way", err, errcode.Expired)
			_, err = s.Authn.StartWithPassword(t.Context(), s.From, technician, password, "")
			wantCode(t, "the password", err, errcode.SignInFailed)
			if err := s.steps()[c.in](t.Context(), root, s.From, technician); err != nil {
				t.Fatal(err)
			}
			s.dead(t, s.session)
			_, err = verifies(t.Context(), s, login, s.phone.Next())
			wantCode(t, "a login of before", err, errcode.Expired)
			if issued := s.SignIn(technician, password, s.phone); issued.Session.IsZero() {
				t.Error("no session")
			}
			events := s.Events(c.out, c.in)
			if len(events) != 2 || events[0].Action != c.out || events[1].Action != c.in || events[0].Actor.ID != root.ID || events[0].Subject != string(s.amelie.ID) {
				t.Errorf("got events %+v, want one for each act", events)
			}
		})
	}
}

func TestDeactivationEndsWhatLiesInTheMailbox(t *testing.T) {
	s := openShop(t)
	s.reset(t, support, helpdesk.ResetRequest{})
	ticket := tokenOf(mailed[notice.DevicesReset](t, s, technician).Link)
	if _, _, err := s.Directory.CreateUser(t.Context(), root, s.From, directory.NewUser{Login: "luc@garage.example"}, true, true); err != nil {
		t.Fatal(err)
	}
	invitation := tokenOf(mailed[notice.Invitation](t, s, "luc@garage.example").Link)
	for _, id := range []string{technician, "luc@garage.example"} {
		if err := s.Directory.Deactivate(t.Context(), root, s.From, id); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Directory.Activate(t.Context(), root, s.From, id, true); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "the ticket of before", s.Authn.TicketLink(t.Context(), ticket), errcode.InvalidLink)
	_, err := s.Authn.Invitation(t.Context(), invitation)
	wantCode(t, "the invitation of before", err, errcode.InvalidLink)
	_, err = s.Directory.Activate(t.Context(), root, s.From, technician, true)
	wantCode(t, "inviting who had a device", err, errcode.WrongState)
}

func TestUnlockingEndsWaits(t *testing.T) {
	s := openShop(t)
	s.Clock.Advance(time.Minute) // to a code that was not used
	for range 6 {
		if out, err := verifies(t.Context(), s, s.signIn(t, password).Secret, []byte("000000")); err != nil || !out.Credentials.Session.IsZero() {
			t.Fatalf("guessing: got %+v, %v", out, err)
		}
	}
	if out, err := verifies(t.Context(), s, s.signIn(t, password).Secret, s.phone.Code()); err != nil || out.Wait == 0 {
		t.Fatalf("after six wrong codes: got %+v, %v, want a wait", out, err)
	}
	if err := s.Directory.Unlock(t.Context(), support, s.From, technician); err != nil {
		t.Fatal(err)
	}
	if out, err := verifies(t.Context(), s, s.signIn(t, password).Secret, s.phone.Code()); err != nil || out.Credentials.Session.IsZero() {
		t.Errorf("the same code, unlocked: got %+v, %v, want a session", out, err)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("unlocking ended a session: %v", err)
	}
	if events := s.Events(audit.UserUnlocked); len(events) != 1 {
		t.Errorf("got %d events, want one", len(events))
	}
}

// Whatever a person left in the index is gone with them, within one Update, and the rest of the house stands.
func TestADeletedPersonLeavesNothingBehind(t *testing.T) {
	s := openShop(t)
	groups := []account.GroupID{s.garage}
	for i := range 31 {
		groups = append(groups, s.CreateGroup(fmt.Sprintf("Garage %d", i)))
	}
	u := s.CreateUser("luc@garage.example", func(u *account.User) {
		u.Login, u.SecondEmail, u.FirstName, u.LastName, u.Groups = "lucien.p", "luc@home.example", "Lucien", "Petit", groups[:20]
	})
	s.crowd(t, u.ID)
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
		wantCode(t, "deleting", s.Directory.Delete(t.Context(), root, s.From, string(u.ID)), want)
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
	for _, op := range []admin.Principal{root, limited(support, s.garage)} {
		if _, _, err := s.Directory.HelpDesk.Requests(t.Context(), op, helpdesk.RequestQuery{}); err != nil {
			t.Errorf("help requests after it: %v", err)
		}
		if _, _, err := s.Directory.Users(t.Context(), op, account.UserQuery{Group: s.garage}); err != nil {
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
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
}
