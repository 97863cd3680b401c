package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
)

var foldStart = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func refusal(user, address string) audit.Event {
	return audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: user}, Subject: user, SubjectName: user + "@garage.example",
		Action: audit.FactorProven, Outcome: audit.Failure, Reason: "code: format", Address: address}
}

func TestFold_JoinsRepeatedRefusalsOfAUser(t *testing.T) {
	var f audit.Fold
	admitted := 0
	for i := range 1000 {
		if f.Admit(foldStart.Add(time.Duration(i)*time.Millisecond), refusal("u1", fmt.Sprintf("192.0.2.%d", i%20))) {
			admitted++
		}
	}
	if admitted != 5 {
		t.Errorf("got %d events of their own, want 5", admitted)
	}
	if due := f.Due(foldStart.Add(9*time.Minute), false); len(due) != 0 {
		t.Errorf("before the window ends: got %v", due)
	}
	due := f.Due(foldStart.Add(10*time.Minute), false)
	if len(due) != 1 {
		t.Fatalf("got %d folded events, want 1", len(due))
	}
	e := due[0]
	if e.Count() != 995 || e.Subject != "u1" || e.SubjectName != "u1@garage.example" || e.Detail["first"] != "2026-03-01T08:00:00Z" ||
		len(strings.Fields(e.Detail["sources"])) != 12 || e.Detail["sources_more"] == "" {
		t.Errorf("got %+v", e)
	}
	if due := f.Due(foldStart.Add(time.Hour), true); len(due) != 0 {
		t.Errorf("a second time: got %v", due)
	}
}

func TestFold_NeverFoldsASecurityEventOrASuccess(t *testing.T) {
	var f audit.Fold
	for range 1000 {
		for _, e := range []audit.Event{{Action: audit.FactorRemoved, Outcome: audit.Success}, {Action: audit.SessionStart, Outcome: audit.Success},
			{Action: audit.MailFailed, Outcome: audit.Failure}} {
			if !f.Admit(foldStart, e) {
				t.Fatalf("%s was folded", e.Action)
			}
		}
	}
	if due := f.Due(foldStart, true); len(due) != 0 {
		t.Errorf("got %v", due)
	}
}

// A flood in the names of many users adds a bounded number of events a day, and keeps the first of the users.
func TestFold_NamesOfUsersDoNotMultiplyEvents(t *testing.T) {
	var f audit.Fold
	now, events, counted, subjects := foldStart, 0, 0, ""
	const sent = 400_000
	for i := range sent {
		now = now.Add(24 * time.Hour / sent)
		if f.Admit(now, refusal(fmt.Sprintf("u%d", i%5000), "192.0.2.1")) {
			events++
			counted++
		}
		if i%300 == 0 {
			for _, e := range f.Due(now, false) {
				events++
				counted += e.Count()
				if e.Subject == "" {
					subjects = e.Detail["subjects"]
				}
			}
		}
	}
	for _, e := range f.Due(now, true) {
		counted += e.Count()
	}
	if events > 25_000 || counted != sent {
		t.Errorf("got %d events that count %d refusals, want about 20,000 for %d", events, counted, sent)
	}
	if len(strings.Fields(subjects)) != 16 {
		t.Errorf("got subjects %q, want 16", subjects)
	}
}

// An unauthenticated client chooses another user for each refusal. Its network has few windows; a refusal from elsewhere has its own.
func TestAttack_OneNetworkUsesAllWindows(t *testing.T) {
	for name, address := range map[string]func(i int) string{
		"an IPv4 /24": func(i int) string { return fmt.Sprintf("192.0.2.%d", i%250) },
		"an IPv6 /48": func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) },
	} {
		var f audit.Fold
		for i := range 6000 {
			f.Admit(foldStart, refusal(fmt.Sprintf("u%d", i%1000), address(i)))
		}
		for range 20 {
			f.Admit(foldStart, refusal("victim", "198.51.100.7"))
		}
		due := f.Due(foldStart, true)
		if len(due) > 34 {
			t.Errorf("%s: got %d folded events, want 32 of users, one of all others and the victim's", name, len(due))
		}
		others, victim := false, false
		for _, e := range due {
			others = others || e.Subject == "" && e.Count() > 4000 && len(strings.Fields(e.Detail["sources"])) == 12
			victim = victim || e.Subject == "victim" && e.Count() == 15
		}
		if !others || !victim {
			t.Errorf("%s: the event of all others %t, that of the victim %t, want both", name, others, victim)
		}
	}
}

// A window that ended gives its place back to its network.
func TestFold_ANetworkHasItsWindowsAgain(t *testing.T) {
	var f audit.Fold
	for round := range 3 {
		now := foldStart.Add(time.Duration(round) * 10 * time.Minute)
		for i := range 32 {
			for range 6 {
				f.Admit(now, refusal(fmt.Sprintf("u%d-%d", round, i), "192.0.2.1"))
			}
		}
		due := f.Due(now.Add(10*time.Minute), false)
		if len(due) != 32 || due[0].Subject == "" {
			t.Errorf("round %d: got %d events, want one of each of 32 users", round, len(due))
		}
	}
}

// Refusals of a thousand users in a thousand networks at the same time use little memory, and none is lost.
func TestFold_HasFewWindowsAtOnce(t *testing.T) {
	var f audit.Fold
	counted := 0
	for i := range 6000 {
		if f.Admit(foldStart, refusal(fmt.Sprintf("u%d", i%1000), fmt.Sprintf("2001:db8:%x::1", i%1000))) {
			counted++
		}
	}
	due := f.Due(foldStart, true)
	for _, e := range due {
		counted += e.Count()
	}
	if len(due) > 257 || counted != 6000 {
		t.Errorf("got %d windows that count %d refusals, want at most 257 and 6000", len(due), counted)
	}
}

// The clock is set back by a day: the windows end, and later refusals are events again.
func TestFold_AClockThatIsSetBackHidesNothing(t *testing.T) {
	var f audit.Fold
	for range 10 {
		f.Admit(foldStart, refusal("u1", "192.0.2.1"))
	}
	before := foldStart.Add(-24 * time.Hour)
	if due := f.Due(before, false); len(due) != 1 || due[0].Count() != 5 {
		t.Errorf("got %v, want one event", due)
	}
	if !f.Admit(before, refusal("u1", "192.0.2.1")) {
		t.Error("a refusal after the change is folded")
	}
}

// TestAttack_FloodHidesWhoGuessed: an unauthenticated client uses up the events of a day and all windows. Then an administrator and
// two tokens guess codes of others.
func TestAttack_FloodHidesWhoGuessed(t *testing.T) {
	for name, flood := range map[string]int{"all windows": 300, "all events of a day": 15_000} {
		var f audit.Fold
		for i := range flood {
			f.Admit(foldStart, refusal(fmt.Sprintf("u%d", i), fmt.Sprintf("2001:db8:%x::1", i)))
		}
		guesses := func(actor audit.Actor, program string) {
			for i := range 20 {
				e := refusal(fmt.Sprintf("victim%d", i), "192.0.2.9")
				if e.Detail = map[string]string{"program": program}; actor.ID != "" {
					e.Actor = actor
				}
				f.Admit(foldStart.Add(time.Second), e)
			}
		}
		guesses(audit.Actor{Type: audit.TypeUser, ID: "uadmin", Name: "admin@garage.example"}, "")
		guesses(audit.Actor{Type: audit.TypeToken, ID: "token:t1"}, "")
		guesses(audit.Actor{}, "t2")
		count := map[string]int{}
		for _, e := range f.Due(foldStart, true) {
			count[e.Actor.ID+e.Detail["program"]] += e.Count()
		}
		for _, who := range []string{"uadmin", "token:t1", "t2"} {
			if count[who] < 15 {
				t.Errorf("%s: the log names %s for %d of 20 refusals", name, who, count[who])
			}
		}
	}
}

// A second token continues where the first one was folded.
func TestFold_NamesTheProgramOfEachRefusal(t *testing.T) {
	var f audit.Fold
	for _, program := range []string{"t1", "t2"} {
		for range 10 {
			e := refusal("u1", "192.0.2.1")
			e.Detail = map[string]string{"program": program}
			f.Admit(foldStart, e)
		}
	}
	due := f.Due(foldStart, true)
	if len(due) != 2 || due[0].Detail["program"] == due[1].Detail["program"] || due[0].Count() != 5 {
		t.Errorf("got %+v, want an event for each program", due)
	}
}

// A counter of events adds the written ones that are not joined, and those of Folded.
func TestFold_EachRefusalIsWrittenOrFolded(t *testing.T) {
	folded := 0
	f := audit.Fold{Folded: func(audit.Event) { folded++ }}
	written := 0
	for i := range 100 {
		if e := refusal("u1", "192.0.2.1"); f.Admit(foldStart.Add(time.Duration(i)*time.Second), e) && !e.IsFolded() {
			written++
		}
	}
	due := f.Due(foldStart.Add(time.Hour), true)
	for _, e := range due {
		if !e.IsFolded() {
			written++
		}
	}
	if written+folded != 100 || folded == 0 || len(due) == 0 {
		t.Errorf("got %d written and %d folded, want 100 together", written, folded)
	}
}
