package oidc

import (
	"context"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"barillet/authn"
	"barillet/store"
)

// longest is the most that one parameter of a request may have, in bytes. A longer one is refused, not cut.
const (
	maxParam  = 4 << 10
	maxState  = 2 << 10
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
				r.refuse("a parameter is too long, or there are too many")
			case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
				r.refuse("a parameter is not text")
			case v != "" && r.form.Has(name):
				r.refuse("a parameter is there twice")
				if name == "client_id" || name == "redirect_uri" {
					r.form.Set(name, "\x00") // matches no client and no redirect URI
				}
			case v != "":
				r.form.Set(name, v)
			}
		}
	}
	if mode := r.form.Get("response_mode"); mode != "" && mode != "query" {
		r.refuse("only response_mode=query is offered")
	}
	if len(r.form.Get("state")) > maxState {
		r.refuse("state is too long")
	}
	return r
}

func (r *rawRequest) refuse(why string) {
	if r.wrong == nil {
		r.wrong = invalidRequest(why)
	}
}

// words splits a list of words by blanks.
func words(s string) []string { return strings.Fields(s) }

// AuthorizationRequest is a request that was judged to be good and waits for its person. One that was pushed waits for its browser.
type AuthorizationRequest struct {
	Client         ClientID     `json:"client"`
	Redirect       string       `json:"redirect"`
	State          string       `json:"state,omitempty"`
	Nonce          string       `json:"nonce,omitempty"`
	Scopes         []string     `json:"scopes"`
	Prompt         []string     `json:"prompt,omitempty"`
	MaxAge         *int64       `json:"maxAge,omitempty"` // seconds
	ACRs           []string     `json:"acrs,omitempty"`   // one of these is to be reached
	Challenge      string       `json:"challenge,omitempty"`
	Hint           string       `json:"hint,omitempty"`           // what somebody might sign in as; the application says so, and nobody else
	Subject        string       `json:"subject,omitempty"`        // whom it must be, as the client knows them
	UserinfoClaims []string     `json:"userinfoClaims,omitempty"` // claims asked for by name at userinfo
	IDTokenClaims  []string     `json:"idTokenClaims,omitempty"`
	ConsentSession string       `json:"consentSession,omitempty"` // key of the session in which it was consented to
	Device         string       `json:"device,omitempty"`         // key of the device's code that it is about, instead of a redirect
	Pushed         string       `json:"pushed,omitempty"`         // the parameters, encoded: a request that was pushed and not yet brought
	User           authn.UserID `json:"user,omitempty"`           // with Device: who types the code
	Created        time.Time    `json:"created"`
	Expires        time.Time    `json:"expires"`
}

// prompts tells whether the request asks for a prompt by this word.
func (k *AuthorizationRequest) prompts(word string) bool { return slices.Contains(k.Prompt, word) }

// loadRequest loads a request under way by its secret; nil when there is none, or it is over.
func (p *Provider) loadRequest(r store.Reader, request string) (*AuthorizationRequest, error) {
	if !secretShaped.MatchString(request) {
		return nil, nil
	}
	k, err := p.asked.Get(r, authn.SecretOf(request).Hash())
	if there, err := found(err); !there {
		return nil, err
	}
	if !p.now().Before(k.Expires) {
		return nil, nil
	}
	return &k, nil
}

// secretShaped is 256 bits in base64url; challengeShaped is what S256 gives (RFC 7636 section 4.2), verifierShaped
// what it is made of (section 4.1).
var (
	secretShaped    = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	challengeShaped = secretShaped
	verifierShaped  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
)

// validate checks a request whose client and redirect URI are good. The request that it returns is complete only if
// there is no error, but an error can be sent to its client. The order of the checks decides which of several errors is
// reported.
func (p *Provider) validate(ctx context.Context, r *rawRequest, c *Client) (*AuthorizationRequest, error) {
	f, now := r.form, p.now()
	claimed, ok := parseWanted(f.Get("claims"))
	k := &AuthorizationRequest{Client: c.ID, Redirect: r.redirect(), State: f.Get("state"), Nonce: f.Get("nonce"), Scopes: c.AllowedScopes(words(f.Get("scope"))),
		Prompt: words(f.Get("prompt")), Challenge: f.Get("code_challenge"), UserinfoClaims: names(claimed.Userinfo), IDTokenClaims: names(claimed.IDToken),
		Hint: loginHint(f.Get("login_hint")), Subject: claimed.subWanted(), Created: now, Expires: now.Add(requestTTL)}
	response := f.Get("response_type")
	switch {
	case r.wrong != nil:
		return k, r.wrong
	case f.Has("request"):
		return k, &Error{Code: "request_not_supported"}
	case f.Has("request_uri"):
		return k, &Error{Code: "request_uri_not_supported", Description: "only a request_uri of the pushed authorization request endpoint is taken"}
	case f.Has("registration"):
		return k, &Error{Code: "registration_not_supported"}
	case response == "":
		return k, invalidRequest("response_type is missing")
	case response != "code":
		return k, &Error{Code: "unsupported_response_type", Description: "only response_type=code is offered"}
	case !c.HasGrant(GrantCode):
		return k, unauthorizedClient("this client is not for the code flow")
	case c.PushedOnly && !r.pushed:
		return k, invalidRequest("this client pushes its requests")
	case !f.Has("scope"):
		return k, invalidRequest("scope is missing")
	case !slices.Contains(words(f.Get("scope")), ScopeOpenID):
		return k, invalidScope("scope lacks openid")
	case !slices.Contains(k.Scopes, ScopeOpenID):
		return k, invalidScope("this client may not have openid")
	case !ok:
		return k, invalidRequest("claims is not a JSON object as OpenID Connect Core section 5.5 has it")
	}
	for _, check := range []func() error{func() error { return pkce(c, f) }, k.checkPrompt, func() error { return k.readMaxAge(f.Get("max_age")) },
		func() error { return k.level(claimed, words(f.Get("acr_values"))) }} {
		if err := check(); err != nil {
			return k, err
		}
	}
	return k, p.hint(ctx, k, c, f.Get("id_token_hint"))
}

// The values of prompt (OIDC Core §3.1.2.1).
const (
	promptNone          = "none"
	promptLogin         = "login"
	promptConsent       = "consent"
	promptSelectAccount = "select_account"
)

// checkPrompt checks the values of prompt (OIDC Core §3.1.2.1).
func (k *AuthorizationRequest) checkPrompt() error {
	if k.prompts(promptNone) && len(k.Prompt) > 1 {
		return invalidRequest("prompt=none stands alone")
	}
	for _, word := range k.Prompt {
		switch word {
		case promptNone, promptLogin, promptConsent, promptSelectAccount:
		default:
			return invalidRequest("prompt has a word that it cannot have")
		}
	}
	return nil
}

func (k *AuthorizationRequest) readMaxAge(v string) error {
	if v == "" {
		return nil
	}
	n, err := strconv.ParseUint(v, 10, 31)
	if err != nil || strconv.FormatUint(n, 10) != v {
		return invalidRequest("max_age is not a number of seconds")
	}
	age := int64(n)
	k.MaxAge = &age
	return nil
}

// maxLoginHint is more than an address has, in bytes.
const maxLoginHint = 254

// loginHint takes what may stand in the first field of a sign-in; what cannot be a name is passed over.
func loginHint(s string) string {
	if s = strings.TrimSpace(s); len(s) > maxLoginHint || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// pkce judges the challenge: S256 and nothing else, and demanded unless the client is excepted (BAR O1, FACTS O3).
func pkce(c *Client, f url.Values) error {
	challenge, method := f.Get("code_challenge"), f.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return invalidRequest("code_challenge is missing")
	case challenge == "" && c.NoPKCE:
		return nil
	case challenge == "":
		return invalidRequest("code_challenge is missing: PKCE is required")
	case method != "S256": // left out, it means plain (RFC 7636 section 4.3)
		return invalidRequest("code_challenge_method must be S256")
	case !challengeShaped.MatchString(challenge):
		return invalidRequest("code_challenge is not a SHA-256 in base64url")
	}
	return nil
}

// level says which levels of assurance would do. What acr_values asks for is asked for as firmly as an essential
// claim: a weaker sign-in is never answered in its place. Values that nobody here knows are passed over where they
// are voluntary (OpenID Connect Core section 5.5.1.1).
func (k *AuthorizationRequest) level(claimed wanted, values []string) error {
	byClaim, essential := claimed.acrs()
	known := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return !slices.Contains(Levels(), v) })
	}
	switch {
	case essential && len(byClaim) > 0:
		if k.ACRs = known(byClaim); len(k.ACRs) == 0 {
			return unmetRequirements()
		}
	case len(known(byClaim)) > 0:
		k.ACRs = known(byClaim)
	default:
		k.ACRs = known(values)
	}
	return nil
}

// hint takes the subject of an ID token of ours, expired or not; anything else is refused.
func (p *Provider) hint(ctx context.Context, k *AuthorizationRequest, c *Client, hint string) error {
	if hint == "" {
		return nil
	}
	t, ok, err := p.readHint(ctx, hint)
	if err != nil {
		return err
	}
	if !ok || t.Audience != string(c.ID) || k.Subject != "" && k.Subject != t.Subject {
		return invalidRequest("id_token_hint is no ID token that was issued to this client")
	}
	k.Subject = t.Subject
	return nil
}
