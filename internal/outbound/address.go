package outbound

import (
	"fmt"
	"net/netip"
	"strings"
)

// special are the networks of IPv4 that are nobody's on the internet, or not who they seem to be (the IANA registry of
// special-purpose addresses, RFC 6890). 168.63.129.16 is the host of every virtual machine at Azure, with its secrets;
// the metadata services of other clouds lie within the networks above it.
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
	"240.0.0.0/4", "168.63.129.16/32")

// Of IPv6 only 2000::/3 is given out (RFC 4291 section 2.4), and of that these are something else: what the IETF keeps,
// with Teredo and benchmarking in it, documentation twice, and 6to4, whose addresses hold one of IPv4.
var (
	global    = netip.MustParsePrefix("2000::/3")
	specialV6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 section 2.1
)

// unnamed are the networks that naming a host does not open: whoever answers for that name could point it at the
// machine's own metadata service. They are opened by naming the network itself.
var unnamed = prefixes("0.0.0.0/8", "100.100.100.200/32", "169.254.0.0/16", "168.63.129.16/32", "192.0.0.0/24", "224.0.0.0/3",
	"::/128", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "ff00::/8")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(list []netip.Prefix, addr netip.Addr) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// meant is the address that is reached in the end: of IPv4 in IPv6 (mapped, or by a translator of the network) the one
// inside, without a zone.
func meant(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

// Public tells whether the address is somebody's on the internet: not private, not this machine, and in no form that
// hides such a one.
func Public(addr netip.Addr) bool {
	addr = meant(addr)
	switch {
	case !addr.IsValid():
		return false
	case addr.Is4():
		return !within(special, addr)
	}
	return global.Contains(addr) && !within(specialV6, addr)
}

// Allowed is what the operator lets be called besides the internet. The zero value is nothing.
type Allowed struct {
	hosts    map[string]bool
	networks []netip.Prefix
}

// ParseAllowed reads a list of host names, addresses and networks.
func ParseAllowed(list []string) (Allowed, error) {
	a := Allowed{hosts: map[string]bool{}}
	for _, text := range list {
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			a.networks = append(a.networks, netip.PrefixFrom(meant(addr), meant(addr).BitLen()))
			continue
		}
		if p, err := netip.ParsePrefix(text); err == nil && p == p.Masked() && !p.Addr().Is4In6() {
			a.networks = append(a.networks, p)
			continue
		}
		name, ok := hostName(text)
		if !ok {
			return Allowed{}, fmt.Errorf("%q is no host name such as \"hooks.garage.local\", no address and no network such as \"10.0.0.0/8\"", text)
		}
		a.hosts[name] = true
	}
	return a, nil
}

// address tells whether the address may be called as the one of the host.
func (a Allowed) address(host string, addr netip.Addr) bool {
	addr = meant(addr)
	name, _ := hostName(host)
	return Public(addr) || within(a.networks, addr) || a.hosts[name] && !within(unnamed, addr)
}

// host tells whether the host was named, by itself or by a network around its address. It may then be called by http
// and at any port.
func (a Allowed) host(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return within(a.networks, meant(addr))
	}
	name, _ := hostName(host)
	return a.hosts[name]
}

// hostName is a name as it is compared. What a resolver could take for an address (127.1, 0x7f000001) is none.
func hostName(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	if s == "" || len(s) > 253 {
		return "", false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", false
		}
		last = label
	}
	// WHATWG URL, "ends in a number": such a host is an address or nothing.
	return s, strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}
