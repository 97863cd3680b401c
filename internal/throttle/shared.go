package throttle

import (
	"net/netip"
	"time"
)

// Shared is a limit of all clients, of which each may use a part. It is for a Memory.
type Shared struct {
	All   Limit
	Share Limit // of one user, of one client that has authenticated, or of the widest network of others
}

// The limits that all clients share. Together the records of each in the store are at most twice as many as All counts: as many
// again can arrive while the first wait.
var (
	// WaitingRequests counts the KiB of authorization requests that wait for longer than usual. Each counts at least one. Beyond
	// it, ShortRequests counts those that wait as long as usual, and then the response is 429. By user of a session or known
	// browser.
	WaitingRequests = Shared{All: Limit{Name: "all-waiting-requests", Count: 8000, Per: 3 * time.Hour},
		Share: Limit{Name: "waiting-requests", Count: 480, Per: 3 * time.Hour}}
	ShortRequests = Shared{All: Limit{Name: "all-short-requests", Count: 2000, Per: 10 * time.Minute},
		Share: Limit{Name: "short-requests", Count: 160, Per: 10 * time.Minute}}
	// PushedRequests counts the KiB of pushed authorization requests, which are stored for a minute. By client id.
	PushedRequests = Shared{All: Limit{Name: "all-pushed-requests", Count: 8000, Per: time.Minute},
		Share: Limit{Name: "pushed-requests", Count: 480, Per: time.Minute}}
	// DeviceStarts counts device authorization requests. By client id.
	DeviceStarts = Shared{All: Limit{Name: "all-device-starts", Count: 2000, Per: 10 * time.Minute},
		Share: Limit{Name: "device-starts", Count: 120, Per: 10 * time.Minute}}
)

// Of returns the charges of an operation of a user, or of a client that has authenticated.
func (s Shared) Of(subject string, cost int) []Charge {
	return []Charge{{Limit: s.All, Cost: cost}, {Limit: s.Share, Subject: subject, Cost: cost}}
}

// By returns the charges of an operation of any other client. The networks of its address have a share, as with BySite, and a
// large network has a quarter of All. All of them leave half of it to users and clients that have authenticated.
func (s Shared) By(addr netip.Addr, cost int) []Charge {
	charges := append([]Charge{{Limit: s.All, Reserve: s.All.Count / 2}}, BySite(s.Share, addr)...)
	wide := s.Share
	wide.Count = s.All.Count / wideShare
	charges = append(charges, Charge{Limit: wide, Subject: wideNetwork(addr)})
	for i := range charges {
		charges[i].Cost = cost
	}
	return charges
}
