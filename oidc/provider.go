package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/oidc/token"
	"barillet/store"
)

// Config has the dependencies of a Provider. Deliver, Fetch, Check, Errors and ClientCredentials are optional.
type Config struct {
	Store    store.Store
	Keyring  *store.Keyring
	Pepper   store.Pepper
	Accounts *account.Service
	Sessions *session.Service
	Issuer   string // the public URL, without a trailing slash
	Now      func() time.Time

	Deliver token.Deliverer            // sends logout tokens; nil: no back-channel logout
	Fetch   client.Fetcher             // reads the keys that a client publishes; nil: jwks_uri is not accepted
	Check   func(address string) error // judges an address that the service will call; nil: it must be https or loopback
	Errors  *slog.Logger               // internal errors; nil: the default logger

	ClientCredentials bool // offers the client_credentials grant to clients that are registered for it
}

// Provider is the OpenID Provider. It is safe for concurrent use.
type Provider struct {
	Config
	Keys    *keys.Service
	Clients *client.Service
	Tokens  *token.Service

	requests  store.Table[AuthorizationRequest]
	userCodes store.Table[UserCode]
	limiter   throttle.Memory
	codeLimit throttle.Limiter
}

// New returns a Provider. It does not access the store.
func New(c Config) (*Provider, error) {
	if c.Store == nil || c.Keyring == nil || c.Accounts == nil || c.Sessions == nil || c.Issuer == "" || c.Now == nil {
		return nil, errors.New("setting up OpenID Connect: a required dependency is missing")
	}
	if c.Errors == nil {
		c.Errors = slog.Default()
	}
	k := keys.New(keys.Config{Store: c.Store, Keyring: c.Keyring, Accounts: c.Accounts, Now: c.Now})
	clients := client.New(client.Config{Store: c.Store, Keyring: c.Keyring, Accounts: c.Accounts, Now: c.Now, RegistrationURL: c.Issuer + PathClients,
		Audiences: []string{c.Issuer, c.Issuer + PathToken, c.Issuer + PathPush}, ServiceAudiences: []string{c.Issuer, c.Issuer + PathToken}, Fetch: c.Fetch, Check: c.Check, Errors: c.Errors})
	refusals, codeLimit := c.Accounts.Budgets.Refusals, throttle.NewLimiter(c.Keyring, c.Pepper)
	codeLimit.Refusals = refusals
	return &Provider{
		Config: c, Keys: k, Clients: clients,
		Tokens: token.New(token.Config{Store: c.Store, Keyring: c.Keyring, Pepper: c.Pepper, Accounts: c.Accounts, Sessions: c.Sessions, Clients: clients,
			Keys: k, Issuer: c.Issuer, Now: c.Now, Deliver: c.Deliver, Errors: c.Errors}),
		requests:  store.NewTable[AuthorizationRequest](c.Keyring, store.AuthRequests),
		userCodes: store.NewTable[UserCode](c.Keyring, store.UserCodes),
		limiter:   throttle.Memory{Refusals: refusals},
		codeLimit: codeLimit,
	}, nil
}

func (p *Provider) now() time.Time { return p.Now().UTC() }

// LoginContext is what the sign-in page shows about an authorization request.
type LoginContext struct {
	App  string // name of the client; "" if there is no such request
	Hint string // login_hint: untrusted input
}

// LoginContext returns the context of a stored request.
func (p *Provider) LoginContext(ctx context.Context, request string) (LoginContext, error) {
	var out LoginContext
	err := p.Store.View(ctx, func(s store.Snapshot) error {
		out = LoginContext{}
		req, err := p.loadRequest(s, request)
		if err != nil || req == nil {
			return err
		}
		c, err := p.Clients.Get(s, req.Client)
		if c != nil {
			out = LoginContext{c.Name, req.Hint}
		}
		return err
	})
	if err != nil {
		return LoginContext{}, fmt.Errorf("loading an authorization request: %w", err)
	}
	return out, nil
}
