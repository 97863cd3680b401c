package errcode

import (
	"errors"
	"fmt"
	"time"
)

// Code identifies a fault that a user or a client can act on. The type of a problem document ends with it.
type Code string

// The codes.
const (
	SignInFailed     Code = "sign_in_failed"    // a failed sign-in, for any cause
	RateLimited      Code = "rate_limited"      // too many attempts; Error.RetryAfter is set
	Overloaded       Code = "overloaded"        // the password queue is full; Error.RetryAfter may be set
	LowSpace         Code = "low_space"         // the disk is nearly full, and the operation can wait
	Expired          Code = "expired"           // the sign-in transaction or the ceremony expired
	NoSession        Code = "no_session"        // no active session
	StepUpRequired   Code = "step_up_required"  // the operation requires step-up (protocol rule 5)
	Forbidden        Code = "forbidden"         // the principal is known and lacks the permission
	NotFound         Code = "not_found"         // the object does not exist, or the caller must not learn that it exists
	Invalid          Code = "invalid"           // Error.Field is invalid for Error.Reason
	Taken            Code = "taken"             // the address or the key belongs to another record
	LastDevice       Code = "last_device"       // the user cannot remove their last device
	TooMany          Code = "too_many"          // the maximum number exists
	InvalidLink      Code = "invalid_link"      // an invitation, ticket or password link that is unknown or used
	InvalidTicket    Code = "invalid_ticket"    // not a valid ticket code
	TicketExpired    Code = "ticket_expired"    // the ticket code was valid and has expired
	SameProvenance   Code = "same_provenance"   // password and ticket have the same provenance (protocol rule 8)
	QRLimit          Code = "qr_limit"          // the QR code was shown the maximum number of times today
	CopiesDisabled   Code = "copies_disabled"   // the policy does not allow copies
	WrongState       Code = "wrong_state"       // the state of the object does not allow the operation; Error.Reason may be set
	ApprovalRequired Code = "approval_required" // the operation needs the consent of a second administrator (protocol rule 11)
	Conflict         Code = "conflict"          // two named objects do not belong together
)

// Error is a fault that a user or a client can act on. It never contains what was submitted.
type Error struct {
	Code       Code
	Field      string        // with Invalid: the name of the input
	Reason     string        // with Invalid, WrongState, Forbidden, NotFound and RateLimited: the cause, in one word
	RetryAfter time.Duration // with RateLimited, Overloaded and ReasonUnsigned
	Until      time.Time     // with ReasonCoolOff and ReasonUserCoolOff: the end of the cool-off; zero: after the next enrolment
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

// ForbiddenFor returns a Forbidden error with a reason. It depends only on what the caller may read.
func ForbiddenFor(reason string) *Error { return &Error{Code: Forbidden, Reason: reason} }

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

// HasReason reports whether err is an Error with this reason.
func HasReason(err error, reason string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Reason == reason
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
