package reply

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress is who sends a request: the socket's other end, and behind trusted proxies what they say in
// X-Forwarded-For, read from the right up to the first address that is none of theirs (BAR S9). What stands
// further left was written by the client. The zero Addr is a socket without an address.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	ours := func(a netip.Addr) bool {
		for _, p := range trusted {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && ours(at); i-- {
		hop, ok := hopAddress(hops[i])
		if !ok {
			break // whoever wrote this cannot be told: the proxy itself answers for it
		}
		at = hop
	}
	return at.WithZone("")
}

// hopAddress reads one entry, with or without a port.
func hopAddress(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	if ap, err := netip.ParseAddrPort(entry); err == nil {
		return ap.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"))
	return a.Unmap(), err == nil
}
