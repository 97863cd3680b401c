package selfservice

import (
	"net/http"

	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) getPasswordChange(w http.ResponseWriter, r *http.Request) error {
	a, err := s.accountWithStepUp(r)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.PasswordChange{Base: s.Base(r), Login: a.Login, MinLength: s.MinPassword()})
}

func (s *Pages) postPasswordChange(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "current", "password")
	if err != nil {
		return err
	}
	a, err := s.accountWithStepUp(r)
	if err != nil {
		return err
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.PasswordChange{Base: s.BaseWithProblem(r, "/account/password", p), Login: a.Login, MinLength: s.MinPassword()}
	}
	if field := f.Missing("current", "password"); field != "" {
		return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	issued, err := s.Authn.ChangePassword(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, f["current"], f["password"])
	if errcode.Of(err) == errcode.StepUpRequired {
		return err
	}
	if err != nil {
		return s.RenderProblem(w, err, page)
	}
	return s.setCookiesThen(w, r, issued, "/account?done=password_changed")
}
