package throttle

import (
	"net/netip"
	"time"
)

// The limits of the house. The subject that each is counted by stands beside it.
var (
	// LoginAddress and LoginNetwork count failed sign-ins only, so that thirty people behind one router
	// sign in at eight o'clock. By Address and by Network.
	LoginAddress = Limit{Name: "login-address", Count: 20, Per: time.Minute}
	LoginNetwork = Limit{Name: "login-network", Count: 300, Per: time.Minute}
	// UnknownNames is how often guesses at names that nobody has are audited: once a minute and source, as
	// they are free to make. By Address.
	UnknownNames = Limit{Name: "unknown-names", Count: 1, Per: time.Minute}

	// HelpSource counts help requests sent; beyond it the answer is 429. By Network.
	HelpSource = Limit{Name: "help-source", Count: 20, Per: time.Hour}
	// HelpMails counts the requests that cause mail; beyond it the text joins the open request and the
	// answer stays the same. By the address typed.
	HelpMails = Limit{Name: "help-mails", Count: 5, Per: time.Hour}
	// ForgotSource counts questions for a new password. By Network.
	ForgotSource = Limit{Name: "forgot-source", Count: 20, Per: time.Hour}
	// UnauthenticatedMails counts the mails that somebody who has proven nothing can cause a person to get. Beyond
	// it they are not sent, with the same answer. By user id.
	UnauthenticatedMails = Limit{Name: "unauthenticated-mails", Count: 10, Per: time.Hour}
	// NoticeMails counts notices of completed acts. They are never dropped: beyond it they are held for a
	// while and joined. By user id.
	NoticeMails = Limit{Name: "notice-mails", Count: 10, Per: time.Hour}

	// ReturnCodes counts ways back to an application after a sign-in. By session.
	ReturnCodes = Limit{Name: "return-codes", Count: 60, Per: time.Minute}

	// Unlocks counts how often operators forget a person's wrong answers: each lets a guesser begin anew. By user id.
	Unlocks = Limit{Name: "unlocks", Count: 3, Per: 24 * time.Hour}

	// APIToken counts requests, in memory. By token id.
	APIToken = Limit{Name: "api-token", Count: 600, Per: time.Minute}

	// Authorize counts authorization requests, in memory. By session, or by Address for a stranger.
	Authorize = Limit{Name: "authorize", Count: 60, Per: time.Minute}
	// AuthorizeNetwork counts those of strangers, in memory. By Network.
	AuthorizeNetwork = Limit{Name: "authorize-network", Count: 300, Per: time.Minute}
	// ClientCalls counts what clients ask at the token endpoint and its neighbours, in memory. By client id and Address.
	ClientCalls = Limit{Name: "client-calls", Count: 60, Per: time.Minute}
	// ClientCallsNetwork counts them where an address is no limit, in memory. By client id and Network.
	ClientCallsNetwork = Limit{Name: "client-calls-network", Count: 300, Per: time.Minute}
	// DeviceStarts counts devices that begin to wait for their person, in memory: all wait in one room. By Network.
	DeviceStarts = Limit{Name: "device-starts", Count: 60, Per: 10 * time.Minute}
	// Userinfo counts calls with one access token, in memory. By its hash.
	Userinfo = Limit{Name: "userinfo", Count: 600, Per: time.Minute}
	// Registration counts what a client asks with its registration access token, in memory. By client id.
	Registration = Limit{Name: "registration", Count: 60, Per: time.Minute}
	// UserCodes counts wrong codes of devices. By user id.
	UserCodes = Limit{Name: "user-codes", Count: 10, Per: time.Hour}
)

// Address is how a client address is counted by: IPv4 written in IPv6 is the same client, and a zone is only
// the name of our own interface. An invalid address is one subject, "unknown".
func Address(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unknown"
	}
	return addr.Unmap().WithZone("").String()
}

// Network is the block an address is counted by where changing it within the block is free: /24 for IPv4,
// /64 for IPv6. An invalid address is one subject, "unknown".
func Network(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unknown"
	}
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	block, err := addr.Prefix(bits)
	if err != nil { // no address has fewer bits than these
		return "unknown"
	}
	return block.String()
}
