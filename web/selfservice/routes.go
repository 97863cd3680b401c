package selfservice

import (
	"barillet/authn/enrol"
	"barillet/authn/freeze"
	"barillet/authn/handover"
	"barillet/factors"
	"barillet/internal/throttle"
	"barillet/web/site"
)

// Pages serves the pages with a session, and those of enrolment. All fields are required.
type Pages struct {
	*site.Site
	Enrolment *enrol.Service
	Freeze    *freeze.Service
	Handover  *handover.Service
}

// Register registers the routes. Each route is in docs/http.md, which a test compares.
func (s *Pages) Register(r *site.Router) {
	s.registerEnrolment(r)
	s.registerAccount(r)
}

func (s *Pages) registerEnrolment(r *site.Router) {
	r.Page("GET /enrol", s.getEnrol)
	r.Page("POST "+site.PathBeginEnrolment, s.postEnrolBegin, throttle.Devices)
	for _, f := range s.Accounts.Factors {
		input, path := f.Method().Input, s.enrolPath(f.Kind())
		r.Page("GET "+path, s.getEnrolment(path))
		post := r.Page
		if input == factors.InputAssertion {
			post = r.Script
		}
		post("POST "+path, s.postEnrolment(input, path), throttle.Devices)
	}
	r.Page("GET /enrol/second", s.getSecondDevice)
	r.Page("POST /enrol/later", s.postLater, throttle.Devices)
}

func (s *Pages) registerAccount(r *site.Router) {
	r.Page("GET /account", s.getAccount)
	r.Page("GET /account/prove", s.getStepUp, throttle.StepUp)
	r.Page("POST /account/prove", s.postStepUp, throttle.StepUp)
	r.Script("POST /account/prove/key", s.postStepUpKey, throttle.StepUp)
	r.Page("GET /account/add", s.getAdd)
	r.Page("POST /account/devices/{id}/rename", s.postRename, throttle.Devices)
	r.Page("GET /account/devices/{id}/confirm", s.getConfirm)
	r.Page("POST /account/devices/{id}/confirm", s.postConfirm, throttle.Devices)
	r.Page("GET /account/devices/{id}/remove", s.getRemove)
	r.Page("POST /account/devices/{id}/remove", s.postRemove, throttle.NeverRefused)
	r.Page("GET /account/freeze", s.getFreeze)
	r.Page("POST /account/freeze", s.postFreeze, throttle.NeverRefused)
	r.Page("GET /account/devices/{id}/unfreeze", s.getUnfreeze)
	r.Page("POST /account/devices/{id}/unfreeze", s.postUnfreeze, throttle.Devices)
	r.Page("GET /account/devices/{id}/show", s.getShowQR)
	r.Page("POST /account/devices/{id}/show", s.postShowQR, throttle.Devices)
	r.Page("GET /account/devices/{id}/copy", s.getQR)
	r.Page("POST /account/devices/{id}/copy", s.postQR, throttle.Devices)
	r.Page("GET /account/devices/{id}/copies/{copy}", s.getCopy)
	r.Page("POST /account/devices/{id}/copies/{copy}", s.postCopy, throttle.NeverRefused)
	r.Page("GET /account/devices/{id}/replace", s.getReplace)
	r.Page("POST /account/devices/{id}/replace", s.postReplace, throttle.Devices)
	r.Page("GET /account/recovery", s.getRecoveryRenew)
	r.Page("POST /account/recovery", s.postRecoveryRenew, throttle.Devices)
	r.Page("POST /account/sessions/{id}/end", s.postEndSession, throttle.NeverRefused)
	r.Page("POST /account/sessions/end-others", s.postEndOthers, throttle.NeverRefused)
	if s.OIDC != nil {
		r.Page("POST /account/applications/{id}/withdraw", s.postWithdraw, throttle.NeverRefused)
	}
	r.Page("GET /account/witness/{id}", s.getWitness)
	r.Page("POST /account/witness/{id}", s.postWitness, throttle.StepUp)
	r.Page("POST /account/witness/{id}/refuse", s.postWitnessRefuse, throttle.NeverRefused)
	r.Page("GET /account/password", s.getPasswordChange)
	r.Page("POST /account/password", s.postPasswordChange, throttle.NewPassword)
}
