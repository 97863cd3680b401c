package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/storetest"
)

var byOperator = audit.Actor{Type: audit.TypeOperator, ID: "operator:0", Name: "root"}

// eraseNow calls Log.EraseNow until it is complete, and returns the number of calls.
func eraseNow(e *authntest.Env, id account.UserID) (calls int) {
	e.T.Helper()
	for complete := false; !complete; calls++ {
		var err error
		if complete, err = e.Log.EraseNow(e.T.Context(), e.Store, string(id), byOperator, e.Clock.Now()); err != nil {
			e.T.Fatal(err)
		}
	}
	return calls
}

// addEvents appends events about a user.
func addEvents(e *authntest.Env, u *account.User, n int) {
	e.T.Helper()
	for ; n > 0; n -= 20 {
		e.Clock.Advance(time.Second)
		change(e, func(tx *account.Tx) error {
			for range min(n, 20) {
				if err := tx.AuditUser(u, audit.SessionStart, audit.Success, ""); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// wantErased checks that no event names the user, and that as many events state it.
func wantErased(e *authntest.Env, statements int) {
	e.T.Helper()
	if got := logText(e); strings.Contains(got, "zoe@") {
		e.T.Errorf("got %s, want no name", got)
	}
	got := e.Events(audit.EventsErased)
	if len(got) != statements {
		e.T.Errorf("got %d statements, want %d", len(got), statements)
	}
	for _, s := range got {
		if s.Detail["events"] == "" || s.Actor.Name == "" {
			e.T.Errorf("got %+v, want a statement with its number and actor", s)
		}
	}
}

// records returns the number of deleted users that the log shall still erase.
func records(e *authntest.Env) int {
	e.T.Helper()
	counts, err := storetest.Count(e.T.Context(), e.Store)
	if err != nil {
		e.T.Fatal(err)
	}
	return counts[store.Erasures.Prefix]
}

func TestEraseNow_ErasesALongLogInSeveralCalls(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 1)
	addEvents(e, &zoe, 2100)
	if calls := eraseNow(e, zoe.ID); calls != 2 {
		t.Errorf("got %d calls, want 2", calls)
	}
	wantErased(e, 1)
	if calls := eraseNow(e, zoe.ID); calls != 1 {
		t.Errorf("a repeated one: got %d calls, want 1", calls)
	}
	wantErased(e, 1)
}

// failingStore fails from an Update on.
type failingStore struct {
	store.Store
	updates int
}

var errCrash = errors.New("crash")

func (s *failingStore) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.updates--; s.updates < 0 {
		return errCrash
	}
	return s.Store.Update(ctx, fn)
}

func TestEraseNow_IsCompletedByTheSweepAfterACrash(t *testing.T) {
	for updates := range 5 {
		e := authntest.New(t)
		zoe := deletedUser(e, 60)
		s := &failingStore{e.Store, updates}
		if _, err := e.Log.EraseNow(t.Context(), s, string(zoe.ID), byOperator, e.Clock.Now()); !errors.Is(err, errCrash) {
			t.Fatalf("got %v, want a crash", err)
		}
		if err := storetest.Sweep(t.Context(), e.Store, e.Log.SweepErasures(e.Clock.Now, 90*24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if updates == 0 {
			if got := logText(e); !strings.Contains(got, "zoe@") {
				t.Error("an erasure that did not begin was completed")
			}
			continue
		}
		wantErased(e, 1)
		if got := e.Events(audit.EventsErased)[0].Actor; got != byOperator {
			t.Errorf("crash after %d Updates: got %+v, want the operator", updates, got)
		}
	}
}

// A folded refusal, or an email that is given up, has its event after the user was erased.
func TestEraseNow_LaterEventsAreErasedByPolicy(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 5)
	eraseNow(e, zoe.ID)
	addEvents(e, &zoe, 3)
	sweep := e.Log.SweepErasures(e.Clock.Now, 90*24*time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil || !strings.Contains(logText(e), "zoe@") || records(e) != 1 {
		t.Fatalf("before the policy: got %v, want the later events, and the record", err)
	}
	e.Clock.Advance(91 * 24 * time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil || records(e) != 0 {
		t.Errorf("after it: got %v and %d records, want none", err, records(e))
	}
	wantErased(e, 2) // verification needs a statement that is kept as long as the later events
}

func TestEraseNow_AcceptsAUserWithoutARecord(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 5)
	if err := e.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(store.Erasures.Prefix + string(zoe.ID)) }); err != nil {
		t.Fatal(err)
	}
	eraseNow(e, zoe.ID)
	wantErased(e, 1)
	e.Clock.Advance(91 * 24 * time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, e.Log.SweepErasures(e.Clock.Now, 90*24*time.Hour)); err != nil || records(e) != 0 {
		t.Errorf("got %v and %d records, want none", err, records(e))
	}
	eraseNow(e, zoe.ID) // erased by the policy
	wantErased(e, 1)
	if _, err := e.Log.EraseNow(t.Context(), e.Store, "u-unknown", byOperator, e.Clock.Now()); !errors.Is(err, store.ErrNotFound) || records(e) != 1 {
		t.Errorf("an unknown user: got %v and %d records", err, records(e))
	}
}

// The index of the log is not sealed. An entry added by who can write the file does not make the service erase an event of another
// user.
func TestErase_LeavesTheEventsOfOthersThatAWrongEntryNames(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 1)
	addEvents(e, &account.User{ID: "u-max", Login: "max@garage.example"}, 1)
	other := ""
	err := e.Store.View(t.Context(), func(snap store.Snapshot) error {
		entries, _, err := e.Log.Scan(snap, audit.Query{Subjects: []string{"u-max"}})
		other = entries[0].ID
		return err
	})
	if err == nil {
		err = e.Store.Update(t.Context(), func(tx store.Tx) error {
			return store.NewIndex(store.AuditEntities).Put(tx, string(zoe.ID)+"/s"+other)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	eraseNow(e, zoe.ID)
	wantErased(e, 1)
	if got := logText(e); !strings.Contains(got, "max@garage.example") {
		t.Errorf("got %s, want the event of the other user as it was", got)
	}
}
