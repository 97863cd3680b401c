package account_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/store/storetest"
)

// change calls fn in an Update.
func change(e *authntest.Env, fn func(tx *account.Tx) error) {
	e.T.Helper()
	if _, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) { return struct{}{}, fn(tx) }); err != nil {
		e.T.Fatal(err)
	}
}

// deletedUser returns a user who was deleted and is in the log, with the address of the client.
func deletedUser(e *authntest.Env, events int) account.User {
	e.T.Helper()
	zoe := e.CreateUser("zoe@garage.example", func(u *account.User) { u.Status = account.StatusDeactivated })
	for range events {
		e.Clock.Advance(time.Second)
		change(e, func(tx *account.Tx) error { return tx.AuditUser(&zoe, audit.SessionStart, audit.Success, "") })
	}
	change(e, func(tx *account.Tx) error {
		u, err := tx.User(zoe.ID)
		if err != nil {
			return err
		}
		return tx.Delete(&u)
	})
	return zoe
}

func logText(e *authntest.Env) string {
	var out strings.Builder
	for _, x := range e.Events() {
		out.WriteString(strings.Join([]string{x.Action, x.Actor.ID, x.Actor.Name, x.Subject, x.SubjectName, x.Address, x.Agent, x.Detail["events"]}, " ") + "\n")
	}
	return out.String()
}

func TestSweepErasures_BlankTheDataOfADeletedUser(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 60)
	sweep := e.Accounts.Log.SweepErasures(e.Clock.Now, 90*24*time.Hour)
	e.Clock.Advance(89 * 24 * time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil || !strings.Contains(logText(e), "zoe@") {
		t.Fatalf("after 89 days: got %v, want the events as they were", err)
	}
	e.Clock.Advance(2 * 24 * time.Hour)
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil {
		t.Fatal(err)
	}
	got := logText(e)
	if strings.Contains(got, "zoe@") || strings.Contains(got, "192.0.2.") || strings.Count(got, audit.SessionStart+" "+string(zoe.ID)) != 60 {
		t.Errorf("got %s, want action and id without names and addresses", got)
	}
	if n := len(e.Events(audit.EventsErased)); n != 1 || !strings.Contains(got, "60") {
		t.Errorf("got %d statements of the erasure, want one with its count", n)
	}
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil || len(e.Events(audit.EventsErased)) != 1 {
		t.Errorf("a second time: got %v and %d statements", err, len(e.Events(audit.EventsErased)))
	}
}

func TestSweepErasures_GoesOnAfterACrash(t *testing.T) {
	e := authntest.New(t)
	zoe := deletedUser(e, 60)
	ctx, cancel := context.WithCancel(t.Context())
	sweep, updates := e.Accounts.Log.SweepErasures(e.Clock.Now, 0), 0
	err := sweep.Delete(ctx, e.Store, []string{string(zoe.ID)}, func() {
		if updates++; updates == 2 {
			cancel()
		}
	})
	if err == nil || !strings.Contains(logText(e), "zoe@") {
		t.Fatalf("got %v, want an erasure that was stopped in the middle", err)
	}
	if err := storetest.Sweep(t.Context(), e.Store, sweep); err != nil || strings.Contains(logText(e), "zoe@") || len(e.Events(audit.EventsErased)) != 1 {
		t.Errorf("got %v and %d statements, want the rest erased", err, len(e.Events(audit.EventsErased)))
	}
}
