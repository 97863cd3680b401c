package signin

import (
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) passwordRequiredPage(r *http.Request, b templates.Base) (templates.PasswordRequired, error) {
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepChangePassword)
	return templates.PasswordRequired{Base: b, Login: st.Login, Temporary: st.ChangeReason == account.ChangeTemporary, Exposed: st.ChangeReason == account.ChangeExposed, MinLength: s.MinPassword()}, err
}

func (s *Pages) getPasswordRequired(w http.ResponseWriter, r *http.Request) error {
	page, err := s.passwordRequiredPage(r, s.Base(r))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, page)
}

// postPasswordRequired replaces a password that must change, and completes the sign-in.
func (s *Pages) postPasswordRequired(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "password")
	if err != nil {
		return err
	}
	page, err := s.passwordRequiredPage(r, s.BaseAt(r, site.CurrentPath(r)))
	if err != nil {
		return err
	}
	out, err := s.Authn.ReplacePassword(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Transaction, f["password"])
	if err != nil {
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	}
	if err := s.Complete(w, r, out.Completed); err != nil {
		return err
	}
	return site.Redirect(w, afterSignIn(r, out))
}
