package site

import (
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
)

// cookieStore implements sessions.Store. A cookie contains a secret of package session or authn and nothing else. A
// value that they do not know is never adopted. Those of the language, of the followed help requests and of the role are no sessions.
type cookieStore struct {
	sessions                                               *session.Service
	session, transaction, browser, locales, requests, role string // names of the cookies
	secure                                                 bool
}

var _ sessions.Store = (*cookieStore)(nil)

// newCookieStore returns a store. A sibling host cannot set a cookie whose name begins with "__Host-" (RFC 6265bis
// §4.1.3.2). Such a cookie must be Secure, so the names have no prefix at http://localhost.
func newCookieStore(s *session.Service, secure bool) *cookieStore {
	prefix := ""
	if secure {
		prefix = "__Host-"
	}
	return &cookieStore{sessions: s, secure: secure, session: prefix + "barillet", transaction: prefix + "barillet-login",
		browser: prefix + "barillet-browser", locales: prefix + "barillet-lang", requests: prefix + "barillet-request", role: prefix + "barillet-role"}
}

// Get returns the session with a name. It returns the same session for the whole request.
func (c *cookieStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(c, name)
}

// infoKey is the key of the session.Info in an authenticated session.
type infoKey struct{}

// New reads a cookie. If its value is expired, truncated or forged, New returns an empty session without an error. An
// error would lock the user out until the cookie is deleted.
func (c *cookieStore) New(r *http.Request, name string) (*sessions.Session, error) {
	ses := sessions.NewSession(c, name)
	ses.Options, ses.IsNew = c.options(name), true
	secret := c.secret(r, name)
	if secret.IsZero() {
		return ses, nil
	}
	if name == c.session {
		info, err := c.sessions.Authenticate(r.Context(), secret)
		if errcode.Of(err) == errcode.NoSession {
			return ses, nil
		}
		if err != nil {
			return ses, err
		}
		ses.Values[infoKey{}] = info
	}
	ses.ID, ses.IsNew = secret.Reveal(), false
	return ses, nil
}

// Save sets the cookie. It deletes the cookie of a session without an ID.
func (c *cookieStore) Save(_ *http.Request, w http.ResponseWriter, ses *sessions.Session) error {
	o := *ses.Options
	if ses.ID == "" {
		o.MaxAge = -1
	}
	http.SetCookie(w, sessions.NewCookie(ses.Name(), ses.ID, &o))
	return nil
}

// options returns the attributes of a cookie (promise A11). The session cookie lasts until the browser closes; package
// session limits the session itself.
func (c *cookieStore) options(name string) *sessions.Options {
	o := &sessions.Options{Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode}
	switch name {
	case c.transaction:
		o.MaxAge = int(account.TransactionTTL / time.Second)
	case c.browser:
		o.MaxAge = int(account.KnownBrowserTTL / time.Second)
	}
	return o
}

// put sets a cookie to a secret, which later requests send. It deletes the cookie if the secret is zero.
func (c *cookieStore) put(w http.ResponseWriter, r *http.Request, name string, secret secret.Value) error {
	ses, err := c.Get(r, name)
	if err != nil {
		return err
	}
	ses.ID = secret.Reveal()
	return c.Save(r, w, ses)
}

// secret returns the secret in a cookie; zero if the cookie has another form.
func (c *cookieStore) secret(r *http.Request, name string) secret.Value {
	for _, cookie := range r.CookiesNamed(name) {
		if secret.IsToken(cookie.Value) {
			return secret.From(cookie.Value)
		}
	}
	return secret.Value{}
}

// language returns the language that the user chose in this browser; "" without a choice.
func (c *cookieStore) language(r *http.Request) string {
	cookie, err := r.Cookie(c.locales)
	if err != nil || !templates.IsLanguage(cookie.Value) {
		return ""
	}
	return cookie.Value
}

// setLanguage stores a language for a year. lendLanguage stores one for as long as an authorization request
// can wait for its user.
func (c *cookieStore) setLanguage(w http.ResponseWriter, lang string) {
	c.keepLanguage(w, lang, 365*24*60*60)
}
func (c *cookieStore) lendLanguage(w http.ResponseWriter, lang string) {
	c.keepLanguage(w, lang, 3*60*60)
}

func (c *cookieStore) keepLanguage(w http.ResponseWriter, lang string, seconds int) {
	o := c.options(c.locales)
	o.MaxAge = seconds
	http.SetCookie(w, sessions.NewCookie(c.locales, lang, o))
}

// SetLanguage stores the language that the user chose in this browser.
func (s *Site) SetLanguage(w http.ResponseWriter, lang string) { s.cookies.setLanguage(w, lang) }

// Role returns the role as which the user chose to act; "" without a choice. Every request judges whether they can.
func (s *Site) Role(r *http.Request) account.Role {
	cookie, err := r.Cookie(s.cookies.role)
	if err != nil {
		return ""
	}
	return account.Role(cookie.Value)
}

// SetRole stores the role as which the user chose to act, until the browser closes.
func (s *Site) SetRole(w http.ResponseWriter, role account.Role) {
	http.SetCookie(w, sessions.NewCookie(s.cookies.role, string(role), s.cookies.options(s.cookies.role)))
}

// FollowedRequests returns what the browser keeps of the help requests that it sent; "" if it sent none.
func (s *Site) FollowedRequests(r *http.Request) string {
	cookie, err := r.Cookie(s.cookies.requests)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// SetFollowedRequests stores what the browser keeps of the help requests that it sent.
func (s *Site) SetFollowedRequests(w http.ResponseWriter, followed string, ttl time.Duration) {
	o := s.cookies.options(s.cookies.requests)
	o.MaxAge = int(ttl / time.Second)
	http.SetCookie(w, sessions.NewCookie(s.cookies.requests, followed, o))
}

// Language returns the language of a visitor without a session. It is, in this order: the parameter lang, the choice
// stored in the browser, Accept-Language, and the default of the configuration.
func (s *Site) Language(r *http.Request) string {
	chosen := ""
	if r.URL.RawQuery != "" { // parsing an empty query allocates a map
		chosen = r.URL.Query().Get("lang")
	}
	if !templates.IsLanguage(chosen) {
		chosen = s.cookies.language(r)
	}
	return templates.Match(r.Header.Get("Accept-Language"), chosen, s.DefaultLocale)
}

// ApplyUILocales shows the pages of a sign-in in the language that a client requests (OIDC Core §3.1.2.1, ui_locales).
// A choice of the user in this browser takes precedence.
func (s *Site) ApplyUILocales(w http.ResponseWriter, r *http.Request, locales string) {
	if s.cookies.language(r) != "" {
		return
	}
	for _, tag := range strings.Fields(locales) {
		if lang := templates.LanguageOf(tag); lang != "" {
			s.cookies.lendLanguage(w, lang)
			return
		}
	}
}

// SessionCookie returns the secret of a session, which may have ended; zero without one.
func (s *Site) SessionCookie(r *http.Request) secret.Value {
	return s.cookies.secret(r, s.cookies.session)
}

// KnownBrowser returns the secret of a known browser; zero without one.
func (s *Site) KnownBrowser(r *http.Request) secret.Value {
	return s.cookies.secret(r, s.cookies.browser)
}
