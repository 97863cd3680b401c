package helpdesk_test

import (
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
)

// The queue lists requests that are not closed, of a garage and of an administrator, and counts those that nobody has.
func TestRequests_ListWhatWaits(t *testing.T) {
	s := newEnv(t)
	zoe, ines := s.agents(t)
	first := s.newRequest(t)
	s.submit(t, 2, helpdesk.Submission{Email: "unknown@garage.example", Message: "x"})
	s.submit(t, 3, helpdesk.Submission{Email: s.Manager.Login, Message: "x"})
	all := s.requests(t)
	unknown, manager := all[1].ID, all[2].ID
	list := func(p admin.Principal, q helpdesk.RequestQuery) string {
		t.Helper()
		found, _, err := s.Directory.HelpDesk.Requests(t.Context(), p, q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, c := range found {
			ids = append(ids, c.ID)
		}
		return fmt.Sprint(ids)
	}
	count := func(p admin.Principal, limit, want int, more bool, oldest time.Time) {
		t.Helper()
		got, err := s.Directory.HelpDesk.CountOpen(t.Context(), p, limit)
		if want := (helpdesk.OpenCount{N: want, More: more, Oldest: oldest}); err != nil || got != want {
			t.Errorf("got %+v and %v, want %+v", got, err, want)
		}
	}
	elsewhere := authntest.Limited(zoe, s.Nord)
	waiting := helpdesk.RequestQuery{Waiting: true}
	count(zoe, 100, 3, false, all[0].At)
	count(zoe, 3, 3, false, all[0].At)
	count(zoe, 2, 2, true, all[0].At)
	count(elsewhere, 100, 0, false, time.Time{})
	s.patched(t, zoe, first, helpdesk.RequestPatch{Assignee: to(helpdesk.Me)})
	s.patched(t, ines, manager, helpdesk.RequestPatch{Status: helpdesk.StateRejected})
	count(zoe, 100, 1, false, all[1].At)
	for name, c := range map[string]struct {
		p    admin.Principal
		q    helpdesk.RequestQuery
		want []string
	}{
		"all that wait":           {zoe, waiting, []string{first, unknown}},
		"after the first":         {zoe, helpdesk.RequestQuery{Waiting: true, After: first}, []string{unknown}},
		"open":                    {zoe, helpdesk.RequestQuery{Status: helpdesk.StateOpen}, []string{unknown}},
		"mine":                    {zoe, helpdesk.RequestQuery{Waiting: true, Assignee: helpdesk.Me}, []string{first}},
		"mine of another":         {ines, helpdesk.RequestQuery{Waiting: true, Assignee: helpdesk.Me}, nil},
		"of a garage":             {zoe, helpdesk.RequestQuery{Waiting: true, Group: s.Lumiere}, []string{first}},
		"of another garage":       {zoe, helpdesk.RequestQuery{Waiting: true, Group: s.Nord}, nil},
		"closed":                  {zoe, helpdesk.RequestQuery{Status: helpdesk.StateRejected}, []string{manager}},
		"of a manager elsewhere":  {elsewhere, waiting, nil},
		"of a manager of another": {elsewhere, helpdesk.RequestQuery{Waiting: true, Group: s.Lumiere}, nil},
	} {
		if got, want := list(c.p, c.q), fmt.Sprint(c.want); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	s.patched(t, zoe, manager, helpdesk.RequestPatch{Status: helpdesk.StateOpen})
	if got, want := list(zoe, waiting), fmt.Sprint([]string{first, unknown, manager}); got != want {
		t.Errorf("opened again: got %s, want %s", got, want)
	}
	_, err := s.Directory.HelpDesk.CountOpen(t.Context(), admin.Principal{ID: "token:x", Owner: "x", Role: account.Role("NONE")}, 1)
	if err == nil {
		t.Error("a principal without a role counts requests")
	}
}

// A note, or words for the user, can follow after a request was closed.
func TestPatch_AddsNoteToClosedRequest(t *testing.T) {
	s := newEnv(t)
	zoe, _ := s.agents(t)
	id := s.newRequest(t)
	s.patched(t, zoe, id, helpdesk.RequestPatch{Status: helpdesk.StateResolved})
	c := s.patched(t, zoe, id, helpdesk.RequestPatch{Note: "called again", Answer: "It works now."})
	if c.State != helpdesk.StateResolved || c.History[len(c.History)-2].Text != "called again" {
		t.Errorf("got %+v, want it closed, with the note", c)
	}
}
