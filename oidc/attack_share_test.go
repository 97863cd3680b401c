package oidc

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/throttle"
	"barillet/oidc/client"
)

var shareStart = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func networkOf(i int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("2a%02x:%x::1", i/60000, i%60000))
}

// A thief of one password and factor signs in again and again, and sends requests from many networks in each session.
func TestAttack_SessionsOfOneUserFillTheWaitingRequests(t *testing.T) {
	p := &Provider{}
	for i := range 100_000 {
		p.waitingTime(shareStart, "victim", networkOf(i), 1)
	}
	for _, user := range []account.UserID{"other", "another"} {
		if ttl, _ := p.waitingTime(shareStart, user, netip.MustParseAddr("2001:db8::1"), 1); ttl != maxRequestTTL {
			t.Errorf("%s: got %v to wait, want that of an undisturbed request", user, ttl)
		}
	}
}

// The thief of a session uses up the share of its user, who then starts an application elsewhere.
func TestAttack_ThiefOfASessionDoesNotRefuseItsUser(t *testing.T) {
	p := &Provider{}
	for range 5000 {
		p.waitingTime(shareStart, "victim", netip.MustParseAddr("203.0.113.7"), 1)
	}
	if ttl, _ := p.waitingTime(shareStart, "victim", netip.MustParseAddr("2001:db8::1"), 1); ttl != maxRequestTTL {
		t.Errorf("got %v to wait, want that of an undisturbed request", ttl)
	}
}

// A thief with several sessions of a user has one day's limit of authorization requests.
func TestAttack_SessionsOfOneUserMultiplyAuthorizationRequests(t *testing.T) {
	p, now, passed := &Provider{}, shareStart, 0
	p.Now = func() time.Time { return now }
	for i := range 20_000 {
		if p.authorizeWait(UserAgent{Session: fmt.Sprint(i), User: "victim"}) == 0 {
			passed++
		}
	}
	if passed != throttle.AuthorizeDay.Count {
		t.Errorf("got %d requests in 20,000 sessions, want %d", passed, throttle.AuthorizeDay.Count)
	}
	if p.authorizeWait(UserAgent{Session: "s", User: "other"}) > 0 {
		t.Error("another user waits")
	}
}

// A thief makes a grant after another, and refreshes the tokens of each. A used token is kept as long as its grant.
func TestAttack_GrantsOfOneUserMultiplyRefreshes(t *testing.T) {
	p, passed := &Provider{}, 0
	p.Now = func() time.Time { return shareStart }
	for i := range 50_000 {
		if p.refreshWait(fmt.Sprintf("victim/%d", i/1000)) == 0 {
			passed++
		}
	}
	if passed != throttle.UserRefreshes.Count {
		t.Errorf("got %d refreshes, want %d", passed, throttle.UserRefreshes.Count)
	}
	for i := range 5000 {
		if wait := p.refreshWait("other/1"); (wait > 0) != (i >= throttle.Refreshes.Count) {
			t.Fatalf("refresh %d of one grant: got %v to wait, want %d at once", i, wait, throttle.Refreshes.Count)
		}
	}
}

// A client pushes requests and starts devices until it is refused: one with a secret from many networks, or one without from a
// network of any size that an attacker can rent.
func TestAttack_OneClientRefusesNoOther(t *testing.T) {
	confidential := func(id client.ID) *client.Client { return &client.Client{ID: id, AuthMethod: client.AuthBasic} }
	public := func(id client.ID) *client.Client { return &client.Client{ID: id, AuthMethod: client.AuthNone} }
	for name, limit := range map[string]throttle.Shared{"pushed requests": throttle.PushedRequests, "devices": throttle.DeviceStarts} {
		for flood, c := range map[string]struct {
			client *client.Client
			of     func(i int) netip.Addr
		}{
			"a client with a secret":   {confidential("c"), networkOf},
			"a /24 in a client's name": {public("p"), func(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}) }},
			"a /48 in a client's name": {public("p"), func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2a00:1:2:%x::1", i)) }},
			"a /32 in a client's name": {public("p"), func(i int) netip.Addr { return netip.MustParseAddr(fmt.Sprintf("2a00:1:%x::1", i)) }},
			"networks in a name":       {public("p"), networkOf},
		} {
			p := &Provider{}
			take := func(c *client.Client, from netip.Addr) error {
				return p.takeShare(&account.Operation{Now: shareStart, Request: account.RequestInfo{Address: from}}, limit, c, 1)
			}
			for i := range 20_000 {
				_ = take(c.client, c.of(i))
			}
			if take(confidential("other"), netip.MustParseAddr("198.51.100.7")) != nil {
				t.Errorf("%s, a flood of %s: another client with a secret is refused", name, flood)
			}
			if flood != "networks in a name" && take(public("p"), netip.MustParseAddr("198.51.100.7")) != nil {
				t.Errorf("%s, a flood of %s: a client without a secret is refused in another network", name, flood)
			}
		}
	}
}

// Eight rented addresses in different networks use up their shares in the name of a client without a secret.
func TestAttack_FewAddressesRefuseAllClientsWithoutASecret(t *testing.T) {
	public := &client.Client{ID: "p", AuthMethod: client.AuthNone}
	for name, limit := range map[string]throttle.Shared{"pushed requests": throttle.PushedRequests, "devices": throttle.DeviceStarts} {
		p := &Provider{}
		take := func(from netip.Addr) error {
			return p.takeShare(&account.Operation{Now: shareStart, Request: account.RequestInfo{Address: from}}, limit, public, 1)
		}
		for i := range 8 * 1000 {
			_ = take(netip.AddrFrom4([4]byte{203, byte(i % 8), 113, 7}))
		}
		if take(netip.MustParseAddr("198.51.100.7")) != nil {
			t.Errorf("%s: a client is refused in another network", name)
		}
	}
}
