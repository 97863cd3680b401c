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
	hops := strings.Join(r.Header.Values("X-Forwarded-For"), ",")
	for more := true; more && ours(at); {
		last := strings.LastIndexByte(hops, ',')
		hop, ok := hopAddress(hops[last+1:])
		if !ok {
			break // whoever wrote this cannot be told: the proxy itself answers for it
		}
		at = hop
		if more = last >= 0; more {
			hops = hops[:last]
		}
	}
	return at.WithZone("")
}

// hopAddress reads one entry, with or without a port.
func hopAddress(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]")); err == nil {
		return a.Unmap(), true
	}
	ap, err := netip.ParseAddrPort(entry)
	return ap.Addr().Unmap(), err == nil
}
