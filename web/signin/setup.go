package signin

import (
	"net/http"

	"barillet/authn"
	"barillet/authn/directory"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/site"
)

// getSetup shows the form of the setup link. It changes nothing.
func (s *Pages) getSetup(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	err := s.Directory.CheckSetupLink(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, "")
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.Render(w, http.StatusNotFound, templates.Setup{Base: s.Base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.Setup{Base: s.Base(r), Token: token, MinLength: s.MinPassword()})
}

// postSetup creates the first administrator, who goes on into the enrolment of a device.
func (s *Pages) postSetup(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "email", "first", "last", "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	page := func(p *templates.Problem) templates.Page {
		return templates.Setup{Base: s.BaseWithProblem(r, site.CurrentPath(r), p), Token: token, Email: f["email"], First: f["first"], Last: f["last"], MinLength: s.MinPassword()}
	}
	err = s.Directory.CheckSetupLink(r.Context(), secret.From(token))
	if err == nil {
		err = s.CheckLink(r, "")
	}
	if err == nil {
		if field := f.Missing("email", "first", "last", "password"); field != "" {
			return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
		}
		var started authn.TransactionRef
		started, err = s.Directory.SetUp(r.Context(), site.RequestInfo(r), secret.From(token),
			directory.FirstAdministrator{Email: f["email"], FirstName: f["first"], LastName: f["last"], Password: f["password"]})
		if err == nil {
			return s.beginThen(w, r, started.Secret, site.StepPath(started.Step))
		}
	}
	switch errcode.Of(err) {
	case errcode.InvalidLink:
		return s.Render(w, http.StatusNotFound, templates.Setup{Base: s.BaseAt(r, site.CurrentPath(r)), Gone: true})
	case errcode.Taken:
		return s.Render(w, http.StatusConflict, page(templates.NewFieldProblem("email", templates.ProblemEmailTaken)))
	}
	return s.RenderProblem(w, err, page)
}
