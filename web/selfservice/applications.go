package selfservice

import (
	"net/http"

	"barillet/internal/errcode"
	"barillet/oidc/client"
	"barillet/templates"
	"barillet/web/site"
)

// applications returns the applications that the user gave access.
func (s *Pages) applications(r *http.Request) ([]templates.Application, error) {
	if s.OIDC == nil {
		return nil, nil
	}
	all, err := s.OIDC.Tokens.Applications(r.Context(), site.VisitorOf(r).Session.Key())
	if err != nil {
		return nil, err
	}
	var out []templates.Application
	for _, a := range all {
		out = append(out, templates.Application{ID: string(a.ID), Name: a.Name, Since: a.Since})
	}
	return out, nil
}

func (s *Pages) postWithdraw(w http.ResponseWriter, r *http.Request) error {
	if !site.VisitorOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	if err := s.OIDC.Tokens.Withdraw(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session.Key(), client.ID(r.PathValue("id"))); err != nil {
		return err
	}
	return site.Redirect(w, "/account?done=app_withdrawn")
}
