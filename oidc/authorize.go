package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

// UserAgent is the browser that sends a request.
type UserAgent struct {
	From    account.RequestInfo
	Session string         // key of the session record; "" if no user is signed in
	User    account.UserID // of the session
}

// Action is the answer to a browser. Exactly one of Redirect, LocalPath, Consent, Denied, Over and Error is set.
type Action struct {
	Redirect  string // URL of the client; it carries the authorization response
	App       string // name of the client, if Redirect is set
	LocalPath string // path of a page for sign-in or step-up
	Locales   string // ui_locales of the request, if LocalPath is set
	Consent   *ConsentPage
	Denied    *AccessDenied
	Over      *RequestOver
	Error     *RequestError
}

// RequestOver describes a stored request that took too long, or is answered already.
type RequestOver struct {
	App  string // name of the client; "" if it is not known
	Home string // URL at which a user opens the client; "" if it is not known
}

// ConsentPage is the content of the consent page.
type ConsentPage struct {
	Request string // name of the stored request
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
		return Action{Error: tooMany(wait)}, nil
	}
	ctx = throttle.WithCharge(ctx)
	raw := parseRequest(form)
	if uri := raw.form.Get("request_uri"); strings.HasPrefix(uri, pushedPrefix) {
		pushed, err := p.takePushed(ctx, raw.form.Get("client_id"), uri)
		switch {
		case err != nil:
			return Action{}, err
		case pushed == nil:
			return p.refusal(ctx, ua, FaultPushed, raw, nil, "")
		}
		raw = parseRequest(pushed)
		raw.pushed = true
	}
	c, err := p.Clients.Find(ctx, client.ID(raw.form.Get("client_id")))
	switch {
	case err != nil:
		return Action{}, fmt.Errorf("answering an authorization request: %w", err)
	case c == nil:
		return p.refusal(ctx, ua, FaultClient, raw, nil, raw.redirect())
	case !c.HasRedirect(raw.redirect()):
		return p.refusal(ctx, ua, FaultRedirect, raw, c, raw.redirect())
	}
	req, err := p.validate(ctx, raw, c)
	if err != nil {
		return p.reject(ctx, req, "", err)
	}
	a, err := p.proceed(ctx, ua, req, "")
	a.Locales = raw.form.Get("ui_locales")
	return a, err
}

// refusal answers a request whose error the client cannot get.
func (p *Provider) refusal(ctx context.Context, ua UserAgent, fault Fault, raw *rawRequest, c *client.Client, uri string) (Action, error) {
	e, err := p.refuse(ctx, ua, fault, raw.form.Get("client_id"), c, uri)
	return Action{Error: e}, err
}

// authorizeWait counts a request and returns how long the browser must wait before it. A user has the limit of a day over all
// sessions. Without one, a request is limited by address and by network.
func (p *Provider) authorizeWait(ua UserAgent) time.Duration {
	now := p.Now()
	if ua.Session != "" {
		return p.limiter.TakeAll(now, throttle.Charge{Limit: throttle.Authorize, Subject: ua.Session},
			throttle.Charge{Limit: throttle.AuthorizeDay, Subject: string(ua.User)})
	}
	return p.limiter.TakeAll(now, throttle.ByAddress(throttle.Authorize, throttle.AuthorizeNetwork, ua.From.Address)...)
}

func tooMany(wait time.Duration) *RequestError {
	return &RequestError{Code: "temporarily_unavailable", RetryAfter: wait}
}

// errRequestOver means that a stored request was answered or has expired, or that its client was deleted or can no longer
// make it.
var errRequestOver = errors.New("the authorization request is over")

// proceed answers req, or returns what the user must do first. request is the name of a stored request; "" means that
// req is new.
func (p *Provider) proceed(ctx context.Context, ua UserAgent, req *AuthorizationRequest, request string) (Action, error) {
	var j judgement
	op := p.Accounts.NewOperation(ua.From)
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		j, err = p.judge(s, op, ua, req)
		return err
	})
	if err != nil {
		return p.reject(ctx, req, request, err)
	}
	c := j.client
	switch j.needs {
	case satisfied:
		code, err := p.answer(ctx, op, ua, req, request, j)
		if err != nil {
			return p.reject(ctx, req, request, err)
		}
		return Action{Redirect: p.response(req, url.Values{"code": {code}}), App: c.Name}, nil
	case denied:
		return Action{Denied: &AccessDenied{App: c.Name, Redirect: p.errorResponse(req, policyRefusal())}}, nil
	case keyMissing:
		return Action{Denied: &AccessDenied{App: c.Name, NeedsKey: true, Redirect: p.errorResponse(req, unmetRequirements())}}, nil
	}
	if request == "" {
		var wait time.Duration
		if request, wait, err = p.storeRequest(ctx, ua, req); err != nil {
			return Action{}, err
		}
		if wait > 0 {
			return Action{Error: tooMany(wait)}, nil
		}
	}
	back := url.QueryEscape(PathContinue + "?request=" + request)
	switch j.needs {
	case signIn:
		return Action{LocalPath: "/login?next=" + back}, nil
	case stepUp:
		return Action{LocalPath: "/account/prove?next=" + back}, nil
	case stepUpWithKey:
		return Action{LocalPath: "/account/prove?method=key&next=" + back}, nil
	}
	return Action{Consent: &ConsentPage{Request: request, App: c.Name, URI: c.URI, Scopes: consentScopes(req.Scopes, slices.Concat(req.UserinfoClaims, req.IDTokenClaims))}}, nil
}

// reject ends a request with an error: the client gets an OAuth error, the user a page if the request is over, and the
// caller any other error.
func (p *Provider) reject(ctx context.Context, req *AuthorizationRequest, request string, err error) (Action, error) {
	if errors.Is(err, errRequestOver) {
		return p.over(ctx, req.Client)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return Action{}, fmt.Errorf("answering an authorization request: %w", err)
	}
	if request != "" {
		if err := p.Store.Update(ctx, func(tx store.Tx) error { return p.requests.Delete(tx, requestKey(request)) }); err != nil {
			return Action{}, fmt.Errorf("ending an authorization request: %w", err)
		}
	}
	a := Action{Redirect: p.errorResponse(req, e)}
	if c, err := p.Clients.Find(ctx, req.Client); err != nil {
		return Action{}, err
	} else if c != nil {
		a.App = c.Name
	}
	return a, nil
}

// over answers a request that is over with a page that leads back to its client.
func (p *Provider) over(ctx context.Context, id client.ID) (Action, error) {
	c, err := p.Clients.Find(ctx, id)
	if err != nil || c == nil {
		return Action{Over: &RequestOver{}}, err
	}
	return Action{Over: &RequestOver{App: c.Name, Home: c.Home()}}, nil
}

// errorResponse returns the URL that carries an error to the client.
func (p *Provider) errorResponse(req *AuthorizationRequest, e *Error) string {
	params := url.Values{"error": {e.Code}}
	if e.Description != "" {
		params.Set("error_description", e.Description)
	}
	return p.response(req, params)
}

// response returns the URL that carries params to the client, with the state of the request and iss (RFC 9207).
func (p *Provider) response(req *AuthorizationRequest, params url.Values) string {
	if req.State != "" {
		params.Set("state", req.State)
	}
	params.Set("iss", p.Issuer)
	return withQuery(req.Redirect, params)
}

// withQuery adds parameters to a registered URI, and keeps its own query as it is (RFC 6749 §3.1.2).
func withQuery(registered string, params url.Values) string {
	u, err := url.Parse(registered)
	if err != nil {
		panic("a registered URI is not a URI: " + err.Error())
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += params.Encode()
	return u.String()
}

// storeRequest stores a request while its user completes a step, and returns its name. If too many wait, it returns how long to
// wait before the next one.
func (p *Provider) storeRequest(ctx context.Context, ua UserAgent, req *AuthorizationRequest) (name string, wait time.Duration, err error) {
	op := p.Accounts.NewOperation(ua.From)
	secret, stored := op.Secret("request"), *req
	user := ua.User
	if user == "" {
		if user, err = p.Sessions.BrowserUser(ctx, ua.From.Browser); err != nil {
			return "", 0, err
		}
	}
	size, err := sizeOf(stored)
	if err != nil {
		return "", 0, err
	}
	ttl, wait := p.waitingTime(op.Now, user, ua.From.Address, size)
	if wait > 0 {
		return "", wait, nil
	}
	stored.Expires = op.Now.Add(ttl)
	err = p.Store.Update(ctx, func(tx store.Tx) error { return p.requests.Put(tx, secret.Key(), stored) })
	if err != nil {
		return "", 0, fmt.Errorf("storing an authorization request: %w", err)
	}
	return requestName(secret, req.Client), 0, nil
}

// sizeOf returns what a request costs, in KiB. The last one begun counts.
func sizeOf(req AuthorizationRequest) (int, error) {
	raw, err := json.Marshal(req)
	if err != nil {
		return 0, fmt.Errorf("encoding an authorization request: %w", err)
	}
	return 1 + len(raw)>>10, nil
}

// waitingTime counts the size of a request that will wait for its user and returns how long it may wait. If too many wait
// already, it returns how long to wait before the next one. user is that of the session or known browser; "" without one.
func (p *Provider) waitingTime(now time.Time, user account.UserID, from netip.Addr, size int) (ttl, wait time.Duration) {
	for _, w := range []struct {
		ttl   time.Duration
		limit throttle.Shared
	}{{maxRequestTTL, throttle.WaitingRequests}, {requestTTL, throttle.ShortRequests}} {
		if wait = p.shareWait(now, w.limit, user, from, size); wait == 0 {
			return w.ttl, 0
		}
	}
	return 0, wait
}

// shareWait counts what a user causes against their share and returns how long to wait before it. What is beyond the share counts as
// that of the network: a thief may have used the share.
func (p *Provider) shareWait(now time.Time, limit throttle.Shared, user account.UserID, from netip.Addr, cost int) time.Duration {
	if user != "" && p.limiter.TakeAll(now, limit.Of("user "+string(user), cost)...) == 0 {
		return 0
	}
	return p.limiter.TakeAll(now, limit.By(from, cost)...)
}

// judgement is what a request needs next and, if that is nothing, its answer.
type judgement struct {
	client *client.Client
	needs  requirement
	code   token.AuthorizationCode
}

// judge judges a request by the state of its client and session.
func (p *Provider) judge(r store.Reader, op *account.Operation, ua UserAgent, req *AuthorizationRequest) (j judgement, err error) {
	if j.client, err = p.Clients.Get(r, req.Client); err != nil {
		return j, err
	}
	c := j.client
	if c == nil || !req.allowedBy(c) {
		return j, errRequestOver
	}
	b, err := p.Tokens.Session(r, ua.Session)
	if err != nil {
		return j, err
	}
	if j.needs, err = p.nextRequirement(r, op.Now, req, c, b); err != nil || j.needs != satisfied {
		return j, err
	}
	j.code = token.AuthorizationCode{Client: c.ID, Redirect: req.Redirect, Challenge: req.Challenge, Nonce: req.Nonce,
		Scopes: req.Scopes, UserinfoClaims: req.UserinfoClaims, IDTokenClaims: req.IDTokenClaims, AuthContext: req.authContext(c, b, op.Now),
		Address: op.Request.ClientAddress(), Agent: op.Request.Agent, Request: op.Request.RequestID,
		Created: op.Now, Expires: op.Now.Add(token.CodeTTL)}
	return j, nil
}

// answer returns the value of a code for the request. A stored request is judged again in the Update that deletes it: a page that is
// loaded twice gives one code. A new request has nothing to store: its code is judged when it is redeemed.
func (p *Provider) answer(ctx context.Context, op *account.Operation, ua UserAgent, req *AuthorizationRequest, request string, j judgement) (string, error) {
	code := j.code
	if request != "" {
		var err error
		code, err = store.Do(ctx, p.Store, func(tx store.Tx) (token.AuthorizationCode, error) {
			none := token.AuthorizationCode{}
			stored, err := p.loadRequest(tx, request)
			if err != nil || stored == nil {
				return none, cmp.Or(err, errRequestOver)
			}
			if err := p.requests.Delete(tx, requestKey(request)); err != nil {
				return none, err
			}
			j, err := p.judge(tx, op, ua, req)
			if err != nil || j.needs != satisfied {
				return none, cmp.Or[error](err, loginRequired("the session has changed"))
			}
			return j.code, nil
		})
		if err != nil {
			return "", err
		}
	}
	value, err := p.Tokens.SealCode(op.Secret("code"), code)
	if err != nil {
		return "", err
	}
	return value.Reveal(), nil
}
