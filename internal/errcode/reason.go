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
)

// Reasons of WrongState about help requests.
const (
	ReasonIdentity       = "identity"        // no identity check is recorded (protocol rule 24)
	ReasonRequestClosed  = "request_closed"  // open the help request again first
	ReasonAssigned       = "assigned"        // another administrator has the help request
	ReasonUnknownAddress = "unknown_address" // no user has the address of the help request
)

// ReasonNoSecret is the reason of WrongState for a client that authenticates without a secret.
const ReasonNoSecret = "no_secret"

// Reasons of WrongState about roles.
const (
	ReasonHasRole    = "has_role"    // the user has this role: change its groups instead
	ReasonLastTarget = "last_target" // without its last group the role would apply to all groups: remove the role instead
	ReasonNoTargets  = "no_targets"  // the role always applies to all groups
	ReasonLastAdmin  = "last_admin"  // no active user would be SUPER_ADMIN
)

// Other reasons.
const (
	ReasonUnusable    = "unusable"     // of WrongState: the device cannot be used now
	ReasonBrowserOnly = "browser_only" // of Invalid: the device can be enrolled and used only in a browser
	ReasonDisabled    = "disabled"     // of WrongState: the webhook is disabled
)
