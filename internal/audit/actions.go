package audit

// The actions of events. An action that Okta's System Log knows has the name of that event type, so that tools for such
// logs can read these events. Every other action begins with "barillet.".
const (
	// Signing in and out.
	SessionStart      = "user.session.start"
	SessionEnd        = "user.session.end"
	SessionsCleared   = "user.session.clear" // sign out everywhere
	PasswordProven    = "barillet.password.proven"
	FactorProven      = "user.authentication.auth_via_mfa"
	StepUp            = "user.authentication.verify" // step-up: a device proven for one operation after the sign-in
	LockedOut         = "barillet.user.locked_out"   // an answer that was not checked, after too many failures
	CodesStopped      = "user.account.lock"          // codes from unknown browsers are refused after too many wrong ones
	UnknownName       = "barillet.login.unknown_name"
	RateLimited       = "system.operation.rate_limit.violation"
	SourceLimited     = "barillet.login.source_limited"
	LoginBlocked      = "barillet.login.blocked" // no usable device and no ticket
	RecoveryCodeSpent = "barillet.recovery.used"

	// Devices.
	FactorAdminEnrolled = "barillet.factor.admin_enrolled" // an administrator begins to enrol a device for a user
	FactorConfirmed     = "barillet.factor.confirmed"      // the user confirmed a device that an administrator enrolled
	FactorActivated     = "user.mfa.factor.activate"
	FactorRemoved       = "user.mfa.factor.deactivate"
	FactorsReset        = "user.mfa.factor.reset_all"
	FactorUpdated       = "user.mfa.factor.update" // renamed
	FactorMarked        = "user.mfa.factor.suspend"
	FactorFrozen        = "barillet.factor.frozen"
	FactorUnfrozen      = "barillet.factor.unfrozen"
	SecretShown         = "barillet.factor.shown_again"
	CopyConfirmed       = "barillet.factor.copy_confirmed"
	CopyRemoved         = "barillet.factor.copy_removed"
	RecoveryCodesMade   = "barillet.recovery.created"
	TicketIssued        = "barillet.ticket.issued"
	TicketPresented     = "barillet.ticket.presented"
	TicketSpent         = "barillet.ticket.spent"
	TicketRenewed       = "barillet.ticket.renewed"
	TicketRefused       = "barillet.ticket.refused"
	TicketWithdrawn     = "barillet.ticket.withdrawn" // all tickets of a user
	InvitationIssued    = "barillet.invitation.issued"
	InvitationAccepted  = "barillet.invitation.accepted"
	InvitationWithdrawn = "barillet.invitation.withdrawn"

	// Accounts.
	UserCreated        = "user.lifecycle.create"
	UserActivated      = "user.lifecycle.activate"
	UserReactivated    = "user.lifecycle.reactivate"
	UserDeactivated    = "user.lifecycle.deactivate"
	UserSuspended      = "user.lifecycle.suspend"
	UserUnsuspended    = "user.lifecycle.unsuspend"
	UserDeleted        = "user.lifecycle.delete.initiated"
	UserExported       = "barillet.user.exported" // all that is kept about the user
	UserUnlocked       = "user.account.unlock_by_admin"
	ProfileUpdated     = "user.account.update_profile"
	AddressUpdated     = "user.account.update_primary_email"
	PhoneUpdated       = "barillet.phone.updated"
	PasswordUpdated    = "user.account.update_password"
	PasswordReset      = "user.account.reset_password"
	PasswordExpired    = "user.account.expire_password"
	PasswordForgotten  = "barillet.password.forgotten"
	RoleGranted        = "user.account.privilege.grant"
	RoleRevoked        = "user.account.privilege.revoke"
	RoleLimited        = "barillet.role.limited"    // the group scope of a role changed
	ResetRequested     = "barillet.reset.requested" // a reset waits for approval
	ResetRefused       = "barillet.reset.refused"
	RoleRequested      = "barillet.role.requested" // a role, or a further group of one, waits for approval
	RoleRefused        = "barillet.role.refused"
	ProfileRequested   = "barillet.profile.requested" // a change of addresses or numbers waits for approval
	ProfileRefused     = "barillet.profile.refused"
	HandoverBegun      = "barillet.handover.begun"     // a witness is asked before a code is shown
	HandoverConfirmed  = "barillet.handover.confirmed" // by the witness
	HandoverRefused    = "barillet.handover.refused"   // by the witness, or after wrong digits
	HandoverCancelled  = "barillet.handover.cancelled" // by an administrator
	GroupCreated       = "group.lifecycle.create"
	GroupUpdated       = "group.profile.update"
	GroupDeleted       = "group.lifecycle.delete"
	GroupMemberAdded   = "group.user_membership.add"
	GroupMemberRemoved = "group.user_membership.remove"
	HelpRequested      = "barillet.help.requested"
	HelpAssigned       = "barillet.help.assigned"
	HelpUpdated        = "barillet.help.updated"
	HelpClosed         = "barillet.help.closed"
	HelpJoined         = "barillet.help.joined"  // a text was added to an open request
	HelpRemoved        = "barillet.help.removed" // an open request about an unknown address was displaced by others, or expired
	SecretDisclosed    = "barillet.secret.disclosed"
	MailFailed         = "barillet.mail.dead_letter"
	MailRetried        = "barillet.mail.retried" // a dead letter was queued again
	MailDropped        = "barillet.mail.dropped" // a dead letter was deleted
	TokenCreated       = "system.api_token.create"
	TokenRevoked       = "system.api_token.revoke"
	TokenRefused       = "barillet.api_token.refused"
	WebhookCreated     = "barillet.webhook.created"
	WebhookUpdated     = "barillet.webhook.updated"
	WebhookDeleted     = "barillet.webhook.deleted"
	WebhookRotated     = "barillet.webhook.secret_rotated"
	WebhookTested      = "barillet.webhook.tested"
	WebhookDisabled    = "barillet.webhook.disabled" // its receiver answered 410
	WebhookOverrun     = "barillet.webhook.overrun"  // its queue is full, and events are dropped
	WebhookResumed     = "barillet.webhook.resumed"
	SetupLinkIssued    = "barillet.setup.link_issued" // a start without administrators wrote a new setup link
	ServerStarted      = "barillet.server.started"
	ServerStopped      = "barillet.server.stopped"
	StoreDamaged       = "barillet.store.damaged"
	StoreRestored      = "barillet.store.restored" // from a backup, as a new generation
	ClockJumped        = "barillet.clock.jumped"   // by five minutes or more while the service ran
	SpaceLow           = "barillet.space.low"      // the disk of the data directory is nearly full
	SpaceRecovered     = "barillet.space.recovered"
	CertProblem        = "barillet.certificate.problem" // the certificate of the service expires, or no new one can be had
	CertRecovered      = "barillet.certificate.recovered"
	BackupCreated      = "barillet.backup.created"
	BackupFailed       = "barillet.backup.failed" // the first failure since the last scheduled backup
	ConfigReloaded     = "barillet.config.reloaded"
	LogContradicted    = "barillet.audit.contradicted" // the log contradicts its newest head, so no head is signed
	LogExported        = "barillet.audit.exported"     // events were written to a file
	EventsRemoved      = "barillet.audit.removed"      // by the retention policy; see Removal
	RecordsRemoved     = "barillet.retention.removed"  // of another table, by the retention policy
	EventsErased       = "barillet.audit.erased"       // about a user who is forgotten; see Erasure
)

// The actions on clients.
const (
	AppCreated      = "application.lifecycle.create"
	AppUpdated      = "application.lifecycle.update"
	AppDeleted      = "application.lifecycle.delete"
	AppSignIn       = "user.authentication.sso"
	AppConsent      = "app.oauth2.as.consent.grant"
	AppGrantRevoked = "app.oauth2.as.token.revoke"
	AppDevice       = "app.oauth2.as.authorize.device"
	AppRefused      = "barillet.app.refused" // answered with a page, because the application cannot get an error
	AppKeysRotated  = "app.oauth2.as.key.rollover"
)

// The outcomes of an operation.
const (
	Success = "SUCCESS"
	Failure = "FAILURE" // the operation was tried and failed
	Deny    = "DENY"    // a limit, a rule or a missing permission prevented the operation
	Allow   = "ALLOW"   // a rule allowed the operation
	Unknown = "UNKNOWN"
)

// The types of an actor or a target.
const (
	TypeUser        = "User"
	TypeToken       = "ApiToken"
	TypeOperator    = "Operator" // at the admin socket or in offline mode
	TypeSystem      = "SystemPrincipal"
	TypeUnknown     = "Unknown" // an unauthenticated client
	TypeDevice      = "Factor"
	TypeGroup       = "UserGroup"
	TypeHelp        = "HelpRequest"
	TypeApplication = "AppInstance"
	TypeMail        = "Mail"
	TypeWebhook     = "Webhook"
)
