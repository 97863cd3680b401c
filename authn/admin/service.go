// Package helpdesk owns what is done for somebody else: help requests, and what an operator may do to a person,
// such as invite, reset and take away a device, together with the API tokens that operators act by. It does not
// own what people prove about themselves (authn), nor any HTTP.
package admin

import (
	"sync"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/internal/outbound"
	"barillet/internal/webhook"
	"barillet/store"
)

// Service performs the operations that need no user of their own: roles, API tokens, webhooks and the audit log. It also
// finds users and recipients for the packages above. It is safe for concurrent use.
type Service struct {
	Outbound *outbound.Client // checks and calls webhook addresses; New's client calls public addresses only

	Accounts *account.Service
	signIn   *authn.Service

	tokens    store.Table[Token]
	endpoints *webhook.Endpoints

	mu      sync.Mutex
	lastUse map[string]time.Time // last use of a token, by its hash
}

// New returns the administration of the users that signIn signs in.
func New(signIn *authn.Service, ring *store.Keyring) *Service {
	return &Service{Accounts: signIn.Accounts, signIn: signIn, Outbound: outbound.New(outbound.Config{}), endpoints: webhook.NewEndpoints(ring),
		tokens: store.NewTable[Token](ring, store.Tokens)}
}
