package helpdesk_test

import (
	"errors"
	"strings"
	"sync"
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

// zoe and ines are two administrators of support, each with a token of their own.
func (s *env) agents(t *testing.T) (zoe, ines admin.Principal) {
	t.Helper()
	agent := func(address, name string) admin.Principal {
		u := s.CreateUser(address, func(u *account.User) {
			u.FirstName, u.Roles = name, []account.RoleAssignment{{ID: "r", Role: account.RoleHelpDesk}}
		})
		s.Change(u.ID, func(u *account.User) { u.Status = account.StatusActive })
		return admin.Principal{ID: "token:" + name, Name: name + "'s script", Owner: string(u.ID), Role: account.RoleHelpDesk}
	}
	return agent("zoe@support.example", "Zoé"), agent("ines@support.example", "Inès")
}

// newRequest creates a help request of the technician.
func (s *env) newRequest(t *testing.T) string {
	t.Helper()
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	all := s.requests(t)
	return all[len(all)-1].ID
}

func (s *env) patch(t *testing.T, op admin.Principal, id string, p helpdesk.RequestPatch) (helpdesk.Request, error) {
	t.Helper()
	s.Clock.Advance(time.Second)
	return s.Directory.HelpDesk.Patch(t.Context(), op, s.From, id, p)
}

func (s *env) patched(t *testing.T, p admin.Principal, id string, patch helpdesk.RequestPatch) helpdesk.Request {
	t.Helper()
	c, err := s.patch(t, p, id, patch)
	if err != nil {
		t.Fatalf("patching with %+v: %v", patch, err)
	}
	return c
}

func to(who string) *string { return &who }

// wantReason requires that an operation was rejected in this state, for this reason.
func wantReason(t *testing.T, what string, err error, reason string) *errcode.Error {
	t.Helper()
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok || e.Code != errcode.WrongState || e.Reason != reason {
		t.Errorf("%s: got %#v, want it refused for %q", what, err, reason)
		return &errcode.Error{}
	}
	return e
}

func TestPatch_StateFollowsAssignee(t *testing.T) {
	s := newEnv(t)
	zoe, ines := s.agents(t)
	id := s.newRequest(t)
	for _, step := range []struct {
		name  string
		op    admin.Principal
		patch helpdesk.RequestPatch
		state helpdesk.State
		who   string
	}{
		{"taken by name", zoe, helpdesk.RequestPatch{Assignee: to(helpdesk.Me)}, helpdesk.StateInProgress, "Zoé"},
		{"given back", zoe, helpdesk.RequestPatch{Assignee: to("")}, helpdesk.StateOpen, ""},
		{"taken by beginning", zoe, helpdesk.RequestPatch{Status: helpdesk.StateInProgress}, helpdesk.StateInProgress, "Zoé"},
		{"given to a colleague", zoe, helpdesk.RequestPatch{Assignee: to("INES@support.example")}, helpdesk.StateInProgress, "Inès"},
		{"put back", ines, helpdesk.RequestPatch{Status: helpdesk.StateOpen}, helpdesk.StateOpen, ""},
		{"taken by the operator", authntest.AsOperator, helpdesk.RequestPatch{Assignee: to(helpdesk.Me)}, helpdesk.StateInProgress, "root"},
		{"taken over", ines, helpdesk.RequestPatch{Assignee: to(helpdesk.Me), TakeOver: true}, helpdesk.StateInProgress, "Inès"},
		{"taken over by closing", zoe, helpdesk.RequestPatch{Status: helpdesk.StateRejected, TakeOver: true}, helpdesk.StateRejected, "Zoé"},
		{"opened again", ines, helpdesk.RequestPatch{Status: helpdesk.StateOpen}, helpdesk.StateOpen, ""},
	} {
		c := s.patched(t, step.op, id, step.patch)
		if c.State != step.state || c.AssigneeName != step.who || (c.Assignee == "") != (step.who == "") {
			t.Errorf("%s: got %s, %q (%s), want %s, %q", step.name, c.State, c.AssigneeName, c.Assignee, step.state, step.who)
		}
	}
}

func TestPatch_RejectsWrongStateWithReason(t *testing.T) {
	s := newEnv(t)
	zoe, ines := s.agents(t)
	id := s.newRequest(t)
	for name, c := range map[string]struct {
		op    admin.Principal
		patch helpdesk.RequestPatch
		want  errcode.Code
	}{
		"in progress without assignee":   {zoe, helpdesk.RequestPatch{Status: helpdesk.StateInProgress, Assignee: to("")}, errcode.Invalid},
		"open with assignee":             {zoe, helpdesk.RequestPatch{Status: helpdesk.StateOpen, Assignee: to(helpdesk.Me)}, errcode.Invalid},
		"given to an unknown user":       {zoe, helpdesk.RequestPatch{Assignee: to("nobody@support.example")}, errcode.Invalid},
		"given to a user without a role": {zoe, helpdesk.RequestPatch{Assignee: to(string(s.CreateUser("p@support.example", nil).ID))}, errcode.Invalid},
		"given to who asked":             {zoe, helpdesk.RequestPatch{Assignee: to(authntest.Technician)}, errcode.Invalid},
		"met by no one named":            {zoe, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityInPerson, By: " \n"}}, errcode.Invalid},
		"confirmed by no manager":        {zoe, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityManager}}, errcode.Invalid},
		"seen by too long a name":        {zoe, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityInPerson, By: strings.Repeat("é", 129)}}, errcode.Invalid},
		"one's own":                      {admin.Principal{ID: "token:x", Owner: string(s.Amelie.ID), Role: account.RoleHelpDesk}, helpdesk.RequestPatch{Check: calledBack}, errcode.Forbidden},
		"a manager names a colleague":    {authntest.Limited(zoe, s.Lumiere), helpdesk.RequestPatch{Assignee: to("ines@support.example")}, errcode.Forbidden},
		"a manager names another":        {authntest.Limited(zoe, s.Lumiere), helpdesk.RequestPatch{Assignee: to("nobody@support.example")}, errcode.Forbidden},
		"a manager elsewhere":            {authntest.Limited(zoe, s.Nord), helpdesk.RequestPatch{Note: "x"}, errcode.NotFound},
	} {
		_, err := s.patch(t, c.op, id, c.patch)
		authntest.WantCode(t, name, err, c.want)
	}
	s.patched(t, zoe, id, helpdesk.RequestPatch{Assignee: to(helpdesk.Me)})
	for name, p := range map[string]helpdesk.RequestPatch{
		"taking a request of another":    {Assignee: to(helpdesk.Me)},
		"beginning a request of another": {Status: helpdesk.StateInProgress},
		"closing a request of another":   {Status: helpdesk.StateResolved},
		"answering for another":          {Answer: "x"},
		"giving away":                    {Assignee: to("")},
	} {
		_, err := s.patch(t, ines, id, p)
		if e := wantReason(t, name, err, errcode.ReasonAssigned); e.Assignee != "Zoé ("+zoe.Owner+")" {
			t.Errorf("%s: got holder %q, want Zoé named", name, e.Assignee)
		}
	}
	s.patched(t, ines, id, helpdesk.RequestPatch{Note: "the manager called", Check: calledBack})
	s.patched(t, zoe, id, helpdesk.RequestPatch{Status: helpdesk.StateResolved})
	for name, p := range map[string]helpdesk.RequestPatch{
		"rejecting what is resolved": {Status: helpdesk.StateRejected},
		"taking what is closed":      {Assignee: to(helpdesk.Me)},
		"checking what is closed":    {Check: &helpdesk.IdentityCheck{Method: helpdesk.IdentityDocument}},
	} {
		_, err := s.patch(t, zoe, id, p)
		wantReason(t, name, err, errcode.ReasonRequestClosed)
	}
	if c := s.patched(t, zoe, id, helpdesk.RequestPatch{Status: helpdesk.StateInProgress}); c.Identity != "" {
		t.Errorf("opened again the case still has the check of before: %q", c.Identity)
	}
}

func TestPatch_OneOfManyTakesRequest(t *testing.T) {
	s := newEnv(t)
	zoe, ines := s.agents(t)
	id := s.newRequest(t)
	var group sync.WaitGroup
	got := make([]error, 8)
	for i := range got {
		group.Go(func() {
			_, got[i] = s.Directory.HelpDesk.Patch(t.Context(), []admin.Principal{zoe, ines}[i%2], s.From, id, helpdesk.RequestPatch{Assignee: to(helpdesk.Me)})
		})
	}
	group.Wait()
	c, err := s.Directory.HelpDesk.Request(t.Context(), zoe, id)
	if err != nil || len(c.History) != 2 {
		t.Fatalf("got history %+v and %v, want one who took it", c.History, err)
	}
	for i, err := range got {
		if mine := []admin.Principal{zoe, ines}[i%2].Owner == c.Assignee; mine != (err == nil) {
			t.Errorf("call %d: got %v, the case is of %q", i, err, c.AssigneeName)
		}
	}
	if n := len(s.Events(audit.HelpAssigned)); n != 1 {
		t.Errorf("got %d events of it, want one", n)
	}
}

func TestPatch_WithoutDifferenceWritesNoEvent(t *testing.T) {
	s := newEnv(t)
	zoe, _ := s.agents(t)
	id := s.newRequest(t)
	patch := helpdesk.RequestPatch{Status: helpdesk.StateInProgress, Check: calledBack}
	first := s.patched(t, zoe, id, patch)
	for _, patch := range []helpdesk.RequestPatch{{}, patch} {
		if c := s.patched(t, zoe, id, patch); !c.Changed.Equal(first.Changed) || len(c.History) != len(first.History) {
			t.Errorf("%+v: got %+v, want it as it was", patch, c)
		}
	}
	events := s.Events(audit.HelpAssigned, audit.HelpUpdated, audit.HelpClosed)
	if len(events) != 1 || events[0].Detail["identity"] != "called_back" || events[0].Detail["assignee"] != zoe.Owner || events[0].Detail["status"] != "in_progress" {
		t.Errorf("got %+v, want one event that tells all of it", events)
	}
}

func TestReset_NeedsIdentityCheckOfRequest(t *testing.T) {
	s := newEnv(t)
	id := s.newRequest(t)
	refused := func(what, reason string, r helpdesk.ResetRequest) {
		t.Helper()
		r.HelpRequest = id
		_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, r)
		wantReason(t, what, err, reason)
		if len(s.User(authntest.Technician).Devices) == 0 {
			t.Fatalf("%s: the devices are gone", what)
		}
	}
	refused("without a check", errcode.ReasonIdentity, helpdesk.ResetRequest{})
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: id, Check: &helpdesk.IdentityCheck{Method: "mail_reply"}})
	authntest.WantCode(t, "a reply by mail", err, errcode.Invalid)
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Check: calledBack})
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateRejected})
	refused("a request that was rejected", errcode.ReasonRequestClosed, helpdesk.ResetRequest{})
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateOpen})
	refused("opened again, with the check of before", errcode.ReasonIdentity, helpdesk.ResetRequest{})
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateResolved})
	refused("a request that was resolved otherwise", errcode.ReasonRequestClosed, helpdesk.ResetRequest{Check: calledBack})
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateOpen})

	check := &helpdesk.IdentityCheck{Method: helpdesk.IdentityManager, By: "Paul Morel,\nGarage Lumière"}
	first := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: id, Check: check})
	e := s.Events(audit.FactorsReset)
	if len(e) != 1 || e[0].Detail["identity"] != "manager_confirmed" || e[0].Detail["identityBy"] != "Paul Morel, Garage Lumière" {
		t.Errorf("got %+v, want the event to say who confirmed", e)
	}
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, id)
	if err != nil || c.State != helpdesk.StateResolved || c.Identity != helpdesk.IdentityManager || c.IdentityBy != "Paul Morel, Garage Lumière" {
		t.Errorf("got %+v, %v, want it resolved and the manager named", c, err)
	}
	if again := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: id, Check: check}); !again.Repeated || !again.At.Equal(first.At) {
		t.Errorf("got %+v, want the receipt of before", again)
	}
}

func TestReset_ClosesFullRequest(t *testing.T) {
	s := newEnv(t)
	id := s.newRequest(t)
	var err error
	for i := 0; err == nil; i++ {
		_, err = s.patch(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Note: strings.Repeat("x", 1+i%2*1999)})
	}
	authntest.WantCode(t, "notes without end", err, errcode.TooMany)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: id, Check: calledBack})
	if c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, id); err != nil || c.State != helpdesk.StateResolved || c.Identity == "" {
		t.Errorf("got %s and %v, want it resolved", c.State, err)
	}
}

func TestPatch_AnswerStatesRejection(t *testing.T) {
	s := newEnv(t)
	id := s.newRequest(t)
	s.EmptyOutbox()
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateRejected})
	if got := s.MailList(); len(got) != 0 {
		t.Errorf("got %q, want no email without an answer", got)
	}
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateOpen})
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateRejected, Answer: "Come by with your badge."})
	if m := authntest.Mailed[notice.HelpAnswered](t, s.Env, authntest.Technician); !m.Rejected || m.Answer != "Come by with your badge." {
		t.Errorf("got %+v, want the answer of a rejected request", m)
	}
}

func TestPatch_ClosesRequestOfDeletedUser(t *testing.T) {
	s := newEnv(t)
	id := s.newRequest(t)
	for range 2 { // the first deactivates
		if err := s.Directory.Delete(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.patch(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Answer: "x"})
	wantReason(t, "answering an unknown address", err, errcode.ReasonUnknownAddress)
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, id)
	if err != nil {
		t.Fatal(err)
	}
	if changes, err := s.Directory.HelpDesk.RecentSecurityChanges(t.Context(), authntest.AsHelpDesk, &c); err != nil || len(changes) != 0 {
		t.Errorf("got %v and %v, want no changes", changes, err)
	}
	s.patched(t, authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: helpdesk.StateRejected, Note: "has left"})
}

func TestReset_RepeatClosesSecondRequest(t *testing.T) {
	s := newEnv(t)
	s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{})
	id := s.newRequest(t)
	_, err := s.Directory.HelpDesk.Reset(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, helpdesk.ResetRequest{HelpRequest: id})
	wantReason(t, "without a check", err, errcode.ReasonIdentity)
	if result := s.Reset(t, authntest.AsHelpDesk, helpdesk.ResetRequest{HelpRequest: id, Check: calledBack}); !result.Repeated {
		t.Errorf("got %+v, want the receipt of before", result)
	}
	e := s.Events(audit.HelpClosed)
	if len(e) != 1 || e[0].Detail["identity"] != "called_back" || e[0].Detail["status"] != "resolved" {
		t.Errorf("got %+v, want one event that says how the identity was checked", e)
	}
}
