package counts_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/counts"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/store"
	"barillet/store/storetest"
)

// dying is a store whose Updates fail at random, before or after they are durable, as if the process was killed there.
type dying struct {
	store.Store
	random *rand.Rand
	deaths *int
}

var errKilled = errors.New("killed")

func (d *dying) Update(ctx context.Context, fn func(store.Tx) error) error {
	n := d.random.IntN(8)
	if n == 0 {
		*d.deaths++
		return errKilled
	}
	err := d.Store.Update(ctx, fn)
	if err == nil && n == 1 {
		*d.deaths++
		return errKilled
	}
	return err
}

// seen is an event as the counters must see it: with the groups and roles of its user when it was counted.
type seen struct {
	day    time.Time
	groups []account.GroupID
	role   bool
	counts counts.Counts
}

// history is a service whose users sign in and change at random.
type history struct {
	*authntest.Env
	t      *testing.T
	random *rand.Rand
	groups []account.GroupID
	users  []account.UserID
	log    *tree.Tree
	counts *counts.Service
	deaths int
	known  map[string]bool // events that were counted
	seen   []seen
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{Env: authntest.New(t), t: t, random: rand.New(rand.NewPCG(seed, 2)), known: map[string]bool{}}
	for i := range 4 {
		h.groups = append(h.groups, h.CreateGroup(fmt.Sprintf("Garage %d", i)))
	}
	for i := range 12 {
		h.users = append(h.users, h.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = h.some() }).ID)
	}
	h.restart()
	return h
}

// restart opens everything again, as after a kill.
func (h *history) restart() {
	node := h.Node()
	dying := &dying{Store: node.Store, random: h.random, deaths: &h.deaths}
	node.Accounts.Store = dying
	h.counts = node.Counts
	var err error
	if h.log, err = tree.New(tree.Config{Store: dying, Keyring: node.Ring, Pepper: h.Keys.Pepper, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Numbered: h.counts.Note}); err != nil {
		h.t.Fatal(err)
	}
}

// some returns some of the groups.
func (h *history) some() (out []account.GroupID) {
	for _, g := range h.groups {
		if h.random.IntN(3) == 0 {
			out = append(out, g)
		}
	}
	return out
}

// event returns a random event, often one that counts.
func (h *history) event() audit.Event {
	id := string(h.users[h.random.IntN(len(h.users))])
	if h.random.IntN(10) == 0 {
		id = "udeleted"
	}
	e := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: id, Name: "p"}, Subject: id, SubjectName: "p", Action: audit.SessionStart, Outcome: audit.Failure}
	switch h.random.IntN(10) {
	case 0, 1, 2:
		e.Outcome = audit.Success
	case 3:
		e.Reason = audit.WrongPassword
	case 4:
		e.Reason = "not active: SUSPENDED"
	case 5:
		e.Action, e.Reason = audit.FactorProven, "totp: wrong"
		if h.random.IntN(3) == 0 {
			e.Actor = audit.Actor{Type: audit.TypeToken, ID: "token"} // an administrator verified it
		}
	case 6:
		e.Action, e.Actor, e.Subject, e.SubjectName = audit.UnknownName, audit.Actor{Type: audit.TypeUnknown}, "", ""
	case 7:
		e.Action, e.Outcome = audit.CodesStopped, audit.Success
	case 8:
		e.Action, e.Outcome, e.Actor = audit.FactorsReset, audit.Success, audit.Actor{Type: audit.TypeOperator, ID: "operator"}
	case 9:
		e.Action, e.Outcome = audit.FactorProven, audit.Success
	}
	if h.random.IntN(4) == 0 {
		e.Detail = map[string]string{"count": strconv.Itoa(1 + h.random.IntN(50))} // folded, if it is a refusal
	}
	return e
}

// append stores events of the present, and late ones.
func (h *history) append() {
	for range 1 + h.random.IntN(60) {
		h.Clock.Advance(time.Duration(h.random.IntN(1200)) * time.Second)
		id, e := audit.NewID(h.Clock.Now().Add(-time.Duration(h.random.IntN(5))*time.Minute)), h.event()
		if err := h.Store.Update(h.t.Context(), func(tx store.Tx) error { return h.Log.Append(tx, id, e) }); err != nil {
			h.t.Fatal(err)
		}
	}
}

// change changes the groups or the role of a user.
func (h *history) change() {
	h.Change(h.users[h.random.IntN(len(h.users))], func(u *account.User) {
		if h.random.IntN(4) == 0 {
			u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: h.groups[:1]}}
			return
		}
		u.Groups, u.Roles = h.some(), nil
	})
}

// untilDone repeats f after each kill, sometimes in a new process.
func (h *history) untilDone(f func() error) {
	h.t.Helper()
	for err := f(); err != nil; err = f() {
		if !errors.Is(err, errKilled) {
			h.t.Fatal(err)
		}
		if h.random.IntN(2) == 0 {
			h.restart()
		}
	}
}

// count numbers and counts every event, and notes what the counters must show.
func (h *history) count() {
	h.untilDone(func() error { return h.log.Sequence(h.t.Context()) })
	h.untilDone(func() error { return h.counts.Count(h.t.Context()) })
	for _, e := range h.Events() {
		if h.known[e.ID] {
			continue
		}
		h.known[e.ID] = true
		one := seen{day: e.At.Truncate(24 * time.Hour), counts: expected(&e.Event)}
		if slices.Contains(h.users, account.UserID(e.Subject)) {
			u := h.User(e.Subject)
			one.groups, one.role = u.Groups, len(u.Roles) > 0
		}
		h.seen = append(h.seen, one)
	}
}

// expected is written again from the documentation.
func expected(e *audit.Event) (c counts.Counts) {
	n := 1
	if folded, err := strconv.Atoi(e.Detail["count"]); err == nil && (e.Outcome == audit.Failure) {
		n = folded
	}
	switch e.Action + " " + e.Outcome {
	case "user.session.start SUCCESS":
		c.SignIns = n
	case "user.session.start FAILURE":
		if c.Inactive = n; e.Reason == "wrong password" {
			c.WrongPasswords, c.Inactive = n, 0
		}
	case "user.authentication.auth_via_mfa FAILURE":
		if e.Actor.Type == audit.TypeUser {
			c.WrongCodes = n
		}
	case "barillet.login.unknown_name FAILURE":
		c.UnknownLogins = n
	case "user.account.lock SUCCESS":
		c.Lockouts = n
	case "user.mfa.factor.reset_all SUCCESS":
		c.Resets = n
	}
	return c
}

// compare compares what a query reads with a full count of the log.
func (h *history) compare(q counts.Query) {
	h.t.Helper()
	got, err := h.counts.Read(h.t.Context(), q)
	if err != nil || len(got) != q.Days {
		h.t.Fatalf("%+v: got %d days, %v", q, len(got), err)
	}
	today := h.Clock.Now().Truncate(24 * time.Hour)
	for i, day := range got {
		start := today.AddDate(0, 0, i-q.Days+1)
		var want counts.Counts
		for _, e := range h.seen {
			inScope := q.Scope == nil || len(e.groups) > 0 && !e.role && !slices.ContainsFunc(e.groups, func(g account.GroupID) bool { return !slices.Contains(q.Scope, g) })
			if e.day.Equal(start) && inScope && (q.Group == "" || slices.Contains(e.groups, q.Group)) {
				want.Add(e.counts)
			}
		}
		if !day.Start.Equal(start) || day.Counts != want {
			h.t.Fatalf("%+v, day %s: got %+v, want %s with %+v", q, day.Start, day.Counts, start, want)
		}
	}
}

// TestCounters_EqualAFullCountOfTheLogAfterAnyHistory: also after kills between and inside the steps of the sequencer and of the
// worker, no event counts twice and none is lost.
func TestCounters_EqualAFullCountOfTheLogAfterAnyHistory(t *testing.T) {
	deaths := 0
	for seed := range uint64(6) {
		h := newHistory(t, seed)
		for range 25 {
			h.Clock.Advance(time.Duration(h.random.IntN(72)) * time.Hour)
			for range h.random.IntN(3) {
				h.append()
				h.change()
			}
			h.count()
			scope := append([]account.GroupID{}, h.some()...)
			for _, q := range []counts.Query{{Days: 90}, {Days: 1 + h.random.IntN(30), Group: h.groups[h.random.IntN(4)]}, {Days: 40, Scope: scope},
				{Days: 40, Scope: scope, Group: h.groups[h.random.IntN(4)]}, {Days: 7, Scope: h.groups}} {
				h.compare(q)
			}
		}
		left, err := storetest.Count(t.Context(), h.Store)
		if err != nil || left[store.SignInsPending.Prefix] != 0 {
			t.Errorf("%d parts are not counted, %v", left[store.SignInsPending.Prefix], err)
		}
		deaths += h.deaths
		if len(h.seen) < 100 {
			t.Errorf("the history has %d events", len(h.seen))
		}
	}
	if deaths < 20 {
		t.Errorf("got %d kills, want many", deaths)
	}
}
