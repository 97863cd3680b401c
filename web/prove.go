package web

import (
	"net/http"

	"barillet/authn"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
)

// getProve asks for a device for the act that follows (PROTOCOL 5).
func (s *server) getProve(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	page := s.provePage(s.base(r), a, r.URL.Query().Get("next"), r.URL.Query().Get("way"))
	if page.Way == string(factors.InputAssertion) {
		prompt, err := s.Authn.BeginStepUp(r.Context(), origin(r), visitOf(r).session, factors.InputAssertion)
		if err != nil {
			return err
		}
		page.KeyOptions = prompt.JSON
	}
	return s.render(w, http.StatusOK, page)
}

func (s *server) provePage(b templates.Base, a authn.AccountView, asked, by string) templates.StepUp {
	m := s.meansOf(a.Devices)
	return templates.StepUp{Base: b, Next: afterProof(asked), Way: string(m.pick(by)), Phones: m.phones, Keys: m.keys}
}

// applyNewPassword is the path of the act that a proof is for.
func afterProof(asked string) string {
	if next, ok := localPath(asked); ok {
		return next
	}
	return "/account"
}

func (s *server) postProve(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r, "code", "next")
	if err != nil {
		return err
	}
	a, err := s.account(r)
	if err != nil {
		return err
	}
	j, err := s.Authn.StepUp(r.Context(), origin(r), visitOf(r).session, factors.InputCode, []byte(f["code"]))
	if err != nil {
		return err
	}
	if j.Accepted() {
		return redirect(w, afterProof(f["next"]))
	}
	return s.judged(w, j, factors.InputCode, func(p *templates.Problem) templates.Page {
		page := s.provePage(s.baseAt(r, withQuery("/account/prove", "next", afterProof(f["next"]))), a, f["next"], string(factors.InputCode))
		page.Way, page.Problem = string(factors.InputCode), p
		return page
	})
}

func (s *server) postProveKey(w http.ResponseWriter, r *http.Request) error {
	answer, err := readKeyAnswer(r)
	if err != nil {
		return err
	}
	if !visitOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	j, err := s.Authn.StepUp(r.Context(), origin(r), visitOf(r).session, factors.InputAssertion, answer.Answer)
	if err != nil {
		return err
	}
	if !j.Accepted() {
		return s.judgedScript(w, r, j)
	}
	return writeNext(w, afterProof(answer.Next))
}
