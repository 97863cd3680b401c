package throttle_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/internal/throttle"
)

// flood charges callers in turn for twelve minutes of simulated time, far more often than allowed. It returns the time.
func flood(m *throttle.Memory, now time.Time, q throttle.Quota, perSecond int, caller func(i int) throttle.Caller) time.Time {
	for i := range 720 * perSecond {
		now = now.Add(time.Second / time.Duration(perSecond))
		m.Charge(now, q, caller(i))
	}
	return now
}

func at(format string, n ...any) netip.Addr { return netip.MustParseAddr(fmt.Sprintf(format, n...)) }

// One network of any size that a client can rent does not use what all unknown clients share.
func TestCharge_OneNetworkRefusesNobodyElsewhere(t *testing.T) {
	for _, q := range throttle.Quotas {
		if q.Source == 0 {
			continue
		}
		for name, attacker := range map[string]func(i int) netip.Addr{
			"an IPv4 /24": func(i int) netip.Addr { return at("203.0.113.%d", i%256) },
			"an IPv6 /32": func(i int) netip.Addr { return at("2001:db8:%x:%x::1", i%65521, i%65521) },
			"an IPv6 /48": func(i int) netip.Addr { return at("2001:db8:7:%x::%x", i%65521, i%65521) },
		} {
			m := &throttle.Memory{}
			now := flood(m, time.Unix(1_800_000_000, 0), q, 60, func(i int) throttle.Caller { return throttle.Caller{Address: attacker(i)} })
			if wait := m.Charge(now, q, throttle.Caller{Address: at("198.51.100.7")}); wait > 0 {
				t.Errorf("%s: after a flood from %s, another client waits %s", q.Name, name, wait)
			}
		}
	}
}

// A stolen password makes any number of transactions, from any number of networks.
func TestCharge_AStolenPasswordRefusesNoOtherUser(t *testing.T) {
	for _, q := range []throttle.Quota{throttle.SignIn, throttle.SecondStep, throttle.NewPassword, throttle.Devices, throttle.Language} {
		m := &throttle.Memory{}
		now := flood(m, time.Unix(1_800_000_000, 0), q, 60, func(i int) throttle.Caller {
			return throttle.Caller{Transaction: fmt.Sprint(i), Account: "victim", Address: at("2001:db8:%x::9", i%65521)}
		})
		if wait := m.Charge(now, q, throttle.Caller{Transaction: "honest", Account: "other", Address: at("198.51.100.7")}); wait > 0 {
			t.Errorf("%s: another user with a proven password waits %s", q.Name, wait)
		}
	}
}

// The thief uses the share of the victim's proven passwords. The victim is then charged as without one.
func TestCharge_AStolenPasswordDoesNotRefuseItsUser(t *testing.T) {
	m, q := &throttle.Memory{}, throttle.SecondStep
	now := flood(m, time.Unix(1_800_000_000, 0), q, 60, func(i int) throttle.Caller {
		return throttle.Caller{Transaction: fmt.Sprint(i), Account: "victim", Address: at("2001:db8:7:%x::9", i%65521)}
	})
	if wait := m.Charge(now, q, throttle.Caller{Transaction: "honest", Account: "victim", Address: at("198.51.100.7")}); wait > 0 {
		t.Errorf("the victim waits %s", wait)
	}
}

// A signed-in thief makes networks recent, and uses what is reserved for them.
func TestCharge_ASignedInThiefDoesNotRefuseRecentNetworks(t *testing.T) {
	m, q, now := &throttle.Memory{}, throttle.SignIn, time.Unix(1_800_000_000, 0)
	honest := throttle.Caller{Session: "s", User: "honest", Address: at("198.51.100.7")}
	if wait := m.Charge(now, throttle.Application, honest); wait > 0 {
		t.Fatal(wait)
	}
	for i := range 4 {
		m.Charge(now, throttle.Application, throttle.Caller{Session: "t", User: "thief", Address: at("203.0.%d.7", i)})
	}
	now = flood(m, now, q, 60, func(i int) throttle.Caller { return throttle.Caller{Address: at("203.0.%d.%d", i%4, i%251)} })
	if wait := m.Charge(now, q, throttle.Caller{Address: honest.Address}); wait > 0 {
		t.Errorf("a client of a network with a session waits %s", wait)
	}
}

// Each request of a session from another network is a new subject that lives for a month. Limits must outlive a flood of them.
func TestCharge_ASessionInManyNetworksRemovesNoLimit(t *testing.T) {
	m, now := &throttle.Memory{}, time.Unix(1_800_000_000, 0)
	token := throttle.Caller{Token: "stolen", Owner: "o"}
	for range throttle.APIWrites.Day {
		now = now.Add(time.Second)
		if m.Charge(now, throttle.APIWrites, token) > 0 {
			break
		}
	}
	spent := func() bool { return m.Charge(now, throttle.APIWrites, token) > 0 }
	for range 2 * throttle.APIWrites.Minute {
		m.Charge(now, throttle.APIWrites, token)
	}
	if !spent() {
		t.Fatal("the token is not limited")
	}
	for i := range 600_000 {
		m.Charge(now, throttle.Application, throttle.Caller{Session: "thief", User: "thief", Address: at("2001:db8:%x:%x::1", i/65536, i%65536)})
	}
	if !spent() {
		t.Error("after requests of one session from many networks, the limit of a token begins again")
	}
	if n := m.Len(); n > 1000 {
		t.Errorf("one session made %d subjects", n)
	}
}

// A thief of a password and a factor makes a known browser with each sign-in.
func TestCharge_KnownBrowsersOfAThiefRefuseNobody(t *testing.T) {
	m, q, now, passed := &throttle.Memory{}, throttle.SignIn, time.Unix(1_800_000_000, 0), 0
	for i := range 60_000 {
		c := throttle.Caller{KnownBrowser: fmt.Sprint(i), BrowserUser: "victim", Address: at("203.0.113.9")}
		if m.Charge(now, q, c) == 0 {
			passed++
		}
	}
	if most := q.Day + q.Source; passed > most {
		t.Errorf("%d operations passed, want at most %d", passed, most)
	}
	for name, c := range map[string]throttle.Caller{
		"a known browser of another user":        {KnownBrowser: "other", BrowserUser: "other", Address: at("198.51.100.8")},
		"the victim's browser":                   {KnownBrowser: "own", BrowserUser: "victim", Address: at("198.51.100.7")},
		"a client without any browser elsewhere": {Address: at("198.51.100.7")},
	} {
		if wait := m.Charge(now, q, c); wait > 0 {
			t.Errorf("%s waits %s", name, wait)
		}
	}
}
