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
	CodeSignInFailed   Code = "sign_in"         // any failed sign-in: one sentence, whatever failed
	CodeRateLimited    Code = "wait"            // too many tries: Error.Retry tells for how long
	CodeOverloaded     Code = "busy"            // the password pool is full: try again in a moment
	CodeExpired        Code = "expired"         // the login or ceremony under way is gone: begin again
	CodeNoSession      Code = "no_session"      // signed out
	CodeStepUpRequired Code = "proof"           // a fresh proof is asked for first (PROTOCOL 5)
	CodeForbidden      Code = "forbidden"       // known, but not allowed
	CodeNotFound       Code = "not_found"       // no such thing, or none that the caller may know of
	CodeInvalid        Code = "invalid"         // a field is wrong: Error.Field and Error.Reason say which and why
	CodeTaken          Code = "taken"           // an address or a key that somebody has
	CodeLastDevice     Code = "last_device"     // the last device cannot be removed by its owner
	CodeTooMany        Code = "too_many"        // as many as one may have
	CodeInvalidLink    Code = "link"            // an invitation, ticket or password link that is not, or no longer, good
	CodeInvalidTicket  Code = "ticket"          // not a good ticket code
	CodeTicketExpired  Code = "ticket_expired"  // it was one, but its time is over
	CodeSameProvenance Code = "same_hand"       // password and ticket came the same way (PROTOCOL 8)
	CodeQRLimit        Code = "shown_too_often" // a QR code is shown three times a day at most
	CodeCopiesDisabled Code = "copies_off"      // policy: a key of its own for each phone
	CodeWrongState     Code = "state"           // not possible in the state that the person is in
	CodeConflict       Code = "conflict"        // two things named together do not belong together
)

// Error is a refusal that a person or a program can act on. It never holds what was submitted.
type Error struct {
	Code       Code
	Field      string        // with CodeInvalid: which input
	Reason     string        // with CodeInvalid and CodeWrongState: why, in one word
	RetryAfter time.Duration // with CodeRateLimited and CodeOverloaded
	Assignee   string        // with ReasonAssigned: who has it
}

// The reasons of CodeWrongState that tell an operator what to do instead.
const (
	ReasonNeverHadDevice = "never_had_device" // nothing to reset: invite
	ReasonHadDevice      = "had_device"       // never invited again: reset
	ReasonIdentity       = "identity"         // nobody made sure who is asking (PROTOCOL 24)
	ReasonCaseClosed     = "case_closed"      // open the help request again first
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

// Refuse makes an Error of a code.
func Refuse(code Code) *Error { return &Error{Code: code} }

// Invalid makes an Error about one input.
func Invalid(field, reason string) *Error {
	return &Error{Code: CodeInvalid, Field: field, Reason: reason}
}

// Wait makes an Error that tells when to come back.
func Wait(d time.Duration) *Error {
	return &Error{Code: CodeRateLimited, RetryAfter: max(d, time.Second)}
}

// CodeOf is the code of an Error anywhere in err, "" when there is none.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// The reasons of CodeWrongState that tell in which state a person is not.
const (
	ReasonNotActive    = "not_active"
	ReasonNotSuspended = "not_suspended"
	ReasonNotInvited   = "not_invited"
	ReasonDeactivated  = "deactivated"
	ReasonNoPassword   = "no_password"
)

// ReasonAddressChanged is the reason of CodeWrongState for a ticket that would be mailed within AddressCooldown.
const ReasonAddressChanged = "address_young"

// ReasonUnusable is the reason of CodeWrongState for a device that may not be asked for now (see Service.Serves).
const ReasonUnusable = "unusable"

// ReasonBrowserOnly is the reason of CodeInvalid for a kind of device that needs a page of ours.
const ReasonBrowserOnly = "browser_only"

// ReasonNoDevice is the reason of CodeWrongState for a person whom a new password would not let in.
const ReasonNoDevice = "no_device"

// The reasons of CodeWrongState about roles.
const (
	ReasonHasRole    = "has_role"    // the person has this role: change what it is limited to
	ReasonLastTarget = "last_target" // without it the role would be for everybody: take the role away
	ReasonNoTargets  = "no_targets"  // a role that is always for everybody
	ReasonLastAdmin  = "last_admin"  // nobody active would be SUPER_ADMIN
)
