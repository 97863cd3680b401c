// Package admin owns what an administrative operation needs: principals and their permissions, roles, API tokens,
// webhooks and the reading of the audit log. It finds users and recipients for the packages above. It does not own help
// requests and resets (authn/helpdesk), users and groups (authn/directory), what users prove about themselves (authn),
// or HTTP.
package admin

import (
	"sync"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/internal/audit/tree"
	"barillet/internal/outbound"
	"barillet/internal/webhook"
	"barillet/store"
)

// Service manages roles, API tokens and webhooks, and reads the audit log. It also finds users and recipients for the
// packages above. It is safe for concurrent use.
type Service struct {
	Tree     *tree.Tree       // of the audit log; New sets none
	Outbound *outbound.Client // checks webhook addresses; the client that New sets calls public addresses only

	Accounts *account.Service
	signIn   *authn.Service

	tokens    store.Table[Token]
	endpoints *webhook.Endpoints
	search    searchLimits // of Events
	pageReads int          // store.PageReads, except in tests

	verifying sync.Mutex // held while the audit log is verified

	mu      sync.Mutex
	lastUse map[string]time.Time // last use of each token since FlushLastUsed, by hash
}

// New returns a Service for the users that signIn signs in.
func New(signIn *authn.Service, ring *store.Keyring) *Service {
	return &Service{Accounts: signIn.Accounts, signIn: signIn, Outbound: outbound.New(outbound.Config{}), endpoints: webhook.NewEndpoints(ring),
		tokens: store.NewTable[Token](ring, store.Tokens), search: defaultSearch, pageReads: store.PageReads}
}
