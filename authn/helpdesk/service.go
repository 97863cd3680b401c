package helpdesk

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/store"
)

// Service keeps help requests, resets users and keeps reset approvals. It is safe for concurrent use.
type Service struct {
	Admin *admin.Service

	accounts *account.Service
	signIn   *authn.Service

	requests  store.Table[Request]
	approvals store.Table[ResetApproval]
}

// New returns the help desk of an administration.
func New(admin *admin.Service, signIn *authn.Service, ring *store.Keyring) *Service {
	return &Service{Admin: admin, accounts: admin.Accounts, signIn: signIn,
		requests:  store.NewTable[Request](ring, store.HelpRequests),
		approvals: store.NewTable[ResetApproval](ring, store.Approvals)}
}
