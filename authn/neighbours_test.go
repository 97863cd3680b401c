package authn_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/store"
)

// TestSignIn_WritesTogetherLieTogether signs in one user after another. The records of a later sign-in sort after those of an
// earlier one, and no user id matters, so that sign-ins of one moment change the same pages of the store.
func TestSignIn_WritesTogetherLieTogether(t *testing.T) {
	e := authntest.New(t)
	keys := map[string][]string{}
	for _, name := range []string{"lea", "ali", "zoe", "max"} {
		_, phone, _ := e.Member(name+"@garage.example", nil)
		e.Clock.Advance(time.Minute)
		for _, table := range []store.TableDef{store.Transactions, store.Sessions, store.Browsers} {
			before := keysOf(t, e, table.Prefix)
			tr, err := e.Authn.StartWithPassword(t.Context(), e.From, name+"@garage.example", authntest.Password)
			if err != nil {
				t.Fatal(err)
			}
			if table.Prefix != store.Transactions.Prefix {
				r, err := e.Authn.Verify(t.Context(), e.From, tr.Secret, factors.InputCode, phone.Next())
				if err != nil || !r.Accepted() {
					t.Fatalf("second step: %v, %q", err, r.Rejected)
				}
			}
			made := slices.DeleteFunc(keysOf(t, e, table.Prefix), func(key string) bool { return slices.Contains(before, key) })
			keys[table.Prefix] = append(keys[table.Prefix], made...)
		}
	}
	for prefix, made := range keys {
		if len(made) != 4 || !slices.IsSorted(made) {
			t.Errorf("four users wrote %d keys of %s in the order %s, want them sorted", len(made), prefix, strings.Join(made, ", "))
		}
	}
}

func keysOf(t *testing.T, e *authntest.Env, prefix string) (keys []string) {
	t.Helper()
	err := e.Store.View(t.Context(), func(s store.Snapshot) error {
		return s.Scan(prefix, "", 0, func(key string, _ []byte) error {
			keys = append(keys, key)
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
