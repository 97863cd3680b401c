package counts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/counts"
	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"
)

func TestGolden(t *testing.T) {
	storetest.Golden(t, store.SignInsPending, nil, counts.SamplePart())
	storetest.Golden(t, store.SignInCounts, nil, counts.SampleMonth())
}

// signIn stores a sign-in at a time.
func signIn(e *authntest.Env, at time.Time, user account.UserID) {
	e.T.Helper()
	event := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(user)}, Subject: string(user), Action: audit.SessionStart, Outcome: audit.Success}
	if err := e.Store.Update(e.T.Context(), func(tx store.Tx) error { return e.Log.Append(tx, audit.NewID(at), event) }); err != nil {
		e.T.Fatal(err)
	}
}

// number gives each event its number.
func number(e *authntest.Env) {
	e.T.Helper()
	if err := e.Directory.Admin.Tree.Sequence(e.T.Context()); err != nil {
		e.T.Fatal(err)
	}
}

// count numbers and counts.
func count(e *authntest.Env) {
	e.T.Helper()
	number(e)
	if err := e.Counts.Count(e.T.Context()); err != nil {
		e.T.Fatal(err)
	}
}

func read(e *authntest.Env, q counts.Query) (signIns []int) {
	e.T.Helper()
	days, err := e.Counts.Read(e.T.Context(), q)
	if err != nil {
		e.T.Fatal(err)
	}
	for _, d := range days {
		signIns = append(signIns, d.SignIns)
	}
	return signIns
}

func TestDay_IsOneOfUTCInEveryTimeZone(t *testing.T) {
	e := authntest.New(t)
	u := e.CreateUser("zoe@garage.example", nil)
	midnight := e.Clock.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)
	for _, hours := range []int{-12, 0, 2, 14} {
		zone := time.FixedZone("zone", hours*60*60)
		signIn(e, midnight.Add(-time.Nanosecond).In(zone), u.ID)
		signIn(e, midnight.In(zone), u.ID)
		signIn(e, midnight.Add(24*time.Hour-time.Nanosecond).In(zone), u.ID)
	}
	e.Clock.Advance(midnight.Add(12 * time.Hour).Sub(e.Clock.Now()))
	count(e)
	if got := fmt.Sprint(read(e, counts.Query{Days: 3})); got != "[0 4 8]" {
		t.Errorf("got %s, want 4 and 8 sign-ins", got)
	}
	e.Clock.Advance(12*time.Hour - time.Nanosecond)
	if got := fmt.Sprint(read(e, counts.Query{Days: 1})); got != "[8]" {
		t.Errorf("before midnight: got %s", got)
	}
	e.Clock.Advance(time.Nanosecond)
	if got := fmt.Sprint(read(e, counts.Query{Days: 3})); got != "[4 8 0]" {
		t.Errorf("at midnight: got %s", got)
	}
}

func TestCount_UsersOfManyGroupsFitIntoUpdates(t *testing.T) {
	e := authntest.New(t)
	var groups []account.GroupID
	for i := range 60 {
		groups = append(groups, e.CreateGroup(fmt.Sprintf("Garage %d", i)))
	}
	for i := range 40 {
		u := e.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = append(u.Groups, groups[i:i+20]...) })
		e.Change(u.ID, func(u *account.User) { u.Groups = append(u.Groups, groups[:min(i, 12)]...) })
		signIn(e, e.Clock.Now(), u.ID)
	}
	count(e)
	for i, g := range groups {
		want := max(0, min(i, 39)-max(0, i-19)+1)
		if i < 12 {
			want += 39 - i // the users after this one whose first groups do not have it
		}
		if got := read(e, counts.Query{Days: 1, Group: g})[0]; got != want {
			t.Errorf("group %d: got %d sign-ins, want %d", i, got, want)
		}
	}
	if got := read(e, counts.Query{Days: 1}); got[0] != 40 {
		t.Errorf("of all users: got %d sign-ins, want 40", got[0])
	}
}

// TestCount_UsersOfDifferentGroupsFitIntoUpdates: their months together are more than an Update may change.
func TestCount_UsersOfDifferentGroupsFitIntoUpdates(t *testing.T) {
	e := authntest.New(t)
	var groups []account.GroupID
	for i := range 16 {
		var own []account.GroupID
		for j := range 8 {
			own = append(own, e.CreateGroup(fmt.Sprintf("Garage %d.%d", i, j)))
		}
		groups = append(groups, own...)
		signIn(e, e.Clock.Now(), e.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = own }).ID)
	}
	count(e)
	for i, g := range groups {
		if got := read(e, counts.Query{Days: 1, Group: g})[0]; got != 1 {
			t.Errorf("group %d: got %d sign-ins, want 1", i, got)
		}
	}
	if got := read(e, counts.Query{Days: 1}); got[0] != 16 {
		t.Errorf("of all users: got %d sign-ins, want 16", got[0])
	}
}

func TestMonth_TheLargestFitIntoOneUpdate(t *testing.T) {
	plain, err := store.Encode(counts.LargestMonth())
	if err != nil || (len(plain)+200)*counts.MaxMonths > store.MaxUpdateSize {
		t.Errorf("%d months of %d bytes, %v", counts.MaxMonths, len(plain), err)
	}
}

// TestScope_OneOfManyRowsIsFoundInAnotherGroup: a large group has users of more other groups than it has rows.
func TestScope_OneOfManyRowsIsFoundInAnotherGroup(t *testing.T) {
	e := authntest.New(t)
	large := e.CreateGroup("Tous")
	var groups []account.GroupID
	for i := range 20 {
		groups = append(groups, e.CreateGroup(fmt.Sprintf("Garage %d", i)))
		u := e.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = []account.GroupID{large, groups[i]} })
		signIn(e, e.Clock.Now(), u.ID)
	}
	count(e)
	for _, g := range groups {
		for _, q := range []counts.Query{{Group: g}, {Scope: []account.GroupID{g, large}}, {Scope: []account.GroupID{g, large}, Group: large}} {
			if q.Days = 1; read(e, q)[0] != 1 {
				t.Errorf("%+v: got %d sign-ins, want 1", q, read(e, q)[0])
			}
		}
	}
	if got := read(e, counts.Query{Days: 1, Group: large})[0]; got != 20 {
		t.Errorf("the large group has %d sign-ins, want 20", got)
	}
	if got := read(e, counts.Query{Days: 1, Scope: []account.GroupID{large}})[0]; got != 0 {
		t.Errorf("the scope of the large group has %d sign-ins of users outside", got)
	}
}

func TestSweep_EndsOldMonthsAndThoseOfDeletedGroups(t *testing.T) {
	e := authntest.New(t)
	group, ends := e.CreateGroup("Garage du Nord"), e.CreateGroup("Garage du Sud")
	u := e.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{group, ends} })
	alone := e.CreateUser("lea@garage.example", func(u *account.User) { u.Groups = []account.GroupID{ends} })
	for range 5 {
		signIn(e, e.Clock.Now(), u.ID)
		signIn(e, e.Clock.Now(), alone.ID)
		e.Clock.Advance(30 * 24 * time.Hour)
	}
	count(e)
	sweep := func(want int) {
		t.Helper()
		if err := storetest.Sweep(t.Context(), e.Store, e.Counts.Sweep(e.Clock.Now)); err != nil {
			t.Fatal(err)
		}
		left, err := storetest.Count(t.Context(), e.Store)
		if err != nil || left[store.SignInCounts.Prefix] != want {
			t.Errorf("%d months are left, %v, want %d", left[store.SignInCounts.Prefix], err, want)
		}
	}
	if got := read(e, counts.Query{Days: 90, Group: group}); got[89-30] != 1 || got[89-60] != 1 || got[89] != 0 {
		t.Errorf("got %v", got)
	}
	sweep(3 * 3) // March ended more than 90 days ago
	scope := counts.Query{Days: 90, Scope: []account.GroupID{ends}}
	if got := read(e, scope); got[89-30] != 1 {
		t.Errorf("before the group is deleted: got %v", got)
	}
	if err := e.Directory.DeleteGroup(t.Context(), authntest.AsSuperAdmin, e.From, ends); err != nil {
		t.Fatal(err)
	}
	if got := read(e, scope); got[89-30] != 0 {
		t.Errorf("after the group is deleted: got %v", got)
	}
	sweep(3 * 2)
	e.Clock.Advance(200 * 24 * time.Hour)
	sweep(0)
}

// TestRun_CountsSoonAfterAnEventAndThenReadsNothing waits for the counters themselves.
func TestRun_CountsSoonAfterAnEventAndThenReadsNothing(t *testing.T) {
	e := authntest.New(t)
	u := e.CreateUser("zoe@garage.example", nil)
	changed := make(chan struct{}, 100)
	e.Counts.Months().Watch(e.Store, func([]string) { changed <- struct{}{} })
	signIn(e, e.Clock.Now(), u.ID)
	number(e) // left by an earlier process
	node := e.Node()
	reads := storetest.CountReads(node.Store, "")
	node.Accounts.Store = reads
	worker := node.Counts
	worker.Log = slog.New(slog.DiscardHandler)
	worker.SetInterval(time.Millisecond)
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- worker.Run(ctx) }()
	for want := 1; want <= 3; want++ {
		<-changed
		if got := read(e, counts.Query{Days: 1}); got[0] != want {
			t.Errorf("got %d sign-ins, want %d", got[0], want)
		}
		if want < 3 {
			signIn(e, e.Clock.Now(), u.ID)
			number(e)
		}
	}
	for i := range 50 { // other work wakes nothing
		e.CreateUser(fmt.Sprintf("p%d@garage.example", i), nil)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := reads.Views(); n > 20 {
		t.Errorf("the worker reads %d times for three events", n)
	}
}

// TestRead_ReadsAsMuchWithTenTimesTheUsers: neither the report nor the work for one event grows with the users of a group.
func TestRead_ReadsAsMuchWithTenTimesTheUsers(t *testing.T) {
	var reads [2][]int64
	for i, n := range []int{200, 2000} {
		e := authntest.New(t)
		var groups []account.GroupID
		for j := range 3 {
			groups = append(groups, e.CreateGroup(fmt.Sprintf("Garage %d", j)))
		}
		var last account.UserID
		for first := 0; first < n; first += 8 {
			if _, err := account.Update(t.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
				for j := first; j < first+8; j++ {
					u := tx.NewUser()
					u.ID = account.UserID(fmt.Sprintf("u%026d", j))
					u.Login = fmt.Sprintf("p%d@garage.example", j)
					u.Email, u.Groups, last = u.Login, groups[:1+j%3], u.ID
					event := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID)}, Subject: string(u.ID), Action: audit.SessionStart, Outcome: audit.Success}
					if err := errors.Join(tx.Create(&u), e.Log.Append(tx.Raw, audit.NewID(e.Clock.Now()), event)); err != nil {
						return struct{}{}, err
					}
				}
				return struct{}{}, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		count(e)
		signIn(e, e.Clock.Now(), last)
		number(e)
		counted := storetest.CountReads(e.Store, "")
		e.Accounts.Store = counted
		if err := e.Counts.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
		reads[i] = append(reads[i], counted.Records())
		for _, q := range []counts.Query{{Days: 90}, {Days: 90, Group: groups[0]}, {Days: 7, Scope: groups}, {Days: 90, Scope: groups[1:], Group: groups[1]}} {
			counted.Reset()
			if got := read(e, q); q.Scope == nil && got[89] != n+1 || q.Days == 7 && got[6] != n+1 {
				t.Errorf("%+v: got %v", q, got)
			}
			reads[i] = append(reads[i], counted.Records())
		}
	}
	if !slices.Equal(reads[0], reads[1]) || slices.Max(reads[0]) > 40 {
		t.Errorf("got %d records with 200 users and %d with 2,000", reads[0], reads[1])
	}
}

// TestMonth_HasEachDayOnce: the record of a month does not grow with the sign-ins.
func TestMonth_HasEachDayOnce(t *testing.T) {
	e := authntest.New(t)
	group := e.CreateGroup("Garage du Nord")
	u := e.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{group} })
	size := func() (n int) {
		t.Helper()
		err := e.Store.View(t.Context(), func(snap store.Snapshot) error {
			return snap.Scan(store.SignInCounts.Prefix, "", 0, func(_ string, value []byte) error {
				n += len(value)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	sizes := [2]int{}
	for i := range sizes {
		for range 10 {
			signIn(e, e.Clock.Now(), u.ID)
			signIn(e, e.Clock.Now().Add(24*time.Hour), u.ID)
			count(e)
		}
		sizes[i] = size()
	}
	if sizes[1] != sizes[0] {
		t.Errorf("the months have %d bytes after 20 sign-ins and %d after 40", sizes[0], sizes[1])
	}
}
