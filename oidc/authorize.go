package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/store"
)

// UserAgent is the browser that sends a request.
type UserAgent struct {
	From    authn.Origin
	Session string // key of the session record; "" if no user is signed in
}

// Action is the answer to a browser. Exactly one of Redirect, LocalPath, Consent, Denied and Error is set.
type Action struct {
	Redirect  string // URL of the client; it carries the authorization response
	App       string // name of the client, if Redirect is set
	LocalPath string // path of a page for sign-in or step-up
	Locales   string // ui_locales of the request, if LocalPath is set
	Consent   *ConsentPage
	Denied    *AccessDenied
	Error     *RequestError
}

// RequestError describes a request that is answered with a page, because the client or its redirect URI is not known
// (RFC 6749 §4.1.2.1).
type RequestError struct {
	Code       string        // for the developer
	RetryAfter time.Duration // set if there were too many requests
}

// ConsentPage is the content of the consent page.
type ConsentPage struct {
	Request string // secret of the stored request
	App     string
	URI     string
	Scopes  []string
}

// AccessDenied describes a refusal by the client's policy.
type AccessDenied struct {
	App      string
	NeedsKey bool   // the policy requires a security key and the user has none
	Redirect string // URL of the client; it carries the error
}

// Authorize answers a request at the authorization endpoint. An error is internal: the user can repeat the request.
func (p *Provider) Authorize(ctx context.Context, ua UserAgent, form url.Values) (Action, error) {
	if wait := p.authorizeWait(ua); wait > 0 {
		return Action{Error: &RequestError{Code: "temporarily_unavailable", RetryAfter: wait}}, nil
	}
	raw := parseRequest(form)
	if uri := raw.form.Get("request_uri"); strings.HasPrefix(uri, pushedPrefix) {
		pushed, err := p.takePushed(ctx, raw.form.Get("client_id"), uri)
		switch {
		case err != nil:
			return Action{}, err
		case pushed == nil:
			return pageError("invalid_request_uri"), nil
		}
		raw = parseRequest(pushed)
		raw.pushed = true
	}
	c, err := p.lookup(ctx, raw)
	if err != nil {
		return Action{}, fmt.Errorf("answering an authorization request: %w", err)
	}
	if c == nil {
		return pageError("invalid_request"), nil
	}
	req, err := p.validate(ctx, raw, c)
	if err != nil {
		return p.reject(ctx, req, "", err)
	}
	a, err := p.proceed(ctx, ua, req, "")
	a.Locales = raw.form.Get("ui_locales")
	return a, err
}

func pageError(code string) Action { return Action{Error: &RequestError{Code: code}} }

// lookup returns the client of a request; nil if the client is unknown or did not register the redirect URI.
func (p *Provider) lookup(ctx context.Context, raw *rawRequest) (*Client, error) {
	c, err := p.findClient(ctx, ClientID(raw.form.Get("client_id")))
	if err != nil || c == nil || raw.redirect() == "" || !c.HasRedirect(raw.redirect()) {
		return nil, err
	}
	return c, nil
}

// authorizeWait is how long a browser has to wait before it may bring a further request; it takes one from what it may. A
// stranger's address is no limit where they have a whole network of them.
func (p *Provider) authorizeWait(b UserAgent) time.Duration {
	now := p.Now()
	if b.Session != "" {
		_, retry, _ := p.limiter.Take(now, throttle.Authorize, b.Session)
		return retry
	}
	_, retry, _ := p.limiter.Take(now, throttle.Authorize, throttle.Address(b.From.Address))
	if _, wide, _ := p.limiter.Take(now, throttle.AuthorizeNetwork, throttle.Network(b.From.Address)); wide > retry {
		retry = wide
	}
	return retry
}

// requirement is what an Ask needs next.
type requirement int

const (
	satisfied requirement = iota
	signIn
	stepUp
	stepUpWithKey
	consent
	denied     // policy: it is for others
	keyMissing // policy: only a security key counts, and the person has none
)

// nextRequirement decides what a request needs before it is answered, in the order in which the person would meet it. An error
// is one for the client. Whatever is asked for (max_age, prompt, acr, the client's policy) leads to a proof, never to a
// weaker yes (BAR O3).
func (p *Provider) nextRequirement(r store.Reader, now time.Time, k *AuthorizationRequest, c *Client, b *authn.Bearer) (requirement, error) {
	silent := k.prompts(promptNone)
	if b == nil {
		if silent {
			return 0, loginRequired("the user is not signed in")
		}
		return signIn, nil
	}
	switch {
	case k.prompts(promptSelectAccount):
		return 0, &Error{Code: "account_selection_required", Description: "a browser has one account here"}
	case k.Subject != "" && k.Subject != p.subject(c, b.User):
		return 0, loginRequired("somebody else is signed in")
	case !c.Policy.Allows(b.Groups):
		if silent {
			return 0, policyRefusal()
		}
		return denied, nil
	}
	strong, maxAge := k.asks(c, b)
	policy, _ := c.Policy.Requirements(b.Groups)
	if strong && !Reaches(LevelOf(b), LevelPhishingResistant) {
		u, err := p.People.Person(r, b.User)
		switch {
		case err != nil:
			return 0, err
		case !p.People.Strong(&u) && policy && !silent:
			return keyMissing, nil
		case !p.People.Strong(&u): // the application asks for it, and may be content with less
			return 0, unmetRequirements()
		case silent:
			return 0, &Error{Code: "interaction_required"}
		}
		return stepUpWithKey, nil
	}
	proven := authTime(b)
	if strong { // a code entered since then renews nothing of what only a key can
		proven = b.Keyed
	}
	if k.stale(proven, maxAge, now) {
		switch {
		case silent:
			return 0, loginRequired("the user is not signed in")
		case strong: // the new proof is not weaker than the one that it renews
			return stepUpWithKey, nil
		}
		return stepUp, nil
	}
	return p.nextConsent(r, k, c, b, silent)
}

func (p *Provider) nextConsent(r store.Reader, k *AuthorizationRequest, c *Client, b *authn.Bearer, silent bool) (requirement, error) {
	anybody := c.SpoofableRedirect(k.Redirect)
	if k.ConsentSession == b.Session || !c.Policy.Consent && !anybody && !k.prompts(promptConsent) {
		return satisfied, nil
	}
	if !anybody && !k.prompts(promptConsent) {
		given, err := p.consents.Get(r, consentID(b.User, c.ID))
		if there, err := found(err); err != nil {
			return 0, err
		} else if there && given.covers(k) {
			return satisfied, nil
		}
	}
	if silent {
		return 0, &Error{Code: "consent_required"}
	}
	return consent, nil
}

// errRequestOver means that a stored request was answered or has expired, or that its client was deleted.
var errRequestOver = errors.New("the authorization request is over")

// proceed answers k, or returns what the user must do first. request is the secret of a stored request; "" means that
// k is new.
func (p *Provider) proceed(ctx context.Context, ua UserAgent, k *AuthorizationRequest, request string) (Action, error) {
	var c *Client
	var needs requirement
	now := p.now()
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		if c, err = p.loadClient(s, k.Client); err != nil {
			return err
		}
		if c == nil {
			return errRequestOver
		}
		bearer, err := p.bearer(s, ua.Session, now)
		if err != nil {
			return err
		}
		needs, err = p.nextRequirement(s, now, k, c, bearer)
		return err
	})
	if err != nil {
		return p.reject(ctx, k, request, err)
	}
	switch needs {
	case satisfied:
		code, err := p.answer(ctx, ua, k, c, request)
		if err != nil {
			return p.reject(ctx, k, request, err)
		}
		return Action{Redirect: p.response(k, url.Values{"code": {code}}), App: c.Name}, nil
	case denied:
		return Action{Denied: &AccessDenied{App: c.Name, Redirect: p.errorResponse(k, policyRefusal())}}, nil
	case keyMissing:
		return Action{Denied: &AccessDenied{App: c.Name, NeedsKey: true, Redirect: p.errorResponse(k, unmetRequirements())}}, nil
	}
	if request == "" {
		if request, err = p.storeRequest(ctx, ua, k); err != nil {
			return Action{}, err
		}
	}
	back := url.QueryEscape(PathContinue + "?request=" + request)
	switch needs {
	case signIn:
		return Action{LocalPath: "/login?next=" + back}, nil
	case stepUp:
		return Action{LocalPath: "/account/prove?next=" + back}, nil
	case stepUpWithKey:
		return Action{LocalPath: "/account/prove?way=key&next=" + back}, nil
	}
	return Action{Consent: &ConsentPage{Request: request, App: c.Name, URI: c.URI, Scopes: consentScopes(k.Scopes, slices.Concat(k.UserinfoClaims, k.IDTokenClaims))}}, nil
}

// reject ends a request with an error: the client gets an OAuth error, the user a page if the request is over, and the
// caller any other error.
func (p *Provider) reject(ctx context.Context, k *AuthorizationRequest, request string, err error) (Action, error) {
	if errors.Is(err, errRequestOver) {
		return pageError("invalid_request"), nil
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Action{}, fmt.Errorf("answering an authorization request: %w", err)
	}
	if request != "" {
		if err := p.Store.Update(ctx, func(tx store.Tx) error { return p.asked.Delete(tx, authn.SecretOf(request).Hash()) }); err != nil {
			return Action{}, fmt.Errorf("ending an authorization request: %w", err)
		}
	}
	a := Action{Redirect: p.errorResponse(k, e)}
	if c, err := p.findClient(ctx, k.Client); err != nil {
		return Action{}, err
	} else if c != nil {
		a.App = c.Name
	}
	return a, nil
}

// errorResponse returns the URL that carries an error to the client.
func (p *Provider) errorResponse(k *AuthorizationRequest, e *Error) string {
	params := url.Values{"error": {e.Code}}
	if e.Description != "" {
		params.Set("error_description", e.Description)
	}
	return p.response(k, params)
}

// response returns the URL that carries params to the client, with the state of the request and iss (RFC 9207).
func (p *Provider) response(k *AuthorizationRequest, params url.Values) string {
	u, err := url.Parse(k.Redirect)
	if err != nil {
		panic("a registered redirect URI is not a URI: " + err.Error())
	}
	q := u.Query()
	for name := range params {
		q.Add(name, params.Get(name))
	}
	if k.State != "" {
		q.Add("state", k.State)
	}
	q.Add("iss", p.Issuer)
	u.RawQuery = q.Encode()
	return u.String()
}

// bearer is the session of a browser; nil when nobody is signed in.
func (p *Provider) bearer(r store.Reader, session string, now time.Time) (*authn.Bearer, error) {
	b, err := p.People.Bearer(r, session, now)
	if gone(err) {
		return nil, nil
	}
	return &b, err
}

// storeRequest stores a request for as long as its person needs, and returns the secret that it is found by.
func (p *Provider) storeRequest(ctx context.Context, b UserAgent, k *AuthorizationRequest) (string, error) {
	act := p.People.NewAct(b.From)
	secret := act.Secret("request")
	err := p.Store.Update(ctx, func(tx store.Tx) error { return p.asked.Put(tx, secret.Hash(), *k) })
	if err != nil {
		return "", fmt.Errorf("keeping an authorization request: %w", err)
	}
	return secret.Reveal(), nil
}

// answer makes the code. The person is judged again in the Update that stores it, and the request is spent in it: a
// page loaded twice gives one code.
func (p *Provider) answer(ctx context.Context, browser UserAgent, k *AuthorizationRequest, c *Client, request string) (string, error) {
	act := p.People.NewAct(browser.From)
	code, event := act.Secret("code"), audit.NewID(act.Now)
	err := p.Store.Update(ctx, func(tx store.Tx) error {
		if request != "" {
			again, err := p.loadRequest(tx, request)
			if err != nil || again == nil {
				return orElse(err, errRequestOver)
			}
			if err := p.asked.Delete(tx, authn.SecretOf(request).Hash()); err != nil {
				return err
			}
		}
		b, err := p.bearer(tx, browser.Session, act.Now)
		if err != nil {
			return err
		}
		if needs, err := p.nextRequirement(tx, act.Now, k, c, b); err != nil || needs != satisfied {
			return orElse(err, loginRequired("the user is not signed in"))
		}
		out := AuthorizationCode{Client: c.ID, Redirect: k.Redirect, Challenge: k.Challenge, Nonce: k.Nonce, Scopes: k.Scopes, UserinfoClaims: k.UserinfoClaims,
			IDTokenClaims: k.IDTokenClaims, AuthContext: k.signed(c, b, act.Now), Created: act.Now, Expires: act.Now.Add(codeTTL)}
		if err := p.codes.Put(tx, code.Hash(), out); err != nil {
			return err
		}
		return p.audit(tx, act, event, about(b.User, b.Login, c, audit.AppSignIn, audit.Success, ""))
	})
	return code.Reveal(), err
}

// orElse is the error that there is, or the one that there is to be.
func orElse(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
