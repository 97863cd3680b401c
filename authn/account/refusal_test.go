package account_test

import (
	"context"
	"fmt"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/store"
)

// fullStore is a store without space.
type fullStore struct{ store.Store }

func (fullStore) Update(context.Context, func(store.Tx) error) error { return store.ErrUnavailable }

// A flood on a full disk must not remove what it was folded into.
func TestFlushRefusals_KeepsWhatItCannotStore(t *testing.T) {
	e := authntest.New(t)
	refused := func(i int) audit.Event {
		return audit.Event{Actor: audit.Actor{Type: audit.TypeUnknown}, Action: audit.AppRefused, Outcome: audit.Failure, Reason: fmt.Sprint("fault ", i%20)}
	}
	for i := range 20 * 8 {
		if _, err := e.Accounts.Refused(t.Context(), e.Accounts.NewOperation(account.RequestInfo{}), refused(i)); err != nil {
			t.Fatal(err)
		}
	}
	disk := e.Accounts.Store
	e.Accounts.Store = fullStore{disk}
	if err := e.Accounts.FlushRefusals(t.Context(), true); err == nil {
		t.Fatal("a full disk is no error")
	}
	e.Accounts.Store = disk
	if err := e.Accounts.FlushRefusals(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, event := range e.Events(audit.AppRefused) {
		total += event.Count()
	}
	if total != 20*8 {
		t.Errorf("the log has %d refusals, want %d", total, 20*8)
	}
}
