package oidc

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/secret"
)

// Clients in many networks send requests for a day. The store keeps a bounded number, and a known browser is refused last.
func TestWaitingTime_KeepsABoundedNumberAndAdmitsKnownBrowsersLast(t *testing.T) {
	p, now := &Provider{}, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var long, short []time.Time // when they end
	most := 0
	for i := range 100_000 {
		now = now.Add(24 * time.Hour / 100_000)
		for _, ends := range []*[]time.Time{&long, &short} {
			for len(*ends) > 0 && !now.Before((*ends)[0]) {
				*ends = (*ends)[1:]
			}
		}
		from := account.RequestInfo{Address: netip.MustParseAddr(fmt.Sprintf("2a00:%x:%x::1", i/60000, i%60000))}
		ttl, wait := p.waitingTime(now, UserAgent{From: from}, false, 1)
		switch {
		case (ttl == 0) == (wait == 0):
			t.Fatalf("request %d: got %v to live, %v to wait", i, ttl, wait)
		case ttl == maxRequestTTL:
			long = append(long, now.Add(ttl))
		case ttl > 0:
			short = append(short, now.Add(ttl))
		}
		most = max(most, len(long)+len(short))
	}
	if most > 20_000 {
		t.Errorf("got %d requests at once, want 20,000 at most", most)
	}
	known := UserAgent{From: account.RequestInfo{Address: netip.MustParseAddr("2a00::1"), Browser: secret.New()}}
	for i := range 480 {
		if ttl, wait := p.waitingTime(now, known, true, 1); ttl != maxRequestTTL {
			t.Fatalf("request %d of a known browser: got %v to live, %v to wait", i, ttl, wait)
		}
	}
}

// An attacker sends the longest requests: from each /64 of a /48, from each address of a /24, from a known browser or in a
// session.
func TestWaitingTime_LongRequestsOfOneClientUseAtMostAMebibyte(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	browser := secret.New()
	for name, of := range map[string]func(i int) (UserAgent, bool){
		"a /48": func(i int) (UserAgent, bool) {
			return UserAgent{From: account.RequestInfo{Address: netip.MustParseAddr(fmt.Sprintf("2a00:1:2:%x::1", i))}}, false
		},
		"a /24": func(i int) (UserAgent, bool) {
			return UserAgent{From: account.RequestInfo{Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}}, false
		},
		"a known browser": func(int) (UserAgent, bool) { return UserAgent{From: account.RequestInfo{Browser: browser}}, true },
		"a session":       func(int) (UserAgent, bool) { return UserAgent{Session: "s"}, true },
	} {
		for _, size := range []int{1, 3, 32} {
			p, stored := &Provider{}, 0
			for i := range 5000 {
				ua, known := of(i)
				if ttl, _ := p.waitingTime(now, ua, known, size); ttl > 0 {
					stored += size
				}
			}
			if stored > 640 || stored < 640-2*size {
				t.Errorf("%s, requests of %d KiB: got %d KiB stored, want 640", name, size, stored)
			}
		}
	}
}
