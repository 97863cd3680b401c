package templates

// Continue links to an application. The response also redirects; the link is for browsers that do not follow it, such
// as a browser inside an application.
//
//	GET /oauth2/v1/continue, GET /forward-auth/sign-in
type Continue struct {
	Base
	App string
	To  string // redirect URI, checked at registration; it can have any scheme
}

func (Continue) Template() string { return "continue" }

// SignInOver reports that the sign-in for an application took too long, or is complete already. Its link begins again.
//
//	GET /forward-auth/sign-in, GET /oauth2/v1/continue
type SignInOver struct {
	Base
	App     string // "": not known
	To      string // URL of the application; "": not known
	Cookies bool   // the cause can be a browser that does not store the cookies of App
}

func (SignInOver) Template() string { return "sign_in_over" }

// AccessDenied reports that the policy of an application refuses the user.
//
//	GET /forward-auth/sign-in   GET /oauth2/v1/continue
type AccessDenied struct {
	Base
	App      string
	NeedsKey bool   // the policy requires a security key and the user has none; else it requires other groups
	To       string // error response to the application; "" if it cannot be sent
}

func (AccessDenied) Template() string { return "access_denied" }

// Consent asks whether to allow the scopes that an application requests.
//
//	GET /oauth2/v1/continue   POST /oauth2/v1/consent    request, decision ("yes" or "no")
type Consent struct {
	Base
	Request string
	App     string
	URI     string   // home page of the application, shown but not linked, or ""
	Scopes  []string // "profile", "email", "groups", "offline_access"
}

func (Consent) Template() string { return "consent" }

// RequestError reports an authorization request whose error cannot be sent to the application.
//
//	GET, POST /oauth2/v1/authorize, /oauth2/v1/logout
type RequestError struct {
	Base
	Code            string // OAuth error code, for the developer of the application, like the members below
	Fault           Key    // what is wrong; "" if there were too many requests
	App             string // name of the application, or ""
	Client, Address string // as sent, or ""
}

// The faults of RequestError.
const (
	FaultMalformed      Key = "request_error.malformed"
	FaultClient         Key = "request_error.client"
	FaultRedirect       Key = "request_error.redirect"
	FaultLogoutRedirect Key = "request_error.logout_redirect"
	FaultPushed         Key = "request_error.pushed"
	FaultHint           Key = "request_error.hint"
)

func (RequestError) Template() string { return "request_error" }

// SignOutConfirm asks whether to sign out at the request of an application.
//
//	GET, POST /oauth2/v1/logout   POST /oauth2/v1/logout/confirm    the same parameters
type SignOutConfirm struct {
	Base
	App                                 string // ""
	Hint, Client, To, State, LogoutHint string // parameters of the request
}

func (SignOutConfirm) Template() string { return "sign_out_confirm" }

// NotSignedIn reports that a sign-out at the request of an application ended nothing.
//
//	GET, POST /oauth2/v1/logout   POST /oauth2/v1/logout/confirm
type NotSignedIn struct {
	Base
	App string // name of the application, or ""
	To  string // registered URI of the application, or ""
}

func (NotSignedIn) Template() string { return "not_signed_in" }

// UserCode asks for the code that a device shows.
//
//	GET, POST /device    code
type UserCode struct {
	Base
	Code string // of the link that the device shows, or ""
}

func (UserCode) Template() string { return "user_code" }

// UserCodeConfirm asks whether to allow the device of the code.
//
//	GET, POST /device/confirm    request, decision ("yes" or "no")
type UserCodeConfirm struct {
	Base
	Request string
	App     string
	Scopes  []string // as in Consent
}

func (UserCodeConfirm) Template() string { return "user_code_confirm" }

// UserCodeDone reports the decision.
//
//	GET /device/done    yes
type UserCodeDone struct {
	Base
	Yes bool
}

func (UserCodeDone) Template() string { return "user_code_done" }

// ProblemUserCode reports a device code that is unknown or expired.
const ProblemUserCode Key = "problem.user_code"
