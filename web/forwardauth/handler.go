package forwardauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"barillet/authn/session"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// Config is the configuration of a Handler. All fields are required.
type Config struct {
	Sessions       *session.Service
	Rules          []Rule
	PublicURL      string         // of the service; its scheme is the scheme of every protected host
	TrustedProxies []netip.Prefix // the only clients that can use the endpoints
}

// Handler serves the endpoints that a proxy asks. It is safe for concurrent use.
type Handler struct {
	sessions       *session.Service
	rules          rules
	publicURL      string
	scheme         string
	host           string // of the service
	trustedProxies []netip.Prefix
	pages          pages

	sessionCookie, returnCookie string // names of the two cookies of a protected host
}

// New returns a Handler. It returns an error if two rules name the same path of a host, if a rule names the host of the
// service, or if TrustedProxies is empty.
func New(c Config) (*Handler, error) {
	all, err := newRules(c.Rules)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("parsing the public URL: %w", err)
	}
	h := &Handler{sessions: c.Sessions, rules: all, publicURL: c.PublicURL, scheme: u.Scheme, host: NormalizeHost(u.Host, u.Scheme), trustedProxies: c.TrustedProxies}
	switch {
	case len(c.TrustedProxies) == 0:
		return nil, errors.New("trusted_proxies is empty, but a rule needs a trusted proxy")
	case len(all[h.host]) > 0:
		return nil, fmt.Errorf("a rule names %s, the host of the service", u.Host)
	}
	if h.pages, err = newPages(c.Sessions.Accounts.Pepper.MAC("forward-auth page")); err != nil {
		return nil, err
	}
	// A sibling host cannot set a cookie whose name begins with "__Host-" (RFC 6265bis §4.1.3.2).
	h.sessionCookie, h.returnCookie = "barillet-forward", "barillet-return"
	if h.scheme == "https" {
		h.sessionCookie, h.returnCookie = "__Host-"+h.sessionCookie, "__Host-"+h.returnCookie
	}
	return h, nil
}

// The endpoints. A proxy asks all of them except SignInPath, which is a page of the service.
const (
	Path       = "/forward-auth"
	StartPath  = Path + "/start"
	ReturnPath = Path + "/return"
	SignInPath = Path + "/sign-in"
)

// hostReturnPath is the only path of a protected host that the service uses.
const hostReturnPath = "/.barillet/return"

// Check answers 200 with the identity of the user, 401 or 403. A navigation gets a redirect to the sign-in instead of
// 401. With ?answer=status there is no redirect: nginx's auth_request accepts only 401 and 403.
func (h *Handler) Check(w http.ResponseWriter, r *http.Request) {
	req, err := h.read(r)
	if err != nil {
		h.writeError(w, r, err)
		return
	}
	redirects := r.URL.RawQuery == "" || r.URL.Query().Get("answer") != "status"
	if redirects && req.path() == hostReturnPath {
		h.finish(w, r, req)
		return
	}
	redirects = redirects && req.isNavigation(r)
	rule := h.rules.match(req.host, req.path())
	if rule == nil {
		h.refuse(w, r, req, redirects)
		return
	}
	info, err := h.sessions.AuthenticateForward(r.Context(), readCookie(r, h.sessionCookie), req.host)
	switch {
	case errcode.Of(err) == errcode.NoSession, err == nil && rule.Admits(&info) && !rule.Satisfied(&info):
		if redirects {
			h.startSignIn(w, r, req, rule)
			return
		}
		h.writeNoSession(w, r)
	case err != nil:
		h.writeError(w, r, err)
	case !rule.Admits(&info) && redirects:
		redirect(w, h.signInURL(req.host, rule, "", req.uri)) // the page there states the reason
	case !rule.Admits(&info):
		h.writeError(w, r, errcode.New(errcode.Forbidden))
	default:
		setIdentityHeaders(w, &info)
	}
}

// refuse answers a request that no rule matches. A browser is redirected to a page that states the reason, except from the
// host of that page.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, req proxyRequest, redirects bool) {
	if !redirects || req.host == h.host {
		h.writeError(w, r, errcode.New(errcode.Forbidden))
		return
	}
	redirect(w, h.publicURL+SignInPath+"?"+url.Values{"host": {req.host}}.Encode())
}

// setIdentityHeaders describes the user to the application. It sets every header, also an empty one, so that a proxy
// that copies the headers overwrites those of the client.
func setIdentityHeaders(w http.ResponseWriter, info *session.Info) {
	groups := make([]string, len(info.Groups))
	for i, id := range info.Groups {
		groups[i] = string(id)
	}
	header, values := w.Header(), [...]string{info.Login, info.Email, info.Name, strings.Join(groups, ",")}
	for i, name := range [...]string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"} {
		header[name] = values[i : i+1 : i+1] // one array for all of them
	}
	w.WriteHeader(http.StatusOK)
}

// Start redirects a navigation to the sign-in. It serves proxies that cannot pass on the redirect of Check: nginx sends
// the browser to Start after a 401.
func (h *Handler) Start(w http.ResponseWriter, r *http.Request) {
	req, err := h.read(r)
	if err != nil {
		h.writeError(w, r, err)
		return
	}
	rule := h.rules.match(req.host, req.path())
	switch {
	case rule == nil:
		h.refuse(w, r, req, req.isNavigation(r))
	case !req.isNavigation(r):
		h.writeNoSession(w, r)
	default:
		h.startSignIn(w, r, req, rule)
	}
}

// returnTTL is the lifetime of the return cookie, in seconds. A sign-in page can be left open as long.
const returnTTL = 12 * 60 * 60

// startSignIn redirects a browser to the sign-in. The return cookie, which is of the protected host, stores a nonce that
// binds the return code to this browser. All tabs of the host share it. The page that the browser asked for is in the
// URL, sealed: each tab returns to its own, and the sign-in cannot read it.
func (h *Handler) startSignIn(w http.ResponseWriter, r *http.Request, req proxyRequest, rule *Rule) {
	nonce := readCookie(r, h.returnCookie)
	if nonce.IsZero() {
		nonce = secret.New()
	}
	h.setCookie(w, h.returnCookie, nonce.Reveal(), returnTTL)
	redirect(w, h.signInURL(req.host, rule, session.ForwardState(nonce), req.uri))
}

// signInURL returns the page that continues to a page of a host after the sign-in. Without a state, that page contains a
// link and no return code.
func (h *Handler) signInURL(host string, rule *Rule, state, page string) string {
	q := url.Values{"host": {host}, "path": {rule.Path}, "to": {h.pages.seal(host, page)}}
	if state != "" {
		q.Set("state", state)
	}
	return h.publicURL + SignInPath + "?" + q.Encode()
}

// HasHost reports whether a rule names the host.
func (h *Handler) HasHost(host string) bool { return len(h.rules[host]) > 0 }

// RuleFor returns the rule with this host and path; nil if there is none.
func (h *Handler) RuleFor(host, path string) *Rule { return h.rules.find(host, path) }

// ReturnURL returns the URL of the protected host that takes a return code, and then shows the sealed page.
func (h *Handler) ReturnURL(host string, code secret.Value, sealed string) string {
	return h.urlOf(host, hostReturnPath+"?"+url.Values{"code": {code.Reveal()}, "to": {sealed}}.Encode())
}

// PageURL returns the URL of a sealed page of a protected host.
func (h *Handler) PageURL(host, sealed string) string {
	return h.urlOf(host, h.pages.open(host, sealed))
}

// urlOf returns the URL of a path of a protected host. A redirect needs the whole URL: Traefik resolves a relative one
// against the internal address of the service.
func (h *Handler) urlOf(host, path string) string { return h.scheme + "://" + host + path }

// Return takes a return code. It serves proxies that pass hostReturnPath of a protected host to this endpoint, such as
// nginx.
func (h *Handler) Return(w http.ResponseWriter, r *http.Request) {
	req, err := h.read(r)
	if err != nil {
		h.writeError(w, r, err)
		return
	}
	h.finish(w, r, req)
}

// finish exchanges a return code for a forward-auth session, and redirects to the page that the browser asked for. If
// the code is invalid, it redirects too: the next request starts another sign-in. In a browser without a return cookie
// and without access that would repeat for ever, so the user gets a page with a link. The code is spent in any case:
// another browser could read it in the URL of this one.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, req proxyRequest) {
	if !h.HasHost(req.host) {
		h.refuse(w, r, req, req.isNavigation(r))
		return
	}
	_, query, _ := strings.Cut(req.uri, "?")
	q, _ := url.ParseQuery(query) // a malformed code is invalid, too
	page, nonce := h.pages.open(req.host, q.Get("to")), readCookie(r, h.returnCookie)
	match := nonce
	if match.IsZero() {
		match = secret.New() // matches no code
	}
	issued, err := h.sessions.RedeemReturnCode(r.Context(), reply.RequestFrom(r.Context()).Origin(), secret.From(q.Get("code")), req.host, match)
	switch {
	case err == nil:
		h.setCookie(w, h.sessionCookie, issued.Reveal(), 0)
		h.setCookie(w, h.returnCookie, "", -1)
	case errcode.Of(err) != errcode.InvalidLink:
		h.writeError(w, r, err)
		return
	case nonce.IsZero() && !h.hasAccess(r, req.host):
		redirect(w, h.signInURL(req.host, h.rules.nearest(req.host, page), "", page))
		return
	}
	redirect(w, h.urlOf(req.host, page))
}

// hasAccess reports whether the browser has a forward-auth session on a host, such as the one that a return in another
// tab has begun.
func (h *Handler) hasAccess(r *http.Request, host string) bool {
	_, err := h.sessions.AuthenticateForward(r.Context(), readCookie(r, h.sessionCookie), host)
	return err == nil
}

// Credential returns the secret of the forward-auth session of a request; zero without one.
func (h *Handler) Credential(r *http.Request) secret.Value { return readCookie(r, h.sessionCookie) }

// readCookie returns the secret in a cookie. A cookie of another form is ignored.
func readCookie(r *http.Request, name string) secret.Value {
	for _, c := range r.CookiesNamed(name) {
		if secret.IsToken(c.Value) {
			return secret.From(c.Value)
		}
	}
	return secret.Value{}
}

// setCookie sets a cookie without a Domain, so that only the protected host receives it. ttl is in seconds; 0 means until
// the browser closes.
func (h *Handler) setCookie(w http.ResponseWriter, name, value string, ttl int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: ttl, HttpOnly: true, Secure: h.scheme == "https",
		SameSite: http.SameSiteLaxMode})
}

// redirect answers 302. The browser takes the answer for one of the protected host, so it must not set a policy there.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Del("Strict-Transport-Security")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

func (h *Handler) writeNoSession(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WWW-Authenticate", "Barillet") // RFC 9110 §15.5.2
	h.writeError(w, r, errcode.New(errcode.NoSession))
}

// writeError answers with a problem document, under the same restriction as redirect.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Del("Strict-Transport-Security")
	reply.Problem(w, r, err)
}
