package reply

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"barillet/internal/errcode"
)

// The kinds of problem that are not codes of the domain.
const (
	KindMalformed      = "malformed"       // not JSON, not UTF-8, trailing data, or nested too deep
	KindUnknown        = "unknown"         // an unknown member
	KindDuplicate      = "duplicate"       // a duplicate member
	KindMember         = "member"          // a member of the wrong JSON type
	KindParameter      = "parameter"       // an invalid query parameter
	KindMedia          = "media_type"      // not application/json
	KindTooLarge       = "too_large"       // the body exceeds the limit
	KindTooSlow        = "too_slow"        // the body did not arrive in time
	KindNoRoute        = "no_route"        // an unknown path
	KindMethod         = "method"          // a method that the path does not support
	KindNotImplemented = "not_implemented" // a call of Okta that Barillet does not implement
	KindToken          = "token"           // the token is missing or invalid
	KindIdempotency    = "idempotency"     // the key was used for another request
	KindUnavailable    = "unavailable"
	KindInternal       = "internal"
)

// The kinds of problem of codes and of the API sign-in.
const (
	KindPassCode   = "passcode"        // a wrong code
	KindCodeUsed   = "passcode_used"   // a used code
	KindCodeClock  = "passcode_clock"  // correct codes for another time: the clock of the device is wrong
	KindCodeResync = "passcode_resync" // a code of a counter far ahead: the next code confirms it
	KindStateToken = "state_token"     // no sign-in transaction of this token
	KindDisabled   = "disabled"        // disabled in the configuration
)

// typeBase begins the type of every problem: a reference relative to the public URL that never changes (RFC 9457
// §3.1.1).
const typeBase = "/problems/"

// Document is a problem document (RFC 9457 §3) with the members that Okta's clients read.
type Document struct {
	Type         string  `json:"type"`
	Title        string  `json:"title"`
	Status       int     `json:"status"`
	Detail       string  `json:"detail"`
	Instance     string  `json:"instance"`
	ErrorCode    string  `json:"errorCode"`
	ErrorSummary string  `json:"errorSummary"`
	ErrorLink    string  `json:"errorLink"`
	ErrorID      string  `json:"errorId"`
	ErrorCauses  []Cause `json:"errorCauses"`
}

// Cause is a fault of a request. The summary has the member and the reason for programs; the message is text.
type Cause struct {
	ErrorSummary string `json:"errorSummary"`
	Message      string `json:"message"`
}

// problem contains the fixed parts of the document for one kind.
type problem struct {
	okta  string // Okta's error code
	title string
}

var problems = map[string]problem{
	string(errcode.SignInFailed):     {"E0000004", "Authentication failed"},
	string(errcode.RateLimited):      {"E0000047", "Too many requests"},
	string(errcode.Overloaded):       {"E0000010", "The service is overloaded"},
	string(errcode.LowSpace):         {"E0000010", "The disk of the service is nearly full: this operation waits until there is room"},
	string(errcode.Expired):          {"E0000005", "The transaction has expired"},
	string(errcode.NoSession):        {"E0000005", "No session"},
	string(errcode.StepUpRequired):   {"E0000006", "Step-up is required"},
	string(errcode.Forbidden):        {"E0000006", "Not allowed"},
	string(errcode.ApprovalRequired): {"E0000006", "A second administrator must approve this, or the operator on the host of the service"},
	string(errcode.NotFound):         {"E0000007", "Not found"},
	string(errcode.Invalid):          {"E0000001", "Validation failed"},
	string(errcode.Taken):            {"E0000001", "Already taken"},
	string(errcode.LastDevice):       {"E0000001", "The last device cannot be removed"},
	string(errcode.TooMany):          {"E0000001", "The maximum number is reached"},
	string(errcode.InvalidLink):      {"E0000011", "The link is invalid"},
	string(errcode.InvalidTicket):    {"E0000011", "The ticket is invalid"},
	string(errcode.TicketExpired):    {"E0000011", "The ticket has expired"},
	string(errcode.SameProvenance):   {"E0000006", "Password and ticket have the same provenance"},
	string(errcode.QRLimit):          {"E0000047", "The QR code was shown too often today"},
	string(errcode.CopiesDisabled):   {"E0000006", "Copies are disabled"},
	string(errcode.WrongState):       {"E0000038", "Not possible in this state"},
	string(errcode.Conflict):         {"E0000001", "The objects do not belong together"},
	KindMalformed:                    {"E0000003", "The body is malformed"},
	KindUnknown:                      {"E0000003", "Unknown member"},
	KindDuplicate:                    {"E0000003", "Duplicate member"},
	KindMember:                       {"E0000003", "Member of the wrong type"},
	KindParameter:                    {"E0000031", "Invalid query parameter"},
	KindMedia:                        {"E0000021", "The body must be application/json"},
	KindTooLarge:                     {"E0000003", "The body is too large"},
	KindTooSlow:                      {"E0000003", "The body did not arrive in time"},
	KindNoRoute:                      {"E0000008", "Unknown path"},
	KindMethod:                       {"E0000022", "The path does not support this method"},
	KindNotImplemented:               {"E0000008", "This call of Okta is not implemented; /api/docs lists the calls"},
	KindToken:                        {"E0000011", "The token is missing or invalid"},
	KindIdempotency:                  {"E0000001", "The idempotency key was used for another request"},
	KindPassCode:                     {"E0000068", "The code is wrong"},
	KindCodeUsed:                     {"E0000082", "The code was used before; wait for the next one"},
	KindCodeClock:                    {"E0000083", "The clock of the device is wrong"},
	KindCodeResync:                   {"E0000083", "The token is ahead; send its next code"},
	KindStateToken:                   {"E0000011", "The state token is invalid"},
	KindDisabled:                     {"E0000006", "Disabled in the configuration"},
	KindUnavailable:                  {"E0000010", "The service is unavailable at the moment"},
	KindInternal:                     {"E0000009", "Internal error"},
}

// states are Okta's codes for reasons of WrongState, if they differ from that of WrongState.
var states = map[string]string{
	errcode.ReasonNotActive:    "E0000001",
	errcode.ReasonNotSuspended: "E0000001",
	errcode.ReasonHasRole:      "E0000090",
	errcode.ReasonNoTargets:    "E0000091",
}

// remedies are messages for reasons, with an alternative if there is one.
var remedies = map[string]string{
	errcode.ReasonNeverHadDevice:   "the user never had a device; invite the user (lifecycle/activate)",
	errcode.ReasonHadDevice:        "the user has or had a device; reset the factors (lifecycle/reset_factors)",
	errcode.ReasonNotActive:        "the user is not active",
	errcode.ReasonNotSuspended:     "the user is not suspended",
	errcode.ReasonNoTicket:         "the user has no ticket",
	errcode.ReasonNotDeleted:       "the user exists; deactivate and delete the user first",
	errcode.ReasonNotInvited:       "the user is not invited; see lifecycle/activate",
	errcode.ReasonNoDevice:         "the user has no usable device; reset the factors (lifecycle/reset_factors) or invite the user",
	errcode.ReasonNoPassword:       "the user has no password; invite the user (lifecycle/activate)",
	errcode.ReasonAddressChanged:   "the email address was changed less than 72 hours ago; use showCode or sendEmail=false (lifecycle/reset_factors)",
	errcode.ReasonCoolOff:          "the caller's devices were reset: until 24 hours after the next enrolment the caller only reads, and works on help requests",
	errcode.ReasonUserCoolOff:      "the user's devices were reset: until 24 hours after their next enrolment, only the operator may do this",
	errcode.ReasonEmailExpired:     "the email has expired; have the user request another",
	errcode.ReasonNotPresent:       "a code on screen is for a user who is present; use the identity check in_person, or mail the ticket",
	errcode.ReasonNoneWaits:        "no sign-in of the user waits for a code; the user signs in with the password and chooses to get a code in person",
	errcode.ReasonHandoverOpen:     "another handover to the user has not ended",
	errcode.ReasonHasARole:         "no code is handed to an administrator; reset the factors (lifecycle/reset_factors)",
	errcode.ReasonNeedsSession:     "only an administrator who is signed in may do this, no token",
	errcode.ReasonWitness:          "this user cannot be a witness, or does not exist",
	errcode.ReasonIdentity:         "the identity of the user was not checked; add an identityCheck, here or to the help request",
	errcode.ReasonNoNumber:         "no such telephone number is on file for 72 hours; use another method of identityCheck",
	errcode.ReasonCalledBack:       "the user was called back: the ticket is mailed to the address on file, without showCode or sendEmail=false",
	errcode.ReasonRequestClosed:    "the help request is closed; open it first (status open or in_progress)",
	errcode.ReasonAssigned:         "another administrator has the help request; use takeOver",
	errcode.ReasonUnknownAddress:   "no user has the address of the help request, so no answer can be sent",
	errcode.ReasonHasRole:          "the user has this role; change its targets or revoke it",
	errcode.ReasonLastTarget:       "without targets the role applies to all users; revoke the role instead",
	errcode.ReasonNoTargets:        "this role applies to all users and has no targets",
	errcode.ReasonReturnsRole:      "the user would have a role again, which needs two administrators; revoke the role first",
	errcode.ReasonLastAdmin:        "no user who can sign in would have this role; assign it to another user first",
	errcode.ReasonUnusable:         "the device is disabled or not confirmed, or has the same provenance as the password",
	errcode.ReasonBrowserOnly:      "security keys can be enrolled only in a browser, at /account/add",
	errcode.ReasonDisabled:         "the webhook is disabled; enable it (PUT with \"enabled\": true)",
	errcode.ReasonUnsigned:         "no signed head covers it yet; try again, the service signs one within seconds",
	errcode.ReasonNoSecret:         "the application has no secret; set another token_endpoint_auth_method first",
	errcode.ReasonKeysFixed:        "the service cannot write its root keys; see Keys in docs/operations.md",
	errcode.ReasonKeysReplaced:     "there are too many replaced keys: wait until replaced data keys are removed, or forget older ones",
	errcode.ReasonMails:            "administrators sent this user too many emails of this kind in an hour, or 20 in a day; nothing was changed",
	errcode.ReasonNeedsReadOnly:    "the call needs the role READ_ONLY_ADMIN or a higher one",
	errcode.ReasonNeedsHelpDesk:    "the call needs the role HELP_DESK_ADMIN or a higher one",
	errcode.ReasonNeedsUserAdmin:   "the call needs the role USER_ADMIN or a higher one",
	errcode.ReasonNeedsSuperAdmin:  "the call needs the role SUPER_ADMIN",
	errcode.ReasonNeedsOperator:    "only the operator may do this, on the host of the service",
	errcode.ReasonNeedsSecrets:     "the call shows a secret or chooses a password: it needs a token with the allowance secrets and a role above HELP_DESK_ADMIN",
	errcode.ReasonNeedsAuthn:       "the call needs a token with the allowance authn",
	errcode.ReasonNeedsScope:       "the access token lacks the scope of the call; see docs/okta.md",
	errcode.ReasonOwnClientOnly:    "a registration access token manages only its own application",
	errcode.ReasonGroupScope:       "the call concerns more than the groups to which the caller is limited",
	errcode.ReasonGroupsOutside:    "name groups to which the caller is limited, at least one",
	errcode.ReasonLinkInGroupScope: "a caller that is limited to groups gets no link and chooses no password for a new user",
	errcode.ReasonExceedsCaller:    "a token makes only tokens of its own owner, within its own role and groups, without allowances; an access token makes none",
	errcode.ReasonRoleTooHigh:      "only SUPER_ADMIN assigns a role as high as their own",
	errcode.ReasonOtherPrincipal:   "another caller began the enrolment; only that one completes it",
	errcode.ReasonUnknownBrowser:   "the browser is not known, or another user has signed in there",
	errcode.ReasonCrossSite:        "a page of another site caused the request",
	errcode.ReasonOneself:          "administrators do not act on their own account, by any token of theirs; another administrator must",
	errcode.ReasonNotLower:         "the user's role is as high as the caller's or higher; only an administrator with a higher role, or the operator, may do this",
	errcode.ReasonNeedsApproval:    "the caller removed a role of the user: only a reset that a second administrator approves may remove a device",
	errcode.ReasonApprovalByEmail:  "the reset needs approval, and the ticket is then always mailed: do not send sendEmail=false",
	errcode.ReasonApprovalByToken:  "only an API token or a session of an administrator can ask for an approval",
	errcode.ReasonWroteAddress:     "the caller changed the email address, and the user has not signed in by a link sent there: another administrator must reset",
	errcode.ReasonApprovalAlone:    "the change needs approval: set the password by a call of its own",
	errcode.ReasonApprovalPending:  "another request about this user waits for approval; approve or reject it first (/approvals)",
	errcode.ReasonRelated:          "the account of the caller or of the administrator who asked rests on the other, or both on a third: another administrator must approve, or the operator",
	errcode.ReasonSameOwner:        "the caller asked for this, or has the same owner: another administrator must approve",
	errcode.ReasonRequesterRefused: "the administrator who asked for this may no longer do so: reject it and ask again",
	errcode.ReasonOwnedByOperator:  "the caller belongs to the operator and to no user; make a token with an owner (token create --owner)",
	errcode.ReasonDeactivated:      "the user is deactivated; activate the user (lifecycle/activate)",
}

// kindOf returns the kind of problem, and the member and the reason of the fault.
func kindOf(err error, status int) (kind, member, reason string) {
	if e, ok := errors.AsType[*HTTPError](err); ok {
		return e.Kind, e.Member, ""
	}
	if e, ok := errors.AsType[*errcode.Error](err); ok && problems[string(e.Code)].title != "" {
		return string(e.Code), e.Field, e.Reason
	}
	switch status {
	case http.StatusRequestEntityTooLarge:
		return KindTooLarge, "", ""
	case http.StatusServiceUnavailable:
		return KindUnavailable, "", ""
	}
	return KindInternal, "", ""
}

// Describe returns the problem document of an error. It repeats at most the name of a member, and for an internal error
// only the request id.
func Describe(r *http.Request, err error) Document {
	status, _ := Status(err)
	kind, member, reason := kindOf(err, status)
	if kind == string(errcode.Invalid) {
		status = http.StatusBadRequest // the status of E0000001 at Okta
	}
	p, q := problems[kind], RequestFrom(r.Context())
	d := Document{Type: typeBase + kind, Title: p.title, Status: status, Detail: p.title, Instance: "/errors/" + q.ID,
		ErrorCode: p.okta, ErrorLink: p.okta, ErrorID: q.ID, ErrorCauses: []Cause{}}
	message := ""
	if reason != "" {
		message = Message(member, reason)
	}
	for _, part := range []string{member, message} {
		if part != "" {
			d.Detail += ": " + part
		}
	}
	if member != "" {
		cause := Cause{ErrorSummary: member, Message: cmp.Or(message, p.title)}
		if reason != "" {
			cause.ErrorSummary += ": " + reason
		}
		d.ErrorCauses = append(d.ErrorCauses, cause)
	}
	if e, ok := errors.AsType[*errcode.Error](err); ok && e.Assignee != "" {
		d.ErrorCauses = append(d.ErrorCauses, Cause{"assigned to " + e.Assignee, "assigned to " + e.Assignee})
	}
	if e, ok := errors.AsType[*errcode.Error](err); ok && !e.Until.IsZero() {
		d.Detail += ": until " + *Timestamp(e.Until)
	}
	if code, ok := states[reason]; ok && kind == string(errcode.WrongState) {
		d.ErrorCode, d.ErrorLink = code, code
	}
	d.ErrorSummary = d.Detail
	return d
}

// Problem writes the problem document of an error, and reports the error to the log.
func Problem(w http.ResponseWriter, r *http.Request, err error) {
	Report(r, err)
	_, retry := Status(err)
	if retry > 0 {
		RetryAfter(w, retry)
	}
	if e, ok := errors.AsType[*HTTPError](err); ok && e.Allow != "" {
		w.Header().Set("Allow", e.Allow)
	}
	d := Describe(r, err)
	if d.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="barillet"`) // required by RFC 9110 §15.5.2
	}
	body, err := json.Marshal(d)
	if err != nil { // cannot happen: the document has only strings and numbers
		panic(fmt.Sprintf("encoding a problem document: %v", err))
	}
	write(w, d.Status, problemMedia(r.Header), append(body, '\n'))
}

// RetryAfter sets the header in whole seconds, rounded up, at least one (RFC 9110 §10.2.3).
func RetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}
