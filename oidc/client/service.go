package client

import (
	"log/slog"
	"time"

	"barillet/authn/account"
	"barillet/internal/throttle"
	"barillet/store"
)

// Config has the dependencies of a Service. Fetch, Check and Errors are optional.
type Config struct {
	Store    store.Store
	Keyring  *store.Keyring
	Accounts *account.Service
	Now      func() time.Time

	RegistrationURL string   // of the endpoint where clients are registered
	Audiences       []string // of assertions for this service (RFC 7523 §3)

	ServiceAudiences []string // of assertions of service clients

	Fetch  Fetcher                    // reads the keys that a client publishes; nil: jwks_uri is not accepted
	Check  func(address string) error // judges an address that the service will call; nil: it must be https or loopback
	Errors *slog.Logger               // nil: the default logger
}

// Service registers and authenticates clients. It is safe for concurrent use.
type Service struct {
	Config
	clients    store.Table[Client]
	assertions store.Table[Assertion]
	remote     publishedKeys
	limiter    throttle.Memory
}

// New returns a Service. It does not access the store.
func New(c Config) *Service {
	if c.Errors == nil {
		c.Errors = slog.Default()
	}
	return &Service{Config: c, clients: store.NewTable[Client](c.Keyring, store.Clients), assertions: store.NewTable[Assertion](c.Keyring, store.Assertions),
		limiter: throttle.Memory{Refusals: c.Accounts.Budgets.Refusals}}
}

func (s *Service) now() time.Time { return s.Now().UTC() }
