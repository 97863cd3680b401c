package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/store/storetest"
)

// write appends events, each a second after the one before, and gives them numbers.
func write(s *authntest.Env, n int, e audit.Event) {
	s.T.Helper()
	for range n {
		s.Clock.Advance(time.Second)
		_, err := account.Update(s.T.Context(), s.Accounts, s.Accounts.NewOperation(s.From), func(tx *account.Tx) (struct{}, error) { return struct{}{}, tx.Audit(e) })
		if err != nil {
			s.T.Fatal(err)
		}
	}
	if err := s.Directory.Admin.Tree.Advance(s.T.Context()); err != nil {
		s.T.Fatal(err)
	}
}

// joinLumiere adds a user to the group Lumiere.
func joinLumiere(s *env, id account.UserID) {
	s.T.Helper()
	if _, err := account.Update(s.T.Context(), s.Accounts, s.Accounts.NewOperation(s.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err == nil {
			_, err = tx.AddToGroup(&u, s.Lumiere)
		}
		return struct{}{}, errors.Join(err, tx.Save(&u))
	}); err != nil {
		s.T.Fatal(err)
	}
}

func TestAttack_TokenOfFewGroupsReadsTheWholeLog(t *testing.T) {
	s := newEnv(t)
	zoe := s.CreateUser("zoe@garage.example", nil)
	joinLumiere(s, zoe.ID)
	write(s.Env, 1, audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: string(zoe.ID)})
	write(s.Env, 1500, audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: "another"})
	counter := storetest.CountReads(s.Store, "")
	s.Accounts.Store = counter
	for name, test := range map[string]struct {
		p    admin.Principal
		q    audit.Query
		some bool
		most int64
	}{
		"no group":                 {authntest.Limited(authntest.AsHelpDesk), audit.Query{Limit: 1}, false, 0},
		"one group":                {authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{Limit: 1}, true, 40},
		"one group, newest first":  {authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{Descending: true}, true, 40},
		"a user outside the scope": {authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{Subjects: []string{"another"}}, false, 40},
	} {
		counter.Reset()
		found, _, err := s.Directory.Admin.Events(t.Context(), test.p, test.q)
		if err != nil || (len(found) > 0) != test.some || counter.Records() > test.most {
			t.Errorf("%s: got %d events, %v with %d reads, want some: %v, with at most %d", name, len(found), err, counter.Records(), test.some, test.most)
		}
	}
}

func TestEvents_CursorInTheMiddleOfASearchIsSealed(t *testing.T) {
	s := newEnv(t)
	zoe := s.CreateUser("zoe@garage.example", nil)
	joinLumiere(s, zoe.ID)
	write(s.Env, 2100, audit.Event{Action: audit.RoleGranted, Outcome: audit.Success, Subject: string(zoe.ID)}) // not for a group scope
	write(s.Env, 1, audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: string(zoe.ID)})
	p := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	found, next, err := s.Directory.Admin.Events(t.Context(), p, audit.Query{Budget: 2000})
	if err != nil || !strings.HasPrefix(next, "sealed-") || strings.Contains(next, "2026") {
		t.Fatalf("got %d events, cursor %q, %v; want a sealed cursor", len(found), next, err)
	}
	_, other, err := s.Directory.Admin.Events(t.Context(), p, audit.Query{Budget: 2000})
	if err != nil || other == next {
		t.Errorf("got the cursor %q twice, want each to differ", other)
	}
	another := p
	another.ID = "token:other"
	changed := []byte(next)
	changed[len(changed)-3] ^= 1
	for _, c := range []struct {
		p      admin.Principal
		cursor string
	}{{another, next}, {p, string(changed)}, {p, "sealed-"}, {p, "sealed-%"}} {
		if _, _, err := s.Directory.Admin.Events(t.Context(), c.p, audit.Query{After: c.cursor}); !errors.Is(err, audit.ErrID) {
			t.Errorf("%q: got %v, want ErrID", c.cursor, err)
		}
	}
	found, next, err = s.Directory.Admin.Events(t.Context(), p, audit.Query{After: next})
	if err != nil || next != "" || !slices.ContainsFunc(found, func(e audit.Entry) bool { return e.Action == audit.SessionStart }) {
		t.Errorf("got %v, cursor %q, %v; want the event after the cursor", found, next, err)
	}
}

// A scope has more users than the index finds at once, and the log has many events of others. Each page costs a part of the log, or a
// key of each user, and no two pages in a row are empty.
func TestEvents_OfALargeScopeHaveNoTwoEmptyPagesInARow(t *testing.T) {
	s := newEnv(t)
	s.Directory.Admin.SetSearchLimits(3, 20)
	var members []string
	for i := range 5 {
		u := s.CreateUser(fmt.Sprintf("member%d@garage.example", i), nil)
		joinLumiere(s, u.ID)
		members = append(members, string(u.ID))
	}
	want := 0
	for range 4 {
		write(s.Env, 250, audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: "another"})
		for _, id := range members {
			want++
			write(s.Env, 1, audit.Event{Action: audit.StepUp, Outcome: audit.Success, Subject: id})
		}
	}
	counter := storetest.CountReads(s.Store, "")
	s.Accounts.Store = counter
	p := authntest.Limited(authntest.AsHelpDesk, s.Lumiere)
	for _, descending := range []bool{false, true} {
		q := audit.Query{Budget: 60, Limit: 3, Descending: descending}
		var ids []string
		for empty, page := 0, 0; page == 0 || q.After != ""; page++ {
			counter.Reset()
			found, next, err := s.Directory.Admin.Events(t.Context(), p, q)
			if err != nil || counter.Records() > 400 {
				t.Fatalf("page %d: got %v with %d reads", page, err, counter.Records())
			}
			for _, e := range found {
				if e.Action == audit.StepUp {
					ids = append(ids, e.ID)
				}
				if e.Subject == "another" {
					t.Errorf("got event %s about a user outside the scope", e.ID)
				}
			}
			if empty++; len(found) > 0 {
				empty = 0
			}
			if empty > 1 && next != "" {
				t.Fatalf("page %d: got %d empty pages in a row", page, empty)
			}
			if len(found) == 0 && next != "" && !strings.HasPrefix(next, "sealed-") {
				t.Errorf("got cursor %q, want a sealed one", next)
			}
			q.After = next
		}
		if slices.Sort(ids); len(ids) != want || len(slices.Compact(ids)) != want {
			t.Errorf("descending %v: got %d events, want each of %d once", descending, len(ids), want)
		}
	}
}

// A page after an empty one reads no key of each user either, if there are many.
func TestEvents_OfAVeryLargeScopeReadOnlyAPart(t *testing.T) {
	s := newEnv(t)
	s.Directory.Admin.SetSearchLimits(3, 20)
	for i := range 60 {
		joinLumiere(s, s.CreateUser(fmt.Sprintf("member%d@garage.example", i), nil).ID)
	}
	write(s.Env, 300, audit.Event{Action: audit.SessionStart, Outcome: audit.Success, Subject: "another"})
	counter := storetest.CountReads(s.Store, "")
	s.Accounts.Store = counter
	p, q := authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{Budget: 60, Limit: 3, Descending: true}
	for page := range 3 {
		counter.Reset()
		found, next, err := s.Directory.Admin.Events(t.Context(), p, q)
		if err != nil || len(found) > 0 || next == "" || counter.Records() > 60+20+60 {
			t.Fatalf("page %d: got %d events, cursor %q, %v with %d reads", page, len(found), next, err, counter.Records())
		}
		q.After = next
	}
}

// An event about a user in the scope that names a group outside is hidden (protocol rule 21). A token or a device is no group.
func TestEvents_OfAScopeNameNoGroupOutside(t *testing.T) {
	s := newEnv(t)
	zoe := s.CreateUser("zoe@garage.example", nil)
	joinLumiere(s, zoe.ID)
	for id, kind := range map[string]string{string(s.Lumiere): audit.TypeGroup, string(s.Nord): audit.TypeGroup, "d1": audit.TypeDevice} {
		write(s.Env, 1, audit.Event{Action: audit.ProfileUpdated, Outcome: audit.Success, Subject: string(zoe.ID), Targets: []audit.Actor{{Type: kind, ID: id}}})
	}
	find := func(keep func(audit.Entry) bool) (targets []string) {
		t.Helper()
		found, _, err := s.Directory.Admin.Events(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere), audit.Query{Actions: []string{audit.ProfileUpdated}, Keep: keep})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			targets = append(targets, e.Targets[0].ID)
		}
		return targets
	}
	authntest.SameStrings(t, "all", slices.Sorted(slices.Values(find(nil))), slices.Sorted(slices.Values([]string{string(s.Lumiere), "d1"})))
	authntest.SameStrings(t, "with a filter", find(func(e audit.Entry) bool { return e.Targets[0].Type == audit.TypeDevice }), []string{"d1"})
}
