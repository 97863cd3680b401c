package account

import (
	"slices"
	"time"

	"barillet/authn/account/setup"
	"barillet/authn/password"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/store"
)

// Policy is the configuration of accounts and sign-in.
type Policy struct {
	Issuer        string        // name of the service in an authenticator app; ASCII, no colon
	PublicURL     string        // "https://login.example", without a final slash; the start of each link in an email
	DefaultLocale string        // "fr" or "en"
	Locales       []string      // languages that a user can choose
	AllowCopies   bool          // several phones may have the same QR code (protocol rule 14)
	SessionIdle   time.Duration // a session ends after this time without use (promise A11)
	SessionMax    time.Duration // a session ends after this time (promise A11)
	Support       func() string // address that receives help requests; "": they are stored only
}

// Lifetimes.
const (
	TransactionTTL      = 10 * time.Minute
	MaxTransactionAge   = time.Hour // including extensions by a ticket or an enrolment
	EnrolmentTTL        = 10 * time.Minute
	StepUpTTL           = 5 * time.Minute // protocol rule 5
	InvitationTTL       = 24 * time.Hour
	TicketTTL           = 24 * time.Hour
	ScreenTicketTTL     = 10 * time.Minute // protocol rule 9
	TicketRenewalWindow = 7 * 24 * time.Hour
	PasswordLinkTTL     = time.Hour
	FreezeLinkTTL       = 7 * 24 * time.Hour
	KnownBrowserTTL     = 180 * 24 * time.Hour
)

// Service stores users and groups. Its fields are set once, before Open.
type Service struct {
	Store    store.Store
	Pepper   store.Pepper
	Factors  []factors.Factor // in the order of the pages
	Hasher   *password.Hasher
	Limiter  throttle.Limiter
	Failures throttle.FailureStore
	Log      audit.Log
	Outbox   *mail.Outbox
	Policy   Policy
	Now      func() time.Time
	Setup    setup.Table     // opened by Open
	Budgets  throttle.Memory // of the operations that write
	HasRoom  func() bool     // whether the disk has room for changes that can wait; nil: always

	Refusals audit.Fold // joins repeated refusals in the log
	tables
}

// tables lists the tables of this package.
type tables struct {
	users        store.Table[User]
	summaries    store.Table[Summary]
	addresses    store.Table[UserID]
	placeholders store.Table[[]UserID]
	names        store.Index
	members      store.Index
	holders      store.Index
	states       store.Index
	uniques      store.Table[UserID]
	groups       store.Table[Group]
	groupNames   store.Table[GroupID]
	links        store.Table[Link]
	sessions     store.Table[Session]
}

// Open opens the tables with the keys of ring. Call it before any other method.
func (s *Service) Open(ring *store.Keyring) {
	s.Setup = setup.Open(ring)
	s.tables = tables{
		users:        store.NewTable[User](ring, store.Users),
		summaries:    store.NewTable[Summary](ring, store.Summaries),
		addresses:    store.NewTable[UserID](ring, store.Addresses),
		placeholders: store.NewTable[[]UserID](ring, store.Placeholders),
		names:        store.NewIndex(store.Names),
		members:      store.NewIndex(store.Members),
		holders:      store.NewIndex(store.RoleHolders),
		states:       store.NewIndex(store.UserStates),
		uniques:      store.NewTable[UserID](ring, store.Uniques),
		groups:       store.NewTable[Group](ring, store.Groups),
		groupNames:   store.NewTable[GroupID](ring, store.GroupNames),
		links:        store.NewTable[Link](ring, store.Links),
		sessions:     store.NewTable[Session](ring, store.Sessions),
	}
}

// Locale returns the language of emails to the user.
func (s *Service) Locale(u *User) string {
	if u.Locale != "" {
		return u.Locale
	}
	return s.Policy.DefaultLocale
}

// HasLocale reports whether a user can choose the language.
func (p *Policy) HasLocale(lang string) bool { return slices.Contains(p.Locales, lang) }

// AdoptLocale stores the language of the page for a user without a stored one, at the first complete operation. The
// caller saves the user.
func (tx *Tx) AdoptLocale(u *User) {
	req := tx.Op.Request
	if u.Locale == "" && req.APIToken == "" && tx.s.Policy.HasLocale(req.Locale) {
		u.Locale = req.Locale
	}
}

// FailureID returns the key of the failure counters of a user. It is the same on each endpoint and node.
func (s *Service) FailureID(id UserID) throttle.FailureID { return s.Failures.UserID(string(id)) }

// LowSpace reports whether changes that can wait are refused, because the disk is nearly full.
func (s *Service) LowSpace() bool { return s.HasRoom != nil && !s.HasRoom() }

// WatchUsers makes the store call fn after each commit that changed users, with their ids: see store.Store.Watch.
func (s *Service) WatchUsers(fn func(ids []string)) { s.users.Watch(s.Store, fn) }
