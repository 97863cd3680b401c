package throttle

import (
	"context"
	"net/netip"
	"time"
)

// Quota is the declared budget of an operation that writes (promise S8). The zero Quota is that of an operation that changes
// nothing. A refused operation writes nothing.
type Quota struct {
	Name   string // lower-case letters and hyphens
	Minute int    // operations a minute of one session, transaction, known browser or API token
	Day    int    // operations a day of one user, of the known browsers of one user, or of one owner of API tokens
	Source int    // operations a minute of one address; 0: the operation needs a session or a token
	Total  int    // operations in ten minutes of all clients without a session or a known browser

	exempt string // why the operation has no limit here
}

// sourceFactor is the number of addresses of a network that can use their whole limit at the same time.
const sourceFactor = 4

// The budgets of pages, scripts and calls. Thirty users behind one router can sign in twice in a minute, and each can fail once.
var (
	SignIn         = Quota{Name: "sign-in", Minute: 60, Day: 2000, Source: 180, Total: 10_000}
	SecondStep     = Quota{Name: "second-step", Minute: 60, Day: 2000, Source: 180, Total: 20_000}
	NewPassword    = Quota{Name: "new-password", Minute: 20, Day: 100, Source: 180, Total: 5000}
	Forgotten      = Quota{Name: "forgotten", Minute: 20, Day: 100, Source: 60, Total: 1000}
	Help           = Quota{Name: "help", Minute: 20, Day: 100, Source: 60, Total: 1000}
	Language       = Quota{Name: "language", Minute: 20, Day: 200, Source: 180, Total: 10_000}
	StepUp         = Quota{Name: "step-up", Minute: 30, Day: 500}
	Devices        = Quota{Name: "devices", Minute: 30, Day: 200, Source: 180, Total: 10_000}
	Application    = Quota{Name: "application", Minute: 60, Day: 3000}
	ProtectedHosts = Quota{Name: "protected-hosts", Minute: 60, Day: 5000}
	ReturnedCodes  = Quota{Name: "returned-codes", Source: 180, Total: 20_000}
	ConsoleReads   = Quota{Name: "console-reads", Minute: 300, Day: 50_000}
	APIWrites      = Quota{Name: "api-writes", Minute: 300, Day: 20_000}
	APISignIns     = Quota{Name: "api-sign-ins", Minute: 600, Day: 100_000}
)

// Quotas lists the budgets, for the documentation and its test.
var Quotas = []Quota{SignIn, SecondStep, NewPassword, Forgotten, Help, Language, StepUp, Devices, Application, ProtectedHosts,
	ReturnedCodes, ConsoleReads, APIWrites, APISignIns}

var (
	// NeverRefused is the budget of an operation that ends sessions or access, or removes a device. It is never refused. Without
	// anything left to end it writes nothing.
	NeverRefused = Quota{Name: "never-refused", exempt: "it is never refused"}
	// ChargedByHandler is the budget of a handler that charges by itself, with WithCharge.
	ChargedByHandler = Quota{Name: "charged-by-handler", exempt: "its handler charges"}
)

// Limits reports whether Charge can refuse the operation.
func (q Quota) Limits() bool { return q.Name != "" && q.exempt == "" }

// Network returns how many operations a minute the narrowest network of an address may cause.
func (q Quota) Network() int { return q.Source * sourceFactor }

// Caller is who is charged. Before full proof it never contains the user, whom another person could lock out.
type Caller struct {
	Session, User string // of a complete session
	Token, Owner  string // of an API token
	Transaction   string // of a password that was proven, without a session
	Account       string // the user of Transaction
	KnownBrowser  string // without a session: of a browser on which a user completed a sign-in
	BrowserUser   string // the first user of KnownBrowser
	Address       netip.Addr
}

var (
	// recentNetwork keeps the networks that a session used.
	recentNetwork = Limit{Name: "recent-network", Count: 1, Per: 30 * 24 * time.Hour}
	// newNetworks counts the networks that the sessions of a user add to them, so that one session does not fill a Memory.
	newNetworks = Limit{Name: "new-networks", Count: 20, Per: 24 * time.Hour}
)

// The parts of Total that one of those who share it may use.
const (
	accountShare = 20 // proven passwords of one user: a twentieth
	networkShare = 20 // a /24 or /64; a /56 twice as much, a /48 four times (ByNetwork)
	recentShare  = 10 // the same, of a network that a session used lately
	wideShare    = 4  // a /16 or /32
)

// Charge counts an operation against its budget. It returns how long to wait before it; 0 if it is allowed. Clients that
// are not known share limits, so known browsers have limits of their own, and a proven password or a network that a session
// used lately may use more of Total. Each user and each network may use a part of it, so that none refuses the others. A thief
// can make any number of known browsers: those of one user share the limit of a day, and beyond it are not known.
func (m *Memory) Charge(now time.Time, q Quota, c Caller) (retry time.Duration) {
	switch {
	case !q.Limits():
		return 0
	case c.Session != "":
		if retry = m.TakeAll(now, q.minute("session ", c.Session), q.day("user ", c.User)); retry == 0 {
			m.addNetwork(now, c)
		}
		return retry
	case c.Token != "":
		return m.TakeAll(now, q.minute("token ", c.Token), q.day("user ", c.Owner))
	case q.Source == 0:
		return 0 // the operation needs a session, so it is refused
	case c.KnownBrowser != "":
		browsers := q.day("browsers of ", c.BrowserUser)
		if free, _, _ := m.decide(now, browsers, false); free {
			return m.TakeAll(now, q.minute("browser ", c.KnownBrowser), browsers)
		}
	}
	return m.TakeAll(now, m.shared(now, q, c)...)
}

// shared returns the charges of a caller without a session, a token and a known browser.
func (m *Memory) shared(now time.Time, q Quota, c Caller) []Charge {
	total := Charge{Limit: q.of("", 1), Subject: "all"}
	charges := []Charge{total}
	if c.Transaction != "" {
		charges = append(charges, q.minute("transaction ", c.Transaction))
	}
	account := Charge{Limit: q.of("-share", accountShare), Subject: "user " + c.Account}
	if free, _, _ := m.decide(now, account, false); free && c.Transaction != "" {
		charges = append(charges, account)
	} else {
		reserve, share := q.Total/2, q.of("-share", networkShare)
		if m.marked(now, recentNetwork, Network(c.Address)) {
			reserve, share = q.Total/4, q.of("-recent-share", recentShare)
		}
		charges[0].Reserve = reserve
		charges = append(charges, ByNetwork(share, c.Address)...)
		charges = append(charges, Charge{Limit: q.of("-share", wideShare), Subject: wideNetwork(c.Address)})
	}
	address, network := Limit{Name: q.Name, Count: q.Source, Per: time.Minute}, Limit{Name: q.Name, Count: q.Network(), Per: time.Minute}
	return append(charges, ByAddress(address, network, c.Address)...)
}

// addNetwork keeps the network of a session as a recent one.
func (m *Memory) addNetwork(now time.Time, c Caller) {
	network := Network(c.Address)
	if !m.marked(now, recentNetwork, network) {
		if added, _, _ := m.decide(now, Charge{Limit: newNetworks, Subject: c.User}, true); !added { // refuses no operation
			return
		}
	}
	m.mark(now, recentNetwork, network)
}

// of returns the limit of a part of Total.
func (q Quota) of(suffix string, part int) Limit {
	return Limit{Name: q.Name + suffix, Count: max(q.Total/part, 1), Per: 10 * time.Minute}
}

func (q Quota) minute(kind, subject string) Charge {
	return Charge{Limit: Limit{Name: q.Name, Count: q.Minute, Per: time.Minute}, Subject: kind + subject}
}

func (q Quota) day(kind, subject string) Charge {
	return Charge{Limit: Limit{Name: q.Name + "-day", Count: q.Day, Per: 24 * time.Hour}, Subject: kind + subject}
}

type chargeKey struct{}

// WithCharge returns the context of a request whose operation was charged.
func WithCharge(ctx context.Context) context.Context {
	return context.WithValue(ctx, chargeKey{}, true)
}

// IsCharged reports whether the operation of a context was charged. A request whose operation was not charged must write
// nothing.
func IsCharged(ctx context.Context) bool { return ctx.Value(chargeKey{}) != nil }
