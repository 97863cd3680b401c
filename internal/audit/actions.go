package audit

// The actions of the house, in one place. Where Okta's System Log has an event type for the act, it is that
// name, so that what reads such logs reads ours; the rest begin with "barillet.".
const (
	// Signing in and out.
	SessionStart      = "user.session.start"
	SessionEnd        = "user.session.end"
	SessionsCleared   = "user.session.clear" // sign out everywhere
	PasswordProven    = "barillet.password.proven"
	FactorProven      = "user.authentication.auth_via_mfa"
	StepUp            = "user.authentication.verify" // a device proven for one act after the sign-in
	LockedOut         = "barillet.guess.waiting"     // an answer not judged: too many wrong ones before
	UnknownName       = "barillet.login.unknown_name"
	RateLimited       = "system.operation.rate_limit.violation"
	SourceLimited     = "barillet.login.source_limited"
	LoginBlocked      = "barillet.login.blocked" // no usable device and no ticket
	RecoveryCodeSpent = "barillet.recovery.used"

	// Devices.
	FactorOffered      = "barillet.factor.offered"   // an operator begins to enrol one for somebody
	FactorConfirmed    = "barillet.factor.confirmed" // by the person, who had one: what an operator enrolled counts from now on
	FactorActivated    = "user.mfa.factor.activate"
	FactorRemoved      = "user.mfa.factor.deactivate"
	FactorsReset       = "user.mfa.factor.reset_all"
	FactorUpdated      = "user.mfa.factor.update" // renamed
	FactorMarked       = "user.mfa.factor.suspend"
	SecretShown        = "barillet.factor.shown_again"
	CopyConfirmed      = "barillet.factor.copy_confirmed"
	CopyRemoved        = "barillet.factor.copy_removed"
	RecoveryCodesMade  = "barillet.recovery.created"
	TicketIssued       = "barillet.ticket.issued"
	TicketPresented    = "barillet.ticket.presented"
	TicketSpent        = "barillet.ticket.spent"
	TicketRenewed      = "barillet.ticket.renewed"
	TicketRefused      = "barillet.ticket.refused"
	InvitationIssued   = "barillet.invitation.issued"
	InvitationAccepted = "barillet.invitation.accepted"

	// Accounts.
	UserCreated         = "user.lifecycle.create"
	UserActivated       = "user.lifecycle.activate"
	UserReactivated     = "user.lifecycle.reactivate"
	UserDeactivated     = "user.lifecycle.deactivate"
	UserSuspended       = "user.lifecycle.suspend"
	UserUnsuspended     = "user.lifecycle.unsuspend"
	UserDeleted         = "user.lifecycle.delete.initiated"
	UserUnlocked        = "user.account.unlock_by_admin"
	ProfileUpdated      = "user.account.update_profile"
	AddressUpdated      = "user.account.update_primary_email"
	PasswordUpdated     = "user.account.update_password"
	PasswordReset       = "user.account.reset_password"
	PasswordExpired     = "user.account.expire_password"
	PasswordForgotten   = "barillet.password.forgotten"
	RoleGranted         = "user.account.privilege.grant"
	RoleRevoked         = "user.account.privilege.revoke"
	RoleLimited         = "barillet.role.limited" // to other groups than before
	ResetAsked          = "barillet.reset.asked"  // waits for a second administrator
	ResetRefused        = "barillet.reset.refused"
	GroupCreated        = "group.lifecycle.create"
	GroupUpdated        = "group.profile.update"
	GroupDeleted        = "group.lifecycle.delete"
	GroupMemberAdded    = "group.user_membership.add"
	GroupMemberRemoved  = "group.user_membership.remove"
	HelpRequested       = "barillet.help.requested"
	HelpAssigned        = "barillet.help.assigned"
	HelpUpdated         = "barillet.help.updated"
	HelpClosed          = "barillet.help.closed"
	HelpJoined          = "barillet.help.joined" // text added to an open request beyond the limit
	SecretHandedOver    = "barillet.secret.handed_over"
	MailFailed          = "barillet.mail.dead_letter"
	TokenCreated        = "system.api_token.create"
	TokenRevoked        = "system.api_token.revoke"
	TokenRefused        = "barillet.api_token.refused"
	WebhookCreated      = "barillet.webhook.created"
	WebhookUpdated      = "barillet.webhook.updated"
	WebhookDeleted      = "barillet.webhook.deleted"
	WebhookRotated      = "barillet.webhook.secret_rotated"
	WebhookTested       = "barillet.webhook.tested"
	WebhookDisabled     = "barillet.webhook.disabled" // its receiver answered 410
	WebhookOverrun      = "barillet.webhook.overrun"  // too much waits: events are left out
	WebhookResumed      = "barillet.webhook.resumed"
	ServerStarted       = "barillet.server.started"
	ServerStopped       = "barillet.server.stopped"
	StoreDamaged        = "barillet.store.damaged"
	ClockJumped         = "barillet.clock.jumped" // while the service ran, by five minutes or more
	ConfigurationLoaded = "barillet.configuration.loaded"
)

// Applications.
const (
	AppCreated      = "application.lifecycle.create"
	AppUpdated      = "application.lifecycle.update"
	AppDeleted      = "application.lifecycle.delete"
	AppSignIn       = "user.authentication.sso"
	AppConsent      = "app.oauth2.as.consent.grant"
	AppGrantRevoked = "app.oauth2.as.token.revoke"
	AppDevice       = "app.oauth2.as.authorize.device"
	AppKeysRotated  = "app.oauth2.as.key.rollover"
)

// The outcomes of an act.
const (
	Success = "SUCCESS"
	Failure = "FAILURE" // tried and not right
	Deny    = "DENY"    // not judged: a limit, a rule or a right forbade it
	Allow   = "ALLOW"   // a rule was asked and let it pass
	Unknown = "UNKNOWN"
)

// The types of an actor or target.
const (
	TypeUser        = "User"
	TypeToken       = "ApiToken"
	TypeOperator    = "Operator" // at the socket or the closed folder
	TypeSystem      = "SystemPrincipal"
	TypeUnknown     = "Unknown" // nobody has proven anything
	TypeDevice      = "Factor"
	TypeGroup       = "UserGroup"
	TypeHelp        = "HelpRequest"
	TypeApplication = "AppInstance"
	TypeMail        = "Mail"
	TypeWebhook     = "Webhook"
)
