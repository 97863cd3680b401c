package directory_test

import (
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// TestAttack_HelpRequestRevealsHiddenEvents: a principal with a group scope reads in a help request the changes that
// the audit log hides: groups outside the scope and former roles.
func TestAttack_HelpRequestRevealsHiddenEvents(t *testing.T) {
	s := newEnv(t)
	granted, err := s.Directory.Admin.AssignRole(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, admin.NewRoleAssignment{Role: account.RoleReadOnly, Targets: []account.GroupID{s.Nord}})
	authntest.WantCode(t, "a role", err, "")
	authntest.WantCode(t, "it is taken", s.Directory.Admin.RevokeRole(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, granted.Assignment.ID), "")
	authntest.WantCode(t, "another garage", s.Directory.AddMember(t.Context(), authntest.AsSuperAdmin, s.From, s.Nord, authntest.Technician), "")
	authntest.WantCode(t, "it is left", s.Directory.RemoveMember(t.Context(), authntest.AsSuperAdmin, s.From, s.Nord, authntest.Technician), "")
	authntest.WantCode(t, "suspended", s.Directory.Suspend(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician), "")
	authntest.WantCode(t, "and back", s.Directory.Unsuspend(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician), "")
	if _, err := s.Directory.HelpDesk.Submit(t.Context(), s.From, helpdesk.Submission{Email: authntest.Technician}); err != nil {
		t.Fatal(err)
	}
	read := func(p admin.Principal) (what []string) {
		cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), p, helpdesk.RequestQuery{})
		if err != nil || len(cases) != 1 {
			t.Fatalf("got %d cases, %v", len(cases), err)
		}
		changes, err := s.Directory.HelpDesk.RecentSecurityChanges(t.Context(), p, &cases[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range changes {
			what = append(what, x.What)
		}
		return what
	}
	authntest.SameStrings(t, "to an operator of the garage", read(authntest.Limited(authntest.AsHelpDesk, s.Lumiere)), []string{audit.FactorActivated, audit.UserSuspended, audit.UserUnsuspended})
	authntest.SameStrings(t, "to one who is not limited", read(authntest.AsHelpDesk), []string{audit.RoleGranted, audit.RoleRevoked, audit.GroupMemberAdded,
		audit.GroupMemberRemoved, audit.FactorActivated, audit.UserSuspended, audit.UserUnsuspended})
}

// TestAttack_LogRevealsInvitationElsewhere: a manager reads in the audit log the work on the help request that an
// invitation by another group opened.
func TestAttack_LogRevealsInvitationElsewhere(t *testing.T) {
	s := newEnv(t)
	s.inviteElsewhere(t, authntest.Limited(authntest.AsHelpDesk, s.Nord), authntest.Technician, s.Nord)
	cases, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsSuperAdmin, helpdesk.RequestQuery{})
	if err != nil || len(cases) != 1 || cases[0].Topic != notice.TopicInvited {
		t.Fatalf("got %+v, %v", cases, err)
	}
	id := cases[0].ID
	s.Clock.Advance(time.Second)
	_, err = s.Directory.HelpDesk.Reset(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: id, Check: calledBack})
	authntest.WantCode(t, "a reset without such a request", err, errcode.Conflict)
	for _, patch := range []helpdesk.RequestPatch{{Note: "who is this?"}, {Status: helpdesk.StateResolved}} {
		if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsSuperAdmin, s.From, id, patch); err != nil {
			t.Fatal(err)
		}
	}
	events, _, err := s.Directory.Admin.Events(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{})
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

// TestAttack_ProofRevealsInvitationElsewhere: a manager invites an address, and counts by a proof how many events the service
// appended. A user outside the scope causes one more.
func TestAttack_ProofRevealsInvitationElsewhere(t *testing.T) {
	s := newEnv(t)
	p := authntest.Limited(authntest.AsHelpDesk, s.Nord)
	var appended []int64
	for _, login := range []string{"new@garage.example", authntest.Technician} {
		before := len(s.Events())
		s.inviteElsewhere(t, p, login, s.Nord)
		appended = append(appended, int64(len(s.Events())-before))
		events, _, err := s.Directory.Admin.Events(t.Context(), p, audit.Query{Descending: true, Limit: 1})
		if err != nil || len(events) != 1 {
			t.Fatalf("got %d events, %v", len(events), err)
		}
		_, err = s.Directory.Admin.ProveEvent(t.Context(), p, events[0].ID)
		authntest.WantCode(t, "the size of the log", err, errcode.Forbidden)
		s.Clock.Advance(time.Second)
	}
	if appended[0] == appended[1] {
		t.Errorf("both invitations append %d events: a proof would reveal nothing", appended[0])
	}
}
