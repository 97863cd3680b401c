package throttle_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/internal/throttle"
)

var (
	quota   = throttle.Quota{Name: "test", Minute: 5, Day: 8, Source: 3, Total: 40}
	chargeT = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
)

// anyNetwork returns a caller in the n-th /48.
func anyNetwork(n int) throttle.Caller {
	return throttle.Caller{Address: netip.AddrFrom16([16]byte{0x20, 0x01, byte(n >> 8), byte(n), 15: 1})}
}

// allowed charges callers in turn until one is refused, or 1000 were allowed.
func allowed(m *throttle.Memory, now time.Time, q throttle.Quota, caller func(n int) throttle.Caller) int {
	for n := range 1000 {
		if m.Charge(now, q, caller(n)) > 0 {
			return n
		}
	}
	return 1000
}

// A flood from many networks uses half of a budget. The rest is for networks that a session used, then for proven passwords;
// sessions and known browsers have their own.
func TestCharge_UnknownClientsLeaveSharesToOthers(t *testing.T) {
	var m throttle.Memory
	for n := range 40 {
		c := anyNetwork(10_000 + n)
		c.Session, c.User = fmt.Sprint("s", n), fmt.Sprint("u", n)
		if wait := m.Charge(chargeT, quota, c); wait > 0 {
			t.Fatalf("session %d: got to wait %v", n, wait)
		}
	}
	for _, want := range []struct {
		who    string
		caller func(n int) throttle.Caller
		n      int
	}{
		{"unknown clients", anyNetwork, 20},
		{"clients in the networks of sessions", func(n int) throttle.Caller { return anyNetwork(10_000 + n) }, 10},
		{"proven passwords", func(n int) throttle.Caller {
			c := anyNetwork(20_000 + n)
			c.Transaction, c.Account = fmt.Sprint("t", n), fmt.Sprint("u", n)
			return c
		}, 10},
		{"known browsers", func(n int) throttle.Caller {
			c := anyNetwork(30_000 + n)
			c.KnownBrowser, c.BrowserUser = fmt.Sprint("b", n), fmt.Sprint("u", n)
			return c
		}, 1000},
	} {
		if got := allowed(&m, chargeT, quota, want.caller); got != want.n {
			t.Errorf("%s: got %d allowed, want %d", want.who, got, want.n)
		}
	}
}

func TestCharge_LimitsSessionsUsersAndTokens(t *testing.T) {
	var m throttle.Memory
	same := func(c throttle.Caller) func(int) throttle.Caller {
		return func(int) throttle.Caller { return c }
	}
	for _, want := range []struct {
		caller throttle.Caller
		n      int
	}{
		{throttle.Caller{Session: "s1", User: "u"}, quota.Minute},
		{throttle.Caller{Session: "s2", User: "u"}, quota.Day - quota.Minute},
		{throttle.Caller{Token: "t1", Owner: "o"}, quota.Minute},
		{throttle.Caller{Token: "t2", Owner: "o"}, quota.Day - quota.Minute},
		{throttle.Caller{KnownBrowser: "b"}, quota.Minute},
	} {
		if got := allowed(&m, chargeT, quota, same(want.caller)); got != want.n {
			t.Errorf("%+v: got %d allowed, want %d", want.caller, got, want.n)
		}
	}
	if got := allowed(&m, chargeT, throttle.NeverRefused, same(throttle.Caller{Session: "s1", User: "u"})); got != 1000 {
		t.Errorf("ending sessions was refused after %d", got)
	}
}

func TestCharge_LimitsAddressesAndNetworks(t *testing.T) {
	for name, want := range map[string]struct {
		address func(n int) string
		n       int
	}{
		"an address":   {func(int) string { return "192.0.2.1" }, quota.Source},
		"a /24":        {func(n int) string { return fmt.Sprintf("192.0.2.%d", n%250) }, quota.Network()},
		"a /64":        {func(n int) string { return fmt.Sprintf("2001:db8::%x", n) }, quota.Network()},
		"a /56":        {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n%256) }, 2 * quota.Network()},
		"a /48":        {func(n int) string { return fmt.Sprintf("2001:db8:0:%x::1", n*256%65536) }, 4 * quota.Network()},
		"the Internet": {func(n int) string { return fmt.Sprintf("2001:%x::1", 0x1000+n) }, 500},
	} {
		q := quota
		q.Total = 1000
		got := allowed(new(throttle.Memory), chargeT, q, func(n int) throttle.Caller { return throttle.Caller{Address: netip.MustParseAddr(want.address(n))} })
		if got != want.n {
			t.Errorf("%s: got %d allowed, want %d", name, got, want.n)
		}
	}
}

// An address that is refused uses nothing of what it shares with others.
func TestCharge_RefusedOperationUsesNothing(t *testing.T) {
	var m throttle.Memory
	q := quota
	q.Total = 1000
	one := throttle.Caller{Address: netip.MustParseAddr("192.0.2.1")}
	for range 1000 {
		m.Charge(chargeT, q, one)
	}
	for n := range q.Network() - q.Source {
		other := throttle.Caller{Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(n + 2)})}
		if wait := m.Charge(chargeT, q, other); wait > 0 {
			t.Fatalf("neighbour %d: got to wait %v", n, wait)
		}
	}
}
