// Package directory owns what administrators do with users and groups: create, import and invite users, change
// profiles, passwords, memberships and life cycle, enrol and remove devices, and report lock-out risks and sign-ins. It does not own
// the removal of all devices of a user (authn/helpdesk), freezing them (authn/freeze), roles and permissions (authn/admin),
// the operations of users on their own account (authn and authn/enrol), or HTTP.
package directory

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/counts"
	"barillet/authn/enrol"
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
)

// Service manages users and groups for administrators. It is safe for concurrent use.
type Service struct {
	Admin    *admin.Service
	HelpDesk *helpdesk.Service
	Freeze   *freeze.Service

	accounts *account.Service
	sessions *session.Service
	signIn   *authn.Service
	enrol    *enrol.Service
	counts   *counts.Service
}

// New returns a Service on top of a help desk.
func New(helpDesk *helpdesk.Service, enrol *enrol.Service, counts *counts.Service) *Service {
	return &Service{Admin: helpDesk.Admin, HelpDesk: helpDesk, Freeze: freeze.New(enrol.SignIn),
		accounts: enrol.Accounts, sessions: enrol.Sessions, signIn: enrol.SignIn, enrol: enrol, counts: counts}
}
