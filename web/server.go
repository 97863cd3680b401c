package web

import (
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
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/mail"
	"barillet/oidc"
	"barillet/static"
	"barillet/templates"
	"barillet/web/apidocs"
	"barillet/web/forwardauth"
	"barillet/web/site"
)

// Config is what the front door is made of. Everything but TrustedProxies, API, Docs, Gate, OIDC and Demo is required.
type Config struct {
	Accounts       *account.Service
	Sessions       *session.Service
	Authn          *authn.Service
	Enrolment      *enrol.Service
	HelpDesk       *helpdesk.Service
	Renderer       *templates.Renderer
	Static         *static.Files
	API            http.Handler   // serves /api/; nil: there is none
	PublicURL      string         // "https://login.example" or "http://localhost:8080", no slash at the end
	TrustedProxies []netip.Prefix // who may name the client's address; none: nobody (BAR S9)
	DefaultLocale  string         // "fr" or "en"
	Now            func() time.Time
	Log            *slog.Logger
	Demo           *mail.MemoryTransport // the mailbox of the demonstration; nil: this is none
	OIDC           *oidc.Provider        // what applications are served by; nil: there is none
	ForwardAuth    *forwardauth.Handler  // answers proxies; nil: no application stands behind forward-auth

	// Docs is the description of the API, composed when it is first asked for; nil: its pages are not served.
	Docs func() (*apidocs.Document, error)
}

// server is a Config with what follows from it.
type server struct {
	Config
	*site.Site
	host     string // of PublicURL, without a default port
	origin   string
	secure   bool
	crossing *http.CrossOriginProtection
	patterns []string // every route, in the order of routes.go
}

// New makes the front door. A wrong PublicURL, and a missing part, is an error.
func New(c Config) (http.Handler, error) {
	s, err := build(c)
	if err != nil {
		return nil, err
	}
	return s.handler(), nil
}

func build(c Config) (*server, error) {
	if c.Accounts == nil || c.Sessions == nil || c.Authn == nil || c.Enrolment == nil || c.HelpDesk == nil || c.Renderer == nil || c.Static == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("setting up the pages: a part is missing")
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("setting up the pages: reading the public URL: %w", err)
	}
	local := u.Scheme == "http" && u.Hostname() == "localhost"
	if u.Scheme != "https" && !local || u.Host == "" || c.PublicURL != u.Scheme+"://"+u.Host {
		return nil, fmt.Errorf("setting up the pages: public URL %q: want https://HOST, or http://localhost:PORT, and nothing behind it", c.PublicURL)
	}
	s := &server{Config: c, secure: u.Scheme == "https"}
	s.host = s.plainHost(u.Host)
	s.origin = u.Scheme + "://" + s.host
	s.Site = site.New(site.Config{Accounts: c.Accounts, Sessions: c.Sessions, Authn: c.Authn, OIDC: c.OIDC, ForwardAuth: c.ForwardAuth, Renderer: c.Renderer,
		PublicURL: c.PublicURL, DefaultLocale: c.DefaultLocale, Now: c.Now})
	s.crossing = http.NewCrossOriginProtection()
	// A proxy that rewrites Host would make an older browser's own Origin look foreign (FACTS H1).
	if err := s.crossing.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("setting up the pages: %w", err)
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
			return fmt.Errorf("setting up the pages of %s: %w", f.Kind(), err)
		}
	}
	return nil
}

// plainHost returns a host in the form in which hosts are compared.
func (s *server) plainHost(host string) string {
	scheme, _, _ := strings.Cut(s.PublicURL, ":")
	return forwardauth.NormalizeHost(host, scheme)
}

// handler is the mux within every middleware. The list is in the order in which a request meets them.
func (s *server) handler() http.Handler {
	list := []func(http.Handler) http.Handler{
		s.identify,    // request id, client address, language
		s.logAccess,   // one line for each request
		s.recoverOnce, // a panic is one 500
		s.setHeaders,
		s.checkHost,
		s.limitBody,
		s.rejectCrossSite, // requests that another site made
	}
	h := s.routes()
	for _, m := range slices.Backward(list) {
		h = m(h)
	}
	return h
}
