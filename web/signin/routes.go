package signin

import (
	"barillet/authn/directory"
	"barillet/authn/freeze"
	"barillet/authn/handover"
	"barillet/authn/helpdesk"
	"barillet/internal/throttle"
	"barillet/templates"
	"barillet/web/site"
)

// Pages serves the pages before a session. All fields are required.
type Pages struct {
	*site.Site
	HelpDesk  *helpdesk.Service
	Freeze    *freeze.Service
	Directory *directory.Service
	Handover  *handover.Service
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (s *Pages) Register(r *site.Router) {
	r.Page("GET /login", s.getLogin)
	r.Page("POST /login", s.postLogin, throttle.SignIn)
	r.Page("GET /login/factor", s.getFactor, throttle.SecondStep)
	r.Page("POST /login/factor", s.postFactor, throttle.SecondStep)
	r.Script("POST /login/factor/key", s.postFactorKey, throttle.SecondStep)
	r.Page("GET /login/recovery", s.getRecovery)
	r.Page("POST /login/factor/recovery", s.postRecovery, throttle.SecondStep)
	r.Page("GET /login/ticket", s.getTicket)
	r.Page("POST /login/ticket", s.postTicket, throttle.SecondStep)
	r.Page("POST /login/ticket/renew", s.postTicketRenew, throttle.SecondStep)
	r.Page("GET /login/blocked", s.getBlocked)
	r.Page("GET "+pathTogether, s.getTogether)
	r.Page("POST "+pathTogether, s.postTogether, throttle.SecondStep)
	r.Page("POST "+pathTogether+"/code", s.postTogetherCode, throttle.SecondStep)
	r.Page("GET /login/freeze", s.getFreeze)
	r.Page("POST /login/freeze", s.postFreeze, throttle.NeverRefused)
	r.Page("GET /freeze/done", s.static(func(b templates.Base) templates.Page { return templates.Frozen{Base: b} }))
	r.Page("GET /freeze/{token}", s.getFreezeLink)
	r.ForAnybody("POST /freeze/{token}", s.postFreezeLink, throttle.NeverRefused)
	r.Page("GET /login/password", s.getPasswordRequired)
	r.Page("POST /login/password", s.postPasswordRequired, throttle.NewPassword)
	r.Page("GET /ticket/{token}", s.getTicketLink)
	r.Page("POST /ticket/{token}", s.postTicketLink, throttle.SignIn)
	r.Page("GET /invite/{token}", s.getInvite)
	r.Page("POST /invite/{token}", s.postInvite, throttle.NewPassword)
	r.Page("GET /setup/{token}", s.getSetup)
	r.Page("POST /setup/{token}", s.postSetup, throttle.NewPassword)
	r.Page("GET /forgot", s.static(func(b templates.Base) templates.Page { return templates.Forgot{Base: b} }))
	r.ForAnybody("POST /forgot", s.postForgot, throttle.Forgotten)
	r.Page("GET /forgot/sent", s.static(func(b templates.Base) templates.Page { return templates.ForgotSent{Base: b} }))
	r.Page("GET /password/{token}", s.getNewPassword)
	r.Page("POST /password/{token}", s.postNewPassword, throttle.NewPassword)
	r.Page("POST /logout", s.postLogout, throttle.NeverRefused)
	r.Page("GET /logged-out", s.getLoggedOut)
	r.ForAnybody("POST /language", s.postLanguage(r.Mux), throttle.Language)
	r.Page("GET /help", s.static(func(b templates.Base) templates.Page { return templates.Help{Base: b} }))
	r.Page("GET /help/request", s.getHelpRequest)
	r.ForAnybody("POST /help/request", s.postHelpRequest, throttle.Help)
	r.Page("GET /help/request/progress", s.getProgress)
	r.Page("GET /help/sent", s.getHelpSent)
}
