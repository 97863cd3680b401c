package oidc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/internal/throttle"
	"barillet/store"
)

// People is what the provider asks about people and their sessions. *authn.Service is one. Every question is asked
// within the snapshot or the change of r, so that an answer and what is made of it belong together.
type People interface {
	NewAct(from authn.Origin) *authn.Act
	Bearer(r store.Reader, session string, now time.Time) (authn.Bearer, error)
	Stands(r store.Reader, id authn.UserID) (authn.Standing, error)
	Person(r store.Reader, id authn.UserID) (authn.User, error)
	Listed(r store.Reader, id authn.UserID, session string) (bool, error)
	Strong(u *authn.User) bool
	// DeviceSignedIn tells the person by mail, in the change of tx, that a device of this application may act for them.
	DeviceSignedIn(tx store.Tx, a *authn.Act, id authn.UserID, app string) error
	// AlsoIn stores what the context asks to be stored with an act, such as the answer to a request that may be repeated.
	AlsoIn(ctx context.Context, tx store.Tx, a *authn.Act, outcome any) error
}

// Config is what a Provider stands on. Everything but Deliver, Fetch, Check, ClientCredentials and Errors is required.
type Config struct {
	Store   store.Store
	Ring    *store.Keyring
	Pepper  store.Pepper
	People  People
	Log     audit.Log
	Issuer  string // the public URL, without a slash at the end
	Now     func() time.Time
	Deliver Deliverer // how a logout reaches an application; nil: back-channel logout is neither offered nor kept
	Fetch   Fetcher   // how keys that an application publishes are read; nil: jwks_uri is not taken
	// Check judges an address that we are to call before it is stored, with an error for whoever registers it; nil: it
	// is https, or on this machine.
	Check  func(address string) error
	Errors *slog.Logger // what went wrong inside; nil: the default of log/slog
	// ClientCredentials offers the grant in which an application acts for itself; each client must have it, too.
	ClientCredentials bool
}

// How long things live.
const (
	requestTTL    = 10 * time.Minute // a request that waits for its person
	pushedTTL     = time.Minute      // RFC 9126 section 2.2: short
	codeTTL       = time.Minute      // BAR O1
	idTokenTTL    = time.Hour        // ID tokens; the longest life of anything signed
	deviceTTL     = 10 * time.Minute
	rotateAfter   = 90 * 24 * time.Hour // BAR O2
	publishBefore = 24 * time.Hour      // how long a key is published before it signs
	publishAfter  = 7 * 24 * time.Hour  // and after: hints at sign-out are older than any token that counts
	// defaultAccessTTL and defaultRefreshTTL are for clients that name nothing else.
	defaultAccessTTL  = 10 * time.Minute
	defaultRefreshTTL = 30 * 24 * time.Hour
	refreshGrace      = 10 * time.Second // PROTOCOL 29
)

// Provider is the OpenID Provider. It is safe for concurrent use.
type Provider struct {
	Config
	tables
	keys      keyCache
	limiter   throttle.Memory
	codeLimit throttle.Limiter
	remote    publishedKeys
	wake      chan struct{}
	// logoutWorker tells applications of logouts.
	logoutWorker *outbox.Worker[Logout]
}

// tables are the records of this package.
type tables struct {
	clients   store.Table[Client]
	asked     store.Table[AuthorizationRequest]
	codes     store.Table[AuthorizationCode]
	grants    store.Table[Grant]
	accesses  store.Table[AccessToken]
	refreshes store.Table[RefreshToken]
	consents  store.Table[Consent]
	userCodes store.Table[UserCode]
	logouts   store.Table[Logout]
	rings     store.Table[Set]
}

// New makes a Provider. It reads and writes nothing yet.
func New(c Config) (*Provider, error) {
	if c.Store == nil || c.Ring == nil || c.People == nil || c.Issuer == "" || c.Now == nil {
		return nil, errors.New("setting up OpenID Connect: a part is missing")
	}
	if c.Errors == nil {
		c.Errors = slog.Default()
	}
	p := &Provider{Config: c, codeLimit: throttle.NewLimiter(c.Ring, c.Pepper), tables: tables{
		clients:   store.NewTable[Client](c.Ring, store.Clients),
		asked:     store.NewTable[AuthorizationRequest](c.Ring, store.AuthRequests),
		codes:     store.NewTable[AuthorizationCode](c.Ring, store.Codes),
		grants:    store.NewTable[Grant](c.Ring, store.Grants),
		accesses:  store.NewTable[AccessToken](c.Ring, store.Accesses),
		refreshes: store.NewTable[RefreshToken](c.Ring, store.Refreshes),
		consents:  store.NewTable[Consent](c.Ring, store.Consents),
		userCodes: store.NewTable[UserCode](c.Ring, store.UserCodes),
		logouts:   store.NewTable[Logout](c.Ring, store.Logouts),
		rings:     store.NewTable[Set](c.Ring, store.SignKeys),
	}}
	p.wake = make(chan struct{}, 1)
	p.logoutWorker = p.outgoing()
	return p, nil
}

// now is the time in UTC.
func (p *Provider) now() time.Time { return p.Now().UTC() }

// audit appends an event in the Update of its act. The id was drawn before.
func (p *Provider) audit(tx store.Tx, a *authn.Act, id string, e audit.Event) error {
	e.Request, e.Agent = a.From.Request, a.From.Agent
	if a.From.Address.IsValid() {
		e.Address = a.From.Address.String()
	}
	if err := p.Log.Append(tx, id, e); err != nil {
		return fmt.Errorf("writing audit event %s: %w", e.Action, err)
	}
	return nil
}

// about is an event of a person and an application.
func about(u authn.UserID, login string, c *Client, action, outcome, reason string) audit.Event {
	return audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u), Name: login}, Subject: string(u), SubjectName: login,
		Targets: []audit.Actor{c.AuditTarget()}, Action: action, Outcome: outcome, Reason: reason}
}

// found tells a missing record from any other error.
func found(err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
