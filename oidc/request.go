package oidc

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"

	"barillet/authn"
	"barillet/store"
)

// longest is the most that one parameter of a request may have, in bytes. A longer one is refused, not cut.
const (
	longest      = 4 << 10
	longestState = 2 << 10
	mostParams   = 64
)

// asked is a request as it came, before it is judged. What is wrong with it beyond client and redirect URI is kept
// for when both are known to be good: only then may the client be told by a redirect (RFC 6749 section 4.1.2.1).
type asked struct {
	redirect string
	response protocol.ResponseType
	wrong    *protocol.Error // the first thing wrong; nil: nothing yet
	form     url.Values      // each parameter once
	client   *Client
	browser  Browser
	pushed   bool
}

type askedKey struct{}

// readAsked takes the parameters apart. Empty ones count as not sent, unknown ones are passed over (RFC 6749 section
// 3.1).
func readAsked(form url.Values) *asked {
	a := &asked{form: url.Values{}}
	count := 0
	for _, name := range sortedNames(form) {
		for _, v := range form[name] {
			count++
			switch {
			case len(v) > longest || count > mostParams:
				a.refuse(protocol.ErrInvalidRequest().WithDescription("a parameter is too long, or there are too many"))
			case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
				a.refuse(protocol.ErrInvalidRequest().WithDescription("a parameter is not text"))
			case v != "" && a.form.Has(name):
				a.refuse(protocol.ErrInvalidRequest().WithDescription("a parameter is there twice"))
				if name == "client_id" || name == "redirect_uri" {
					a.form.Set(name, "\x00") // neither of the two: nobody to redirect to
				}
			case v != "":
				a.form.Set(name, v)
			}
		}
	}
	a.redirect, a.response = a.form.Get("redirect_uri"), protocol.ResponseType(a.form.Get("response_type"))
	a.tidy()
	return a
}

// tidy takes out what the library would refuse without a redirect, and keeps why.
func (a *asked) tidy() {
	if v := a.form.Get("max_age"); v != "" {
		if n, err := strconv.ParseUint(v, 10, 31); err != nil || strconv.FormatUint(n, 10) != v {
			a.refuse(protocol.ErrInvalidRequest().WithDescription("max_age is not a number of seconds"))
			a.form.Del("max_age")
		}
	}
	if mode := a.form.Get("response_mode"); mode != "" && mode != string(protocol.ResponseModeQuery) {
		a.refuse(protocol.ErrInvalidRequest().WithDescription("only response_mode=query is offered"))
	}
	a.form.Del("response_mode") // errors go back in the query, too
	if len(a.form.Get("state")) > longestState {
		a.refuse(protocol.ErrInvalidRequest().WithDescription("state is too long"))
	}
}

func (a *asked) refuse(e *protocol.Error) {
	if a.wrong == nil {
		a.wrong = e
	}
}

func sortedNames(form url.Values) []string {
	var out []string
	for name := range form {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// words splits a list of words by blanks.
func words(s string) []string { return strings.Fields(s) }

// Ask is a request that was judged to be good and waits for its person. One that was pushed waits for its browser.
type Ask struct {
	Client     ClientID     `json:"client"`
	Redirect   string       `json:"redirect"`
	State      string       `json:"state,omitempty"`
	Nonce      string       `json:"nonce,omitempty"`
	Scopes     []string     `json:"scopes"`
	Prompt     []string     `json:"prompt,omitempty"`
	MaxAge     *int64       `json:"maxAge,omitempty"` // seconds
	ACRs       []string     `json:"acrs,omitempty"`   // one of these is to be reached
	Challenge  string       `json:"challenge,omitempty"`
	Hint       string       `json:"hint,omitempty"`    // what somebody might sign in as; the application says so, and nobody else
	Subject    string       `json:"subject,omitempty"` // whom it must be, as the client knows them
	Named      []string     `json:"named,omitempty"`   // claims asked for by name at userinfo
	TokenNamed []string     `json:"tokenNamed,omitempty"`
	Agreed     string       `json:"agreed,omitempty"` // key of the session in which it was consented to
	Device     string       `json:"device,omitempty"` // key of the device's code that it is about, instead of a redirect
	Pushed     string       `json:"pushed,omitempty"` // the parameters, encoded: a request that was pushed and not yet brought
	For        authn.UserID `json:"for,omitempty"`    // with Device: who types the code
	Made       time.Time    `json:"made"`
	Expires    time.Time    `json:"expires"`
}

// prompts tells whether the request asks for a prompt by this word.
func (k *Ask) prompts(word string) bool { return slices.Contains(k.Prompt, word) }

// ask loads a request under way by its secret; nil when there is none, or it is over.
func (p *Provider) ask(r store.Reader, request string) (*Ask, error) {
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

// judged makes an Ask of a request whose client and redirect URI are good. The order of the checks decides which of
// several errors is told.
func (p *Provider) judged(ctx context.Context, now time.Time, a *asked) (*Ask, error) {
	f, c := a.form, a.client
	claimed, ok := parseWanted(f.Get("claims"))
	switch {
	case a.wrong != nil:
		return nil, a.wrong
	case f.Has("request"):
		return nil, protocol.ErrRequestNotSupported()
	case f.Has("request_uri"):
		return nil, requestURINotSupported()
	case f.Has("registration"):
		return nil, registrationNotSupported()
	case a.response == "":
		return nil, protocol.ErrInvalidRequest().WithDescription("response_type is missing")
	case a.response != protocol.ResponseTypeCode:
		return nil, unsupportedResponseType()
	case !c.may(grantCode):
		return nil, protocol.ErrUnauthorizedClient().WithDescription("this client is not for the code flow")
	case c.PushedOnly && !a.pushed:
		return nil, protocol.ErrInvalidRequest().WithDescription("this client pushes its requests")
	case !slices.Contains(words(f.Get("scope")), scopeOpenID):
		return nil, protocol.ErrInvalidScope().WithDescription("scope lacks openid")
	case !ok:
		return nil, protocol.ErrInvalidRequest().WithDescription("claims is not a JSON object as OpenID Connect Core section 5.5 has it")
	}
	if err := pkce(c, f); err != nil {
		return nil, err
	}
	k := &Ask{Client: c.ID, Redirect: a.redirect, State: f.Get("state"), Nonce: f.Get("nonce"), Scopes: c.allowed(words(f.Get("scope"))),
		Prompt: words(f.Get("prompt")), Challenge: f.Get("code_challenge"), Named: names(claimed.Userinfo), TokenNamed: names(claimed.IDToken),
		Hint: loginHint(f.Get("login_hint")), Subject: claimed.subWanted(), Made: now, Expires: now.Add(askLife)}
	if !slices.Contains(k.Scopes, scopeOpenID) {
		return nil, protocol.ErrInvalidScope().WithDescription("this client may not have openid")
	}
	if k.prompts(protocol.PromptNone) && len(k.Prompt) > 1 {
		return nil, protocol.ErrInvalidRequest().WithDescription("prompt=none stands alone")
	}
	for _, word := range k.Prompt {
		switch word {
		case protocol.PromptNone, protocol.PromptLogin, protocol.PromptConsent, protocol.PromptSelectAccount:
		default:
			return nil, protocol.ErrInvalidRequest().WithDescription("prompt has a word that it cannot have")
		}
	}
	if v := f.Get("max_age"); v != "" {
		n, _ := strconv.ParseInt(v, 10, 64) // its form was judged by tidy
		k.MaxAge = &n
	}
	if err := k.level(claimed, words(f.Get("acr_values"))); err != nil {
		return nil, err
	}
	return k, p.hint(ctx, k, c, f.Get("id_token_hint"))
}

// longestHint is more than an address has, in bytes.
const longestHint = 254

// loginHint takes what may stand in the first field of a sign-in; what cannot be a name is passed over.
func loginHint(s string) string {
	if s = strings.TrimSpace(s); len(s) > longestHint || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return s
}

// pkce judges the challenge: S256 and nothing else, and demanded unless the client is excepted (BAR O1, FACTS O3).
func pkce(c *Client, f url.Values) error {
	challenge, method := f.Get("code_challenge"), f.Get("code_challenge_method")
	switch {
	case challenge == "" && method != "":
		return protocol.ErrInvalidRequest().WithDescription("code_challenge is missing")
	case challenge == "" && c.NoPKCE:
		return nil
	case challenge == "":
		return protocol.ErrInvalidRequest().WithDescription("code_challenge is missing: PKCE is required")
	case method != string(protocol.CodeChallengeMethodS256): // left out, it means plain (RFC 7636 section 4.3)
		return protocol.ErrInvalidRequest().WithDescription("code_challenge_method must be S256")
	case !challengeShaped.MatchString(challenge):
		return protocol.ErrInvalidRequest().WithDescription("code_challenge is not a SHA-256 in base64url")
	}
	return nil
}

// level says which levels of assurance would do. What acr_values asks for is asked for as firmly as an essential
// claim: a weaker sign-in is never answered in its place. Values that nobody here knows are passed over where they
// are voluntary (OpenID Connect Core section 5.5.1.1).
func (k *Ask) level(claimed wanted, values []string) error {
	byClaim, essential := claimed.acrs()
	known := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return !slices.Contains(levels(), v) })
	}
	switch {
	case essential && len(byClaim) > 0:
		if k.ACRs = known(byClaim); len(k.ACRs) == 0 {
			return unmet()
		}
	case len(known(byClaim)) > 0:
		k.ACRs = known(byClaim)
	default:
		k.ACRs = known(values)
	}
	return nil
}

// hint takes the subject of an ID token of ours, expired or not; anything else is refused.
func (p *Provider) hint(ctx context.Context, k *Ask, c *Client, hint string) error {
	if hint == "" {
		return nil
	}
	t, ok, err := p.readHint(ctx, hint)
	if err != nil {
		return err
	}
	if !ok || t.Audience != string(c.ID) || k.Subject != "" && k.Subject != t.Subject {
		return protocol.ErrInvalidRequest().WithDescription("id_token_hint is no ID token that was issued to this client")
	}
	k.Subject = t.Subject
	return nil
}
