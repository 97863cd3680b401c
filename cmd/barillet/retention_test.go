package main

import (
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"

	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/outbound"
	"barillet/store"
)

// newTestApp returns an app with a new data directory, which may call webhooks on this host.
func newTestApp(t *testing.T, data string) *app {
	t.Helper()
	c := config.Defaults()
	c.Data = data
	c.Password.MemoryKiB, c.Password.Passes = 8192, 1
	c.API.Authn, c.TrustedProxies = true, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c.Support.Email = "aide@garage.example"
	var err error
	if c.Outbound.Allow.Allowed, err = outbound.ParseAllowed([]string{"127.0.0.0/8"}); err != nil {
		t.Fatal(err)
	}
	dir, err := datadir.Open(t.Context(), &c, true, now, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Store.Close() })
	a, err := newAppWithPages(&c, dir, "https://login.example", slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSweeps_CoverEachTable fails for a table that a job shall sweep and that no job sweeps.
func TestSweeps_CoverEachTable(t *testing.T) {
	swept := map[string]bool{}
	for _, s := range newTestApp(t, filepath.Join(t.TempDir(), "data")).sweeps() {
		swept[s.Table.Prefix] = true
	}
	for _, table := range store.TableDefs() {
		if by := table.Sweep; (by == store.ByExpiry || by == store.ByPolicy) && !swept[table.Prefix] {
			t.Errorf("no sweep deletes records of %s", table.Prefix)
		}
	}
}
