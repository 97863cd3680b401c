package errcode

import (
	"errors"
	"fmt"
	"time"
)

// Code names what went wrong in the domain; web/reply gives it a status, the catalogues give it words.
type Code string

// The codes. Each has a sentence under the key "error." + Code in every language.
const (
	SignInFailed   Code = "sign_in"         // any failed sign-in: one sentence, whatever failed
	RateLimited    Code = "wait"            // too many tries: Error.Retry tells for how long
	Overloaded     Code = "busy"            // the password pool is full: try again in a moment
	Expired        Code = "expired"         // the login or ceremony under way is gone: begin again
	NoSession      Code = "no_session"      // signed out
	StepUpRequired Code = "proof"           // a fresh proof is asked for first (PROTOCOL 5)
	Forbidden      Code = "forbidden"       // known, but not allowed
	NotFound       Code = "not_found"       // no such thing, or none that the caller may know of
	Invalid        Code = "invalid"         // a field is wrong: Error.Field and Error.Reason say which and why
	Taken          Code = "taken"           // an address or a key that somebody has
	LastDevice     Code = "last_device"     // the last device cannot be removed by its owner
	TooMany        Code = "too_many"        // as many as one may have
	InvalidLink    Code = "link"            // an invitation, ticket or password link that is not, or no longer, good
	InvalidTicket  Code = "ticket"          // not a good ticket code
	TicketExpired  Code = "ticket_expired"  // it was one, but its time is over
	SameProvenance Code = "same_hand"       // password and ticket came the same way (PROTOCOL 8)
	QRLimit        Code = "shown_too_often" // a QR code is shown three times a day at most
	CopiesDisabled Code = "copies_off"      // policy: a key of its own for each phone
	WrongState     Code = "state"           // not possible in the state that the person is in
	Conflict       Code = "conflict"        // two things named together do not belong together
)

// Error is a refusal that a person or a program can act on. It never holds what was submitted.
type Error struct {
	Code       Code
	Field      string        // with Invalid: which input
	Reason     string        // with Invalid and WrongState: why, in one word
	RetryAfter time.Duration // with RateLimited and Overloaded
	Assignee   string        // with ReasonAssigned: who has it
}

// The reasons of WrongState that tell an operator what to do instead.
const (
	ReasonNeverHadDevice = "never_had_device" // nothing to reset: invite
	ReasonHadDevice      = "had_device"       // never invited again: reset
	ReasonIdentity       = "identity"         // nobody made sure who is asking (PROTOCOL 24)
	ReasonRequestClosed  = "case_closed"      // open the help request again first
	ReasonAssigned       = "assigned"         // somebody else has the help request
	ReasonUnknownAddress = "stranger"         // its address is nobody's
	ReasonDisabled       = "off"              // a webhook that is switched off: enable it
)

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Reason)
	}
	return string(e.Code)
}

// Is lets errors.Is compare by code alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Field == "" || t.Field == e.Field)
}

// New makes an Error of a code.
func New(code Code) *Error { return &Error{Code: code} }

// InvalidField makes an Error about one input.
func InvalidField(field, reason string) *Error {
	return &Error{Code: Invalid, Field: field, Reason: reason}
}

// RateLimit makes an Error that tells when to come back.
func RateLimit(d time.Duration) *Error {
	return &Error{Code: RateLimited, RetryAfter: max(d, time.Second)}
}

// Of is the code of an Error anywhere in err, "" when there is none.
func Of(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// The reasons of WrongState that tell in which state a person is not.
const (
	ReasonNotActive    = "not_active"
	ReasonNotSuspended = "not_suspended"
	ReasonNotInvited   = "not_invited"
	ReasonDeactivated  = "deactivated"
	ReasonNoPassword   = "no_password"
)

// ReasonAddressChanged is the reason of WrongState for a ticket that would be mailed within AddressCooldown.
const ReasonAddressChanged = "address_young"

// ReasonUnusable is the reason of WrongState for a device that may not be asked for now (see Service.Serves).
const ReasonUnusable = "unusable"

// ReasonBrowserOnly is the reason of Invalid for a kind of device that needs a page of ours.
const ReasonBrowserOnly = "browser_only"

// ReasonNoDevice is the reason of WrongState for a person whom a new password would not let in.
const ReasonNoDevice = "no_device"

// The reasons of WrongState about roles.
const (
	ReasonHasRole    = "has_role"    // the person has this role: change what it is limited to
	ReasonLastTarget = "last_target" // without it the role would be for everybody: take the role away
	ReasonNoTargets  = "no_targets"  // a role that is always for everybody
	ReasonLastAdmin  = "last_admin"  // nobody active would be SUPER_ADMIN
)
