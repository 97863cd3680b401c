package helpdesk

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/store"
)

// HelpService keeps help requests, resets users and keeps reset approvals. It is safe for concurrent use.
type HelpService struct {
	Admin *admin.Desk

	accounts *account.Service
	signIn   *authn.Service

	cases     store.Table[Request]
	approvals store.Table[ResetApproval]
}

// NewHelp returns the help desk of an administration.
func NewHelp(admin *admin.Desk, signIn *authn.Service, ring *store.Keyring) *HelpService {
	return &HelpService{Admin: admin, accounts: admin.Accounts, signIn: signIn,
		cases:     store.NewTable[Request](ring, store.HelpRequests),
		approvals: store.NewTable[ResetApproval](ring, store.Approvals)}
}
