package directory

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
)

// DirectoryService administers users and groups. It is safe for concurrent use.
type DirectoryService struct {
	Admin    *admin.Desk
	HelpDesk *helpdesk.HelpService

	accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	enrol    *enrol.Service
}

// NewDirectory returns the directory beside a help desk.
func NewDirectory(helpDesk *helpdesk.HelpService, enrol *enrol.Service) *DirectoryService {
	return &DirectoryService{Admin: helpDesk.Admin, HelpDesk: helpDesk,
		accounts: enrol.Accounts, sessions: enrol.Sessions, signIn: enrol.SignIn, enrol: enrol}
}
