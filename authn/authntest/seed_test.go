package authntest_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors"
)

// number returns the number in an environment variable.
func number(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// BenchmarkSeed fills the data directory STORE with PEOPLE users, three groups for 1,000 of them, and EVENTS audit events.
func BenchmarkSeed(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	size := authntest.Size{People: number(b, "PEOPLE", 1_000_000), Events: number(b, "EVENTS", 5_000_000)}
	size.Groups = max(30, size.People*3/1000)
	for b.Loop() {
		authntest.Seed(b, dir, size, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	}
}

func TestSeed_MakesWhatTheServiceMakes(t *testing.T) {
	dir := t.TempDir()
	seeded := authntest.Seed(t, dir, authntest.Size{People: 1000, Groups: 30, Events: 2000}, t.Logf)
	p := seeded.Population(t, 20)
	for _, u := range []authntest.TestUser{p.Users[0], p.Users[19], {Login: authntest.Login(77)}} {
		started, err := p.Authn.StartWithPassword(t.Context(), p.From, u.Login, authntest.Password)
		if err != nil {
			t.Fatal(err)
		}
		done, err := p.Authn.Verify(t.Context(), p.From, started.Secret, factors.InputCode, []byte(p.NextStep()))
		if err != nil || !done.Accepted() {
			t.Fatalf("second step of %s: %v, rejected %q", u.Login, err, done.Rejected)
		}
	}
	report, err := p.Directory.Admin.Tree.Verify(t.Context())
	if err != nil || report.Bad != nil || report.Entries < int64(seeded.Size.Events) || report.Heads < 2 {
		t.Errorf("verifying the audit log: got %+v, %v", report, err)
	}
	queue, _, err := p.Directory.HelpDesk.Requests(t.Context(), authntest.AsOperator, helpdesk.RequestQuery{})
	open := len(slices.DeleteFunc(slices.Clone(queue), func(r helpdesk.Request) bool { return r.State != helpdesk.StateOpen }))
	if err != nil || len(queue) != seeded.Requests() || open != 7 || queue[0].User != seeded.ID(seeded.Applicant(0)) || queue[9].User != "" {
		t.Errorf("the queue: got %d requests, %d open, %v", len(queue), open, err)
	}
	if approvals, _, err := p.Approvals.List(t.Context(), authntest.AsOperator, "", 0); err != nil || len(approvals) != seeded.PendingApprovals() {
		t.Errorf("got %d approvals, %v, want %d", len(approvals), err, seeded.PendingApprovals())
	}
	if mails, err := p.Directory.Admin.CountMail(t.Context(), authntest.AsOperator); err != nil || mails.Dead != seeded.DeadLetters() {
		t.Errorf("got %+v in the outbox, %v, want %d dead letters", mails, err, seeded.DeadLetters())
	}
	if u := p.User(authntest.Login(77)); len(u.Devices) != 2 {
		t.Errorf("user 77 has %d devices, want 2", len(u.Devices))
	}
	if _, err := p.Directory.HelpDesk.Reset(t.Context(), authntest.AsOperator, p.From, p.Users[1].Login, helpdesk.ResetRequest{}); err != nil {
		t.Errorf("resetting: %v", err)
	}
	for i := range seeded.People {
		if !seeded.HasSession(i) {
			continue
		}
		if info, err := p.Sessions.Authenticate(t.Context(), seeded.Session(i)); err != nil || info.User != seeded.ID(i) {
			t.Fatalf("session of user %d: got %q, %v", i, info.User, err)
		}
	}
}
