package web

import (
	"net/http"
	"strings"

	"barillet/authn/freeze"
	"barillet/internal/throttle"
	"barillet/static"
	"barillet/web/console"
	"barillet/web/forwardauth"
	"barillet/web/reply"
	"barillet/web/selfservice"
	"barillet/web/signin"
	"barillet/web/site"
)

// routes returns the handler of all routes. Each route is in docs/http.md, which a test compares.
func (s *server) routes() http.Handler {
	r, freeze := s.NewRouter(), freeze.New(s.Authn)
	(&signin.Pages{Site: s.Site, HelpDesk: s.HelpDesk, Freeze: freeze, Directory: s.Directory, Handover: s.Handover}).Register(r)
	(&selfservice.Pages{Site: s.Site, Enrolment: s.Enrolment, Freeze: freeze, Handover: s.Handover}).Register(r)
	if s.Console != nil {
		console.New(s.Site, s.Directory, s.Handover, *s.Console).Register(r)
	}
	s.registerOther(r)
	if s.OIDC != nil {
		s.registerApplications(r)
	}
	s.patterns, s.budgets = r.Patterns, r.Budgets
	return s.dispatch(r.Mux)
}

func (s *server) registerOther(r *site.Router) {
	r.Handle("GET /{$}", http.RedirectHandler("/account", http.StatusSeeOther))
	r.Handle("GET /healthz", http.HandlerFunc(s.getHealth))
	r.Handle("GET /readyz", http.HandlerFunc(s.getReady))
	r.Handle("GET "+static.Prefix, s.Static)
	r.Handle("GET /favicon.ico", http.RedirectHandler(s.Static.URL("favicon.svg"), http.StatusFound))
	if s.Demo != nil {
		r.Page("GET /demo/mail", s.getMailbox)
		r.Page("GET /demo/mail/{id}", s.getMail)
	}
	if s.ForwardAuth != nil {
		r.Handle("GET "+forwardauth.Path, http.HandlerFunc(s.ForwardAuth.Check))
		r.Handle("GET "+forwardauth.StartPath, http.HandlerFunc(s.ForwardAuth.Start))
		r.Handle("GET "+forwardauth.ReturnPath, http.HandlerFunc(s.ForwardAuth.Return))
		r.Page("GET "+forwardauth.SignInPath, s.getForwardSignIn, throttle.ProtectedHosts)
	}
	if s.Docs != nil {
		s.registerDocs(r)
	}
	if s.API != nil {
		r.Handle(apiPrefix, s.API, throttle.ChargedByHandler)
	}
}

const apiPrefix = "/api/"

// writeError answers with a problem document if the request is for the API, and with a page otherwise.
func (s *server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, apiPrefix) && !strings.HasPrefix(r.URL.Path+"/", docsPath+"/") {
		reply.Problem(w, r, err)
		return
	}
	s.RenderError(w, r, err)
}

// dispatch answers with an error page if no route matches: the mux would answer in plain English text. It keeps the
// Allow header of the mux (RFC 9110 §15.5.6).
func (s *server) dispatch(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern == "" {
			p := probe{header: http.Header{}}
			h.ServeHTTP(&p, r)
			switch p.status {
			case http.StatusNotFound:
				s.writeError(w, r, &reply.HTTPError{Status: p.status, Kind: reply.KindNoRoute})
				return
			case http.StatusMethodNotAllowed:
				s.writeError(w, r, &reply.HTTPError{Status: p.status, Kind: reply.KindMethod, Allow: p.header.Get("Allow")})
				return
			}
		}
		if strings.Contains(pattern, "{") {
			mux.ServeHTTP(w, r) // it sets the path values
			return
		}
		r.Pattern = pattern
		h.ServeHTTP(w, r)
	})
}

// probe records the status and the headers of an answer that is not sent.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header { return p.header }
func (p *probe) WriteHeader(status int) {
	if p.status == 0 {
		p.status = status
	}
}
func (p *probe) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return len(b), nil
}
