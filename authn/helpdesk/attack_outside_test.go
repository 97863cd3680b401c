package helpdesk_test

import (
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// TestAHelpRequestTellsWhatTheLogKeeps: an operator of one garage reads in a help request what changed about the person,
// where the log would not tell them: another garage of before, and what the person was as an operator.
func TestAHelpRequestTellsWhatTheLogKeeps(t *testing.T) {
	s := openShop(t)
	granted, err := s.Directory.Admin.GrantRole(t.Context(), root, s.From, technician, admin.NewRole{Role: account.RoleReadOnly, Targets: []account.GroupID{s.other}})
	wantCode(t, "a role", err, "")
	wantCode(t, "it is taken", s.Directory.Admin.RevokeRole(t.Context(), root, s.From, technician, granted.Grant.ID), "")
	wantCode(t, "another garage", s.Directory.AddMember(t.Context(), root, s.From, s.other, technician), "")
	wantCode(t, "it is left", s.Directory.RemoveMember(t.Context(), root, s.From, s.other, technician), "")
	wantCode(t, "suspended", s.Directory.Suspend(t.Context(), root, s.From, technician), "")
	wantCode(t, "and back", s.Directory.Unsuspend(t.Context(), root, s.From, technician), "")
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: technician}); err != nil {
		t.Fatal(err)
	}
	read := func(op admin.Principal) (what []string) {
		cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), op, helpdesk.RequestQuery{})
		if err != nil || len(cases) != 1 {
			t.Fatalf("got %d cases, %v", len(cases), err)
		}
		changes, err := s.Directory.HelpDesk.Changes(t.Context(), op, &cases[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range changes {
			what = append(what, x.What)
		}
		return what
	}
	sameStrings(t, "to an operator of the garage", read(limited(support, s.garage)), []string{audit.FactorActivated, audit.UserSuspended, audit.UserUnsuspended})
	sameStrings(t, "to one who is not limited", read(support), []string{audit.RoleGranted, audit.RoleRevoked, audit.GroupMemberAdded,
		audit.GroupMemberRemoved, audit.FactorActivated, audit.UserSuspended, audit.UserUnsuspended})
}

// TestTheLogTellsThatSomebodyWasInvitedElsewhere: the manager of a person's garage reads the log, in which the work of
// others on the request that an invitation by another garage opened is about that person.
func TestTheLogTellsThatSomebodyWasInvitedElsewhere(t *testing.T) {
	s := openShop(t)
	s.inviteElsewhere(t, limited(support, s.other), technician, s.other)
	cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), root, helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 || cases[0].Topic != notice.TopicInvited {
		t.Fatalf("got %+v, %v", cases, err)
	}
	id := cases[0].ID
	s.Clock.Advance(time.Second)
	_, err = s.Directory.HelpDesk.Reset(t.Context(), root, s.From, technician, helpdesk.ResetRequest{HelpRequest: id, Check: calledBack})
	wantCode(t, "a reset for which nobody asked", err, errcode.Conflict)
	for _, p := range []helpdesk.RequestPatch{{Note: "who is this?"}, {Status: helpdesk.StateResolved}} {
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), root, s.From, id, p); err != nil {
			t.Fatal(err)
		}
	}
	events, _, err := s.Directory.Admin.Events(t.Context(), limited(support, s.garage), audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if slices.Contains([]string{audit.HelpRequested, audit.HelpUpdated, audit.HelpClosed, audit.HelpAssigned}, e.Action) {
			t.Errorf("the manager reads %s of %v", e.Action, e.Targets)
		}
	}
	if all := s.Events(audit.HelpUpdated, audit.HelpClosed); len(all) != 2 {
		t.Errorf("got %d events, want what was done in the log", len(all))
	}
}
