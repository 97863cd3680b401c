package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/storetest"
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

func TestEndRevokedGrants_ReadsOnlyTheGrantsOfUsersThatChanged(t *testing.T) {
	var counter *storetest.Reads
	p, provider := appPlace(t, func(c *oidc.Config) {
		counter = storetest.CountReads(c.Store, store.Grants.Prefix)
		c.Store = counter
	})
	a := p.app(t, provider, nil)
	end := func() int64 {
		t.Helper()
		counter.Reset()
		if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
			t.Fatal(err)
		}
		return counter.Records()
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
	if got := end(); got != 3 { // it is found, judged again and deleted
		t.Errorf("read %d grants after one reset, want that of the user three times", got)
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

func TestCheckIndex_FindsOfflineGrantsWithoutTheirTime(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	for i := range 3 {
		_, _, b := signedIn(p, fmt.Sprintf("user%d@garage.example", i))
		a.tokens(b)
	}
	check := func(repair bool, entries, missing int) {
		t.Helper()
		want := store.IndexReport{Name: "grantexpiring", Entries: entries, Missing: missing}
		if got, err := provider.Tokens.CheckIndex(t.Context(), repair); got != want || err != nil {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
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
	check(true, 3, 0)
	before := keys()
	err := p.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(before[1]) })
	if err != nil || len(before) != 3 {
		t.Fatalf("got %d keys, %v, want 3", len(before), err)
	}
	check(false, 2, 1)
	check(true, 3, 1)
	if got := keys(); strings.Join(got, " ") != strings.Join(before, " ") {
		t.Errorf("got %q, want %q", got, before)
	}
	_, _, b := signedIn(p, "user3@garage.example")
	a.tokens(b, "scope", "openid") // of the session only
	check(false, 3, 0)
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
