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

// cookieStore is the house's sessions.Store. The records behind its cookies are those of authn: a cookie holds an opaque
// secret and nothing else, and a value that authn does not know is never adopted.
type cookieStore struct {
	sessions                               *session.Service
	session, transaction, browser, locales string // names of the cookies
	secure                                 bool
}

var _ sessions.Store = (*cookieStore)(nil)

// newCookieStore names the cookies. "__Host-" keeps a sibling host from planting them (RFC 6265bis section 4.1.3.2); a
// plain name is for http://localhost alone, where there is no Secure.
func newCookieStore(s *session.Service, secure bool) *cookieStore {
	prefix := ""
	if secure {
		prefix = "__Host-"
	}
	return &cookieStore{sessions: s, secure: secure, session: prefix + "barillet", transaction: prefix + "barillet-login",
		browser: prefix + "barillet-browser", locales: prefix + "barillet-lang"}
}

// Get gives the session of a name, the same for the whole request.
func (j *cookieStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(j, name)
}

// infoKey is where a checked session keeps who it belongs to.
type infoKey struct{}

// New reads a cookie. One that is stale, cut or made up gives an empty session and no error: an error here would
// lock people out with the cookie that they cannot see (FACTS S2).
func (j *cookieStore) New(r *http.Request, name string) (*sessions.Session, error) {
	ses := sessions.NewSession(j, name)
	ses.Options, ses.IsNew = j.options(name), true
	secret := j.secret(r, name)
	if secret.IsZero() {
		return ses, nil
	}
	if name == j.session {
		live, err := j.sessions.Authenticate(r.Context(), secret)
		if errcode.Of(err) == errcode.NoSession {
			return ses, nil
		}
		if err != nil {
			return ses, err
		}
		ses.Values[infoKey{}] = live
	}
	ses.ID, ses.IsNew = secret.Reveal(), false
	return ses, nil
}

// Save sends the cookie; a session without an ID takes it away.
func (j *cookieStore) Save(_ *http.Request, w http.ResponseWriter, ses *sessions.Session) error {
	o := *ses.Options
	if ses.ID == "" {
		o.MaxAge = -1
	}
	http.SetCookie(w, sessions.NewCookie(ses.Name(), ses.ID, &o))
	return nil
}

// options are the attributes of a cookie: BAR A11. The session's own lives as long as the browser is open; how
// long it is worth something is authn's to say.
func (j *cookieStore) options(name string) *sessions.Options {
	o := &sessions.Options{Path: "/", HttpOnly: true, Secure: j.secure, SameSite: http.SameSiteLaxMode}
	switch name {
	case j.transaction:
		o.MaxAge = int(account.TransactionTTL / time.Second)
	case j.browser:
		o.MaxAge = int(account.KnownBrowserTTL / time.Second)
	}
	return o
}

// put makes a secret the value of a cookie from the next request on; an empty one takes the cookie away.
func (j *cookieStore) put(w http.ResponseWriter, r *http.Request, name string, secret secret.Value) error {
	ses, err := j.Get(r, name)
	if err != nil {
		return err
	}
	ses.ID = secret.Reveal()
	return j.Save(r, w, ses)
}

// secret reads a cookie that has the shape of one of ours.
func (j *cookieStore) secret(r *http.Request, name string) secret.Value {
	for _, c := range r.CookiesNamed(name) {
		if secret.IsToken(c.Value) {
			return secret.From(c.Value)
		}
	}
	return secret.Value{}
}

// language is what was chosen in this browser; "" when nothing was. No secret: it is compared with our list.
func (j *cookieStore) language(r *http.Request) string {
	c, err := r.Cookie(j.locales)
	if err != nil || c.Value != templates.Match("", c.Value, "") {
		return ""
	}
	return c.Value
}

// setLanguage remembers a language for a year, lendLanguage for as long as a sign-in takes.
func (j *cookieStore) setLanguage(w http.ResponseWriter, lang string) {
	j.keepLanguage(w, lang, 365*24*60*60)
}
func (j *cookieStore) lendLanguage(w http.ResponseWriter, lang string) {
	j.keepLanguage(w, lang, 10*60)
}

func (j *cookieStore) keepLanguage(w http.ResponseWriter, lang string, seconds int) {
	o := j.options(j.locales)
	o.MaxAge = seconds
	http.SetCookie(w, sessions.NewCookie(j.locales, lang, o))
}

// SetLanguage stores the language that the user chose in this browser.
func (s *Site) SetLanguage(w http.ResponseWriter, lang string) { s.cookies.setLanguage(w, lang) }

// Language of a stranger's page: chosen here and now, in this browser, by the browser, or by the operator.
func (s *Site) Language(r *http.Request) string {
	chosen := ""
	if r.URL.RawQuery != "" { // most requests have none, and reading none costs a map
		chosen = r.URL.Query().Get("lang")
	}
	if chosen != templates.Match("", chosen, "") {
		chosen = s.cookies.language(r)
	}
	return templates.Match(r.Header.Get("Accept-Language"), chosen, s.DefaultLocale)
}

// ApplyUILocales has the pages of a sign-in be in a language that the application asks for, if it is one of ours and nobody
// chose one in this browser: for as long as a sign-in takes.
func (s *Site) ApplyUILocales(w http.ResponseWriter, r *http.Request, locales string) {
	if s.cookies.language(r) != "" {
		return
	}
	for _, tag := range strings.Fields(locales) {
		lang, _, _ := strings.Cut(strings.ToLower(tag), "-") // RFC 5646 section 2.1
		if lang == templates.Match("", lang, "") {
			s.cookies.lendLanguage(w, lang)
			return
		}
	}
}

// KnownBrowser returns the secret of a known browser; zero if the browser is not known.
func (s *Site) KnownBrowser(r *http.Request) secret.Value {
	return s.cookies.secret(r, s.cookies.browser)
}
