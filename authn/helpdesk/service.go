// Package helpdesk owns help requests and resets: the public form, the work of administrators on a
// request, and the removal of all devices of a user. It does not own roles and permissions (authn/admin), the removal
// of one device and other operations on users (authn/directory), the approval of a reset (authn/approval), tickets and their use (authn), or HTTP.
package helpdesk

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/store"
)

// Service stores help requests and resets users. It is safe for concurrent use.
type Service struct {
	Admin *admin.Service

	accounts *account.Service
	signIn   *authn.Service

	requests   store.Table[Request]
	pageReads  int // store.PageReads, except in tests
	countReads int // maxCountReads, except in tests

	unknown unknownRequests
	waiting waitingCount
}

// maxCountReads is the maximum of records that CountOpen reads.
const maxCountReads = 2_000

// New returns a Service on top of an administration service.
func New(admin *admin.Service, signIn *authn.Service, ring *store.Keyring) *Service {
	return &Service{Admin: admin, accounts: admin.Accounts, signIn: signIn,
		requests: store.NewTable[Request](ring, store.HelpRequests), pageReads: store.PageReads, countReads: maxCountReads}
}
