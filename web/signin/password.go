package signin

import (
	"net/http"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/site"
)

// postForgot answers the same for every identifier. For a user without a usable device it opens a help request instead
// of sending a link (protocol rule 8).
func (s *Pages) postForgot(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "identifier")
	if err != nil {
		return err
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.Forgot{Base: s.BaseWithProblem(r, "/forgot", p), Identifier: f["identifier"]}
	}
	if f["identifier"] == "" {
		return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem("identifier", templates.ProblemMissing)))
	}
	if err := s.HelpDesk.RequestPasswordLink(r.Context(), site.RequestInfo(r), f["identifier"]); err != nil {
		return s.RenderProblem(w, err, page)
	}
	return site.Redirect(w, "/forgot/sent")
}

func (s *Pages) getNewPassword(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	login, user, err := s.Authn.PasswordLink(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, user)
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.NewPassword{Base: s.Base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.NewPassword{Base: s.Base(r), Token: token, Login: login, MinLength: s.MinPassword()})
}

// postNewPassword begins a sign-in with the new password. The password is stored after the second factor of that
// sign-in.
func (s *Pages) postNewPassword(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	login, user, err := s.Authn.PasswordLink(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, user)
	}
	if err == nil {
		var started authn.TransactionRef
		if started, err = s.Authn.StartWithPasswordLink(r.Context(), site.RequestInfo(r), secret.From(token), f["password"]); err == nil {
			return s.beginThen(w, r, started.Secret, site.WithQuery(site.StepPath(started.Step), "done", "password_set"))
		}
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.NewPassword{Base: s.BaseAt(r, site.CurrentPath(r)), Gone: true})
	}
	return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
		return templates.NewPassword{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Token: token, Login: login, MinLength: s.MinPassword()}
	})
}
