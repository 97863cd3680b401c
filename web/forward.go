package web

import (
	"net/http"

	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/forwardauth"
	"barillet/web/reply"
	"barillet/web/site"
)

// maxState is the maximum length of a state, in bytes. A SHA-256 hash in base64url has 43.
const maxState = 64

// getForwardSignIn continues to a page of a protected host with a return code, or states why it does not. It continues from a
// page, not by a redirect: browsers apply form-action to redirects that follow a form.
func (s *server) getForwardSignIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("host") != "" && !q.Has("path") { // no rule matches what the browser asked for
		if !s.ForwardAuth.HasHost(q.Get("host")) {
			return &reply.HTTPError{Status: http.StatusForbidden, Kind: reply.KindNoRoute}
		}
		return s.Render(w, http.StatusForbidden, templates.AccessDenied{Base: s.Base(r), App: q.Get("host")})
	}
	rule := s.ForwardAuth.RuleFor(q.Get("host"), q.Get("path"))
	if rule == nil || len(q.Get("state")) > maxState || len(q.Get("to")) > forwardauth.MaxSealed {
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
		if a.PhishingResistant {
			return site.Redirect(w, site.WithQuery(site.WithQuery("/account/prove", "method", string(factors.InputAssertion)), "next", site.CurrentPath(r)))
		}
		return s.Render(w, http.StatusForbidden, templates.AccessDenied{Base: s.Base(r), App: rule.Host, NeedsKey: true})
	case q.Get("state") == "": // the browser has no return cookie
		return s.Render(w, http.StatusOK, templates.SignInOver{Base: s.BaseAt(r, "/account"), App: rule.Host, To: s.ForwardAuth.PageURL(rule.Host, q.Get("to")), Cookies: true})
	}
	code, err := s.Sessions.NewReturnCode(r.Context(), site.RequestInfo(r), v.Session, rule.Host, q.Get("state"))
	if err != nil {
		return err
	}
	return s.renderContinue(w, r, rule.Host, s.ForwardAuth.ReturnURL(rule.Host, code, q.Get("to")))
}
