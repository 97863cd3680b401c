package oidc

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/throttle"
	"barillet/store"
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
		from := netip.MustParseAddr(fmt.Sprintf("2a00:%x:%x::1", i/60000, i%60000))
		ttl, wait := p.waitingTime(now, "", from, 1)
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
	for i := range 480 {
		if ttl, wait := p.waitingTime(now, "known", netip.MustParseAddr("2a00::1"), 1); ttl != maxRequestTTL {
			t.Fatalf("request %d of a known browser: got %v to live, %v to wait", i, ttl, wait)
		}
	}
}

// An attacker sends the longest requests: from each /64 of a /48, from each address of a /24, or as a user in networks that are
// used up.
func TestWaitingTime_LongRequestsOfOneClientUseAtMostAMebibyte(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	in48 := func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2a00:1:2:%x::1", i)) }
	in24 := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	for name, c := range map[string]struct {
		user account.UserID
		of   func(i int) netip.Addr
	}{"a /48": {"", in48}, "a /24": {"", in24}, "a user": {"u", in24}} {
		for _, size := range []int{1, 3, 32} {
			p, stored := &Provider{}, 0
			if c.user != "" {
				for i := range 5000 {
					p.waitingTime(now, "", c.of(i), size)
				}
			}
			for i := range 5000 {
				if ttl, _ := p.waitingTime(now, c.user, c.of(i), size); ttl > 0 {
					stored += size
				}
			}
			if stored > 640 || stored < 640-2*size {
				t.Errorf("%s, requests of %d KiB: got %d KiB stored, want 640", name, size, stored)
			}
		}
	}
}

// The waiting requests, pushed requests and devices of all clients fit into their tables, also after a pause: twice as many as a
// limit counts. Each has at least one KiB.
func TestCeilings_OfWaitingRequestsAndDevices(t *testing.T) {
	all := throttle.WaitingRequests.All.Count + throttle.ShortRequests.All.Count + throttle.PushedRequests.All.Count
	if 2*all > store.AuthRequests.Ceiling.Fixed {
		t.Errorf("got %d requests, want at most %d", 2*all, store.AuthRequests.Ceiling.Fixed)
	}
	if n := 2 * throttle.DeviceStarts.All.Count; n > store.UserCodes.Ceiling.Fixed {
		t.Errorf("got %d devices, want at most %d", n, store.UserCodes.Ceiling.Fixed)
	}
	for name, c := range map[string]struct {
		limit throttle.Limit
		ttl   time.Duration
	}{"long": {throttle.WaitingRequests.All, maxRequestTTL}, "short": {throttle.ShortRequests.All, requestTTL},
		"pushed": {throttle.PushedRequests.All, pushedTTL}, "devices": {throttle.DeviceStarts.All, deviceTTL}} {
		if c.ttl > c.limit.Per {
			t.Errorf("%s: a record lives %v, and the limit counts %v", name, c.ttl, c.limit.Per)
		}
	}
}
