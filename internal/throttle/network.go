package throttle

import "net/netip"

// Address returns the subject for an address. An IPv4 address in IPv6 form is the same subject, and a zone is ignored. All
// invalid addresses are the subject "unknown".
func Address(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unknown"
	}
	return addr.Unmap().WithZone("").String()
}

// Network returns the subject for the narrowest network of an address: the first of Networks.
func Network(addr netip.Addr) string { return Networks(addr)[0] }

// networkFactor is the factor by which a limit by network grows from one level of Networks to the next.
const networkFactor = 2

// Levels returns the client of an address and its networks, the narrowest first: /32, /24 and /16 for IPv4, /64, /56 and /48 for
// IPv6. One owner of a /48 can use any address in it. An invalid address is a client of its own.
func Levels(addr netip.Addr) (all [3]netip.Prefix) {
	if addr = addr.Unmap().WithZone(""); !addr.IsValid() {
		addr = netip.IPv6Unspecified()
	}
	bits := [len(all)]int{64, 56, 48}
	if addr.Is4() {
		bits = [len(all)]int{32, 24, 16}
	}
	for i, n := range bits {
		all[i], _ = addr.Prefix(n) // no error: each address has enough bits
	}
	return all
}

// Networks returns the subjects for the networks of an address, the narrowest first: /24 for IPv4, and the Levels of IPv6. All
// invalid addresses are the one subject "unknown".
func Networks(addr netip.Addr) []string {
	levels := Levels(addr)
	switch {
	case !addr.IsValid():
		return []string{"unknown"}
	case levels[0].Addr().Is4():
		return []string{levels[1].String()}
	}
	return []string{levels[0].String(), levels[1].String(), levels[2].String()}
}

// wideNetwork returns the subject for the network of an address that a large owner has: /16 for IPv4, /32 for IPv6.
func wideNetwork(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unknown"
	}
	wide := Levels(addr)[2] // a /16, or a /48
	if wide.Addr().Is6() {
		wide, _ = wide.Addr().Prefix(32) // no error: the address has enough bits
	}
	return wide.String()
}

// Charge is a limit and the subject that it counts.
type Charge struct {
	Limit   Limit
	Subject string
	Reserve int // operations that must remain for others after this one; only in memory
	Cost    int // operations that it counts as; 0: one; only in memory
}

// ByNetwork returns the charges of a limit for the networks of an address. For a /56 the count is twice as high as for a /64,
// and for a /48 four times. TakeAll counts them: a /64 that has used its limit then uses nothing of its neighbours' limits.
func ByNetwork(limit Limit, addr netip.Addr) []Charge {
	var out []Charge
	for _, network := range Networks(addr) {
		out = append(out, Charge{Limit: limit, Subject: network})
		limit.Count *= networkFactor
	}
	return out
}

// ByAddress returns the charges of a limit for an address, and those of another one for its networks.
func ByAddress(address, network Limit, addr netip.Addr) []Charge {
	return append([]Charge{{Limit: address, Subject: "address " + Address(addr)}}, ByNetwork(network, addr)...)
}

// BySite returns the charges of a limit for the networks of an address, as ByNetwork does. The widest network, a /24 or a /48,
// has the count of the limit, a /56 half of it, and a /64 a quarter.
func BySite(limit Limit, addr netip.Addr) []Charge {
	for range len(Networks(addr)) - 1 {
		limit.Count /= networkFactor
	}
	return ByNetwork(limit, addr)
}
