// Package helpdesk owns what is done for somebody else: help requests, and what an operator may do to a person,
// such as invite, reset and take away a device, together with the API tokens that operators act by. It does not
// own what people prove about themselves (authn), nor any HTTP.
package helpdesk

import (
	"sync"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/internal/outbound"
	"barillet/internal/webhook"
	"barillet/store"
)

// Desk does the operators' acts. Its fields are set once, by New; it is safe for concurrent use.
type Desk struct {
	Outbound *outbound.Client // judges where webhooks may go; New's calls the internet alone

	Accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	enrol    *enrol.Service

	cases  store.Table[Request]
	tokens store.Table[Token]
	hooks  *webhook.Endpoints

	approvals store.Table[ResetApproval]

	mu   sync.Mutex
	used map[string]time.Time // when a token was last used, by the hash that it is kept under
}

// New makes a Desk over the people, whose own records are sealed by the ring.
func New(enrol *enrol.Service, ring *store.Keyring) *Desk {
	return &Desk{Accounts: enrol.Accounts, sessions: enrol.Sessions, signIn: enrol.SignIn, enrol: enrol, Outbound: outbound.New(outbound.Config{}), hooks: webhook.NewEndpoints(ring),
		cases: store.NewTable[Request](ring, store.HelpRequests), tokens: store.NewTable[Token](ring, store.Tokens),
		approvals: store.NewTable[ResetApproval](ring, store.Approvals)}
}
