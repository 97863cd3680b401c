package selfservice

import (
	"barillet/authn/enrol"
	"barillet/authn/freeze"
	"barillet/factors"
	"barillet/web/site"
)

// Pages serves the pages with a session, and those of enrolment. All fields are required.
type Pages struct {
	*site.Site
	Enrolment *enrol.Service
	Freeze    *freeze.Service
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (s *Pages) Register(r *site.Router) {
	s.registerEnrolment(r)
	s.registerAccount(r)
}

func (s *Pages) registerEnrolment(r *site.Router) {
	r.Page("GET /enrol", s.getEnrol)
	r.Page("POST "+site.PathBeginEnrolment, s.postEnrolBegin)
	for _, f := range s.Accounts.Factors {
		input, path := f.Method().Input, s.enrolPath(f.Kind())
		r.Page("GET "+path, s.getEnrolment(path))
		post := r.Page
		if input == factors.InputAssertion {
			post = r.Script
		}
		post("POST "+path, s.postEnrolment(input, path))
	}
	r.Page("GET /enrol/second", s.getSecondDevice)
	r.Page("POST /enrol/later", s.postLater)
}

func (s *Pages) registerAccount(r *site.Router) {
	r.Page("GET /account", s.getAccount)
	r.Page("GET /account/prove", s.getStepUp)
	r.Page("POST /account/prove", s.postStepUp)
	r.Script("POST /account/prove/key", s.postStepUpKey)
	r.Page("GET /account/add", s.getAdd)
	r.Page("POST /account/devices/{id}/rename", s.postRename)
	r.Page("GET /account/devices/{id}/confirm", s.getConfirm)
	r.Page("POST /account/devices/{id}/confirm", s.postConfirm)
	r.Page("GET /account/devices/{id}/remove", s.getRemove)
	r.Page("POST /account/devices/{id}/remove", s.postRemove)
	r.Page("GET /account/freeze", s.getFreeze)
	r.Page("POST /account/freeze", s.postFreeze)
	r.Page("GET /account/devices/{id}/unfreeze", s.getUnfreeze)
	r.Page("POST /account/devices/{id}/unfreeze", s.postUnfreeze)
	r.Page("GET /account/devices/{id}/show", s.getShowQR)
	r.Page("POST /account/devices/{id}/show", s.postShowQR)
	r.Page("GET /account/devices/{id}/copy", s.getQR)
	r.Page("POST /account/devices/{id}/copy", s.postQR)
	r.Page("GET /account/devices/{id}/copies/{copy}", s.getCopy)
	r.Page("POST /account/devices/{id}/copies/{copy}", s.postCopy)
	r.Page("GET /account/devices/{id}/replace", s.getReplace)
	r.Page("POST /account/devices/{id}/replace", s.postReplace)
	r.Page("GET /account/recovery", s.getRecoveryRenew)
	r.Page("POST /account/recovery", s.postRecoveryRenew)
	r.Page("POST /account/sessions/{id}/end", s.postEndSession)
	r.Page("POST /account/sessions/end-others", s.postEndOthers)
	if s.OIDC != nil {
		r.Page("POST /account/applications/{id}/withdraw", s.postWithdraw)
	}
	r.Page("GET /account/password", s.getPasswordChange)
	r.Page("POST /account/password", s.postPasswordChange)
}
