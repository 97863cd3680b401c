package templates

import "encoding/json"

// Login is the sign-in page.
//
//	GET, POST /login    identifier, password, next
type Login struct {
	Base
	Identifier string // as typed before, or as an application suggests
	App        string // application that started the sign-in, or ""
}

func (Login) Template() string { return "login" }

// Factor is the second step with a code or a security key. The password step is complete.
//
//	GET /login/factor   POST /login/factor    code
//	POST /login/factor/key                    JSON {"answer": …} by script; the response is {"next": path} or {"problem": sentence}
//	links: /login/recovery, /login/freeze, /login/factor?method=key, /login/factor?method=code
type Factor struct {
	Base
	Method     string          // "code" or "key"
	Slug       string          // kind of the device used last with this method; its sentence is "kind.{Slug}.ask"
	DeviceName string          // name of that device
	Phones     int             // number of devices with codes; a code of any of them is accepted
	Keys       []string        // names of the security keys; empty: not offered
	KeyOptions json.RawMessage // request options for navigator.credentials.get, Method "key" only
	Recovery   bool            // recovery codes remain
}

func (Factor) Template() string { return "factor" }

// Recovery is the second step with a recovery code.
//
//	GET /login/recovery   POST /login/factor/recovery    code
type Recovery struct {
	Base
	Phones int
	Keys   []string
}

func (Recovery) Template() string { return "recovery" }

// TicketState is the state of a reset ticket on a page.
type TicketState string

// States of a ticket (protocol rules 7 to 10).
const (
	TicketAsk            TicketState = ""                // the page asks for the code
	TicketExpired        TicketState = "expired"         // a new one can be emailed
	TicketUsed           TicketState = "used"            // a device was enrolled with it
	TicketSameProvenance TicketState = "same_provenance" // password and ticket have the same provenance
	TicketRenewed        TicketState = "renewed"         // a new one was requested
)

// Ticket asks for the code of a ticket after a reset. The password step is complete.
//
//	GET, POST /login/ticket     ticket
//	POST /login/ticket/renew    (no field)
type Ticket struct {
	Base
	State    TicketState
	CanRenew bool // protocol rule 10 allows another email
}

func (Ticket) Template() string { return "ticket" }

// TicketLink is the sign-in page of the link in a reset email. The GET changes nothing.
//
//	GET, POST /ticket/{token}    identifier, password
type TicketLink struct {
	Base
	Token      string // part of the form's action
	Identifier string
	State      TicketState // TicketAsk, or the reason why the link is invalid
}

func (TicketLink) Template() string { return "ticket_link" }

// Blocked says what to do to a user without a usable device and without a ticket. It shows no secret.
//
//	GET /login/blocked    links: /help/request?topic=cannot_log_in, /login/ticket
type Blocked struct {
	Base
	Invited bool // the user received an invitation
}

func (Blocked) Template() string { return "blocked" }

// Invite shows an invitation and asks for a password.
//
//	GET, POST /invite/{token}    password
type Invite struct {
	Base
	Token     string
	Gone      bool   // the link is expired or used; the other fields are not read
	Inviter   string // name of the inviter, or ""
	Group     string // group that the user joins, or ""
	Login     string // login of the user
	MinLength int    // minimum number of characters
}

func (Invite) Template() string { return "invite" }

// Setup asks the user of the setup link for the first administrator.
//
//	GET, POST /setup/{token}    email, first, last, password
type Setup struct {
	Base
	Token              string
	Gone               bool // the link is expired, used or unknown; the other fields are not read
	Email, First, Last string
	MinLength          int
}

func (Setup) Template() string { return "setup" }

// Forgot asks for a link to choose a new password.
//
//	GET, POST /forgot    identifier
type Forgot struct {
	Base
	Identifier string
}

func (Forgot) Template() string { return "forgot" }

// ForgotSent confirms Forgot. It is the same for known and unknown logins.
//
//	GET /forgot/sent
type ForgotSent struct{ Base }

func (ForgotSent) Template() string { return "forgot_sent" }

// NewPassword asks for the password after an emailed link. The password takes effect after the second step.
//
//	GET, POST /password/{token}    password
type NewPassword struct {
	Base
	Token     string
	Gone      bool // the link is expired or used
	Login     string
	MinLength int
}

func (NewPassword) Template() string { return "new_password" }

// OtherUser says that this browser is used by another user than the one of a link or of the page whose form was sent.
//
//	GET, POST of a link; POST of any form    POST /logout    next
type OtherUser struct {
	Base
	Link    bool   // a link was opened; Was is not read
	Was     string // user for whom the page was rendered; "": nobody
	Now     string
	Stay    string // local path that continues for Now
	Restart string // local path to open after the sign-out
}

func (OtherUser) Template() string { return "other_user" }

// LoggedOut is the page after sign-out.
//
//	GET /logged-out    POST /logout (no field) from any page
type LoggedOut struct{ Base }

func (LoggedOut) Template() string { return "logged_out" }
