package selfservice

import (
	"cmp"
	"net/http"

	"barillet/authn/handover"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// asked returns the requests to the user to be a witness.
func (s *Pages) asked(r *http.Request) (out []templates.Asked, err error) {
	all, err := s.Handover.Asked(r.Context(), site.VisitorOf(r).Session)
	for _, h := range all {
		out = append(out, templates.Asked{ID: h.ID, By: h.ByName, User: h.Name})
	}
	return out, err
}

// question returns the request in the path. The error for one that has ended leads to the account.
func (s *Pages) question(r *http.Request) (handover.Question, error) {
	v := site.VisitorOf(r)
	if !v.SignedIn() {
		return handover.Question{}, errcode.New(errcode.NoSession)
	}
	q, err := s.Handover.Question(r.Context(), v.Session, r.PathValue("id"))
	return q, overToAccount(err)
}

// overToAccount returns the error that leads to the account if the request has ended, or the user cannot be its witness any more.
func overToAccount(err error) error {
	if errcode.Of(err) == errcode.NotFound || errcode.HasReason(err, errcode.ReasonWitness) {
		return &site.WrongStep{Path: "/account?again=witness_over"}
	}
	return err
}

func (s *Pages) getWitness(w http.ResponseWriter, r *http.Request) error {
	q, err := s.question(r)
	if err != nil {
		return err
	}
	if q.Other && len(q.Proofs) > 0 && r.URL.Query().Get("again") == "" {
		return &site.WrongStep{Path: site.WithQuery("/account/prove", "next", r.URL.EscapedPath()) + "&again=other_device"}
	}
	return s.Render(w, http.StatusOK, s.witnessPage(s.Base(r), q))
}

func (s *Pages) witnessPage(b templates.Base, q handover.Question) templates.Witness {
	m := s.MethodsOf(q.Proofs)
	return templates.Witness{Base: b, ID: q.ID, By: q.ByName, User: q.Name, Group: q.Group, Proven: q.Proven, Code: m.Phones > 0, Keys: len(m.Keys) > 0,
		Wait: s.waitForNextCode(q.Proofs)}
}

// postWitness confirms that the user is present. A code of the witness's phone is a step-up first, if one is missing and the digits
// are two: a rejected code judges no digits.
func (s *Pages) postWitness(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "digits", "code")
	if err != nil {
		return err
	}
	q, err := s.question(r)
	if err != nil {
		return err
	}
	b := s.BaseAt(r, r.URL.EscapedPath())
	b.Typed = map[string]string{"digits": f["digits"]}
	session := site.VisitorOf(r).Session
	a, err := s.Handover.Confirm(r.Context(), site.RequestInfo(r), session, q.ID, f["digits"])
	if errcode.Of(err) == errcode.StepUpRequired && f["code"] != "" {
		v, wrong := s.Authn.StepUp(r.Context(), site.RequestInfo(r), session, factors.InputCode, []byte(f["code"]))
		switch {
		case wrong != nil:
			return wrong
		case !v.Accepted():
			return s.RenderRejected(w, v, factors.InputCode, func(p *templates.Problem) templates.Page {
				page := s.witnessPage(b, q)
				page.Problem, page.Wait = p, 0
				return page
			})
		}
		if q, err = s.question(r); err != nil || q.Other {
			return cmp.Or(err, error(&site.WrongStep{Path: r.URL.EscapedPath()}))
		}
		a, err = s.Handover.Confirm(r.Context(), site.RequestInfo(r), session, q.ID, f["digits"])
	}
	return s.answerWitness(w, r, s.witnessPage(b, q), a, err)
}

// answerWitness answers with the result of Confirm.
func (s *Pages) answerWitness(w http.ResponseWriter, r *http.Request, page templates.Witness, a handover.Answer, err error) error {
	switch {
	case errcode.Of(err) == errcode.SameProvenance:
		page.Problem = templates.NewProblem(templates.ProblemWitnessPassword)
		return s.Render(w, http.StatusConflict, page)
	case err != nil && errcode.Of(err) != errcode.Invalid:
		return overToAccount(err)
	case err != nil:
		return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
			page.Problem = p
			return page
		})
	case a.Confirmed:
		return site.Redirect(w, "/account?done=witness_yes")
	case a.Left == 0:
		return site.Redirect(w, "/account?again=witness_over")
	}
	page.Typed, page.Problem = nil, templates.NewFieldProblem("digits", templates.ProblemDigits)
	page.Problem.N = a.Left
	page.Problem.Fields["digits"] = page.Problem.Message
	return s.Render(w, http.StatusUnprocessableEntity, page)
}

func (s *Pages) postWitnessRefuse(w http.ResponseWriter, r *http.Request) error {
	v := site.VisitorOf(r)
	if !v.SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	if err := s.Handover.Refuse(r.Context(), site.RequestInfo(r), v.Session, r.PathValue("id")); err != nil {
		return overToAccount(err)
	}
	return site.Redirect(w, "/account?done=witness_no")
}
