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

// The kinds of problem that HTTP itself gives, besides the codes of authn.
const (
	KindMalformed   = "malformed"   // no JSON, not UTF-8, something behind it, nested too deep
	KindUnknown     = "unknown"     // a member that the call does not have
	KindDuplicate   = "duplicate"   // a member given twice
	KindMember      = "member"      // a member of the wrong JSON type
	KindParameter   = "parameter"   // a query parameter that cannot be read
	KindMedia       = "media_type"  // not application/json
	KindTooLarge    = "too_large"   // the body is over its limit
	KindNoRoute     = "no_route"    // there is nothing at this path
	KindMethod      = "method"      // not by this method
	KindNotOffered  = "not_offered" // a call of Okta's that is not offered here
	KindToken       = "token"       // no token, or none that is good
	KindIdempotency = "idempotency" // the key was used for something else
	KindUnavailable = "unavailable"
	KindInternal    = "internal"
)

// The kinds that codes and the sign-in for programs give.
const (
	KindPassCode    = "passcode"        // a wrong code, not what was asked for, or none any more
	KindCodeUsed    = "passcode_used"   // a code that was used before
	KindCodeClock   = "passcode_clock"  // right codes of another time: the device's clock is off
	KindCodeResync  = "passcode_resync" // a code of a counter far ahead: the next one settles it
	KindStateToken  = "state_token"     // no sign-in of this token goes by it
	KindSwitchedOff = "switched_off"    // the configuration leaves it out
)

// The parts of every problem's type: a reference relative to the public URL, stable for ever (RFC 9457 section 3.1.1).
const typeBase = "/problems/"

// Document is the problem document (RFC 9457 section 3) with the members that Okta's clients read.
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

// Cause is one reason of a refusal. The summary, a member and a reason, is for programs, the message for people.
type Cause struct {
	ErrorSummary string `json:"errorSummary"`
	Message      string `json:"message"`
}

// problem is what a program is told about one kind of refusal: protocol text, in English.
type problem struct {
	okta  string // Okta's error code
	title string
}

var problems = map[string]problem{
	string(errcode.SignInFailed):   {"E0000004", "Authentication failed"},
	string(errcode.RateLimited):    {"E0000047", "Too many requests"},
	string(errcode.Overloaded):     {"E0000010", "The service is busy"},
	string(errcode.Expired):        {"E0000005", "What was under way is over"},
	string(errcode.NoSession):      {"E0000005", "No session"},
	string(errcode.StepUpRequired): {"E0000006", "A fresh proof is needed"},
	string(errcode.Forbidden):      {"E0000006", "Not allowed"},
	string(errcode.NotFound):       {"E0000007", "Not found"},
	string(errcode.Invalid):        {"E0000001", "Validation failed"},
	string(errcode.Taken):          {"E0000001", "Already taken"},
	string(errcode.LastDevice):     {"E0000001", "The last device stays"},
	string(errcode.TooMany):        {"E0000001", "As many as there may be"},
	string(errcode.InvalidLink):    {"E0000011", "The link is not good"},
	string(errcode.InvalidTicket):  {"E0000011", "The ticket is not good"},
	string(errcode.TicketExpired):  {"E0000011", "The ticket has expired"},
	string(errcode.SameProvenance): {"E0000006", "Both halves came by the same hand"},
	string(errcode.QRLimit):        {"E0000047", "Shown too often"},
	string(errcode.CopiesDisabled): {"E0000006", "Copies are switched off"},
	string(errcode.WrongState):     {"E0000038", "Not possible in this state"},
	string(errcode.Conflict):       {"E0000001", "Two things that do not belong together"},
	KindMalformed:                  {"E0000003", "The body is not well formed"},
	KindUnknown:                    {"E0000003", "Unknown member"},
	KindDuplicate:                  {"E0000003", "Duplicate member"},
	KindMember:                     {"E0000003", "Member of the wrong type"},
	KindParameter:                  {"E0000031", "Query parameter that cannot be read"},
	KindMedia:                      {"E0000021", "The body must be application/json"},
	KindTooLarge:                   {"E0000003", "The body is too large"},
	KindNoRoute:                    {"E0000008", "Nothing at this path"},
	KindMethod:                     {"E0000022", "The method is not supported here"},
	KindNotOffered:                 {"E0000008", "This call of Okta's is not offered here; /api/docs lists those that are"},
	KindToken:                      {"E0000011", "No good token"},
	KindIdempotency:                {"E0000001", "The idempotency key was used for another request"},
	KindPassCode:                   {"E0000068", "The code is not right"},
	KindCodeUsed:                   {"E0000082", "The code was used before: wait for the next one"},
	KindCodeClock:                  {"E0000083", "The code is right for another time: the device's clock is off"},
	KindCodeResync:                 {"E0000083", "The token is ahead: send its next code"},
	KindStateToken:                 {"E0000011", "No good state token"},
	KindSwitchedOff:                {"E0000006", "Switched off in the configuration"},
	KindUnavailable:                {"E0000010", "The service cannot do this now"},
	KindInternal:                   {"E0000009", "Internal error"},
}

// states are Okta's codes for the wrong state of a person, where they are others than that of WrongState.
var states = map[string]string{
	errcode.ReasonNotActive:    "E0000001",
	errcode.ReasonNotSuspended: "E0000001",
	errcode.ReasonHasRole:      "E0000090",
	errcode.ReasonNoTargets:    "E0000091",
}

// instead tells an operator what is possible where something is not.
var instead = map[string]string{
	errcode.ReasonNeverHadDevice: "the person never had a device; invite them (lifecycle/activate)",
	errcode.ReasonHadDevice:      "the person has or had a device; reset their factors (lifecycle/reset_factors)",
	errcode.ReasonNotActive:      "the person is not active",
	errcode.ReasonNotSuspended:   "the person is not suspended",
	errcode.ReasonNotInvited:     "only somebody invited is invited again; see lifecycle/activate",
	errcode.ReasonNoDevice:       "the person has no usable device; reset their factors (lifecycle/reset_factors) or invite them",
	errcode.ReasonNoPassword:     "the person has no password yet; invite them (lifecycle/activate)",
	errcode.ReasonAddressChanged: "the person's address was changed less than 72 hours ago; hand the ticket over or have it in the answer (lifecycle/reset_factors)",
	errcode.ReasonIdentity:       "nobody has checked who is asking; name an identityCheck, here or on the help request",
	errcode.ReasonRequestClosed:  "the help request is closed; open it again first (status open or in_progress)",
	errcode.ReasonAssigned:       "somebody else has the help request; take it over with takeOver",
	errcode.ReasonUnknownAddress: "the address of the help request is nobody's, so that no answer is mailed",
	errcode.ReasonHasRole:        "the person has this role; change its targets or take it away",
	errcode.ReasonLastTarget:     "a role without targets is for everybody; take the role away instead",
	errcode.ReasonNoTargets:      "this role is for everybody and has no targets",
	errcode.ReasonLastAdmin:      "nobody active would be left with this role; give it to somebody else first",
	errcode.ReasonUnusable:       "the device is disabled, waits for the person's word, or came by the same hand as the password",
	errcode.ReasonBrowserOnly:    "a security key answers no page but the house's own: the person adds and uses it there (/account/add)",
	errcode.ReasonDisabled:       "the webhook is switched off; enable it (PUT with \"enabled\": true)",
	errcode.ReasonDeactivated:    "the person is deactivated; activate them (lifecycle/activate)",
}

// kindOf names the problem and the member or field that it is about.
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

// Describe is the document of an error: its kind, and of what was submitted at most the name of a member. Of
// an internal error it gives the request id and nothing else.
func Describe(r *http.Request, err error) Document {
	status, _ := Status(err)
	kind, member, reason := kindOf(err, status)
	if kind == string(errcode.Invalid) {
		status = http.StatusBadRequest // as Okta answers E0000001
	}
	p, q := problems[kind], RequestFrom(r.Context())
	d := Document{Type: typeBase + kind, Title: p.title, Status: status, Detail: p.title, Instance: "/errors/" + q.ID,
		ErrorCode: p.okta, ErrorLink: p.okta, ErrorID: q.ID, ErrorCauses: []Cause{}}
	message := ""
	if reason != "" && (kind == string(errcode.WrongState) || kind == string(errcode.Invalid)) {
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
		d.ErrorCauses = append(d.ErrorCauses, Cause{"held by " + e.Assignee, "assigned to " + e.Assignee})
	}
	if code, ok := states[reason]; ok && kind == string(errcode.WrongState) {
		d.ErrorCode, d.ErrorLink = code, code
	}
	d.ErrorSummary = d.Detail
	return d
}

// Problem answers an error with its document, and writes it to the log if it belongs there.
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
		w.Header().Set("WWW-Authenticate", `Bearer realm="barillet"`) // RFC 9110 section 15.5.2: every 401 names a scheme
	}
	body, err := json.Marshal(d)
	if err != nil { // strings and numbers only: it cannot be
		panic(fmt.Sprintf("encoding a problem document: %v", err))
	}
	write(w, d.Status, problemMedia(r.Header), append(body, '\n'))
}

// RetryAfter sets the header in whole seconds, at least one, rounded up (RFC 9110 section 10.2.3).
func RetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}
