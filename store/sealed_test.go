package store_test

import (
	"errors"
	"testing"

	"barillet/store"
)

// A record that a client keeps is good for its own id and table, and unchanged.
func TestSeal_OpensUnderItsIDOnly(t *testing.T) {
	ring := openKeyring(t, open(t), store.NewRootKeys())
	table, other := store.NewTable[string](ring, store.SealedCodes), store.NewTable[string](ring, store.Codes)
	sealed, err := store.SealRecord(table, "a", "hello")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.OpenRecord(table, "a", sealed); err != nil || *got != "hello" {
		t.Errorf("got %v, %v, want hello", got, err)
	}
	altered := append([]byte(nil), sealed...)
	altered[len(altered)-1]++
	for name, open := range map[string]func() (*string, error){
		"another id":    func() (*string, error) { return store.OpenRecord(table, "b", sealed) },
		"another table": func() (*string, error) { return store.OpenRecord(other, "a", sealed) },
		"changed":       func() (*string, error) { return store.OpenRecord(table, "a", altered) },
		"cut":           func() (*string, error) { return store.OpenRecord(table, "a", sealed[:20]) },
		"empty":         func() (*string, error) { return store.OpenRecord(table, "a", nil) },
	} {
		if got, err := open(); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("%s: got %v, %v, want ErrUnreadable", name, got, err)
		}
	}
}
