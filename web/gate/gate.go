package gate

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"barillet/authn/session"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// Config is what the door stands on.
type Config struct {
	Sessions  *session.Service
	Rules     []Rule
	PublicURL string         // of the sign-in; its scheme is that of every protected host
	Trusted   []netip.Prefix // proxies that are heard
}

// Handler answers proxies. It is safe for concurrent use.
type Handler struct {
	sessions             *session.Service
	rules                rules
	publicURL            string
	scheme               string
	trusted              []netip.Prefix
	cookie, returnCookie string // names of the two cookies of a protected host
}

// New makes the door. It errs on two rules for one place, on rules for the sign-in's own host, and without a proxy to
// trust.
func New(c Config) (*Handler, error) {
	all, err := newRules(c.Rules)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, err
	}
	g := &Handler{sessions: c.Sessions, rules: all, publicURL: c.PublicURL, scheme: u.Scheme, trusted: c.Trusted}
	switch {
	case len(c.Trusted) == 0:
		return nil, errors.New("trusted_proxies is empty: no proxy would be heard")
	case len(all[plainHost(u.Host, u.Scheme)]) > 0:
		return nil, errors.New("a rule is for the sign-in's own host")
	}
	// "__Host-" keeps a sibling host from planting them (RFC 6265bis section 4.1.3.2).
	g.cookie, g.returnCookie = "barillet-gate", "barillet-errand"
	if g.scheme == "https" {
		g.cookie, g.returnCookie = "__Host-"+g.cookie, "__Host-"+g.returnCookie
	}
	return g, nil
}

// returnPath is the one path of every protected host that is ours.
const returnPath = "/.barillet/return"

// Check answers a proxy: 200 with who it is, or 401 or 403; where a person looks, 302 to the sign-in instead. With
// ?answer=status it never redirects, for nginx's auth_request takes nothing but 401 and 403.
func (g *Handler) Check(w http.ResponseWriter, r *http.Request) {
	a, err := g.read(r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	redirects := r.URL.RawQuery == "" || r.URL.Query().Get("answer") != "status"
	if redirects && a.path() == returnPath {
		g.finish(w, r, a)
		return
	}
	rule := g.rules.match(a.host, a.path())
	if rule == nil {
		g.refuse(w, r, errcode.New(errcode.Forbidden))
		return
	}
	redirects = redirects && a.isNavigation(r)
	live, err := g.sessions.AuthenticateForward(r.Context(), secretIn(r, g.cookie), a.host)
	switch {
	case errcode.Of(err) == errcode.NoSession, err == nil && rule.Admits(&live) && !rule.Satisfied(&live):
		if redirects {
			g.startSignIn(w, a, rule)
			return
		}
		w.Header().Set("WWW-Authenticate", "Barillet") // RFC 9110 section 15.5.2
		g.refuse(w, r, errcode.New(errcode.NoSession))
	case err != nil:
		g.refuse(w, r, err)
	case !rule.Admits(&live) && redirects:
		found(w, g.signIn(a.host, rule, "")) // a page there tells why not
	case !rule.Admits(&live):
		g.refuse(w, r, errcode.New(errcode.Forbidden))
	default:
		setIdentityHeaders(w, &live)
	}
}

// setIdentityHeaders tells the application who it is. Every header is set every time, so that a proxy that copies them leaves none
// of the client's own behind.
func setIdentityHeaders(w http.ResponseWriter, live *session.Info) {
	groups := make([]string, len(live.Groups))
	for i, id := range live.Groups {
		groups[i] = string(id)
	}
	h, values := w.Header(), [...]string{live.Login, live.Email, live.Name, strings.Join(groups, ",")}
	for i, name := range [...]string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"} {
		h[name] = values[i : i+1 : i+1] // one array for all of them
	}
	w.WriteHeader(http.StatusOK)
}

// Start sends a person to the sign-in, for proxies that cannot pass on the redirect of Check: nginx leads there from
// its 401.
func (g *Handler) Start(w http.ResponseWriter, r *http.Request) {
	a, err := g.read(r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	rule := g.rules.match(a.host, a.path())
	switch {
	case rule == nil:
		g.refuse(w, r, errcode.New(errcode.Forbidden))
	case !a.isNavigation(r):
		w.Header().Set("WWW-Authenticate", "Barillet")
		g.refuse(w, r, errcode.New(errcode.NoSession))
	default:
		g.startSignIn(w, a, rule)
	}
}

// errandLife is how long a browser may be at the sign-in, in seconds.
const errandLife = 600

// longestErrand is the longest way back that a cookie holds; from a longer one a person comes back to the front page.
const longestErrand = 2 << 10

// startSignIn sends a browser to the sign-in. What binds the way back to this browser, and where it wanted to go, stay in a
// cookie of the protected host: neither passes through the sign-in.
func (g *Handler) startSignIn(w http.ResponseWriter, a asked, rule *Rule) {
	nonce := newNonce()
	to := local(a.uri)
	if len(to) > longestErrand || a.path() == returnPath {
		to = "/"
	}
	g.put(w, g.returnCookie, nonce.Reveal()+"."+base64.RawURLEncoding.EncodeToString([]byte(to)), errandLife)
	found(w, g.signIn(a.host, rule, session.ForwardState(nonce)))
}

func newNonce() secret.Value {
	b := make([]byte, 32)
	rand.Read(b)
	return secret.From(base64.RawURLEncoding.EncodeToString(b))
}

// signIn is the page of the sign-in that lets a person on to a host.
func (g *Handler) signIn(host string, rule *Rule, state string) string {
	q := url.Values{"host": {host}, "path": {rule.Path}}
	if state != "" {
		q.Set("state", state)
	}
	return g.publicURL + "/gate?" + q.Encode()
}

// RuleFor finds the rule that a person at the sign-in is on the way to; nil when there is none.
func (g *Handler) RuleFor(host, path string) *Rule { return g.rules.named(host, path) }

// ReturnURL is where a return code is taken.
func (g *Handler) ReturnURL(host string, code secret.Value) string {
	return g.scheme + "://" + host + returnPath + "?code=" + code.Reveal()
}

// Return takes a return code where the proxy leads a path of the protected host here: nginx.
func (g *Handler) Return(w http.ResponseWriter, r *http.Request) {
	a, err := g.read(r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	g.finish(w, r, a)
}

// finish changes a return code into the gate's cookie and goes on to where the browser wanted to go. A code that is not
// good leads there too: the gate is shut, so it is the sign-in's turn again. Without the errand's cookie it would do so
// for ever, and is refused; its code is spent all the same, or it would be good for whoever reads the address there.
func (g *Handler) finish(w http.ResponseWriter, r *http.Request, a asked) {
	nonce, to, ok := g.errandIn(r)
	if len(g.rules[a.host]) == 0 {
		g.refuse(w, r, errcode.New(errcode.Forbidden))
		return
	}
	_, query, _ := strings.Cut(a.uri, "?")
	q, err := url.ParseQuery(query)
	if err != nil || len(q["code"]) != 1 || !aSecret.MatchString(q.Get("code")) {
		g.refuse(w, r, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: "code"})
		return
	}
	if !ok {
		nonce = newNonce() // nobody's
	}
	secret, err := g.sessions.RedeemReturnCode(r.Context(), reply.RequestFrom(r.Context()).Origin(), secret.From(q.Get("code")), a.host, nonce)
	switch {
	case !ok && (err == nil || errcode.Of(err) == errcode.InvalidLink):
		g.refuse(w, r, errcode.New(errcode.Forbidden))
		return
	case err == nil:
		g.put(w, g.cookie, secret.Reveal(), 0)
		g.put(w, g.returnCookie, "", -1)
	case errcode.Of(err) != errcode.InvalidLink:
		g.refuse(w, r, err)
		return
	}
	found(w, to)
}

// errandIn reads the errand's cookie.
func (g *Handler) errandIn(r *http.Request) (nonce secret.Value, to string, ok bool) {
	for _, c := range r.CookiesNamed(g.returnCookie) {
		value, way, _ := strings.Cut(c.Value, ".")
		raw, err := base64.RawURLEncoding.DecodeString(way)
		if err == nil && aSecret.MatchString(value) {
			return secret.From(value), local(string(raw)), true
		}
	}
	return secret.Value{}, "", false
}

// aSecret is 256 bits in base64url.
var aSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

func secretIn(r *http.Request, cookie string) secret.Value {
	for _, c := range r.CookiesNamed(cookie) {
		if aSecret.MatchString(c.Value) {
			return secret.From(c.Value)
		}
	}
	return secret.Value{}
}

// put sets a cookie of the protected host and of no other: it never has a Domain. life is in seconds; 0: as long as the
// browser is open.
func (g *Handler) put(w http.ResponseWriter, name, value string, life int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: life, HttpOnly: true, Secure: g.scheme == "https",
		SameSite: http.SameSiteLaxMode})
}

// found sends a browser on. The answer goes out under the application's name, so it lays down nothing for that host.
func found(w http.ResponseWriter, to string) {
	w.Header().Del("Strict-Transport-Security")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// refuse answers programs.
func (g *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Del("Strict-Transport-Security")
	reply.Problem(w, r, err)
}
