package directory

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
)

// Service administers users and groups. It is safe for concurrent use.
type Service struct {
	Admin    *admin.Service
	HelpDesk *helpdesk.Service

	accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	enrol    *enrol.Service
}

// New returns the directory beside a help desk.
func New(helpDesk *helpdesk.Service, enrol *enrol.Service) *Service {
	return &Service{Admin: helpDesk.Admin, HelpDesk: helpDesk,
		accounts: enrol.Accounts, sessions: enrol.Sessions, signIn: enrol.SignIn, enrol: enrol}
}
