package oidc

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/internal/input"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
)

// The limits of a request, in bytes and in number. A longer parameter is rejected, not cut.
const (
	maxParam  = 4 << 10
	maxState  = 2 << 10
	maxNonce  = 512 // it is in the code, and so in the address to which the browser returns
	maxParams = 64
)

// rawRequest is an authorization request before validation.
type rawRequest struct {
	form   url.Values // each parameter once
	wrong  *Error     // the first fault of the form; sent to the client once its redirect URI is known to be good
	pushed bool
}

func (r *rawRequest) redirect() string { return r.form.Get("redirect_uri") }

// parseRequest reads the parameters of a form. Empty parameters count as not sent, unknown ones are ignored (RFC 6749
// §3.1). It never fails: the fault of a form is kept in wrong.
func parseRequest(form url.Values) *rawRequest {
	r := &rawRequest{form: url.Values{}}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, v := range form[name] {
			count++
			switch {
			case len(v) > maxParam || count > maxParams:
				r.refuse("a parameter is too long, or there are too many parameters")
			case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
				r.refuse("a parameter is not valid UTF-8 text")
			case v != "" && r.form.Has(name):
				r.refuse("a parameter is repeated")
				if name == "client_id" || name == "redirect_uri" {
					r.form.Set(name, "\x00") // matches no client and no redirect URI
				}
			case v != "":
				r.form.Set(name, v)
			}
		}
	}
	if mode := r.form.Get("response_mode"); mode != "" && mode != "query" {
		r.refuse("response_mode must be query")
	}
	if len(r.form.Get("state")) > maxState {
		r.refuse("state is too long")
	}
	if len(r.form.Get("nonce")) > maxNonce {
		r.refuse("nonce is too long")
	}
	return r
}

func (r *rawRequest) refuse(why string) {
	if r.wrong == nil {
		r.wrong = invalidRequest(why)
	}
}

// A stored request waits for its user for maxRequestTTL, so that a page can be left open. Beyond
// throttle.WaitingRequests it waits for requestTTL only, so that no client fills the store.
const (
	requestTTL    = 10 * time.Minute
	maxRequestTTL = 3 * time.Hour
)

// AuthorizationRequest is a valid request, stored below the SHA-256 of a secret while it waits for its user. A pushed request waits for
// its browser. A device prompt is stored here, too.
type AuthorizationRequest struct {
	Client         client.ID      `json:"client"`
	Redirect       string         `json:"redirect"`
	State          string         `json:"state,omitempty"`
	Nonce          string         `json:"nonce,omitempty"`
	Scopes         []string       `json:"scopes"`
	Prompt         []string       `json:"prompt,omitempty"`
	MaxAge         *int64         `json:"maxAge,omitempty"` // seconds
	ACRs           []string       `json:"acrs,omitempty"`   // one of these is required
	Challenge      string         `json:"challenge,omitempty"`
	Hint           string         `json:"hint,omitempty"`           // login_hint: untrusted
	Subject        string         `json:"subject,omitempty"`        // the required user, as the client knows them
	UserinfoClaims []string       `json:"userinfoClaims,omitempty"` // requested by name
	IDTokenClaims  []string       `json:"idTokenClaims,omitempty"`  // requested by name
	ConsentSession string         `json:"consentSession,omitempty"` // key of the session in which the user consented
	Device         string         `json:"device,omitempty"`         // key of the user code of a device prompt
	User           account.UserID `json:"user,omitempty"`           // of a device prompt
	Pushed         string         `json:"pushed,omitempty"`         // the encoded parameters of a pushed request
	Created        time.Time      `json:"created"`
	Expires        time.Time      `json:"expires" since:"Created"`
}

// allowedBy reports whether a client that may have changed since the request arrived can still make it.
func (req *AuthorizationRequest) allowedBy(c *client.Client) bool {
	return c.HasRedirect(req.Redirect) && c.HasGrant(client.GrantCode) && (req.Challenge != "" || c.NoPKCE) &&
		len(c.AllowedScopes(req.Scopes)) == len(req.Scopes)
}

func (req *AuthorizationRequest) prompts(value string) bool {
	return slices.Contains(req.Prompt, value)
}

// A request that waits for its user has a name in URLs and forms: its secret, a dot and the id of its client. The name
// outlives the record, so that the user can be led back to the client.

func requestName(value secret.Value, id client.ID) string { return value.Reveal() + "." + string(id) }

// requestKey returns the key of the record with a name, or with a secret alone.
func requestKey(name string) string {
	value, _, _ := strings.Cut(name, ".")
	return secret.From(value).Key()
}

// clientOf returns the client in the name of a request; "" without one.
func clientOf(name string) client.ID {
	_, id, _ := strings.Cut(name, ".")
	return client.ID(id)
}

// loadRequest loads a stored request by its name or secret; nil if it does not exist or has expired.
func (p *Provider) loadRequest(r store.Reader, name string) (*AuthorizationRequest, error) {
	if value, _, _ := strings.Cut(name, "."); !secret.IsToken(value) {
		return nil, nil
	}
	req, err := p.requests.Get(r, requestKey(name))
	if there, err := store.Found(err); !there {
		return nil, err
	}
	if !p.now().Before(req.Expires) {
		return nil, nil
	}
	return &req, nil
}

// validate checks a request whose client and redirect URI are known to be good. If it fails, the error can be sent to
// the client of the returned request. The order of the checks decides which of several errors is reported.
func (p *Provider) validate(ctx context.Context, r *rawRequest, c *client.Client) (*AuthorizationRequest, error) {
	f, now := r.form, p.now()
	claimed, ok := parseClaimsRequest(f.Get("claims"))
	req := &AuthorizationRequest{Client: c.ID, Redirect: r.redirect(), State: f.Get("state"), Nonce: f.Get("nonce"), Scopes: c.AllowedScopes(strings.Fields(f.Get("scope"))),
		Prompt: strings.Fields(f.Get("prompt")), Challenge: f.Get("code_challenge"), UserinfoClaims: names(claimed.Userinfo), IDTokenClaims: names(claimed.IDToken),
		Hint: loginHint(f.Get("login_hint")), Subject: claimed.subject(), Created: now, Expires: now.Add(requestTTL)}
	response := f.Get("response_type")
	switch {
	case r.wrong != nil:
		return req, r.wrong
	case f.Has("request"):
		return req, &Error{Code: "request_not_supported"}
	case f.Has("request_uri"):
		return req, &Error{Code: "request_uri_not_supported", Description: "request_uri must come from the pushed authorization request endpoint"}
	case f.Has("registration"):
		return req, &Error{Code: "registration_not_supported"}
	case response == "":
		return req, invalidRequest("response_type is missing")
	case response != "code":
		return req, &Error{Code: "unsupported_response_type", Description: "response_type must be code"}
	case !c.HasGrant(client.GrantCode):
		return req, unauthorizedClient("this client may not use the authorization code grant")
	case c.PushedOnly && !r.pushed:
		return req, invalidRequest("this client must push its requests")
	case !f.Has("scope"):
		return req, invalidRequest("scope is missing")
	case !slices.Contains(strings.Fields(f.Get("scope")), client.ScopeOpenID):
		return req, invalidScope("scope must contain openid")
	case !ok:
		return req, invalidRequest("claims must be a JSON object of the form of OpenID Connect Core 5.5")
	}
	for _, check := range []func() error{func() error { return checkScopes(f, c.Scopes) }, func() error { return checkTarget(c, f) },
		func() error { return pkce(c, f) }, req.checkPrompt, func() error { return req.readMaxAge(f.Get("max_age")) },
		func() error { return req.level(claimed, strings.Fields(f.Get("acr_values"))) }} {
		if err := check(); err != nil {
			return req, err
		}
	}
	return req, p.hint(ctx, req, c, f.Get("id_token_hint"))
}

// The values of prompt (OIDC Core §3.1.2.1).
const (
	promptNone          = "none"
	promptLogin         = "login"
	promptConsent       = "consent"
	promptSelectAccount = "select_account"
)

// checkPrompt checks the values of prompt (OIDC Core §3.1.2.1).
func (req *AuthorizationRequest) checkPrompt() error {
	if req.prompts(promptNone) && len(req.Prompt) > 1 {
		return invalidRequest("prompt=none must be the only value")
	}
	for _, word := range req.Prompt {
		switch word {
		case promptNone, promptLogin, promptConsent, promptSelectAccount:
		default:
			return invalidRequest("prompt has an unknown value")
		}
	}
	return nil
}

func (req *AuthorizationRequest) readMaxAge(v string) error {
	if v == "" {
		return nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != v {
		return invalidRequest("max_age must be a number of seconds")
	}
	age := int64(n)
	req.MaxAge = &age
	return nil
}

// maxLoginHint is the greatest length of a login_hint, in bytes: longer than any address.
const maxLoginHint = 254

// loginHint returns a hint for the sign-in page; "" if it cannot be a login.
func loginHint(s string) string {
	if s = input.Trim(s); len(s) > maxLoginHint || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// checkScopes refuses a request for other scopes than the allowed ones: a client that got fewer than it asked for would fail
// later, and without a reason (RFC 6749 §3.3 leaves the choice).
func checkScopes(f url.Values, allowed []string) error {
	for _, scope := range strings.Fields(f.Get("scope")) {
		if !slices.Contains(allowed, scope) {
			return invalidScope("this client may request only these scopes: " + strings.Join(allowed, " "))
		}
	}
	return nil
}

// checkTarget refuses a request for a token for another service (RFC 8707 §2): an access token is opaque, and for its client.
func checkTarget(c *client.Client, f url.Values) error {
	for _, name := range []string{"audience", "resource"} {
		if v := f.Get(name); v != "" && v != string(c.ID) {
			return &Error{Code: "invalid_target", Description: name + " is not supported: a service that receives the access token must introspect it"}
		}
	}
	return nil
}

// pkce checks the challenge: S256 is required unless the client is exempt (promise O1).
func pkce(c *client.Client, f url.Values) error {
	challenge, method := f.Get("code_challenge"), f.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return invalidRequest("code_challenge is missing")
	case challenge == "" && c.NoPKCE:
		return nil
	case challenge == "":
		return invalidRequest("code_challenge is missing: PKCE is required")
	case method != "S256": // a missing method means plain (RFC 7636 §4.3)
		return invalidRequest("code_challenge_method must be S256")
	case !secret.IsToken(challenge): // a SHA-256 hash has the same form (RFC 7636 §4.2)
		return invalidRequest("code_challenge must be a SHA-256 hash in base64url")
	}
	return nil
}

// level sets the levels of which one is required. acr_values are as binding as an essential claim: a weaker
// authentication never replaces them. Unknown values are ignored if they are voluntary (OIDC Core §5.5.1.1).
func (req *AuthorizationRequest) level(claimed claimsRequest, values []string) error {
	byClaim, essential := claimed.acrs()
	known := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return !slices.Contains(client.Levels(), v) })
	}
	switch {
	case essential && len(byClaim) > 0:
		if req.ACRs = known(byClaim); len(req.ACRs) == 0 {
			return unmetRequirements()
		}
	case len(known(byClaim)) > 0:
		req.ACRs = known(byClaim)
	default:
		req.ACRs = known(values)
	}
	return nil
}

// hint requires the user of an ID token that was issued to the client. It may have expired.
func (p *Provider) hint(ctx context.Context, req *AuthorizationRequest, c *client.Client, hint string) error {
	if hint == "" {
		return nil
	}
	t, ok, err := p.readHint(ctx, hint)
	if err != nil {
		return err
	}
	if !ok || t.Audience != string(c.ID) || req.Subject != "" && req.Subject != t.Subject {
		return invalidRequest("id_token_hint must be an ID token of this client")
	}
	req.Subject = t.Subject
	return nil
}
