package account

import (
	"time"

	"barillet/authn/password"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/mail"
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

// Locale is the language that the person is written to in.
func (s *Service) Locale(u *User) string {
	if u.Locale != "" {
		return u.Locale
	}
	return s.Policy.DefaultLocale
}

// FailureID is the key of a person's counters of wrong answers: the same over every door and node.
func (s *Service) FailureID(id UserID) string { return s.Failures.UserID(string(id)) }
