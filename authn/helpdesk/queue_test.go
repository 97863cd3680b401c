package helpdesk_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/store"
	"barillet/store/storetest"
)

func TestPatch_AddsHistory(t *testing.T) {
	s := newEnv(t)
	s.submit(t, 1, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
	s.EmptyOutbox()
	id, mine := s.requests(t)[0].ID, helpdesk.Me
	patch := func(p helpdesk.RequestPatch) helpdesk.Request {
		t.Helper()
		s.Clock.Advance(time.Second)
		c, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, id, p)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	patch(helpdesk.RequestPatch{Status: helpdesk.StateInProgress, Assignee: &mine})
	patch(helpdesk.RequestPatch{Check: calledBack, Note: "called 01 23\nspoke to Amélie"})
	patch(helpdesk.RequestPatch{Answer: "Come by tomorrow.", Status: helpdesk.StateResolved})
	c, err := s.Directory.HelpDesk.Request(t.Context(), authntest.AsHelpDesk, id)
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, h := range c.History {
		if h.By != authntest.AsHelpDesk.ID || h.At.IsZero() {
			t.Errorf("got step %+v", h)
		}
		steps = append(steps, h.What+" "+h.Text)
	}
	want := "assigned support desk|status in_progress|identity called_back: …5678|note called 01 23\nspoke to Amélie|answer Come by tomorrow.|status resolved"
	if got := strings.Join(steps, "|"); got != want {
		t.Errorf("got history %q, want %q", got, want)
	}
	if m := authntest.Mailed[notice.HelpAnswered](t, s.Env, authntest.Technician); m.Answer != "Come by tomorrow." || m.Reference != c.Reference {
		t.Errorf("got mail %+v", m)
	}
	var acts []string
	for _, e := range s.Events(audit.HelpAssigned, audit.HelpUpdated, audit.HelpClosed) {
		acts = append(acts, e.Action)
	}
	if fmt.Sprint(acts) != fmt.Sprint([]string{audit.HelpAssigned, audit.HelpUpdated, audit.HelpClosed}) {
		t.Errorf("got events %q", acts)
	}
}

func TestPatch_RejectsInvalid(t *testing.T) {
	s := newEnv(t)
	s.submit(t, 1, helpdesk.Submission{Email: "stranger@else.example", Message: "x"})
	id := s.requests(t)[0].ID
	for _, c := range []struct {
		name  string
		op    admin.Principal
		id    string
		patch helpdesk.RequestPatch
		want  errcode.Code
	}{
		{"a reader changes nothing", admin.Principal{Owner: "u", Role: account.RoleReadOnly}, id, helpdesk.RequestPatch{Note: "x"}, errcode.Forbidden},
		{"a state that is none", authntest.AsHelpDesk, id, helpdesk.RequestPatch{Status: "closed"}, errcode.Invalid},
		{"a reply by mail is no method", authntest.AsHelpDesk, id, helpdesk.RequestPatch{Check: &helpdesk.IdentityCheck{Method: "mail_reply"}}, errcode.Invalid},
		{"too long a note", authntest.AsHelpDesk, id, helpdesk.RequestPatch{Note: strings.Repeat("x", 2001)}, errcode.Invalid},
		{"an answer to an address that anybody can have typed", authntest.AsHelpDesk, id, helpdesk.RequestPatch{Answer: "x"}, errcode.WrongState},
		{"a request that is not there", authntest.AsHelpDesk, "20260302T080000.000000000Z-x", helpdesk.RequestPatch{Note: "x"}, errcode.NotFound},
		{"no id at all", authntest.AsHelpDesk, "", helpdesk.RequestPatch{Note: "x"}, errcode.NotFound},
		{"an id that is no key", authntest.AsHelpDesk, "é", helpdesk.RequestPatch{Note: "x"}, errcode.NotFound},
	} {
		_, err := s.Directory.HelpDesk.Patch(t.Context(), c.op, s.From, c.id, c.patch)
		authntest.WantCode(t, c.name, err, c.want)
	}
	var err error
	for range 200 {
		if _, err = s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, id, helpdesk.RequestPatch{Note: strings.Repeat("é", 2000)}); err != nil {
			break
		}
	}
	authntest.WantCode(t, "notes without end", err, errcode.TooMany)
	if c := s.requests(t)[0]; len(c.History) == 0 {
		t.Error("a full case lost its history")
	}
}

func TestRequests_Pages(t *testing.T) {
	s := newEnv(t)
	for i := range 7 {
		s.submit(t, i, helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"})
	}
	var got []string
	q := helpdesk.RequestQuery{Status: helpdesk.StateOpen, Limit: 3}
	for page := 0; page == 0 || q.After != ""; page++ {
		requests, next, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, q)
		if err != nil || page > 3 {
			t.Fatalf("page %d: %v", page, err)
		}
		for _, c := range requests {
			got = append(got, c.Email)
		}
		q.After = next
	}
	if want := "[n0@else.example n1@else.example n2@else.example n3@else.example n4@else.example n5@else.example n6@else.example]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestRecords_EveryVersionDecodes(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	storetest.Golden(t, store.HelpRequests, nil, helpdesk.Request{ID: "20260302T080000.000000000Z-abc", Number: "7K3F2Q", Reference: "H-7K3F-2Q9M-4TBX", User: "u1", Email: authntest.Technician,
		Topic: notice.TopicPhoneLost, State: helpdesk.StateResolved, Network: "192.0.2.0/24",
		Texts: []helpdesk.Text{{At: at, Reference: "H-0000-0000-0000", Source: "192.0.2.0/24", Topic: notice.TopicOther, Message: "It fell.", Address: "192.0.2.1",
			Agent: "Firefox, Android", PasswordProven: true, KnownBrowser: true, Forgotten: true}},
		Removed:  2,
		Assignee: "u2", AssigneeName: "Zoé", Identity: helpdesk.IdentityInPerson, IdentityBy: "Zoé", IdentityAt: at, At: at, Changed: at,
		History: []helpdesk.HistoryEntry{{At: at, By: "token:t1", Name: "support desk", What: "reset", Text: "x", Who: "u2"}}})
}

// A token of few groups lists help requests in a service with many of others. Each page costs the same, and its cursor reveals none.
func TestRequests_OfAScopeReadOnlyAPartOfThoseOfOthers(t *testing.T) {
	reads := map[int]int64{}
	for _, others := range []int{40, 400} {
		s := newEnv(t)
		for i := range others {
			if i%(others/4) == 0 {
				s.Clock.Advance(time.Minute)
				s.submit(t, 0, helpdesk.Submission{Email: authntest.Technician, Message: "x"})
				s.closeAll(t, authntest.Technician)
			}
			f := helpdesk.Submission{Email: fmt.Sprintf("n%d@else.example", i), Message: "x"}
			if _, err := s.Directory.HelpDesk.Submit(t.Context(), account.RequestInfo{Address: site6(i, 0)}, f); err != nil {
				t.Fatal(err)
			}
		}
		s.Directory.HelpDesk.SetPageReads(30)
		counter := storetest.CountReads(s.Store, "")
		s.Accounts.Store = counter
		p, q, got := authntest.Limited(authntest.AsHelpDesk, s.Amelie.Groups...), helpdesk.RequestQuery{Limit: 3}, 0
		for page := 0; page == 0 || q.After != ""; page++ {
			counter.Reset()
			found, next, err := s.Directory.HelpDesk.Requests(t.Context(), p, q)
			if err != nil || page > 30 {
				t.Fatalf("page %d: %v", page, err)
			}
			reads[others] = max(reads[others], counter.Records())
			got += len(found)
			if next != "" && !strings.HasPrefix(next, "sealed-") && (len(found) == 0 || next != found[len(found)-1].ID) {
				t.Errorf("page %d: the cursor %q reveals a request of others", page, next)
			}
			q.After = next
		}
		if got != 4 {
			t.Errorf("among %d of others: got %d requests, want 4", others, got)
		}
	}
	if reads[400] > reads[40] {
		t.Errorf("a page reads %d records beside 40 requests of others and %d beside 400", reads[40], reads[400])
	}
}

// closeAll closes the open requests of a user.
func (s *env) closeAll(t *testing.T, login string) {
	t.Helper()
	found, _, err := s.Directory.HelpDesk.Requests(t.Context(), authntest.AsHelpDesk, helpdesk.RequestQuery{User: s.User(login).ID, Status: helpdesk.StateOpen})
	if err != nil || len(found) != 1 {
		t.Fatalf("got %d requests, %v", len(found), err)
	}
	if _, err := s.Directory.HelpDesk.Patch(t.Context(), authntest.AsHelpDesk, s.From, found[0].ID, helpdesk.RequestPatch{Status: helpdesk.StateResolved}); err != nil {
		t.Fatal(err)
	}
}
