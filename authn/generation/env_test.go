package generation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/authn/generation"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// renewal returns what renews the store of an environment.
func renewal(e *authntest.Env) *generation.Renewal {
	return &generation.Renewal{Accounts: e.Accounts, Tree: e.Directory.Admin.Tree, Hooks: e.Hooks, Clients: clients(e), SigningKeys: keys.Algorithms,
		Clear:   func(_ context.Context, table store.TableDef) (int, error) { return e.Clear(table) },
		Actor:   audit.Actor{Type: audit.TypeOperator, ID: "operator:0", Name: "root"},
		Applied: func(audit.Event, bool) {}}
}

func clients(e *authntest.Env) *client.Service {
	return client.New(client.Config{Store: e.Store, Keyring: e.Ring, Accounts: e.Accounts, Now: e.Clock.Now})
}

// export returns the whole log of an environment, one entry a line, and its newest head.
func export(t *testing.T, e *authntest.Env) (lines [][]byte, head string) {
	t.Helper()
	log := e.Directory.Admin.Tree
	if err := log.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	for after, first := "", true; first || after != ""; first = false {
		entries, next, err := log.Entries(t.Context(), 0, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			line, err := json.Marshal(entry)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		after = next
	}
	head, err := log.NewestHead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return lines, head
}

// importLog imports lines into the log of a backup.
func importLog(t *testing.T, past *authntest.Env, lines [][]byte, head string) (tree.Imported, error) {
	t.Helper()
	scratch, err := os.Create(filepath.Join(t.TempDir(), "hashes"))
	if err != nil {
		t.Fatal(err)
	}
	defer scratch.Close()
	return past.Directory.Admin.Tree.Import(t.Context(), bytes.NewReader(bytes.Join(lines, []byte("\n"))), head, scratch)
}

// restore makes the backup a new generation, by the log of the service or without it.
func restore(t *testing.T, service, past *authntest.Env, withLog bool) generation.Report {
	t.Helper()
	from := generation.Source{At: past.Clock.Now()}
	if withLog {
		lines, head := export(t, service)
		done, err := importLog(t, past, lines, head)
		if err != nil {
			t.Fatal(err)
		}
		from.Log = &done
	}
	report, err := renewal(past).Run(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	past.Clock.Advance(3 * time.Minute) // a code of the time of the restore is used
	return report
}
