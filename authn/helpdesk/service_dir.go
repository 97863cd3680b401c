package helpdesk

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/authn/session"
)

// DirectoryService administers users and groups. It is safe for concurrent use.
type DirectoryService struct {
	Admin    *Desk
	HelpDesk *HelpService

	accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	enrol    *enrol.Service
}

// NewDirectory returns the directory beside a help desk.
func NewDirectory(helpDesk *HelpService, enrol *enrol.Service) *DirectoryService {
	return &DirectoryService{Admin: helpDesk.Admin, HelpDesk: helpDesk,
		accounts: enrol.Accounts, sessions: enrol.Sessions, signIn: enrol.SignIn, enrol: enrol}
}
