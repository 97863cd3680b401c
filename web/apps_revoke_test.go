package web_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
)

// The provider finds the end of a session by itself, whichever package ended it.
func TestBackChannelLogout_FollowsAResetWithoutACall(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	u, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- provider.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	p.reset(u.ID)
	for deadline := time.Now().Add(20 * time.Second); len(at.got()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no logout after a reset")
		}
	}
}

// grantCounter counts the grants that Views read.
type grantCounter struct {
	store.Store
	read atomic.Int64
}

func (c *grantCounter) View(ctx context.Context, fn func(store.Snapshot) error) error {
	return c.Store.View(ctx, func(s store.Snapshot) error { return fn(grantSnapshot{s, &c.read}) })
}

type grantSnapshot struct {
	store.Snapshot
	read *atomic.Int64
}

func (s grantSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	return s.Snapshot.Scan(prefix, after, limit, func(key string, value []byte) error {
		if strings.HasPrefix(key, store.Grants.Prefix) {
			s.read.Add(1)
		}
		return fn(key, value)
	})
}

func TestEndRevokedGrants_ReadsOnlyTheGrantsOfUsersThatChanged(t *testing.T) {
	reads := &grantCounter{}
	p, provider := appPlace(t, func(c *oidc.Config) {
		reads.Store = c.Store
		c.Store = reads
	})
	a := p.app(t, provider, nil)
	end := func() int64 {
		t.Helper()
		reads.read.Store(0)
		if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
			t.Fatal(err)
		}
		return reads.read.Load()
	}
	end()
	for i := range 10 {
		_, _, b := signedIn(p, fmt.Sprintf("user%d@garage.example", i))
		a.tokens(b)
	}
	u, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	end()
	if got := end(); got != 0 {
		t.Errorf("read %d grants and no user has changed", got)
	}
	p.reset(u.ID)
	if got := end(); got != 1 {
		t.Errorf("read %d grants after one reset, want that of the user", got)
	}
	if got := end(); got != 0 {
		t.Errorf("read %d grants again", got)
	}
}

// Grants that were revoked before a crash are found after the start, in parts.
func TestEndRevokedGrants_FindsAfterAStartWhatACrashLeft(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
	at := newReceiver(t)
	a := p.app(t, provider, func(r *client.Registration) { r.Backchannel = at.URL + "/logout" })
	u, _, b := signedIn(p, "lea@garage.example")
	a.tokens(b)
	p.reset(u.ID) // this provider has not watched yet
	if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(at.got()); got != 1 {
		t.Errorf("got %d logouts, want 1", got)
	}
}

func TestRebuildIndexes_FindsOfflineGrantsWithoutTheirTime(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	for i := range 3 {
		_, _, b := signedIn(p, fmt.Sprintf("user%d@garage.example", i))
		a.tokens(b)
	}
	rebuild := func(want int) {
		t.Helper()
		if got, err := provider.Tokens.RebuildIndexes(t.Context()); got != want || err != nil {
			t.Errorf("got %d keys changed, %v, want %d", got, err, want)
		}
	}
	keys := func() (found []string) {
		t.Helper()
		err := p.Store.View(t.Context(), func(s store.Snapshot) error {
			found = nil
			return s.Scan(store.GrantsExpiring.Prefix, "", 0, func(key string, _ []byte) error { found = append(found, key); return nil })
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	rebuild(0)
	before := keys()
	err := p.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(before[1]) })
	if err != nil || len(before) != 3 {
		t.Fatalf("got %d keys, %v, want 3", len(before), err)
	}
	rebuild(1)
	if got := keys(); strings.Join(got, " ") != strings.Join(before, " ") {
		t.Errorf("got %q, want %q", got, before)
	}
	_, _, b := signedIn(p, "user3@garage.example")
	a.tokens(b, "scope", "openid") // of the session only
	rebuild(0)
	end := func() {
		t.Helper()
		if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if end(); len(keys()) != 3 {
		t.Errorf("got %q long before the end of the sessions, want 3 keys", keys())
	}
	p.Clock.Advance(24 * time.Hour)
	end()
	if got := keys(); len(got) != 0 {
		t.Errorf("got %q after the end of the sessions", got)
	}
}
