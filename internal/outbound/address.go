package outbound

import (
	"fmt"
	"net/netip"
	"strings"
)

// special are the IPv4 networks that are not public (IANA special-purpose address registry, RFC 6890). 168.63.129.16 is
// the metadata service of Azure; those of other clouds are in the other networks.
var special = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
	"240.0.0.0/4", "168.63.129.16/32")

// Public IPv6 addresses are in 2000::/3 (RFC 4291 §2.4). The networks of specialV6 in it are not public: IETF protocol
// assignments with Teredo and benchmarking, documentation twice, and 6to4, whose addresses contain an IPv4 address.
var (
	global    = netip.MustParsePrefix("2000::/3")
	specialV6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 §2.1
)

// unnamed are the networks that an allowed host name does not allow, because the owner of the name could resolve it to a
// metadata service. The operator can allow such a network itself.
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

// effective returns the address that a connection reaches: the IPv4 address inside a mapped or NAT64 address, without a
// zone.
func effective(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

// Public reports whether an address is public: not private, not of this machine, and not another form of such an address.
func Public(addr netip.Addr) bool {
	addr = effective(addr)
	switch {
	case !addr.IsValid():
		return false
	case addr.Is4():
		return !within(special, addr)
	}
	return global.Contains(addr) && !within(specialV6, addr)
}

// Allowed is the set of hosts and networks that the operator allows besides public addresses. The zero value is empty.
type Allowed struct {
	hosts    map[string]bool
	networks []netip.Prefix
}

// ParseAllowed returns the set of a list of host names, addresses and networks.
func ParseAllowed(list []string) (Allowed, error) {
	a := Allowed{hosts: map[string]bool{}}
	for _, text := range list {
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			a.networks = append(a.networks, netip.PrefixFrom(effective(addr), effective(addr).BitLen()))
			continue
		}
		if p, err := netip.ParsePrefix(text); err == nil && p == p.Masked() && !p.Addr().Is4In6() {
			a.networks = append(a.networks, p)
			continue
		}
		name, ok := hostName(text)
		if !ok {
			return Allowed{}, fmt.Errorf("%q is not a host name such as \"hooks.garage.local\", an address or a network such as \"10.0.0.0/8\"", text)
		}
		a.hosts[name] = true
	}
	return a, nil
}

// address reports whether a request to host may connect to addr.
func (a Allowed) address(host string, addr netip.Addr) bool {
	addr = effective(addr)
	name, _ := hostName(host)
	return Public(addr) || within(a.networks, addr) || a.hosts[name] && !within(unnamed, addr)
}

// host reports whether the operator allowed the host, by its name or by a network with its address. A request to it may
// use http and any port.
func (a Allowed) host(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return within(a.networks, effective(addr))
	}
	name, _ := hostName(host)
	return a.hosts[name]
}

// hostName returns a host name in the form in which names are compared. A form that a resolver can read as an address,
// such as 127.1 or 0x7f000001, is not a host name.
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
	// A host that ends in a number is an address or invalid (WHATWG URL, "ends in a number checker").
	return s, strings.Trim(last, "0123456789") != "" && !strings.HasPrefix(last, "0x")
}
