package web

import (
	"net/http"

	"barillet/factors"
	"barillet/static"
	"barillet/templates"
	"barillet/web/forwardauth"
	"barillet/web/reply"
)

// Handler answers once, or returns an error without having answered.
type Handler func(w http.ResponseWriter, r *http.Request) error

// table is the mux with the list of what is on it.
type table struct {
	*server
	mux *http.ServeMux
}

func (t table) handle(pattern string, h http.Handler) {
	t.patterns = append(t.patterns, pattern)
	t.mux.Handle(pattern, h)
}

// page is for people, script for what our own scripts post: the answer is {"next": path} or {"problem": sentence}.
func (t table) page(pattern string, h Handler)   { t.handle(pattern, t.answered(h, t.fail)) }
func (t table) script(pattern string, h Handler) { t.handle(pattern, t.answered(h, t.failScript)) }

// routes is everything that can be asked of this door. Each line is in docs/http.md, which a test compares.
func (s *server) routes() http.Handler {
	t := table{s, http.NewServeMux()}
	t.signInRoutes()
	t.enrolRoutes()
	t.accountRoutes()
	t.otherRoutes()
	if t.OIDC != nil {
		t.appRoutes()
	}
	return s.dispatch(t.mux)
}

func (t table) signInRoutes() {
	t.handle("GET /{$}", http.RedirectHandler("/account", http.StatusSeeOther))
	t.page("GET /login", t.getLogin)
	t.page("POST /login", t.postLogin)
	t.page("GET /login/factor", t.getFactor)
	t.page("POST /login/factor", t.postFactor)
	t.script("POST /login/factor/key", t.postFactorKey)
	t.page("GET /login/recovery", t.getRecovery)
	t.page("POST /login/factor/recovery", t.postRecovery)
	t.page("GET /login/ticket", t.getTicket)
	t.page("POST /login/ticket", t.postTicket)
	t.page("POST /login/ticket/renew", t.postTicketRenew)
	t.page("GET /login/blocked", t.getBlocked)
	t.page("GET /login/password", t.getPasswordRequired)
	t.page("POST /login/password", t.postPasswordRequired)
	t.page("GET /ticket/{token}", t.getTicketLink)
	t.page("POST /ticket/{token}", t.postTicketLink)
	t.page("GET /invite/{token}", t.getInvite)
	t.page("POST /invite/{token}", t.postInvite)
	t.page("GET /forgot", t.static(func(b templates.Base) templates.Page { return templates.Forgot{Base: b} }))
	t.page("POST /forgot", t.postForgot)
	t.page("GET /forgot/sent", t.static(func(b templates.Base) templates.Page { return templates.ForgotSent{Base: b} }))
	t.page("GET /password/{token}", t.getNewPassword)
	t.page("POST /password/{token}", t.postNewPassword)
	t.page("POST /logout", t.postLogout)
	t.page("GET /logged-out", t.static(func(b templates.Base) templates.Page { return templates.LoggedOut{Base: b} }))
}

func (t table) enrolRoutes() {
	t.page("GET /enrol", t.getEnrol)
	t.page("POST /enrol/begin", t.postEnrolBegin)
	for _, f := range t.Accounts.Factors {
		input, path := f.Method().Input, t.enrolPath(f.Kind())
		t.page("GET "+path, t.getEnrolment(path))
		post := t.page
		if input == factors.InputAssertion {
			post = t.script
		}
		post("POST "+path, t.postEnrolment(input, path))
	}
	t.page("GET /enrol/second", t.getSecondDevice)
	t.page("POST /enrol/later", t.postLater)
}

func (t table) accountRoutes() {
	t.page("GET /account", t.getAccount)
	t.page("GET /account/prove", t.getStepUp)
	t.page("POST /account/prove", t.postStepUp)
	t.script("POST /account/prove/key", t.postStepUpKey)
	t.page("GET /account/add", t.getAdd)
	t.page("POST /account/devices/{id}/rename", t.postRename)
	t.page("GET /account/devices/{id}/confirm", t.getConfirm)
	t.page("POST /account/devices/{id}/confirm", t.postConfirm)
	t.page("GET /account/devices/{id}/remove", t.getRemove)
	t.page("POST /account/devices/{id}/remove", t.postRemove)
	t.page("GET /account/devices/{id}/show", t.getShowQR)
	t.page("POST /account/devices/{id}/show", t.postShowQR)
	t.page("GET /account/devices/{id}/copy", t.getQR)
	t.page("POST /account/devices/{id}/copy", t.postQR)
	t.page("GET /account/devices/{id}/copies/{copy}", t.getCopy)
	t.page("POST /account/devices/{id}/copies/{copy}", t.postCopy)
	t.page("GET /account/devices/{id}/replace", t.getReplace)
	t.page("POST /account/devices/{id}/replace", t.postReplace)
	t.page("GET /account/recovery", t.getRecoveryRenew)
	t.page("POST /account/recovery", t.postRecoveryRenew)
	t.page("POST /account/sessions/{id}/end", t.postEndSession)
	t.page("POST /account/sessions/end-others", t.postEndOthers)
	if t.OIDC != nil {
		t.page("POST /account/applications/{id}/withdraw", t.postWithdraw)
	}
	t.page("GET /account/password", t.getPasswordChange)
	t.page("POST /account/password", t.postPasswordChange)
	t.page("POST /language", t.postLanguage)
}

func (t table) otherRoutes() {
	t.page("GET /help", t.static(func(b templates.Base) templates.Page { return templates.Help{Base: b} }))
	t.page("GET /help/request", t.getHelpRequest)
	t.page("POST /help/request", t.postHelpRequest)
	t.page("GET /help/sent", t.getHelpSent)

	t.handle("GET /healthz", http.HandlerFunc(t.getHealth))
	t.handle("GET /readyz", http.HandlerFunc(t.getReady))
	t.handle("GET "+static.Prefix, t.Static)
	t.handle("GET /favicon.ico", http.RedirectHandler(t.Static.URL("favicon.svg"), http.StatusFound))
	if t.Demo != nil {
		t.page("GET /demo/mail", t.getMailbox)
		t.page("GET /demo/mail/{id}", t.getMail)
	}
	if t.ForwardAuth != nil {
		t.handle("GET "+forwardauth.Path, http.HandlerFunc(t.ForwardAuth.Check))
		t.handle("GET "+forwardauth.StartPath, http.HandlerFunc(t.ForwardAuth.Start))
		t.handle("GET "+forwardauth.ReturnPath, http.HandlerFunc(t.ForwardAuth.Return))
		t.page("GET "+forwardauth.SignInPath, t.getForwardSignIn)
	}
	if t.Docs != nil {
		t.docsRoutes()
	}
	if t.API != nil {
		t.handle(apiPrefix, t.API)
	}
}

const apiPrefix = "/api/"

// dispatch answers what no route takes with a page: the mux's own bodies are bare English text. With a wrong
// method it keeps the mux's Allow header (RFC 9110 section 15.5.6).
func (s *server) dispatch(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern == "" {
			p := probe{header: http.Header{}}
			h.ServeHTTP(&p, r)
			switch p.status {
			case http.StatusNotFound:
				s.RenderError(w, r, &reply.HTTPError{Status: p.status, Kind: reply.KindNoRoute})
				return
			case http.StatusMethodNotAllowed:
				s.RenderError(w, r, &reply.HTTPError{Status: p.status, Kind: reply.KindMethod, Allow: p.header.Get("Allow")})
				return
			}
		}
		mux.ServeHTTP(w, r) // once more from the mux, which fills in what {token} stands for
	})
}

// probe takes the status of an answer that is not sent.
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
