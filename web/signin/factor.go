package signin

import (
	"cmp"
	"net/http"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

func (s *Pages) getFactor(w http.ResponseWriter, r *http.Request) error {
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepVerify)
	if err != nil {
		return err
	}
	m := s.MethodsOf(st.Devices)
	if m.Best == "" {
		return site.Redirect(w, site.WithNext("/login/recovery", site.Next(r)))
	}
	page := s.factorPage(r, st, m.Pick(r.URL.Query().Get("method")))
	if page.Method == string(factors.InputAssertion) {
		prompt, err := s.Authn.BeginVerify(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Transaction, factors.InputAssertion)
		if err != nil {
			return err
		}
		page.KeyOptions = prompt.JSON
	} else if st.CodeWait > 0 && page.Problem == nil {
		page.Problem = templates.NewProblem(templates.ProblemWaitCode)
		page.Problem.Wait = st.CodeWait
	}
	return s.Render(w, http.StatusOK, page)
}

func (s *Pages) factorPage(r *http.Request, st authn.TransactionState, by factors.Input) templates.Factor {
	m := s.MethodsOf(st.Devices)
	return templates.Factor{Base: s.Base(r), Method: string(by), Slug: s.Accounts.Method(m.First[by].Kind).Slug, DeviceName: m.First[by].Name, Phones: m.Phones, Keys: m.Keys, Recovery: st.RecoveryCodes > 0}
}

func (s *Pages) postFactor(w http.ResponseWriter, r *http.Request) error {
	return s.postCode(w, r, factors.InputCode, func(st authn.TransactionState, p *templates.Problem) templates.Page {
		page := s.factorPage(r, st, factors.InputCode)
		page.Problem = p
		return page
	})
}

func (s *Pages) getRecovery(w http.ResponseWriter, r *http.Request) error {
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepVerify)
	if err != nil {
		return err
	}
	m := s.MethodsOf(st.Devices)
	return s.Render(w, http.StatusOK, templates.Recovery{Base: s.Base(r), Phones: m.Phones, Keys: m.Keys})
}

func (s *Pages) postRecovery(w http.ResponseWriter, r *http.Request) error {
	return s.postCode(w, r, factors.InputBackup, func(st authn.TransactionState, p *templates.Problem) templates.Page {
		m := s.MethodsOf(st.Devices)
		return templates.Recovery{Base: s.BaseWithProblem(r, site.WithNext("/login/recovery", site.Next(r)), p), Phones: m.Phones, Keys: m.Keys}
	})
}

// postCode verifies a typed code of the second factor.
func (s *Pages) postCode(w http.ResponseWriter, r *http.Request, by factors.Input, page func(authn.TransactionState, *templates.Problem) templates.Page) error {
	f, err := site.ReadForm(r, "code")
	if err != nil {
		return err
	}
	out, err := s.verify(r, by, []byte(f["code"]))
	if err != nil {
		return err
	}
	if out.Accepted() {
		if err := s.Complete(w, r, out.Completed); err != nil {
			return err
		}
		return site.Redirect(w, afterSignIn(r, out))
	}
	st, err := s.TransactionAt(r, site.VisitorOf(r).Transaction, authn.StepVerify)
	if err != nil {
		return err
	}
	return s.RenderRejected(w, out.Verification, by, func(p *templates.Problem) templates.Page { return page(st, p) })
}

// verify verifies an answer. If the devices were reset since the page was rendered, the error leads to the step that
// is next.
func (s *Pages) verify(r *http.Request, by factors.Input, answer []byte) (authn.Result, error) {
	login := site.VisitorOf(r).Transaction
	out, err := s.Authn.Verify(r.Context(), site.RequestInfo(r), login, by, answer)
	if errcode.Of(err) == errcode.WrongState {
		if _, moved := s.TransactionAt(r, login); moved != nil {
			err = moved
		}
	}
	return out, err
}

// afterSignIn returns the page after a second factor. A required password change comes first. A first device leads to
// the advice to add another, and a recovery code to enrolment (protocol rule 6).
func afterSignIn(r *http.Request, out authn.Result) string {
	next := site.Next(r)
	if out.Step != authn.StepDone {
		return site.WithNext(site.StepPath(out.Step), next)
	}
	if out.First {
		return site.WithNext("/enrol/second", next)
	}
	if out.Enrol {
		return site.WithNext("/enrol?done=recovery_used", next)
	}
	return cmp.Or(next, "/account")
}

func (s *Pages) postFactorKey(w http.ResponseWriter, r *http.Request) error {
	a, err := site.ReadKeyAnswer(r)
	if err != nil {
		return err
	}
	out, err := s.verify(r, factors.InputAssertion, a.Answer)
	if err != nil {
		return err
	}
	if !out.Accepted() {
		return s.WriteRejected(w, r, out.Verification)
	}
	if err := s.Complete(w, r, out.Completed); err != nil {
		return err
	}
	return site.WriteNext(w, afterSignIn(r, out))
}
