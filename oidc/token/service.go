package token

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/errcode"
	"barillet/internal/outbox"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// Config has the dependencies of a Service. Deliver and Errors are optional.
type Config struct {
	Store    store.Store
	Keyring  *store.Keyring
	Pepper   store.Pepper
	Accounts *account.Service
	Sessions *session.Service
	Clients  *client.Service
	Keys     *keys.Service
	Issuer   string
	Now      func() time.Time

	Deliver Deliverer    // sends logout tokens; nil: no back-channel logout
	Errors  *slog.Logger // nil: the default logger
}

// Service issues, judges and revokes tokens. It is safe for concurrent use.
type Service struct {
	Config
	codes     store.Table[UsedCode]
	grants    store.Table[Grant]
	accesses  store.Table[AccessToken]
	refreshes store.Table[RefreshToken]
	expiring  store.Table[struct{}]
	consents  store.Table[Consent]
	logouts   store.Table[Logout]

	sealedCodes  store.Table[AuthorizationCode] // stores nothing
	logoutWorker *outbox.Worker[Logout]
	revocation   revocation
}

// New returns a Service. It does not access the store.
func New(c Config) *Service {
	if c.Errors == nil {
		c.Errors = slog.Default()
	}
	s := &Service{
		Config:    c,
		codes:     store.NewTable[UsedCode](c.Keyring, store.Codes),
		grants:    store.NewTable[Grant](c.Keyring, store.Grants),
		accesses:  store.NewTable[AccessToken](c.Keyring, store.Accesses),
		refreshes: store.NewTable[RefreshToken](c.Keyring, store.Refreshes),
		expiring:  store.NewTable[struct{}](c.Keyring, store.GrantsExpiring),
		consents:  store.NewTable[Consent](c.Keyring, store.Consents),
		logouts:   store.NewTable[Logout](c.Keyring, store.Logouts),

		sealedCodes: store.NewTable[AuthorizationCode](c.Keyring, store.SealedCodes),
	}
	s.logoutWorker = s.newLogoutWorker()
	return s
}

func (s *Service) now() time.Time { return s.Now().UTC() }

// The results of a token that is refused. ErrScope and ErrInvalid are returned as they are.
var (
	ErrScope        = errors.New("the scope is wider than what was granted")
	ErrInvalid      = errors.New("the access token is unknown, expired or revoked")
	ErrInsufficient = errors.New("the access token lacks the scope openid")
)

// GrantError refuses a code or a refresh token (invalid_grant, RFC 6749 §5.2). Reason is for developers.
type GrantError struct{ Reason string }

func (e *GrantError) Error() string { return "invalid grant: " + e.Reason }

func refuse(reason string) *GrantError { return &GrantError{reason} }

// Session returns the session whose record has the given key; nil if it is not active.
func (s *Service) Session(r store.Reader, key string) (*session.Info, error) {
	b, err := s.Sessions.Lookup(r, key, s.now())
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("loading a session: %w", err)
	}
	return &b, nil
}

// isGone reports whether err means that a session or a user does not exist, or is no longer active.
func isGone(err error) bool {
	code := errcode.Of(err)
	return code == errcode.NoSession || code == errcode.NotFound
}
