package web

import (
	"net/http"
	"net/url"

	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
)

// gateOf names the protected host that a path of ours leads on to; "" for another path. Only names of the configuration
// are told: what stands in a link is anybody's.
func (s *server) gateOf(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Path != "/gate" || s.Gate == nil {
		return ""
	}
	rule := s.Gate.RuleFor(u.Query().Get("host"), u.Query().Get("path"))
	if rule == nil {
		return ""
	}
	return rule.Host
}

// longestState is more than a hash in base64url has.
const longestState = 64

// getGate lets a person on to an application behind forward-auth, or tells why not. The way goes on by a page and not
// by a redirect: form-action of the sign-in's page holds for every hop behind its form (FACTS H2).
func (s *server) getGate(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	rule := s.Gate.RuleFor(q.Get("host"), q.Get("path"))
	if rule == nil || len(q.Get("state")) > longestState {
		return &reply.HTTPError{Status: http.StatusNotFound, Kind: reply.KindNoRoute}
	}
	v := visitOf(r)
	if !v.SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	switch {
	case !rule.Admits(&v.live):
		return s.render(w, http.StatusForbidden, templates.AccessDenied{Base: s.base(r), App: rule.Host})
	case !rule.Satisfied(&v.live):
		a, err := s.account(r)
		if err != nil {
			return err
		}
		if a.PhishingResistant {
			return redirect(w, withQuery(withQuery("/account/prove", "way", string(factors.InputAssertion)), "next", shownAt(r)))
		}
		return s.render(w, http.StatusForbidden, templates.AccessDenied{Base: s.base(r), App: rule.Host, NeedsKey: true})
	case q.Get("state") == "": // from where nobody waits for an answer
		return redirect(w, "/account")
	}
	code, err := s.Sessions.NewReturnCode(r.Context(), origin(r), v.session, rule.Host, q.Get("state"))
	if err != nil {
		return err
	}
	return s.showOnward(w, r, rule.Host, s.Gate.ReturnURL(rule.Host, code))
}
