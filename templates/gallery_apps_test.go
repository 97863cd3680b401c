package templates

func galleryApps(lang string) []Sample {
	b := Base{Lang: lang, Path: "/device", SignedIn: true, Name: "Amélie Durand"}
	wrong := b
	wrong.Problem = NewFieldProblem("code", ProblemUserCode)
	const app = "Planning d’atelier"
	return []Sample{
		{"login-app", Login{Base: Base{Lang: lang, Path: "/login"}, App: app, Next: "/oauth2/v1/continue?request=abc"}},
		{"continue", Continue{Base: b, App: app, To: "com.example.planning:/back?code=abc&state=1"}},
		{"access-denied", AccessDenied{Base: b, App: "wiki.garage.example"}},
		{"access-denied-redirect", AccessDenied{Base: b, App: app, To: "https://wiki.garage.example/cb?error=access_denied"}},
		{"access-denied-needs-key", AccessDenied{Base: b, App: "wiki.garage.example", NeedsKey: true}},
		{"consent", Consent{Base: b, Request: "abc", App: app, URI: "planning.example", Scopes: []string{"profile", "email", "groups", "offline_access"}}},
		{"consent-little", Consent{Base: b, Request: "abc", App: app}},
		{"request-error", RequestError{Base: b, Code: "invalid_request", Fault: FaultOver}},
		{"request-error-busy", RequestError{Base: b, Code: "temporarily_unavailable"}},
		{"request-error-malformed", RequestError{Base: b, Code: "invalid_request", Fault: FaultMalformed}},
		{"request-error-client", RequestError{Base: b, Code: "invalid_request", Fault: FaultClient, Client: "cplanning", Address: "https://wiki.garage.example/cb"}},
		{"request-error-redirect", RequestError{Base: b, Code: "invalid_request", Fault: FaultRedirect, App: app, Client: "cyy2nf2utzuicotftev52tb5fem",
			Address: "https://wiki.garage.example/a/very/long/path/that/no/narrow/page/holds/in/one/line/of/text/oidc/callback"}},
		{"request-error-logout", RequestError{Base: b, Code: "invalid_request", Fault: FaultLogoutRedirect, App: app, Address: "https://wiki.garage.example/bye"}},
		{"request-error-pushed", RequestError{Base: b, Code: "invalid_request", Fault: FaultPushed}},
		{"request-error-hint", RequestError{Base: b, Code: "invalid_request", Fault: FaultHint}},
		{"sign-out-confirm", SignOutConfirm{Base: b, App: app, Client: "c1", State: "1"}},
		{"sign-out-confirm-unknown", SignOutConfirm{Base: b}},
		{"not-signed-in", NotSignedIn{Base: Base{Lang: lang, Path: "/login"}}},
		{"not-signed-in-back", NotSignedIn{Base: Base{Lang: lang, Path: "/login"}, App: app, To: "https://wiki.garage.example/bye"}},
		{"user-code", UserCode{Base: b}},
		{"user-code-link", UserCode{Base: b, Code: "K7QM-2XWD"}},
		{"user-code-wrong", UserCode{Base: wrong}},
		{"user-code-confirm", UserCodeConfirm{Base: b, Request: "abc", App: app, Scopes: []string{"profile", "email", "offline_access"}}},
		{"user-code-done", UserCodeDone{Base: b, Yes: true}},
		{"user-code-no", UserCodeDone{Base: b}},
	}
}
