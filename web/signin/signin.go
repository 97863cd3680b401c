package signin

import (
	"net/http"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) getLogin(w http.ResponseWriter, r *http.Request) error {
	next, ok := site.LocalPath(r.URL.Query().Get("next"))
	if site.VisitorOf(r).SignedIn() {
		if !ok {
			next = "/account"
		}
		return site.Redirect(w, next)
	}
	wanted := s.LoginContext(r, next)
	return s.Render(w, http.StatusOK, templates.Login{Base: s.Base(r), Identifier: wanted.Hint, App: wanted.App})
}

func (s *Pages) postLogin(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "identifier", "password", "next")
	if err != nil {
		return err
	}
	next, _ := site.LocalPath(f["next"])
	page := func(p *templates.Problem) templates.Page {
		b := s.BaseAt(r, site.WithNext("/login", next))
		if b.Problem, b.Next = p, next; p.Key == templates.ProblemWait {
			p.Key = templates.ProblemWaitPassword
		}
		return templates.Login{Base: b, Identifier: f["identifier"], App: s.LoginContext(r, next).App}
	}
	if field := f.Missing("identifier", "password"); field != "" {
		return s.Render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	started, err := s.Authn.StartWithPassword(r.Context(), site.RequestInfo(r), f["identifier"], f["password"])
	if err != nil {
		return s.RenderProblem(w, asSignIn(err), page)
	}
	return s.beginThen(w, r, started.Secret, site.WithNext(site.StepPath(started.Step), next))
}

// asSignIn returns the error of a wrong password if the password is invalid: the page shows the same message (promise
// A12).
func asSignIn(err error) error {
	if errcode.Of(err) == errcode.Invalid {
		return errcode.New(errcode.SignInFailed)
	}
	return err
}

func (s *Pages) getBlocked(w http.ResponseWriter, r *http.Request) error {
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepBlocked)
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, templates.Blocked{Base: s.Base(r), Invited: st.Invited})
}

func (s *Pages) postLogout(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "next")
	if err != nil {
		return err
	}
	if err := s.SignOut(w, r); err != nil {
		return err
	}
	next, ok := site.LocalPath(f["next"])
	if !ok {
		next = "/logged-out"
	}
	return site.Redirect(w, next)
}

func (s *Pages) getLoggedOut(w http.ResponseWriter, r *http.Request) error {
	if site.VisitorOf(r).SignedIn() { // the page would be wrong
		return site.Redirect(w, "/account")
	}
	return s.Render(w, http.StatusOK, templates.LoggedOut{Base: s.Base(r)})
}

// beginThen sets the cookie of a sign-in transaction and redirects to path.
func (s *Pages) beginThen(w http.ResponseWriter, r *http.Request, login secret.Value, path string) error {
	if err := s.BeginTransaction(w, r, login); err != nil {
		return err
	}
	return site.Redirect(w, path)
}

// static returns the handler of a page without data.
func (s *Pages) static(page func(templates.Base) templates.Page) site.Handler {
	return func(w http.ResponseWriter, r *http.Request) error { return s.Render(w, http.StatusOK, page(s.Base(r))) }
}
