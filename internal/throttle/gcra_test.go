package throttle_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/internal/throttle"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func TestDecide_AllowsCountAtOnceThenOneForEachStep(t *testing.T) {
	l := throttle.Limit{Name: "x", Count: 20, Per: time.Minute}
	var tat time.Time
	for i := range 20 {
		next, ok, _, remaining := l.Decide(tat, start, 1)
		if !ok || remaining != 19-i {
			t.Fatalf("try %d: got ok %v, remaining %d, want true, %d", i+1, ok, remaining, 19-i)
		}
		tat = next
	}
	_, ok, retry, remaining := l.Decide(tat, start, 1)
	if ok || retry != 3*time.Second || remaining != 0 {
		t.Fatalf("try 21: got %v, retry %v, remaining %d, want false, 3s, 0", ok, retry, remaining)
	}
	if _, ok, _, _ := l.Decide(tat, start.Add(retry-1), 1); ok {
		t.Error("allowed before the wait was over")
	}
	if _, ok, _, _ := l.Decide(tat, start.Add(retry), 1); !ok {
		t.Error("not allowed after the wait")
	}
}

func TestDecide_WithCostZeroChangesNothing(t *testing.T) {
	l := throttle.Limit{Name: "x", Count: 2, Per: time.Minute}
	tat, _, _, _ := l.Decide(time.Time{}, start, 1)
	for range 5 {
		next, ok, _, remaining := l.Decide(tat, start, 0)
		if !ok || remaining != 1 || !next.Equal(tat) {
			t.Fatalf("got %v, remaining %d, moved %v, want true, 1, not moved", ok, remaining, next.Sub(tat))
		}
	}
}

func TestDecide_EndsAfterTheClockIsSetBack(t *testing.T) {
	l := throttle.Limit{Name: "x", Count: 3, Per: time.Hour}
	next, ok, _, remaining := l.Decide(start.AddDate(1, 0, 0), start, 1)
	if !ok || remaining != 2 || !next.Equal(start.Add(20*time.Minute)) {
		t.Errorf("got %v, remaining %d, next %v, want an unused limit", ok, remaining, next)
	}
}

func TestDecide_AllowsAtMostTwiceTheCountInASpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := throttle.Limit{Count: rapid.IntRange(1, 50).Draw(t, "count"), Per: time.Hour}
		now, tat := start, time.Time{}
		var allowed []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)/int64(l.Count)).Draw(t, "pause")))
			next, ok, retry, _ := l.Decide(tat, now, 1)
			if !ok && (retry <= 0 || retry > l.Per) {
				t.Fatalf("got a wait of %v", retry)
			}
			if ok {
				allowed = append(allowed, now)
			}
			tat = next
		}
		for i, first := range allowed {
			n := 0
			for _, at := range allowed[i:] {
				if at.Sub(first) < l.Per {
					n++
				}
			}
			if n > 2*l.Count {
				t.Fatalf("%d allowed within %v of a limit of %d", n, l.Per, l.Count)
			}
		}
	})
}

func TestAddressAndNetwork(t *testing.T) {
	for _, test := range []struct{ addr, address, network string }{
		{"203.0.113.77", "203.0.113.77", "203.0.113.0/24"},
		{"::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"fe80::1%eth0", "fe80::1", "fe80::/64"},
	} {
		addr := netip.MustParseAddr(test.addr)
		if got := throttle.Address(addr); got != test.address {
			t.Errorf("Address(%s): got %s, want %s", test.addr, got, test.address)
		}
		if got := throttle.Network(addr); got != test.network {
			t.Errorf("Network(%s): got %s, want %s", test.addr, got, test.network)
		}
	}
	for addr, want := range map[string]string{
		"203.0.113.77": "[203.0.113.77/32 203.0.113.0/24 203.0.0.0/16]", "2001:db8:1:2:3::6": "[2001:db8:1:2::/64 2001:db8:1::/56 2001:db8:1::/48]",
	} {
		if got := fmt.Sprint(throttle.Levels(netip.MustParseAddr(addr))); got != want {
			t.Errorf("Levels(%s): got %s, want %s", addr, got, want)
		}
	}
	if got := throttle.Network(netip.Addr{}) + throttle.Address(netip.Addr{}); got != "unknownunknown" {
		t.Errorf("invalid address: got %s, want unknown twice", got)
	}
}

func TestMemory_SeparatesSubjectsAndLimitsItsSize(t *testing.T) {
	var m throttle.Memory
	l := throttle.Limit{Name: "x", Count: 2, Per: time.Minute}
	for i, want := range []bool{true, true, false} {
		if ok, _, _ := m.Take(start, l, "a"); ok != want {
			t.Errorf("take %d of a: got %v, want %v", i+1, ok, want)
		}
	}
	if ok, _, _ := m.Take(start, l, "b"); !ok {
		t.Error("subject b is limited by subject a")
	}
	other := throttle.Limit{Name: "y", Count: 2, Per: time.Minute}
	if ok, _, _ := m.Take(start, other, "a"); !ok {
		t.Error("one limit counts operations of another")
	}
	for i := range 300_000 {
		m.Take(start.Add(time.Duration(i)), l, fmt.Sprint(i))
	}
	if got := m.Len(); got > 64*4096 {
		t.Errorf("got %d subjects, want at most %d", got, 64*4096)
	}
	if ok, _, _ := m.Take(start.Add(time.Hour), l, "a"); !ok {
		t.Error("subject a is limited an hour later")
	}
}

func BenchmarkMemory(b *testing.B) {
	var m throttle.Memory
	b.ReportAllocs()
	for b.Loop() {
		m.Take(start, throttle.APIToken, "token")
	}
}

// One owner of a /48 has 65,536 /64s.
func TestByNetwork_AddressesSpreadOverANetworkDoNotMultiplyTheLimit(t *testing.T) {
	limit := throttle.Limit{Name: "spread", Count: 10, Per: time.Hour}
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	take := func(m *throttle.Memory, addr string) bool {
		return m.TakeAll(now, throttle.ByNetwork(limit, netip.MustParseAddr(addr))...) == 0
	}
	for _, spread := range []struct {
		name, format string
		want         int
	}{
		{"in a /64", "2001:db8:1:1::%x", 10},
		{"over a /56", "2001:db8:1:%x::1", 20},
		{"over a /48", "2001:db8:1:%x00::1", 40},
		{"in a /24", "192.0.2.%d", 10},
	} {
		var m throttle.Memory
		passed := 0
		for i := range 200 {
			if take(&m, fmt.Sprintf(spread.format, i)) {
				passed++
			}
		}
		if passed != spread.want {
			t.Errorf("%s: %d operations passed, want %d", spread.name, passed, spread.want)
		}
	}

	var m throttle.Memory
	for range 1000 {
		take(&m, "2001:db8:1:1::1")
	}
	if !take(&m, "2001:db8:1:2::1") {
		t.Error("a /64 beyond its limit used up that of its /56")
	}
}

// A client sends operations of different sizes from each network of an address.
func TestBySite_CountsTheCostAgainstTheWidestNetwork(t *testing.T) {
	limit := throttle.Limit{Name: "site", Count: 40, Per: time.Hour}
	for _, spread := range []struct {
		name, format string
		want         int
	}{
		{"in a /64", "2001:db8:1:1::%x", 10},
		{"over a /56", "2001:db8:1:%x::1", 20},
		{"over a /48", "2001:db8:1:%x00::1", 40},
		{"in a /24", "192.0.2.%d", 40},
	} {
		for _, cost := range []int{0, 1, 5} {
			var m throttle.Memory
			used := 0
			for i := range 200 {
				charges := throttle.BySite(limit, netip.MustParseAddr(fmt.Sprintf(spread.format, i)))
				for c := range charges {
					charges[c].Cost = cost
				}
				if m.TakeAll(start, charges...) == 0 {
					used += max(1, cost)
				}
			}
			if used != spread.want {
				t.Errorf("%s, cost %d: got %d used, want %d", spread.name, cost, used, spread.want)
			}
		}
	}
}
