package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/internal/throttle"
	"barillet/store"
)

// Browser is who brings a request.
type Browser struct {
	From    authn.RequestInfo
	Session string // key of the record of the browser's session; "": nobody is signed in
}

// Answer is what a browser is to do next: one of its parts is set.
type Answer struct {
	To      string // go there, to the application: the answer to its request is in it
	App     string // with To, where a page may come between: the application's name
	Path    string // go there, to a page of ours
	Locales string // with Path: the languages that the application would have it in, best first
	Consent *ConsentPage
	Shut    *ShutPage
	Wrong   *Wrong
}

// Wrong is a request that nobody can be told of but the person before the page: who asks is not known, or where to.
type Wrong struct {
	Code  string        // of RFC 6749, for the developer
	Retry time.Duration // too many requests: how long to wait
}

// ConsentPage is what a page of consent tells.
type ConsentPage struct {
	Request string
	App     string
	URI     string
	Scopes  []string
}

// ShutPage is what somebody is told whom an administrator's policy keeps out of an application. The application
// learns of it when they go back there: it could do nothing about it, and has no words for it.
type ShutPage struct {
	App      string
	NeedsKey bool   // it asks for a security key, and the person has none; else it is for others
	To       string // back to the application, with the error
}

// Authorize judges a request at the authorization endpoint and answers it, or says what the person is to do first.
// What cannot be told to the client is in Answer.Wrong; an error is one inside the house.
func (p *Provider) Authorize(ctx context.Context, b Browser, form url.Values) (Answer, error) {
	if wait := p.waits(b); wait > 0 {
		return Answer{Wrong: &Wrong{Code: "temporarily_unavailable", Retry: wait}}, nil
	}
	a := readAsked(form)
	if uri := a.form.Get("request_uri"); strings.HasPrefix(uri, pushedPrefix) {
		pushed, err := p.takePushed(ctx, a.form.Get("client_id"), uri)
		switch {
		case err != nil:
			return Answer{}, err
		case pushed == nil:
			return Answer{Wrong: &Wrong{Code: "invalid_request_uri"}}, nil
		}
		a = readAsked(pushed)
		a.pushed = true
	}
	a.browser = b
	return p.brought(ctx, a)
}

// waits is how long a browser has to wait before it may bring a further request; it takes one from what it may. A
// stranger's address is no limit where they have a whole network of them.
func (p *Provider) waits(b Browser) time.Duration {
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

// brought hands a request to the library and reads its answer.
func (p *Provider) brought(ctx context.Context, a *asked) (Answer, error) {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}, Host: p.Issuer,
		URL: &url.URL{Path: PathAuthorize, RawQuery: a.form.Encode()}}
	out := &recorded{header: http.Header{}}
	p.authorize.ServeHTTP(out, r.WithContext(context.WithValue(ctx, askedKey{}, a)))
	if to := out.header.Get("Location"); to != "" {
		if strings.HasPrefix(to, "/") {
			out, err := p.page(ctx, a.browser, to)
			out.Locales = a.form.Get("ui_locales")
			return out, err
		}
		return Answer{To: to}, nil
	}
	switch {
	case out.status == http.StatusServiceUnavailable: // fault has told the log why
		return Answer{}, fmt.Errorf("judging an authorization request: %w", store.ErrUnavailable)
	case out.status >= http.StatusInternalServerError:
		return Answer{}, errors.New("judging an authorization request failed")
	}
	var told struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(out.body, &told); err != nil || told.Error == "" {
		told.Error = "invalid_request"
	}
	return Answer{Wrong: &Wrong{Code: told.Error}}, nil
}

// page is an answer that leads to a page of ours: the one of consent is shown at once.
func (p *Provider) page(ctx context.Context, b Browser, path string) (Answer, error) {
	if rest, ok := strings.CutPrefix(path, PathContinue+"?request="); ok {
		return p.Continue(ctx, b, rest)
	}
	return Answer{Path: path}, nil
}

// VerifyAuthRequest finds the client and judges the redirect URI. What it refuses is told on a page.
func (s *server) VerifyAuthRequest(ctx context.Context, r *op.Request[protocol.AuthRequest]) (*op.ClientRequest[protocol.AuthRequest], error) {
	a, _ := ctx.Value(askedKey{}).(*asked)
	if a == nil {
		return nil, protocol.ErrServerError()
	}
	c, err := s.viewed(ctx, ClientID(r.Data.ClientID))
	if err != nil {
		return nil, s.fault(ctx, "finding a client", err)
	}
	switch {
	case c == nil:
		return nil, protocol.ErrInvalidRequestRedirectURI().WithDescription("there is no such client")
	case a.redirect == "" || !c.redirect(a.redirect):
		return nil, protocol.ErrInvalidRequestRedirectURI().WithDescription("redirect_uri is not registered")
	}
	a.client = c
	r.Data.ResponseMode = protocol.ResponseModeQuery // where errors go, whatever kind of answer was asked for
	return &op.ClientRequest[protocol.AuthRequest]{Request: r, Client: shown{c, a}}, nil
}

// Authorize judges what is left, and answers at once where nothing is needed from the person.
func (s *server) Authorize(ctx context.Context, _ *op.ClientRequest[protocol.AuthRequest]) (*op.Redirect, error) {
	a := ctx.Value(askedKey{}).(*asked)
	k, err := s.judged(ctx, s.now(), a)
	if err != nil {
		return nil, s.fault(ctx, "judging an authorization request", err)
	}
	to, _, err := s.advance(ctx, a.browser, k, "")
	if err != nil {
		return nil, s.fault(ctx, "answering an authorization request", err)
	}
	return op.NewRedirect(to), nil
}

// step is what an Ask needs next.
type step int

const (
	stepAnswer step = iota
	stepLogin
	stepProve
	stepProveStrong
	stepConsent
	stepShut  // policy: it is for others
	stepNoKey // policy: only a security key counts, and the person has none
)

// next decides what a request needs before it is answered, in the order in which the person would meet it. An error
// is one for the client. Whatever is asked for (max_age, prompt, acr, the client's policy) leads to a proof, never to a
// weaker yes (BAR O3).
func (p *Provider) next(r store.Reader, now time.Time, k *Ask, c *Client, b *authn.Bearer) (step, error) {
	silent := k.prompts(protocol.PromptNone)
	if b == nil {
		if silent {
			return 0, protocol.ErrLoginRequired()
		}
		return stepLogin, nil
	}
	switch {
	case k.prompts(protocol.PromptSelectAccount):
		return 0, selectionRequired()
	case k.Subject != "" && k.Subject != p.subject(c, b.User):
		return 0, protocol.ErrLoginRequired().WithDescription("somebody else is signed in")
	case !c.Policy.admits(b.Groups):
		if silent {
			return 0, notAdmitted()
		}
		return stepShut, nil
	}
	strong, maxAge := k.asks(c, b)
	policy, _ := c.Policy.asks(b.Groups)
	if strong && !reaches(levelOf(b), levelStrong) {
		u, err := p.People.User(r, b.User)
		switch {
		case err != nil:
			return 0, err
		case !p.People.HasPhishingResistant(&u) && policy && !silent:
			return stepNoKey, nil
		case !p.People.HasPhishingResistant(&u): // the application asks for it, and may be content with less
			return 0, unmet()
		case silent:
			return 0, protocol.ErrInteractionRequired()
		}
		return stepProveStrong, nil
	}
	proven := authTime(b)
	if strong { // a code entered since then renews nothing of what only a key can
		proven = b.PhishingResistantAt
	}
	if k.stale(proven, maxAge, now) {
		switch {
		case silent:
			return 0, protocol.ErrLoginRequired()
		case strong: // the new proof is not weaker than the one that it renews
			return stepProveStrong, nil
		}
		return stepProve, nil
	}
	return p.nextConsent(r, k, c, b, silent)
}

func (p *Provider) nextConsent(r store.Reader, k *Ask, c *Client, b *authn.Bearer, silent bool) (step, error) {
	anybody := c.anybodys(k.Redirect)
	if k.Agreed == b.Session || !c.Policy.Consent && !anybody && !k.prompts(protocol.PromptConsent) {
		return stepAnswer, nil
	}
	if !anybody && !k.prompts(protocol.PromptConsent) {
		given, err := p.consents.Get(r, consentID(b.User, c.ID))
		if there, err := found(err); err != nil {
			return 0, err
		} else if there && given.covers(k) {
			return stepAnswer, nil
		}
	}
	if silent {
		return 0, consentRequired()
	}
	return stepConsent, nil
}

// advance takes a request as far as it goes: to the application with an answer, or to the page where the person goes
// on, which needs says. request is the secret that it is kept under, "" for one that is new. The URL returned is the
// application's, or a path of ours.
func (p *Provider) advance(ctx context.Context, browser Browser, k *Ask, request string) (to string, needs step, err error) {
	var c *Client
	var bearer *authn.Bearer
	now := p.now()
	err = p.Store.View(ctx, func(s store.Snapshot) (err error) {
		if c, err = p.client(s, k.Client); err != nil || c == nil {
			return err
		}
		if bearer, err = p.bearer(s, browser.Session, now); err != nil {
			return err
		}
		needs, err = p.next(s, now, k, c, bearer)
		return err
	})
	switch {
	case err != nil:
		return "", needs, err
	case c == nil:
		return "", needs, protocol.ErrInvalidRequestRedirectURI()
	case needs == stepAnswer:
		to, err = p.answer(ctx, browser, k, c, request)
		return to, needs, err
	}
	if request == "" {
		if request, err = p.keep(ctx, browser, k); err != nil {
			return "", needs, err
		}
	}
	back := PathContinue + "?request=" + request
	switch needs {
	case stepLogin:
		return "/login?next=" + url.QueryEscape(back), needs, nil
	case stepProve:
		return "/account/prove?next=" + url.QueryEscape(back), needs, nil
	case stepProveStrong:
		return "/account/prove?way=key&next=" + url.QueryEscape(back), needs, nil
	}
	return back, needs, nil
}

// bearer is the session of a browser; nil when nobody is signed in.
func (p *Provider) bearer(r store.Reader, session string, now time.Time) (*authn.Bearer, error) {
	b, err := p.Sessions.Lookup(r, session, now)
	if gone(err) {
		return nil, nil
	}
	return &b, err
}

// keep stores a request for as long as its person needs, and returns the secret that it is found by.
func (p *Provider) keep(ctx context.Context, b Browser, k *Ask) (string, error) {
	act := p.People.NewOperation(b.From)
	secret := act.Secret("request")
	err := p.Store.Update(ctx, func(tx store.Tx) error { return p.asked.Put(tx, secret.Hash(), *k) })
	if err != nil {
		return "", fmt.Errorf("keeping an authorization request: %w", err)
	}
	return secret.Reveal(), nil
}

// granted is a successful answer, in the library's way of writing (RFC 6749 section 4.1.2).
type granted struct {
	Code  string `schema:"code"`
	State string `schema:"state,omitempty"`
}

// answer makes the code and the URL that takes it to the application. The person is judged again in the Update that
// stores it, and the request is spent in it: a page loaded twice gives one code.
func (p *Provider) answer(ctx context.Context, browser Browser, k *Ask, c *Client, request string) (string, error) {
	act := p.People.NewOperation(browser.From)
	code, event := act.Secret("code"), audit.NewID(act.Now)
	err := p.Store.Update(ctx, func(tx store.Tx) error {
		if request != "" {
			again, err := p.ask(tx, request)
			if err != nil || again == nil {
				return orElse(err, protocol.ErrInvalidRequestRedirectURI().WithDescription("the request is over"))
			}
			if err := p.asked.Delete(tx, authn.SecretOf(request).Hash()); err != nil {
				return err
			}
		}
		b, err := p.bearer(tx, browser.Session, act.Now)
		if err != nil {
			return err
		}
		if needs, err := p.next(tx, act.Now, k, c, b); err != nil || needs != stepAnswer {
			return orElse(err, protocol.ErrLoginRequired())
		}
		out := Code{Client: c.ID, Redirect: k.Redirect, Challenge: k.Challenge, Nonce: k.Nonce, Scopes: k.Scopes, Named: k.Named,
			TokenNamed: k.TokenNamed, Signed: k.signed(c, b, act.Now), Made: act.Now, Expires: act.Now.Add(codeLife)}
		if err := p.codes.Put(tx, code.Hash(), out); err != nil {
			return err
		}
		return p.audit(tx, act, event, about(b.User, b.Login, c, audit.AppSignIn, audit.Success, ""))
	})
	if err != nil {
		return "", err
	}
	return op.AuthResponseURL(k.Redirect, protocol.ResponseTypeCode, protocol.ResponseModeQuery, &granted{code.Reveal(), k.State}, p.encoder())
}

// orElse is the error that there is, or the one that there is to be.
func orElse(err error, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
