package errcode

// Reasons of WrongState about the state of a user.
const (
	ReasonNotActive      = "not_active"
	ReasonNotSuspended   = "not_suspended"
	ReasonNotInvited     = "not_invited"
	ReasonDeactivated    = "deactivated"
	ReasonNoPassword     = "no_password"
	ReasonNoDevice       = "no_device"        // the user has no usable device, so that a new password would not let them sign in
	ReasonNeverHadDevice = "never_had_device" // invite the user instead of a reset
	ReasonHadDevice      = "had_device"       // reset the user instead of an invitation
	ReasonAddressChanged = "address_changed"  // no ticket is mailed to an address that was changed within 72 hours
	ReasonNoTicket       = "no_ticket"        // there is no ticket to withdraw or to send again
	ReasonUserCoolOff    = "user_cool_off"    // the devices of the user were reset, and 24 hours since the next enrolment are not over
	ReasonNotDeleted     = "not_deleted"      // the log loses personal data only of a deleted user
)

// Reasons of WrongState about help requests.
const (
	ReasonIdentity       = "identity"        // no identity check is recorded (protocol rule 24)
	ReasonNoNumber       = "no_number"       // no such telephone number older than 72 hours is on file (protocol rule 24)
	ReasonCalledBack     = "called_back"     // the ticket of a user who was called back is mailed (protocol rule 24)
	ReasonRequestClosed  = "request_closed"  // open the help request again first
	ReasonAssigned       = "assigned"        // another administrator has the help request
	ReasonUnknownAddress = "unknown_address" // no user has the address of the help request
)

// ReasonNoSecret is the reason of WrongState for a client that authenticates without a secret.
const ReasonNoSecret = "no_secret"

// ReasonMails is the reason of RateLimited for an operation that would send a user one more email.
const ReasonMails = "mails"

// Reasons of WrongState about a code on screen (protocol rule 9).
const (
	ReasonNotPresent   = "not_present"   // the identity check says that the user is elsewhere
	ReasonNoneWaits    = "none_waits"    // no sign-in of the user waits for a code
	ReasonHandoverOpen = "handover_open" // another handover to the user has not ended
	ReasonHasARole     = "has_a_role"    // no code is handed to an administrator
)

// ReasonApprovalPending is the reason of WrongState for an operation while another one of its kind on the user waits for approval.
const ReasonApprovalPending = "approval_pending"

// Reasons of WrongState about roles.
const (
	ReasonHasRole     = "has_role"     // the user has this role: change its groups instead
	ReasonLastTarget  = "last_target"  // without its last group the role would apply to all groups: remove the role instead
	ReasonNoTargets   = "no_targets"   // the role always applies to all groups
	ReasonReturnsRole = "returns_role" // the user would have a role again by one administrator: remove the role first
	ReasonLastAdmin   = "last_admin"   // no user who can sign in would be SUPER_ADMIN
)

// Other reasons.
const (
	ReasonUnusable     = "unusable"      // of WrongState: the device cannot be used now
	ReasonBrowserOnly  = "browser_only"  // of Invalid: the device can be enrolled and used only in a browser
	ReasonDisabled     = "disabled"      // of WrongState: the webhook is disabled
	ReasonEmailExpired = "email_expired" // of WrongState: the email has expired, or its content is gone
	ReasonUnsigned     = "unsigned"      // of WrongState: no signed head of the audit log covers the event yet
)

// Reasons of Forbidden about the caller.
const (
	ReasonNeedsReadOnly    = "needs_read_only_admin" // the operation needs this role or a higher one
	ReasonNeedsHelpDesk    = "needs_help_desk_admin"
	ReasonNeedsUserAdmin   = "needs_user_admin"
	ReasonNeedsSuperAdmin  = "needs_super_admin"
	ReasonNeedsOperator    = "needs_operator"      // only the admin socket and offline mode may do this
	ReasonNeedsSecrets     = "needs_secrets"       // the response would contain a link or a code, or the caller chooses a password
	ReasonNeedsAuthn       = "needs_authn"         // API sign-in needs this allowance
	ReasonNeedsScope       = "needs_scope"         // the access token lacks the scope of the call
	ReasonOwnClientOnly    = "own_client_only"     // a registration access token manages only its own application
	ReasonGroupScope       = "group_scope"         // the operation concerns users outside every group scope
	ReasonGroupsOutside    = "groups_outside"      // the request names no group, or one outside the group scope
	ReasonLinkInGroupScope = "link_in_group_scope" // the link would reveal whether the address exists outside the scope
	ReasonExceedsCaller    = "exceeds_caller"      // a token cannot have more permissions than the principal that creates it
	ReasonRoleTooHigh      = "role_too_high"       // the caller may assign only lower roles
	ReasonCoolOff          = "cool_off"            // the devices of the caller were reset, and 24 hours since the next enrolment are not over
	ReasonOtherPrincipal   = "other_principal"     // another principal began the enrolment
	ReasonUnknownBrowser   = "unknown_browser"     // the browser is not known, or another user has signed in there
	ReasonCrossSite        = "cross_site"          // a page of another site caused the request
)

// Reasons of Forbidden about the caller and a user that the caller may read (protocol rule 11).
const (
	ReasonOneself          = "oneself"           // administrators do not act on their own account
	ReasonNotLower         = "not_lower"         // the role of the user is not strictly lower
	ReasonNeedsApproval    = "needs_approval"    // only two administrators together may remove a device of the user
	ReasonApprovalByEmail  = "approval_by_email" // after an approval the ticket is always mailed
	ReasonApprovalByToken  = "approval_by_token" // only a token or a user with a session can request an approval
	ReasonApprovalAlone    = "approval_alone"    // a change that needs an approval sets no password
	ReasonSameOwner        = "same_owner"        // the approval needs another owner than the request
	ReasonRelated          = "related"           // the two administrators do not count as two (protocol rule 9)
	ReasonRequesterRefused = "requester_refused" // the requesting administrator may no longer perform the operation
	ReasonWroteAddress     = "wrote_address"     // the caller changed the address, and the user has not verified it
	ReasonNeedsSession     = "needs_session"     // only an administrator who is signed in may do this, no token
	ReasonWitness          = "witness"           // the named user cannot be a witness, or does not exist
)

// Reasons of NotFound.
const ReasonOwnedByOperator = "owned_by_operator" // the principal belongs to no user

// Reasons of WrongState about keys.
const (
	ReasonKeysFixed    = "keys_fixed"    // the service cannot write its root keys: an environment variable or a credential
	ReasonKeysReplaced = "keys_replaced" // too many replaced keys are not removed yet
)
