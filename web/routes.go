package web

import (
	"net/http"

	"barillet/static"
	"barillet/web/reply"
)

// handler answers once, or returns an error without having answered.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes is everything that can be asked of this door. Each line is in docs/http.md, which a test compares.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.Handler) {
		s.patterns = append(s.patterns, pattern)
		mux.Handle(pattern, h)
	}
	page := func(pattern string, h handler) { handle(pattern, s.page(h)) }
	script := func(pattern string, h handler) { handle(pattern, s.script(h)) }

	page("GET /{$}", s.getHome)
	page("GET /login", s.getLogin)
	page("POST /login", s.postLogin)
	page("GET /login/factor", s.getFactor)
	page("POST /login/factor", s.postFactor)
	script("POST /login/factor/key", s.postFactorKey)
	page("GET /login/recovery", s.getRecovery)
	page("POST /login/factor/recovery", s.postRecovery)
	page("GET /login/ticket", s.getTicket)
	page("POST /login/ticket", s.postTicket)
	page("POST /login/ticket/renew", s.postTicketRenew)
	page("GET /login/blocked", s.getBlocked)
	page("GET /ticket/{token}", s.getTicketLink)
	page("POST /ticket/{token}", s.postTicketLink)
	page("GET /invite/{token}", s.getInvite)
	page("POST /invite/{token}", s.postInvite)
	page("GET /forgot", s.getForgot)
	page("POST /forgot", s.postForgot)
	page("GET /forgot/sent", s.getForgotSent)
	page("GET /password/{token}", s.getNewPassword)
	page("POST /password/{token}", s.postNewPassword)
	page("POST /logout", s.postLogout)
	page("GET /logged-out", s.getLoggedOut)

	page("GET /enrol", s.getEnrol)
	page("POST /enrol/begin", s.postEnrolBegin)
	page("GET /enrol/phone", s.getEnrolPhone)
	page("POST /enrol/phone", s.postEnrolPhone)
	page("GET /enrol/key", s.getEnrolKey)
	script("POST /enrol/key", s.postEnrolKey)
	page("GET /enrol/second", s.getSecond)
	page("POST /enrol/later", s.postLater)
	page("GET /enrol/recovery", s.getCodes)
	page("POST /enrol/recovery", s.postCodes)

	page("GET /account", s.getAccount)
	page("GET /account/prove", s.getProve)
	page("POST /account/prove", s.postProve)
	script("POST /account/prove/key", s.postProveKey)
	page("GET /account/add", s.getAdd)
	page("POST /account/devices/{id}/rename", s.postRename)
	page("GET /account/devices/{id}/remove", s.getRemove)
	page("POST /account/devices/{id}/remove", s.postRemove)
	page("GET /account/devices/{id}/show", s.getShow)
	page("POST /account/devices/{id}/show", s.postShow)
	page("GET /account/devices/{id}/copy", s.getShown)
	page("POST /account/devices/{id}/copy", s.postShown)
	page("GET /account/devices/{id}/copies/{copy}", s.getCopy)
	page("POST /account/devices/{id}/copies/{copy}", s.postCopy)
	page("GET /account/devices/{id}/replace", s.getReplace)
	page("POST /account/devices/{id}/replace", s.postReplace)
	page("GET /account/recovery", s.getRenew)
	page("POST /account/recovery", s.postRenew)
	page("POST /account/sessions/{id}/end", s.postEndSession)
	page("POST /account/sessions/end-others", s.postEndOthers)
	page("GET /account/password", s.getPasswordChange)
	page("POST /account/password", s.postPasswordChange)
	page("POST /language", s.postLanguage)

	page("GET /help", s.getHelp)
	page("GET /help/request", s.getHelpRequest)
	page("POST /help/request", s.postHelpRequest)
	page("GET /help/sent", s.getHelpSent)

	handle("GET /healthz", http.HandlerFunc(s.getHealth))
	handle("GET /readyz", http.HandlerFunc(s.getReady))
	handle("GET "+static.Prefix, s.Static)
	handle("GET /favicon.ico", http.RedirectHandler(s.Static.URL("favicon.svg"), http.StatusFound))
	if s.Demo != nil {
		page("GET /demo/mail", s.getMailbox)
		page("GET /demo/mail/{id}", s.getMail)
	}
	if s.API != nil {
		handle(apiPrefix, s.API)
	}
	return s.dispatch(mux)
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
				s.refuse(w, r, &reply.Refused{Status: p.status, Kind: reply.KindNoRoute})
				return
			case http.StatusMethodNotAllowed:
				s.refuse(w, r, &reply.Refused{Status: p.status, Kind: reply.KindMethod, Allow: p.header.Get("Allow")})
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
