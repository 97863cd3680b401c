package selfservice

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"barillet/authn"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/site"
)

// getStepUp asks for a device for the operation that follows (protocol rule 5).
func (s *Pages) getStepUp(w http.ResponseWriter, r *http.Request) error {
	a, err := s.account(r)
	if err != nil {
		return err
	}
	page := s.stepUpPage(r, s.Base(r), a, r.URL.Query().Get("next"), r.URL.Query().Get("method"))
	if page.Method == string(factors.InputAssertion) {
		prompt, err := s.Authn.BeginStepUp(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.InputAssertion)
		if err != nil {
			return err
		}
		page.KeyOptions = prompt.JSON
	} else {
		page.Wait = s.waitForNextCode(a.Devices)
	}
	return s.Render(w, http.StatusOK, page)
}

func (s *Pages) stepUpPage(r *http.Request, b templates.Base, a authn.AccountView, asked, by string) templates.StepUp {
	m, next := s.MethodsOf(a.Devices), afterStepUp(asked)
	b.Next = nextIn(next) // the link to the account keeps it
	return templates.StepUp{Base: b, Next: next, Operation: s.operationAt(r, a, next), Method: string(m.Pick(by)), Phones: m.Phones, Keys: m.Keys}
}

// operations names the operations that need a step-up, by the patterns of their pages.
var operations = []struct {
	pattern string
	name    templates.Key
}{
	{"/account/add", templates.OperationAddDevice},
	{"/enrol", templates.OperationAddDevice},
	{site.PathBeginEnrolment, templates.OperationAddDevice},
	{"/account/devices/*/confirm", templates.OperationConfirmDevice},
	{"/account/devices/*/remove", templates.OperationRemoveDevice},
	{"/account/devices/*/copies/*", templates.OperationRemoveCopy},
	{"/account/freeze", templates.OperationFreeze},
	{"/account/devices/*/unfreeze", templates.OperationUnfreeze},
	{"/account/witness/*", templates.OperationWitness},
	{"/account/recovery", templates.OperationRecoveryCodes},
	{"/account/password", templates.OperationPassword},
	{"/device/confirm", templates.OperationOtherDevice},
}

// operationAt returns the sentence that names the operation of a page.
func (s *Pages) operationAt(r *http.Request, a authn.AccountView, next string) templates.Message {
	if app := s.LoginContext(r, next).App; app != "" {
		return templates.Message{Key: templates.OperationApplication, Args: map[string]string{"App": app}}
	}
	at, _, _ := strings.Cut(next, "?")
	if act := templates.Key("act." + path.Base(at) + ".button"); strings.HasPrefix(at, "/console/") && s.Renderer.Has(site.VisitorOf(r).Lang, act) {
		words, err := s.Renderer.Sentence(site.VisitorOf(r).Lang, templates.Message{Key: act})
		if err == nil {
			return templates.Message{Key: templates.OperationConsole, Args: map[string]string{"Act": words}}
		}
	}
	for _, o := range operations {
		if match, _ := path.Match(o.pattern, at); !match {
			continue
		}
		if !strings.Contains(o.pattern, "/devices/") {
			return templates.Message{Key: o.name}
		}
		for _, d := range a.Devices {
			if strings.HasPrefix(at, devicePath(d.ID, "")) {
				return templates.Message{Key: o.name, Args: map[string]string{"Device": d.Name}}
			}
		}
	}
	return templates.Message{Key: templates.OperationAny}
}

// afterStepUp returns the page of the operation that follows.
func afterStepUp(asked string) string {
	if next, ok := site.LocalPath(asked); ok {
		return next
	}
	return "/account"
}

// nextIn returns the local path that the query of a path contains; "" if there is none.
func nextIn(path string) string {
	_, query, _ := strings.Cut(path, "?")
	values, _ := url.ParseQuery(query)
	next, _ := site.LocalPath(values.Get("next"))
	return next
}

// finishStepUp returns the page after an accepted step-up. If the user chose a device before, its enrolment begins.
func (s *Pages) finishStepUp(w http.ResponseWriter, r *http.Request, asked string) (string, error) {
	next := afterStepUp(asked)
	path, query, _ := strings.Cut(next, "?")
	if path != site.PathBeginEnrolment {
		return next, nil
	}
	chosen, err := url.ParseQuery(query)
	kind, app, ok := s.chosenKind(chosen.Get("kind"), chosen.Get("app"))
	if err != nil || !ok {
		return site.WithNext("/account/add", nextIn(next)), nil
	}
	begun, err := s.begin(w, r, enrolFlow{Flow: enrol.Flow{Session: site.VisitorOf(r).Session}}, enrol.Request{Kind: kind, App: app})
	if errcode.Of(err) == errcode.TooMany {
		return site.WithNext("/account/add", nextIn(next)), nil // it says so
	}
	return site.WithNext(begun, nextIn(next)), err
}

func (s *Pages) postStepUp(w http.ResponseWriter, r *http.Request) error {
	f, err := site.ReadForm(r, "code", "next")
	if err != nil {
		return err
	}
	a, err := s.account(r)
	if err != nil {
		return err
	}
	v, err := s.Authn.StepUp(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.InputCode, []byte(f["code"]))
	if err != nil {
		return err
	}
	if v.Accepted() {
		next, err := s.finishStepUp(w, r, f["next"])
		if err != nil {
			return err
		}
		return site.Redirect(w, next)
	}
	return s.RenderRejected(w, v, factors.InputCode, func(p *templates.Problem) templates.Page {
		page := s.stepUpPage(r, s.BaseAt(r, site.WithQuery("/account/prove", "next", afterStepUp(f["next"]))), a, f["next"], string(factors.InputCode))
		page.Method, page.Problem = string(factors.InputCode), p
		return page
	})
}

func (s *Pages) postStepUpKey(w http.ResponseWriter, r *http.Request) error {
	answer, err := site.ReadKeyAnswer(r)
	if err != nil {
		return err
	}
	if !site.VisitorOf(r).SignedIn() {
		return errcode.New(errcode.NoSession)
	}
	v, err := s.Authn.StepUp(r.Context(), site.RequestInfo(r), site.VisitorOf(r).Session, factors.InputAssertion, answer.Answer)
	if err != nil {
		return err
	}
	if !v.Accepted() {
		return s.WriteRejected(w, r, v)
	}
	next, err := s.finishStepUp(w, r, answer.Next)
	if err != nil {
		return err
	}
	return site.WriteNext(w, next)
}
