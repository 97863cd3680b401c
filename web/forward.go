package web

import (
	"net/http"

	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
	"barillet/web/site"
)

// maxState is more than a hash in base64url has.
const maxState = 64

// getForwardSignIn lets a person on to an application behind forward-auth, or tells why not. The way goes on by a page and not
// by a redirect: form-action of the sign-in's page holds for every hop behind its form (FACTS H2).
func (s *server) getForwardSignIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	rule := s.ForwardAuth.RuleFor(q.Get("host"), q.Get("path"))
	if rule == nil || len(q.Get("state")) > maxState {
		return &reply.HTTPError{Status: http.StatusNotFound, Kind: reply.KindNoRoute}
	}
	v := site.VisitorOf(r)
	if !v.SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	switch {
	case !rule.Admits(&v.Info):
		return s.Render(w, http.StatusForbidden, templates.AccessDenied{Base: s.Base(r), App: rule.Host})
	case !rule.Satisfied(&v.Info):
		a, err := s.Authn.Account(r.Context(), v.Session)
		if err != nil {
			return err
		}
		if a.Strong {
			return site.Redirect(w, site.WithQuery(site.WithQuery("/account/prove", "method", string(factors.InputAssertion)), "next", site.CurrentPath(r)))
		}
		return s.Render(w, http.StatusForbidden, templates.AccessDenied{Base: s.Base(r), App: rule.Host, NeedsKey: true})
	case q.Get("state") == "": // from where nobody waits for an answer
		return site.Redirect(w, "/account")
	}
	code, err := s.Sessions.NewReturnCode(r.Context(), site.RequestInfo(r), v.Session, rule.Host, q.Get("state"))
	if err != nil {
		return err
	}
	return s.renderContinue(w, r, rule.Host, s.ForwardAuth.ReturnURL(rule.Host, code))
}
