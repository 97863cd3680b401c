package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/oidc/token"
)

// The paths below the issuer.
const (
	PathDiscovery      = "/.well-known/openid-configuration"
	PathServerMetadata = "/.well-known/oauth-authorization-server" // the same document (RFC 8414 §3)
	PathAuthorize      = "/oauth2/v1/authorize"
	PathContinue       = "/oauth2/v1/continue"
	PathToken          = "/oauth2/v1/token"
	PathUserinfo       = "/oauth2/v1/userinfo"
	PathKeys           = "/oauth2/v1/keys"
	PathIntrospect     = "/oauth2/v1/introspect"
	PathRevoke         = "/oauth2/v1/revoke"
	PathLogout         = "/oauth2/v1/logout"
	PathPush           = "/oauth2/v1/par"
	PathDevice         = "/oauth2/v1/device/authorize"
	PathClients        = "/oauth2/v1/clients"
	PathUserCode       = "/device" // the page where a user enters the code of a device
)

type originKey struct{}

// WithOrigin returns a context with the origin of a request.
func WithOrigin(ctx context.Context, req account.RequestInfo) context.Context {
	return context.WithValue(ctx, originKey{}, req)
}

func originOf(ctx context.Context) account.RequestInfo {
	req, _ := ctx.Value(originKey{}).(account.RequestInfo)
	return req
}

// maxForm is the greatest size of a form, in bytes.
const maxForm = 32 << 10

// endpoint answers an authenticated client. Its result is sent as JSON.
type endpoint func(ctx context.Context, c *client.Client, form url.Values) (any, error)

// basicChallenge is the challenge of a failed client authentication (RFC 9110 §15.5.2).
const basicChallenge = `Basic realm="barillet"`

// PublicEndpoints serves the discovery document, at both of its addresses, and the public keys.
func (p *Provider) PublicEndpoints() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowScripts(w)
		var answer any = p.Metadata()
		if r.URL.Path == PathKeys {
			set, err := p.Keys.Published(r.Context())
			if err != nil {
				writeError(w, p.fault(r.Context(), "publishing keys", err))
				return
			}
			answer = set
		}
		w.Header().Set("Cache-Control", "public, max-age=3600") // a key is published a day before it signs
		writeJSON(w, http.StatusOK, answer)
	})
}

// TokenEndpoints serves the endpoints that clients call directly: token, introspection, revocation, device authorization
// and pushed authorization.
func (p *Provider) TokenEndpoints() http.Handler {
	endpoints := map[string]endpoint{PathToken: p.token, PathIntrospect: p.introspect, PathRevoke: p.revoke,
		PathDevice: p.startDevice, PathPush: p.push}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setClientHeaders(w)
		form, wrong := readForm(w, r)
		if wrong != "" {
			writeError(w, invalidRequest(wrong))
			return
		}
		given, unreadable := readCredentials(r, form)
		if wait := p.callWait(r, given.ID); wait > 0 {
			writeTooMany(w, wait)
			return
		}
		r = r.WithContext(throttle.WithCharge(r.Context()))
		answer, err := p.serveClient(r, form, given, unreadable, endpoints[r.URL.Path])
		switch {
		case err != nil:
			e := p.fault(r.Context(), "serving "+r.URL.Path, err)
			if e.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", basicChallenge)
			}
			writeError(w, e)
		case r.URL.Path == PathPush:
			writeJSON(w, http.StatusCreated, answer) // RFC 9126 §2.2
		default:
			writeJSON(w, http.StatusOK, answer)
		}
	})
}

// serveClient authenticates a client and serves its request. unreadable is the fault of its credentials, or nil.
func (p *Provider) serveClient(r *http.Request, form url.Values, given client.Credentials, unreadable error, serve endpoint) (any, error) {
	if r.URL.Path == PathToken {
		if err := require(form, "grant_type"); err != nil {
			return nil, err
		}
		if !slices.Contains([]string{client.GrantCode, client.GrantRefresh, client.GrantDevice, client.GrantClientCredentials}, form.Get("grant_type")) {
			return nil, unsupportedGrantType()
		}
	}
	if unreadable != nil {
		return nil, unreadable
	}
	c, err := p.Clients.Authenticate(r.Context(), given)
	if err != nil {
		return nil, err
	}
	return serve(r.Context(), c, form)
}

// token is the token endpoint.
func (p *Provider) token(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	grant := form.Get("grant_type")
	if !c.HasGrant(grant) {
		return nil, unauthorizedClient("this client may not use the grant type")
	}
	if !slices.Contains(p.grantTypes(), grant) {
		return nil, unsupportedGrantType()
	}
	if err := checkTarget(c, form); err != nil {
		return nil, err
	}
	required := map[string][]string{client.GrantCode: {"code", "redirect_uri"}, client.GrantRefresh: {"refresh_token"}, client.GrantDevice: {"device_code"}}
	if err := require(form, required[grant]...); err != nil {
		return nil, err
	}
	req, scopes := originOf(ctx), strings.Fields(form.Get("scope"))
	switch grant {
	case client.GrantCode:
		return p.Tokens.Redeem(ctx, req, c, token.Redemption{Code: secret.From(form.Get("code")), Redirect: form.Get("redirect_uri"),
			Verifier: form.Get("code_verifier")})
	case client.GrantRefresh:
		value := secret.From(form.Get("refresh_token"))
		grant, err := p.Tokens.GrantOf(ctx, c, value)
		if err != nil {
			return nil, err
		}
		if p.refreshWait(grant) > 0 {
			return nil, tooManyRequests()
		}
		return p.Tokens.Refresh(ctx, req, c, value, scopes)
	case client.GrantDevice:
		return p.deviceToken(ctx, c, form)
	}
	if err := checkScopes(form, token.OwnScopes(c.Scopes)); err != nil {
		return nil, err
	}
	if ok, _, _ := p.limiter.Take(p.Now(), throttle.ClientTokens, string(c.ID)); !ok {
		return nil, tooManyRequests()
	}
	return p.Tokens.IssueToClient(ctx, req, c, scopes)
}

// refreshWait counts a request with a refresh token of a grant, also against the user of the grant. grant is "" if the token is not
// known.
func (p *Provider) refreshWait(grant string) time.Duration {
	user, _, known := strings.Cut(grant, "/")
	if !known {
		return 0
	}
	return p.limiter.TakeAll(p.Now(), throttle.Charge{Limit: throttle.Refreshes, Subject: grant}, throttle.Charge{Limit: throttle.UserRefreshes, Subject: user})
}

// introspect is the introspection endpoint.
func (p *Provider) introspect(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	if c.AuthMethod == client.AuthNone {
		return nil, authenticationRequired()
	}
	if err := require(form, "token"); err != nil {
		return nil, err
	}
	return p.Tokens.Introspect(ctx, c, form.Get("token"))
}

// revoke is the revocation endpoint.
func (p *Provider) revoke(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	if err := require(form, "token"); err != nil {
		return nil, err
	}
	return struct{}{}, p.Tokens.Revoke(ctx, c, secret.From(form.Get("token")))
}

func require(form url.Values, names ...string) error {
	for _, name := range names {
		if !form.Has(name) {
			return invalidRequest(name + " is missing")
		}
	}
	return nil
}

// Preflight answers the preflight of a script at every endpoint for programs. Any origin may call, with the headers that its
// library adds, but without cookies: these endpoints ignore them, so that a script can do no more than any other program.
func Preflight(w http.ResponseWriter, _ *http.Request) {
	allowScripts(w)
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, *") // the wildcard excludes Authorization
	h.Set("Access-Control-Max-Age", "3600")
	w.WriteHeader(http.StatusNoContent)
}

// allowScripts lets the scripts of any origin read an answer.
func allowScripts(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After, X-Request-Id")
}

func setClientHeaders(w http.ResponseWriter) {
	allowScripts(w)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache") // RFC 6749 §5.1
}

// ReadForm reads the parameters of a body. Each must occur once; wrong describes the first fault.
func readForm(w http.ResponseWriter, r *http.Request) (form url.Values, wrong string) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, "the body is not application/x-www-form-urlencoded"
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if r.ParseForm() != nil {
		return nil, "the body cannot be read"
	}
	parameters := r.PostForm
	if r.URL.RawQuery != "" {
		if !assertsInQuery(r) {
			return nil, "parameters must not be in the URL"
		}
		parameters = r.Form
	}
	form = url.Values{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		for _, v := range parameters[name] {
			switch {
			case !utf8.ValidString(v) || strings.ContainsRune(v, 0):
				return nil, "a parameter is not valid UTF-8 text"
			case v != "" && form.Has(name):
				return nil, "a parameter is repeated"
			case v != "": // an empty parameter counts as not sent (RFC 6749 §3.2)
				form.Set(name, v)
			}
		}
	}
	return form, ""
}

// callWait counts a request that claims to be from a client, and returns how long its sender must wait before it.
func (p *Provider) callWait(r *http.Request, claimed client.ID) time.Duration {
	now, caller, from := p.Now(), string(claimed), originOf(r.Context()).Address
	charges := throttle.ByAddress(throttle.ClientCalls, throttle.ClientCallsNetwork, from)
	for i := range charges {
		charges[i].Subject = caller + " " + charges[i].Subject
	}
	return p.limiter.TakeAll(now, charges...)
}

func writeTooMany(w http.ResponseWriter, retry time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((retry+time.Second-1)/time.Second))))
	writeError(w, tooManyRequests())
}

func writeError(w http.ResponseWriter, e *Error) {
	if e.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if e.status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", "60")
	}
	writeJSON(w, cmp.Or(e.status, http.StatusBadRequest), e)
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic("encoding an answer: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // an error means that the client is gone
}
