package templates

import "encoding/json"

// Login is the sign-in page.
//
//	GET, POST /login    identifier, password, next
type Login struct {
	Base
	Identifier string // as typed, on a second try, or as an application suggests; never the password
	Next       string // path of ours to go on to afterwards; "" is the account
	App        string // the application that the person is on the way to; ""
}

func (Login) template() string { return "login" }

// Factor is the second step for a phone or a YubiKey. The password has been proven.
//
//	GET /login/factor   POST /login/factor    code
//	POST /login/factor/key                    JSON {"answer": …} by script; answers {"next": path} or {"problem": html-free sentence}
//	links: /login/recovery, /help/request?topic=phone_lost, /login/factor?method=key, /login/factor?method=code
type Factor struct {
	Base
	Method     string          // what is offered now: "code" or "key"
	Slug       string          // of the device used last, of that way; its words are "kind.{Slug}.ask"
	DeviceName string          // of the same device
	Phones     int             // how many phones the person has: a code of any of them is taken
	Keys       []string        // names of the person's YubiKeys; none: that way is not offered
	KeyOptions json.RawMessage // request options for navigator.credentials.get, Method "key" only
	Recovery   bool            // codes are left
}

func (Factor) template() string { return "factor" }

// Recovery is the second step by a recovery code.
//
//	GET /login/recovery   POST /login/factor/recovery    code
type Recovery struct {
	Base
	Phones int
	Keys   []string
}

func (Recovery) template() string { return "recovery" }

// TicketState is how things stand with the ticket that a reset made.
type TicketState string

// The states of PROTOCOL 7 to 10.
const (
	TicketAsk      TicketState = ""          // type the short code
	TicketExpired  TicketState = "expired"   // a new one can be mailed
	TicketUsed     TicketState = "used"      // a device was enrolled with it; sign in, or ask for help
	TicketSameHand TicketState = "same_hand" // both halves came by one hand: the manager or support hands over a code
	TicketRenewed  TicketState = "renewed"   // a new one is on its way
)

// Ticket asks for the short code after a reset. The password has been proven.
//
//	GET, POST /login/ticket     ticket
//	POST /login/ticket/renew    (no field)
type Ticket struct {
	Base
	State    TicketState
	CanRenew bool // PROTOCOL 10 allows another mail
}

func (Ticket) template() string { return "ticket" }

// TicketLink is where the link of a reset mail leads: a sign-in that carries the ticket. The GET changes nothing.
//
//	GET, POST /ticket/{token}    identifier, password
type TicketLink struct {
	Base
	Token      string // goes into the form's action
	Identifier string
	State      TicketState // TicketAsk, or why the link is worth nothing
}

func (TicketLink) template() string { return "ticket_link" }

// Blocked tells a person without a usable device and without a ticket what to do: never a secret.
//
//	GET /login/blocked    links: /help/request?topic=cannot_log_in, /login/ticket
type Blocked struct {
	Base
	Invited bool // an invitation is waiting in the mailbox
}

func (Blocked) template() string { return "blocked" }

// Invite is an invitation: who invites to what, and the choice of a password.
//
//	GET, POST /invite/{token}    password
type Invite struct {
	Base
	Token   string
	Gone    bool   // the link is expired or used; the other fields are then not read
	Inviter string // who invites; "" when nobody in particular
	Garage  string // to what; "" when to the house itself
	Login   string // what the person will sign in with
	Least   int    // least number of characters
}

func (Invite) template() string { return "invite" }

// Forgot asks for a link to choose a new password.
//
//	GET, POST /forgot    identifier
type Forgot struct {
	Base
	Identifier string
}

func (Forgot) template() string { return "forgot" }

// ForgotSent is the answer to Forgot, the same for known and unknown people.
//
//	GET /forgot/sent
type ForgotSent struct{ Base }

func (ForgotSent) template() string { return "forgot_sent" }

// NewPassword takes the password chosen by an emailed link. It takes effect after the second step only.
//
//	GET, POST /password/{token}    password
type NewPassword struct {
	Base
	Token string
	Gone  bool // the link is expired or used
	Login string
	Least int
}

func (NewPassword) template() string { return "new_password" }

// LoggedOut is the page after signing out.
//
//	GET /logged-out    POST /logout (no field) from any page
type LoggedOut struct{ Base }

func (LoggedOut) template() string { return "logged_out" }
