package main

import (
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"

	"barillet/store"
)

// newTestApp returns an app with a new data directory.
func newTestApp(t *testing.T) *app {
	t.Helper()
	c := defaults()
	c.Data = filepath.Join(t.TempDir(), "data")
	c.Password.MemoryKiB, c.Password.Passes = 8192, 1
	c.API.Authn, c.TrustedProxies = true, networks{netip.MustParsePrefix("127.0.0.0/8")}
	dir, err := openDataDir(t.Context(), &c, true, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.store.Close() })
	a, err := newAppWithPages(&c, dir, "https://login.example", slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSweeps_CoverEachTable fails for a table that a job shall sweep and that no job sweeps.
func TestSweeps_CoverEachTable(t *testing.T) {
	swept := map[string]bool{}
	for _, s := range newTestApp(t).sweeps() {
		swept[s.Table.Prefix] = true
	}
	for _, table := range store.TableDefs() {
		if by := table.Sweep; (by == store.ByExpiry || by == store.ByPolicy) && !swept[table.Prefix] {
			t.Errorf("no sweep deletes records of %s", table.Prefix)
		}
	}
}
