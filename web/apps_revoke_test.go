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
	check(false, 3, 0)
	p.Clock.Advance(24 * time.Hour)
	if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := keys(); len(got) != 0 {
		t.Errorf("got %q after the end of the sessions", got)
	}
}

// The clock was ahead at the sign-in and is set back: the corrected session ends earlier than its key says. Offline access
// survives the end of the session and the next sign-in, as with a right clock.
func TestOfflineAccess_SurvivesItsSessionAfterTheClockWasSetBack(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	end := func() {
		t.Helper()
		if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	const ahead = 50 * time.Minute
	p.Clock.Advance(ahead)
	u, phone, b := signedIn(p, "lea@garage.example")
	tok := a.tokens(b)
	end()
	p.Clock.Advance(-ahead)
	if err := p.Ring.CorrectAll(t.Context(), p.Store); err != nil { // as the service does when it notices
		t.Fatal(err)
	}
	end()
	p.Clock.Advance(p.Accounts.Policy.SessionMax - 2*time.Minute)
	end()
	p.Clock.Advance(3 * time.Minute)
	p.browser(t).signIn(u.Login, phone) // removes the expired session from the user
	end()
	if _, err := a.refresh(tok.RefreshToken); err != nil {
		t.Errorf("refreshing after the end of the session: %v", err)
	}
}

// The record of one application is damaged. The users of another one who are reset are still signed out of it, also after a start.
func TestBackChannelLogout_IsNotStoppedByADamagedApplication(t *testing.T) {
	for name, started := range map[string]bool{"running": true, "after a start": false} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, func(c *oidc.Config) { c.Deliver = carrier{} })
			at := newReceiver(t)
			back := func(r *client.Registration) { r.Backchannel = at.URL + "/logout" }
			damaged, intact := p.app(t, provider, back), p.app(t, provider, back)
			end := func() {
				t.Helper()
				if err := provider.Tokens.EndRevokedGrants(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if started {
				end()
			}
			for i := range 6 {
				u, _, b := signedIn(p, fmt.Sprintf("user%d@garage.example", i))
				damaged.tokens(b)
				intact.tokens(b)
				p.reset(u.ID)
			}
			err := p.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Put(store.Clients.Prefix+string(damaged.ID), []byte("damaged")) })
			if err != nil {
				t.Fatal(err)
			}
			end()
			if err := provider.Tokens.SendLogouts(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := len(at.got()); got != 6 {
				t.Errorf("got %d logouts, want 6", got)
			}
		})
	}
}
