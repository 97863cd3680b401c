// Package errcode defines the error codes of the domain, and the error that carries one. It knows no HTTP status and no
// sentence: web/reply translates a code to a status, and the message catalogues hold the words.
package errcode

import (
	"errors"
	"fmt"
	"time"
)

// Code identifies what went wrong. The type of a problem document ends with it.
type Code string

// The codes.
const (
	SignInFailed   Code = "sign_in_failed"   // a failed sign-in, whatever failed
	RateLimited    Code = "rate_limited"     // too many attempts; Error.RetryAfter is set
	Overloaded     Code = "overloaded"       // the password queue is full; Error.RetryAfter may be set
	Expired        Code = "expired"          // the sign-in transaction or the ceremony expired
	NoSession      Code = "no_session"       // no active session
	StepUpRequired Code = "step_up_required" // the operation requires step-up (protocol rule 5)
	Forbidden      Code = "forbidden"        // the principal is known and lacks the permission
	NotFound       Code = "not_found"        // the object does not exist, or the caller must not learn that it exists
	Invalid        Code = "invalid"          // Error.Field is invalid for Error.Reason
	Taken          Code = "taken"            // the address or the key belongs to another record
	LastDevice     Code = "last_device"      // the user cannot remove their last device
	TooMany        Code = "too_many"         // the maximum number exists
	InvalidLink    Code = "invalid_link"     // an invitation, ticket or password link that is unknown or used
	InvalidTicket  Code = "invalid_ticket"   // not a valid ticket code
	TicketExpired  Code = "ticket_expired"   // the ticket code was valid and has expired
	SameProvenance Code = "same_provenance"  // password and ticket have the same provenance (protocol rule 8)
	QRLimit        Code = "qr_limit"         // the QR code was shown the maximum number of times today
	CopiesDisabled Code = "copies_disabled"  // the policy does not allow copies
	WrongState     Code = "wrong_state"      // the state of the object does not allow the operation; Error.Reason may be set
	Conflict       Code = "conflict"         // two named objects do not belong together
)

// Error is a refusal that a user or a program can act on. It contains nothing that was submitted.
type Error struct {
	Code       Code
	Field      string        // with Invalid: the name of the input
	Reason     string        // with Invalid and WrongState: why, as one word
	RetryAfter time.Duration // with RateLimited and Overloaded
	Assignee   string        // with ReasonAssigned: the administrator who has the help request
}

// The reasons of WrongState for a help request, a reset or a webhook.
const (
	ReasonNeverHadDevice = "never_had_device" // the user never had a device: invite the user
	ReasonHadDevice      = "had_device"       // the user has or had a device: reset the devices
	ReasonIdentity       = "identity"         // the identity of the user was not checked (protocol rule 24)
	ReasonRequestClosed  = "request_closed"   // the help request is closed: open it again
	ReasonAssigned       = "assigned"         // another administrator has the help request
	ReasonUnknownAddress = "unknown_address"  // no user has the address of the help request
	ReasonDisabled       = "disabled"         // the webhook is disabled
)

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Reason)
	}
	return string(e.Code)
}

// Is reports whether target is an Error with the same code and, if target has a field, the same field.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Field == "" || t.Field == e.Field)
}

// New returns an Error with the code.
func New(code Code) *Error { return &Error{Code: code} }

// InvalidField returns an Error about one input.
func InvalidField(field, reason string) *Error {
	return &Error{Code: Invalid, Field: field, Reason: reason}
}

// RateLimit returns an Error for a caller that must wait for d, or for one second if d is shorter.
func RateLimit(d time.Duration) *Error {
	return &Error{Code: RateLimited, RetryAfter: max(d, time.Second)}
}

// Of returns the code of the Error in the chain of err, or "".
func Of(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// The reasons of WrongState for the status of a user.
const (
	ReasonNotActive    = "not_active"
	ReasonNotSuspended = "not_suspended"
	ReasonNotInvited   = "not_invited"
	ReasonDeactivated  = "deactivated"
	ReasonNoPassword   = "no_password"
)

// ReasonAddressChanged is the reason of WrongState for a ticket to an address that changed within AddressCooldown.
const ReasonAddressChanged = "address_changed"

// ReasonUnusable is the reason of WrongState for a device that the user cannot use now (see account.Service.CanUse).
const ReasonUnusable = "unusable"

// ReasonBrowserOnly is the reason of Invalid for a kind of device that can be enrolled only in a browser.
const ReasonBrowserOnly = "browser_only"

// ReasonNoDevice is the reason of WrongState for a user who cannot sign in with a new password alone.
const ReasonNoDevice = "no_device"

// The reasons of WrongState for roles.
const (
	ReasonHasRole    = "has_role"    // the user has this role: change its targets
	ReasonLastTarget = "last_target" // without its last target the role would apply to all users
	ReasonNoTargets  = "no_targets"  // the role cannot be limited to groups
	ReasonLastAdmin  = "last_admin"  // no active super administrator would remain
)
