package signin

import (
	"barillet/authn/freeze"
	"barillet/authn/helpdesk"
	"barillet/templates"
	"barillet/web/site"
)

// Pages serves the pages before a session. All fields are required.
type Pages struct {
	*site.Site
	HelpDesk *helpdesk.Service
	Freeze   *freeze.Service
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (s *Pages) Register(r *site.Router) {
	r.Page("GET /login", s.getLogin)
	r.Page("POST /login", s.postLogin)
	r.Page("GET /login/factor", s.getFactor)
	r.Page("POST /login/factor", s.postFactor)
	r.Script("POST /login/factor/key", s.postFactorKey)
	r.Page("GET /login/recovery", s.getRecovery)
	r.Page("POST /login/factor/recovery", s.postRecovery)
	r.Page("GET /login/ticket", s.getTicket)
	r.Page("POST /login/ticket", s.postTicket)
	r.Page("POST /login/ticket/renew", s.postTicketRenew)
	r.Page("GET /login/blocked", s.getBlocked)
	r.Page("GET /login/freeze", s.getFreeze)
	r.Page("POST /login/freeze", s.postFreeze)
	r.Page("GET /freeze/done", s.static(func(b templates.Base) templates.Page { return templates.Frozen{Base: b} }))
	r.Page("GET /freeze/{token}", s.getFreezeLink)
	r.ForAnybody("POST /freeze/{token}", s.postFreezeLink)
	r.Page("GET /login/password", s.getPasswordRequired)
	r.Page("POST /login/password", s.postPasswordRequired)
	r.Page("GET /ticket/{token}", s.getTicketLink)
	r.Page("POST /ticket/{token}", s.postTicketLink)
	r.Page("GET /invite/{token}", s.getInvite)
	r.Page("POST /invite/{token}", s.postInvite)
	r.Page("GET /forgot", s.static(func(b templates.Base) templates.Page { return templates.Forgot{Base: b} }))
	r.ForAnybody("POST /forgot", s.postForgot)
	r.Page("GET /forgot/sent", s.static(func(b templates.Base) templates.Page { return templates.ForgotSent{Base: b} }))
	r.Page("GET /password/{token}", s.getNewPassword)
	r.Page("POST /password/{token}", s.postNewPassword)
	r.Page("POST /logout", s.postLogout)
	r.Page("GET /logged-out", s.getLoggedOut)
	r.ForAnybody("POST /language", s.postLanguage(r.Mux))
	r.Page("GET /help", s.static(func(b templates.Base) templates.Page { return templates.Help{Base: b} }))
	r.Page("GET /help/request", s.getHelpRequest)
	r.ForAnybody("POST /help/request", s.postHelpRequest)
	r.Page("GET /help/sent", s.getHelpSent)
}
