package web

import (
	"net/http"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
)

// postForgot answers the same whoever is meant. For somebody without a usable device it opens a help request
// instead, and says so to nobody (PROTOCOL 8).
func (s *server) postForgot(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "identifier")
	if err != nil {
		return err
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.Forgot{Base: s.baseWithProblem(r, "/forgot", p), Identifier: f["identifier"]}
	}
	if f["identifier"] == "" {
		return s.render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem("identifier", templates.ProblemMissing)))
	}
	if err := s.HelpDesk.RequestPasswordLink(r.Context(), origin(r), f["identifier"]); err != nil {
		return s.renderProblem(w, err, page)
	}
	return redirect(w, "/forgot/sent")
}

func (s *server) getNewPassword(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	login, _, err := s.Authn.PasswordLink(r.Context(), secret.From(token))
	if errcode.Of(err) == errcode.InvalidLink {
		return s.render(w, http.StatusNotFound, templates.NewPassword{Base: s.base(r), Gone: true})
	}
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, templates.NewPassword{Base: s.base(r), Token: token, Login: login, Least: s.least()})
}

// postNewPassword begins a login with the password chosen. It counts once that login's second step is done.
func (s *server) postNewPassword(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "password")
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	login, _, err := s.Authn.PasswordLink(r.Context(), secret.From(token))
	if err == nil {
		var started authn.TransactionRef
		if started, err = s.Authn.StartWithPasswordLink(r.Context(), origin(r), secret.From(token), f["password"]); err == nil {
			return s.beginThen(w, r, started.Login, withQuery(pathOf(started.Step), "done", "password_set"))
		}
	}
	if errcode.Of(err) == errcode.InvalidLink {
		return s.render(w, http.StatusNotFound, templates.NewPassword{Base: s.baseAt(r, shownAt(r)), Gone: true})
	}
	return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
		return templates.NewPassword{Base: s.baseWithProblem(r, shownAt(r), p), Token: token, Login: login, Least: s.least()}
	})
}

func (s *server) getPasswordChange(w http.ResponseWriter, r *http.Request) error {
	a, err := s.proven(r)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, templates.PasswordChange{Base: s.base(r), Login: a.Login, Least: s.least()})
}

func (s *server) postPasswordChange(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "current", "password")
	if err != nil {
		return err
	}
	a, err := s.proven(r)
	if err != nil {
		return err
	}
	page := func(p *templates.Problem) templates.Page {
		return templates.PasswordChange{Base: s.baseWithProblem(r, "/account/password", p), Login: a.Login, Least: s.least()}
	}
	if field := f.missing("current", "password"); field != "" {
		return s.render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	issued, err := s.Authn.ChangePassword(r.Context(), origin(r), visitOf(r).session, f["current"], f["password"])
	if errcode.Of(err) == errcode.StepUpRequired {
		return err
	}
	if err != nil {
		return s.renderProblem(w, err, page)
	}
	return s.adoptThen(w, r, issued, "/account?done=password_changed")
}
