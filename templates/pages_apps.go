package templates

import "barillet/internal/notice"

// Continue leads from our pages to an application. The answer goes on by itself; the link is for whoever it does not take
// along, as in an application's own browser.
//
//	GET /oauth2/v1/continue, GET /forward-auth/sign-in
type Continue struct {
	Base
	App string
	To  string // registered by the application and judged at that time: any scheme
}

func (Continue) template() string { return "onward" }

// AccessDenied tells somebody that an application is not open to them.
//
//	GET /forward-auth/sign-in   GET /oauth2/v1/continue
type AccessDenied struct {
	Base
	App      string
	NeedsKey bool   // it asks for a YubiKey, and the person has none; else it is for others
	To       string // back to the application, which is told; "" where it cannot be
}

func (AccessDenied) template() string { return "shut" }

// Consent asks whether an application may know what it asks for.
//
//	GET /oauth2/v1/continue   POST /oauth2/v1/consent    request, decision ("yes" or "no")
type Consent struct {
	Base
	Request string
	App     string
	URI     string   // the application's home page, shown and not linked; ""
	Scopes  []string // "profile", "email", "groups", "offline_access"
}

func (Consent) template() string { return "consent" }

// RequestError tells of an application whose request cannot be answered to itself.
//
//	GET, POST /oauth2/v1/authorize, /oauth2/v1/logout
type RequestError struct {
	Base
	Code string // the protocol's name of what is wrong, for the application's developer
}

func (RequestError) template() string { return "app_refused" }

// SignOutConfirm asks whoever an application sends to sign out.
//
//	GET, POST /oauth2/v1/logout   POST /oauth2/v1/logout/confirm    the same parameters
type SignOutConfirm struct {
	Base
	App                                 string // ""
	Hint, Client, To, State, LogoutHint string // as they came
}

func (SignOutConfirm) template() string { return "leave" }

// UserCode takes the code that a device shows.
//
//	GET, POST /device    code
type UserCode struct{ Base }

func (UserCode) template() string { return "user_code" }

// UserCodeConfirm asks about the device of the code.
//
//	GET, POST /device/confirm    request, decision ("yes" or "no")
type UserCodeConfirm struct {
	Base
	Request string
	App     string
	Scopes  []string // as in Consent
}

func (UserCodeConfirm) template() string { return "user_code_confirm" }

// UserCodeDone tells what became of it.
//
//	GET /device/done    yes
type UserCodeDone struct {
	Base
	Yes bool
}

func (UserCodeDone) template() string { return "user_code_done" }

// ProblemUserCode is a device's code that is none, or no longer.
const ProblemUserCode Key = "problem.user_code"

func galleryApps(lang string) []Sample {
	b := Base{Lang: lang, Path: "/device", SignedIn: true, Name: "Amélie Durand"}
	wrong := b
	wrong.Problem = NewFieldProblem("code", ProblemUserCode)
	const app = "Planning d’atelier"
	return []Sample{
		{"login-app", Login{Base: Base{Lang: lang, Path: "/login"}, App: app, Next: "/oauth2/v1/continue?request=abc"}},
		{"onward", Continue{Base: b, App: app, To: "com.example.planning:/back?code=abc&state=1"}},
		{"shut", AccessDenied{Base: b, App: "wiki.garage.example"}},
		{"shut-way-back", AccessDenied{Base: b, App: app, To: "https://wiki.garage.example/cb?error=access_denied"}},
		{"shut-needs-key", AccessDenied{Base: b, App: "wiki.garage.example", NeedsKey: true}},
		{"consent", Consent{Base: b, Request: "abc", App: app, URI: "planning.example", Scopes: []string{"profile", "email", "groups", "offline_access"}}},
		{"consent-little", Consent{Base: b, Request: "abc", App: app}},
		{"app-refused", RequestError{Base: b, Code: "invalid_request"}},
		{"leave", SignOutConfirm{Base: b, App: app, Client: "c1", State: "1"}},
		{"leave-unknown", SignOutConfirm{Base: b}},
		{"user-code", UserCode{b}},
		{"user-code-wrong", UserCode{wrong}},
		{"user-code-confirm", UserCodeConfirm{Base: b, Request: "abc", App: app, Scopes: []string{"profile", "email", "offline_access"}}},
		{"user-code-done", UserCodeDone{Base: b, Yes: true}},
		{"user-code-no", UserCodeDone{Base: b}},
	}
}

func composeDeviceSignedIn(m notice.DeviceSignedIn, c *speaker, w writer) message {
	l := w.begin(c, m.Context, "device_signed_in", "App", m.App)
	l.Lines = []string{c.say("mail.device_signed_in_text", "App", m.App)}
	return l.notYou(c, w, "not_you")
}
