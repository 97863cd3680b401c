package reply

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientAddress returns the address of the client. It is the peer, or behind trusted proxies the last address of
// X-Forwarded-For that is not a trusted proxy (promise S9). Addresses further left are supplied by the client. The zero
// Addr means a socket without an address.
func ClientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	isTrusted := func(a netip.Addr) bool {
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
	for more := true; more && isTrusted(at); {
		last := strings.LastIndexByte(hops, ',')
		hop, ok := hopAddress(hops[last+1:])
		if !ok {
			break // not an address: use that of the proxy
		}
		at = hop
		if more = last >= 0; more {
			hops = hops[:last]
		}
	}
	return at.WithZone("")
}

// hopAddress parses an entry, with or without a port.
func hopAddress(entry string) (netip.Addr, bool) {
	entry = strings.TrimSpace(entry)
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]")); err == nil {
		return a.Unmap(), true
	}
	ap, err := netip.ParseAddrPort(entry)
	return ap.Addr().Unmap(), err == nil
}
