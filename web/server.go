package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/handover"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/mail"
	"barillet/internal/throttle"
	"barillet/oidc"
	"barillet/static"
	"barillet/templates"
	"barillet/web/admission"
	"barillet/web/apidocs"
	"barillet/web/console"
	"barillet/web/forwardauth"
	"barillet/web/site"
)

// Config is the configuration of the service. All fields are required, except those whose comment describes the zero
// value.
type Config struct {
	Accounts       *account.Service
	Sessions       *session.Service
	Authn          *authn.Service
	Enrolment      *enrol.Service
	HelpDesk       *helpdesk.Service
	Directory      *directory.Service
	Handover       *handover.Service
	Renderer       *templates.Renderer
	Static         *static.Files
	API            http.Handler   // serves /api/; nil without an API
	PublicURL      string         // "https://login.example" or "http://localhost:8080", without a slash at the end
	TrustedProxies []netip.Prefix // may set X-Forwarded-For; empty means none (promise S9)
	DefaultLocale  string         // "fr" or "en"
	HSTS           string         // value of Strict-Transport-Security over https; empty means none
	Now            func() time.Time
	Log            *slog.Logger
	Demo           *mail.MemoryTransport // the mailbox of the demonstration; nil otherwise
	DamagedRecords func() int            // for /readyz; may be nil
	// Ready proves for /readyz that the service can write. If nil, /readyz proves that it can read.
	Ready func(context.Context) Readiness
	// Observe, if it is not nil, is called after each request, with the pattern of its route, its status, or 0 without an answer, and its
	// time.
	Observe func(pattern string, status int, took time.Duration)
	// Witness sees each request of /healthz. It may be nil.
	Witness     func(*http.Request)
	Console     *console.Config      // nil without a console
	OIDC        *oidc.Provider       // nil without applications
	ForwardAuth *forwardauth.Handler // nil without protected hosts

	// Docs returns the API description, which it composes on the first call. If nil, its pages are not served.
	Docs func() (*apidocs.Document, error)
}

// server is a Config with the values that New derives from it.
type server struct {
	Config
	*site.Site
	host     string // of PublicURL, without the default port
	origin   string
	secure   bool
	crossing *http.CrossOriginProtection
	places   admission.Controller
	patterns []string // all routes, in the order of registration
	budgets  map[string]throttle.Quota
}

// New returns the handler of the service. It returns an error if PublicURL is invalid or a required field is missing.
func New(c Config) (http.Handler, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func build(c Config) (*server, error) {
	if c.Accounts == nil || c.Sessions == nil || c.Authn == nil || c.Enrolment == nil || c.HelpDesk == nil || c.Directory == nil || c.Handover == nil || c.Renderer == nil || c.Static == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("a required field is missing")
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("parsing the public URL: %w", err)
	}
	local := u.Scheme == "http" && u.Hostname() == "localhost"
	if u.Scheme != "https" && !local || u.Host == "" || c.PublicURL != u.Scheme+"://"+u.Host {
		return nil, fmt.Errorf("public URL %q: want https://HOST or http://localhost:PORT without a path", c.PublicURL)
	}
	s := &server{Config: c, secure: u.Scheme == "https"}
	s.host = s.plainHost(u.Host)
	s.origin = u.Scheme + "://" + s.host
	s.Site = site.New(site.Config{Accounts: c.Accounts, Sessions: c.Sessions, Authn: c.Authn, OIDC: c.OIDC, ForwardAuth: c.ForwardAuth, Renderer: c.Renderer,
		PublicURL: c.PublicURL, DefaultLocale: c.DefaultLocale, Now: c.Now})
	s.crossing = http.NewCrossOriginProtection()
	// A proxy may change Host. Without this, the Origin that older browsers send would then be foreign.
	if err := s.crossing.AddTrustedOrigin(s.origin); err != nil {
		return nil, err
	}
	return s, s.checkKinds()
}

// checkKinds returns an error if a registered kind has no page or lacks words.
func (s *server) checkKinds() error {
	for _, f := range s.Accounts.Factors {
		m := f.Method()
		var words []string
		if m.Primary {
			words = append(words, "name", "title", "text", "full")
		}
		if m.Input == factors.InputCode {
			words = append(words, "ask", "ask_many")
		}
		if err := s.Renderer.CheckKind(m.Slug, words...); err != nil {
			return fmt.Errorf("pages of %s: %w", f.Kind(), err)
		}
	}
	return nil
}

// plainHost returns a host in the form in which hosts are compared.
func (s *server) plainHost(host string) string {
	scheme, _, _ := strings.Cut(s.PublicURL, ":")
	return forwardauth.NormalizeHost(host, scheme)
}

// handler returns the routes inside all middleware. The list is in the order in which a request passes it.
func (s *server) handler() http.Handler {
	list := []func(http.Handler) http.Handler{
		s.identify,    // request id, client address, language
		s.logAccess,   // one line for each request
		s.recoverOnce, // a panic becomes a 500
		s.setHeaders,
		s.admit,    // a place for the request
		s.readBody, // the whole body, within its limits
		s.checkHost,
		s.rejectCrossSite, // requests that another site caused
	}
	h := s.routes()
	for _, m := range slices.Backward(list) {
		h = m(h)
	}
	return h
}
