package account

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"barillet/authn/password"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// Policy is what an operator decides about people and their sign-in.
type Policy struct {
	Issuer        string        // the house's name in an authenticator app, ASCII, no colon
	PublicURL     string        // "https://login.example", no slash at the end: every link in a mail starts with it
	DefaultLocale string        // "fr" or "en"
	Locales       []string      // languages that a user can choose
	AllowCopies   bool          // the same QR code for several phones (PROTOCOL 14)
	SessionIdle   time.Duration // BAR A11: 1 h
	SessionMax    time.Duration // BAR A11: 24 h
	Support       string        // where help requests are mailed; "": stored only
}

// How long things live.
const (
	TransactionTTL      = 10 * time.Minute
	MaxTransactionAge   = time.Hour // however often a ticket or an enrolment begun in it prolongs it
	EnrolmentTTL        = 10 * time.Minute
	StepUpTTL           = 5 * time.Minute // PROTOCOL 5
	InvitationTTL       = 24 * time.Hour
	TicketTTL           = 24 * time.Hour
	ScreenTicketTTL     = 10 * time.Minute // PROTOCOL 9
	TicketRenewalWindow = 7 * 24 * time.Hour
	PasswordLinkTTL     = time.Hour
	KnownBrowserTTL     = 180 * 24 * time.Hour
)

// Service keeps the people and judges what they prove. Its fields are set once, before the first call.
type Service struct {
	Store    store.Store
	Pepper   store.Pepper
	Factors  []factors.Factor // in the order in which they are offered
	Hasher   *password.Hasher
	Limiter  throttle.Limiter
	Failures throttle.FailureStore
	Log      audit.Log
	Outbox   *mail.Outbox
	Policy   Policy
	Now      func() time.Time
	Wake     func() // tells the mail sender that there may be work; never blocks; nil: nobody

	tables
}

// tables are the records of this package.
type tables struct {
	users        store.Table[User]
	summaries    store.Table[Summary]
	addresses    store.Table[UserID]
	placeholders store.Table[[]UserID]
	names        store.Table[struct{}]
	members      store.Table[struct{}]
	uniques      store.Table[UserID]
	groups       store.Table[Group]
	links        store.Table[Link]
	sessions     store.Table[Session]
}

// Open readies the Service's own tables under the keys of the house; call it before anything else.
func (s *Service) Open(ring *store.Keyring) {
	s.tables = tables{
		users:        store.NewTable[User](ring, store.Users),
		summaries:    store.NewTable[Summary](ring, store.Summaries),
		addresses:    store.NewTable[UserID](ring, store.Addresses),
		placeholders: store.NewTable[[]UserID](ring, store.Placeholders),
		names:        store.NewTable[struct{}](ring, store.Names),
		members:      store.NewTable[struct{}](ring, store.Members),
		uniques:      store.NewTable[UserID](ring, store.Uniques),
		groups:       store.NewTable[Group](ring, store.Groups),
		links:        store.NewTable[Link](ring, store.Links),
		sessions:     store.NewTable[Session](ring, store.Sessions),
	}
}

// RequestInfo is where a request comes from. The zero value is the house itself.
type RequestInfo struct {
	Address   netip.Addr   // of the client, after trusted proxies
	Agent     string       // User-Agent, cut to 256 bytes
	Browser   secret.Value // the known-browser cookie, empty without one
	RequestID string       // request id in the log
	Locale    string       // the page's language
	APIToken  string       // id of the API token by which a program signs people in; "": none does (PROTOCOL 25)
}

func (o RequestInfo) ClientAddress() string {
	if !o.Address.IsValid() {
		return ""
	}
	return o.Address.String()
}

// Factor finds the kind; nil when the house does not have it.
func (s *Service) Factor(kind factors.Kind) factors.Factor {
	for _, f := range s.Factors {
		if f.Kind() == kind {
			return f
		}
	}
	return nil
}

// Method returns the description of a kind; the zero value for a kind that is not registered.
func (s *Service) Method(kind factors.Kind) factors.Method {
	if f := s.Factor(kind); f != nil {
		return f.Method()
	}
	return factors.Method{}
}

// Status returns what the record of a device tells; the zero value for a kind that is not registered.
func (s *Service) Status(d factors.Device) factors.Status {
	if f := s.Factor(d.Kind); f != nil {
		return f.Status(d)
	}
	return factors.Status{}
}

// IsBackup reports whether the device holds saved codes, each of which is used up by one answer.
func (s *Service) IsBackup(d factors.Device) bool {
	return s.Method(d.Kind).Input == factors.InputBackup
}

// UsableDevices are the person's devices that may be asked for, spare ones (recovery codes) included.
func (s *Service) UsableDevices(u *User) []factors.Device {
	var out []factors.Device
	for _, d := range u.Devices {
		if s.CanUse(u, d) {
			out = append(out, d)
		}
	}
	return out
}

// CanUse tells whether the person may be asked for the device. One whose secret an operator was shown is worth
// nothing beside a password of the same hand (PROTOCOL 8, 22): here, where every path meets. The hand stays with the
// device for as long as its secret lives, since what was seen is not forgotten when the person uses it.
func (s *Service) CanUse(u *User, d factors.Device) bool {
	return d.Usable() && s.Factor(d.Kind) != nil && (!s.IsBackup(d) || s.Status(d).Remaining > 0) && (d.SecretSeenBy == "" || d.SecretSeenBy != u.Password.Provenance)
}

// CountPrimary are the usable devices that count when the last one is protected (PROTOCOL 6).
func (s *Service) CountPrimary(u *User) int {
	n := 0
	for _, d := range s.UsableDevices(u) {
		if s.Method(d.Kind).Primary {
			n++
		}
	}
	return n
}

// CanReplacePassword tells whether a forgotten password can be replaced by a mailed link: by a device whose secret is the
// person's alone (see verifiable).
func (s *Service) CanReplacePassword(u *User) bool {
	return slices.ContainsFunc(s.UsableDevices(u), func(d factors.Device) bool { return d.SecretSeenBy == "" && s.Method(d.Kind).Primary })
}

// Subject is the person as a ceremony sees them.
func (s *Service) Subject(u *User) factors.Subject {
	return factors.Subject{Handle: slices.Clone(u.Handle), Login: u.Login, Name: u.DisplayName(),
		Issuer: s.Policy.Issuer, Origin: s.Policy.PublicURL}
}

// Locale is the language that the person is written to in.
func (s *Service) Locale(u *User) string {
	if u.Locale != "" {
		return u.Locale
	}
	return s.Policy.DefaultLocale
}

// FailureID is the key of a person's counters of wrong answers: the same over every door and node.
func (s *Service) FailureID(id UserID) string { return s.Failures.UserID(string(id)) }

// View reads in one snapshot; fn sees people as they stand.
func (s *Service) View(ctx context.Context, fn func(r Reader) error) error {
	return s.Store.View(ctx, func(snap store.Snapshot) error { return fn(s.Reader(snap)) })
}

// Reader reads people within a snapshot or change that is at hand.
func (s *Service) Reader(r store.Reader) Reader { return Reader{s, r} }
