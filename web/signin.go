package web

import (
	"net/http"
	"slices"

	"barillet/authn"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/templates"
)

func (s *server) getLogin(w http.ResponseWriter, r *http.Request) error {
	next, ok := localPath(r.URL.Query().Get("next"))
	if visitOf(r).SignedIn() {
		if !ok {
			next = "/account"
		}
		return redirect(w, next)
	}
	wanted := s.wanted(r, next)
	return s.render(w, http.StatusOK, templates.Login{Base: s.base(r), Identifier: wanted.Hint, Next: next, App: wanted.App})
}

func (s *server) postLogin(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "identifier", "password", "next")
	if err != nil {
		return err
	}
	next, _ := localPath(f["next"])
	page := func(p *templates.Problem) templates.Page {
		b := s.baseAt(r, "/login")
		if b.Problem = p; next != "" {
			b.Path = withQuery("/login", "next", next)
		}
		return templates.Login{Base: b, Identifier: f["identifier"], Next: next, App: s.wanted(r, next).App}
	}
	if field := f.missing("identifier", "password"); field != "" {
		return s.render(w, http.StatusUnprocessableEntity, page(templates.NewFieldProblem(field, templates.ProblemMissing)))
	}
	started, err := s.Authn.StartWithPassword(r.Context(), origin(r), f["identifier"], f["password"], next)
	if err != nil {
		return s.renderProblem(w, asSignIn(err), page)
	}
	return s.beginThen(w, r, started.Secret, pathOf(started.Step))
}

// missing is the first of the fields that was left empty; "" when none was.
func (f form) missing(names ...string) string {
	for _, name := range names {
		if f[name] == "" {
			return name
		}
	}
	return ""
}

// asSignIn makes a password that nobody can have one more wrong password: the page says one thing (BAR A12).
func asSignIn(err error) error {
	if errcode.Of(err) == errcode.Invalid {
		return errcode.New(errcode.SignInFailed)
	}
	return err
}

// wrongStep is a visitor on the page of another step than theirs: they are sent to that one.
type wrongStep struct{ path string }

func (m *wrongStep) Error() string { return "another step is next: " + m.path }

// loginAt is a login under way that stands at one of the steps; at any other it is misplaced.
func (s *server) loginAt(r *http.Request, login secret.Value, steps ...authn.Step) (authn.TransactionState, error) {
	st, err := s.Authn.Transaction(r.Context(), login)
	if err == nil && !slices.Contains(steps, st.Step) {
		err = &wrongStep{pathOf(st.Step)}
	}
	return st, err
}

func (s *server) getBlocked(w http.ResponseWriter, r *http.Request) error {
	st, err := s.loginAt(r, visitOf(r).login, authn.StepBlocked)
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, templates.Blocked{Base: s.base(r), Invited: st.Invited})
}

func (s *server) postLogout(w http.ResponseWriter, r *http.Request) error {
	if err := s.signOut(w, r); err != nil {
		return err
	}
	return redirect(w, "/logged-out")
}

// postLanguage remembers a language in this browser, and with whoever is signed in.
func (s *server) postLanguage(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "lang", "next")
	if err != nil {
		return err
	}
	if f["lang"] != templates.Match("", f["lang"], "") {
		return errcode.InvalidField("lang", "unknown")
	}
	if v := visitOf(r); v.SignedIn() {
		if err := s.Authn.SetLocale(r.Context(), origin(r), v.session, f["lang"]); err != nil {
			return err
		}
	}
	s.cookies.putLanguage(w, f["lang"])
	next, ok := localPath(f["next"])
	if !ok {
		next = "/"
	}
	return redirect(w, next)
}
