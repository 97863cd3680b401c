package signin

import (
	"net/http"

	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

const pathTogether = "/login/together"

// togetherPage returns the page of a sign-in for which a code can be handed over. The error for another sign-in leads to its next step.
func (s *Pages) togetherPage(r *http.Request, b templates.Base) (templates.Together, error) {
	login := site.VisitorOf(r).Transaction
	w, err := s.Handover.Waiting(r.Context(), login)
	if errcode.Of(err) == errcode.WrongState {
		if _, moved := s.TransactionAt(r, login); moved != nil {
			err = moved
		}
	}
	return templates.Together{Base: b, Digits: w.Digits.Reveal(), Witness: w.Witness}, err
}

func (s *Pages) getTogether(w http.ResponseWriter, r *http.Request) error {
	page, err := s.togetherPage(r, s.Base(r))
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, page)
}

// postTogether makes the sign-in wait, which extends its life.
func (s *Pages) postTogether(w http.ResponseWriter, r *http.Request) error {
	login := site.VisitorOf(r).Transaction
	at := site.WithNext(pathTogether, site.Next(r))
	err := s.Handover.Wait(r.Context(), site.RequestInfo(r), login)
	if err == nil {
		return s.beginThen(w, r, login, at)
	}
	page, wrong := s.togetherPage(r, s.BaseAt(r, at))
	if wrong != nil {
		return wrong
	}
	return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
		page.Problem = p
		return page
	})
}

// postTogetherCode redeems the code that an administrator showed.
func (s *Pages) postTogetherCode(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "ticket")
	if err != nil {
		return err
	}
	login := site.VisitorOf(r).Transaction
	if f["ticket"] == "" {
		return s.retryTogether(w, r, templates.ProblemMissing)
	}
	step, err := s.Authn.RedeemTicketCode(r.Context(), site.RequestInfo(r), login, f["ticket"])
	switch errcode.Of(err) {
	case "":
		if err != nil {
			return err
		}
		return s.beginThen(w, r, login, site.WithNext(site.StepPath(step), site.Next(r)))
	case errcode.WrongState: // nothing was reset yet
		return s.retryTogether(w, r, templates.ProblemNoCodeYet)
	}
	page, wrong := s.togetherPage(r, s.BaseAt(r, site.WithNext(pathTogether, site.Next(r))))
	if wrong != nil {
		return wrong
	}
	return s.RenderProblem(w, err, func(p *templates.Problem) templates.Page {
		page.Problem = p
		return page
	})
}

// retryTogether renders the page again with a sentence beside the field of the code.
func (s *Pages) retryTogether(w http.ResponseWriter, r *http.Request, problem templates.Key) error {
	page, err := s.togetherPage(r, s.BaseAt(r, site.WithNext(pathTogether, site.Next(r))))
	if err != nil {
		return err
	}
	page.Problem = templates.NewFieldProblem("ticket", problem)
	return s.Render(w, http.StatusUnprocessableEntity, page)
}
