package web

import (
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/templates"
)

// completed hands the browser what a second step ended in: a session, or the login that still asks for something.
func (s *server) completed(w http.ResponseWriter, r *http.Request, c authn.Completed) error {
	if c.Step != authn.StepDone {
		return s.beginLogin(w, r, c.Secret)
	}
	return s.signIn(w, r, c.Credentials)
}

func (s *server) passwordDue(r *http.Request, b templates.Base) (templates.PasswordRequired, error) {
	st, err := s.loginAt(r, visitOf(r).login, authn.StepChangePassword)
	return templates.PasswordRequired{Base: b, Login: st.Login, Temporary: st.ChangeReason == account.ChangeTemporary, Least: s.least()}, err
}

func (s *server) getPasswordDue(w http.ResponseWriter, r *http.Request) error {
	page, err := s.passwordDue(r, s.base(r))
	return s.showMade(w, page, err)
}

// postPasswordDue signs in whoever has chosen another password than the one that is due.
func (s *server) postPasswordDue(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "password")
	if err != nil {
		return err
	}
	page, err := s.passwordDue(r, s.baseAt(r, "/login/password"))
	if err != nil {
		return err
	}
	out, err := s.Authn.ReplacePassword(r.Context(), origin(r), visitOf(r).login, f["password"])
	if err != nil {
		return s.renderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	}
	if err := s.completed(w, r, out.Completed); err != nil {
		return err
	}
	return redirect(w, home(out))
}
