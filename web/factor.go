package web

import (
	"net/http"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

func (s *server) getFactor(w http.ResponseWriter, r *http.Request) error {
	st, err := s.loginAt(r, visitOf(r).login, authn.StepVerify)
	if err != nil {
		return err
	}
	m := s.meansOf(st.Devices)
	if m.best == "" {
		return redirect(w, "/login/recovery")
	}
	page := s.factorPage(r, st, m.pick(r.URL.Query().Get("way")))
	if page.Way == string(factors.InputAssertion) {
		prompt, err := s.Authn.BeginVerify(r.Context(), origin(r), visitOf(r).login, factors.InputAssertion)
		if err != nil {
			return err
		}
		page.KeyOptions = prompt.JSON
	} else if st.CodeWait > 0 && page.Problem == nil {
		page.Problem = templates.NewProblem(templates.ProblemWaitCode)
		page.Problem.Wait = st.CodeWait
	}
	return s.render(w, http.StatusOK, page)
}

func (s *server) factorPage(r *http.Request, st authn.TransactionState, by factors.Input) templates.Factor {
	m := s.meansOf(st.Devices)
	return templates.Factor{Base: s.base(r), Way: string(by), Slug: s.Accounts.Method(m.first[by].Kind).Slug, DeviceName: m.first[by].Name, Phones: m.phones, Keys: m.keys, Recovery: st.RecoveryCodes > 0}
}

func (s *server) postFactor(w http.ResponseWriter, r *http.Request) error {
	return s.postCode(w, r, factors.InputCode, func(st authn.TransactionState, p *templates.Problem) templates.Page {
		page := s.factorPage(r, st, factors.InputCode)
		page.Problem = p
		return page
	})
}

func (s *server) getRecovery(w http.ResponseWriter, r *http.Request) error {
	st, err := s.loginAt(r, visitOf(r).login, authn.StepVerify)
	if err != nil {
		return err
	}
	m := s.meansOf(st.Devices)
	return s.render(w, http.StatusOK, templates.Recovery{Base: s.base(r), Phones: m.phones, Keys: m.keys})
}

func (s *server) postRecovery(w http.ResponseWriter, r *http.Request) error {
	return s.postCode(w, r, factors.InputBackup, func(st authn.TransactionState, p *templates.Problem) templates.Page {
		m := s.meansOf(st.Devices)
		return templates.Recovery{Base: s.baseWithProblem(r, "/login/recovery", p), Phones: m.phones, Keys: m.keys}
	})
}

// postCode judges a typed code of the second step.
func (s *server) postCode(w http.ResponseWriter, r *http.Request, by factors.Input, page func(authn.TransactionState, *templates.Problem) templates.Page) error {
	f, err := readForm(r, "code")
	if err != nil {
		return err
	}
	out, err := s.verify(r, by, []byte(f["code"]))
	if err != nil {
		return err
	}
	if out.Accepted() {
		if err := s.completed(w, r, out.Completed); err != nil {
			return err
		}
		return redirect(w, home(out))
	}
	st, err := s.loginAt(r, visitOf(r).login, authn.StepVerify)
	if err != nil {
		return err
	}
	return s.judged(w, out.Verification, by, func(p *templates.Problem) templates.Page { return page(st, p) })
}

// verify judges an answer. A login whose devices were reset meanwhile is misplaced: nobody is asked again for a
// code that no longer exists.
func (s *server) verify(r *http.Request, by factors.Input, answer []byte) (authn.Result, error) {
	login := visitOf(r).login
	out, err := s.Authn.Verify(r.Context(), origin(r), login, by, answer)
	if errcode.Of(err) == errcode.WrongState {
		if _, moved := s.loginAt(r, login); moved != nil {
			err = moved
		}
	}
	return out, err
}

// home is where a second step leads to: after a first device the advice to add another, whoever used up a recovery code enrols a device first (PROTOCOL 6), and whoever
// must choose another password does that before anything else.
func home(out authn.Result) string {
	if out.Step != authn.StepDone {
		return pathOf(out.Step)
	}
	if out.First {
		return "/enrol/second"
	}
	if out.Enrol {
		return "/enrol?done=recovery_used"
	}
	if next, ok := localPath(out.ReturnTo); ok {
		return next
	}
	return "/account"
}

func (s *server) postFactorKey(w http.ResponseWriter, r *http.Request) error {
	a, err := readKeyAnswer(r)
	if err != nil {
		return err
	}
	out, err := s.verify(r, factors.InputAssertion, a.Answer)
	if err != nil {
		return err
	}
	if !out.Accepted() {
		return s.judgedScript(w, r, out.Verification)
	}
	if err := s.completed(w, r, out.Completed); err != nil {
		return err
	}
	return writeNext(w, home(out))
}
