package errcode

import (
	"errors"
	"fmt"
	"time"
)

// Code names a fault that a user or a client can act on.
type Code string

// The codes. Each has a sentence in every language of the message catalogues.
const (
	SignInFailed   Code = "sign_in"         // a failed sign-in, for any cause
	RateLimited    Code = "wait"            // too many attempts; Error.RetryAfter is the time to wait
	Overloaded     Code = "busy"            // too many passwords are being hashed; Error.RetryAfter is the time to wait
	Expired        Code = "expired"         // the sign-in transaction or the ceremony no longer exists
	NoSession      Code = "no_session"      // no active session
	StepUpRequired Code = "proof"           // a step-up is required first (protocol rule 5)
	Forbidden      Code = "forbidden"       // the caller is known and has no permission
	NotFound       Code = "not_found"       // no such record, or none that the caller may know of
	Invalid        Code = "invalid"         // Error.Field is wrong, for Error.Reason
	Taken          Code = "taken"           // another user has the address or the key
	LastDevice     Code = "last_device"     // a user cannot remove their last device
	TooMany        Code = "too_many"        // the maximum number is reached
	InvalidLink    Code = "link"            // the token of a link is unknown, used or expired
	InvalidTicket  Code = "ticket"          // the ticket code is unknown or used
	TicketExpired  Code = "ticket_expired"  // the ticket code was correct and has expired
	SameProvenance Code = "same_provenance" // password and ticket have the same provenance (protocol rule 8)
	QRLimit        Code = "shown_too_often" // the QR code was shown three times within 24 hours
	CopiesDisabled Code = "copies_off"      // the policy allows no copies
	WrongState     Code = "state"           // not possible in the present state, for Error.Reason
	Conflict       Code = "conflict"        // two records named in one request do not belong together
)

// Error is a fault that a user or a client can act on. It never contains what was submitted.
type Error struct {
	Code       Code
	Field      string        // with Invalid: the name of the input
	Reason     string        // with Invalid and WrongState: the cause, in one word
	RetryAfter time.Duration // with RateLimited and Overloaded
	Assignee   string        // with ReasonAssigned: the administrator who has the help request
}

// New returns an Error with the code.
func New(code Code) *Error { return &Error{Code: code} }

// InvalidField returns an Invalid error about one input.
func InvalidField(field, reason string) *Error {
	return &Error{Code: Invalid, Field: field, Reason: reason}
}

// WrongStateFor returns a WrongState error with a reason.
func WrongStateFor(reason string) *Error { return &Error{Code: WrongState, Reason: reason} }

// RateLimit returns a RateLimited error. The caller may try again after d, which is at least one second.
func RateLimit(d time.Duration) *Error {
	return &Error{Code: RateLimited, RetryAfter: max(d, time.Second)}
}

// Of returns the code of the first Error in the chain of err; "" if there is none.
func Of(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Reason)
	}
	return string(e.Code)
}

// Is reports whether target is an Error with the same code. If target has a field, the field must be the same too.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Field == "" || t.Field == e.Field)
}
