package site

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/templates"
	"barillet/web/reply"
)

// Handler answers a request once, or returns an error without an answer.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Router registers routes. Each route that can write names its budget, which is charged before the handler runs.
type Router struct {
	Mux      *http.ServeMux
	Patterns []string                  // in the order of registration
	Budgets  map[string]throttle.Quota // by pattern; a route that changes nothing has none
	site     *Site
}

// NewRouter returns a Router without routes.
func (s *Site) NewRouter() *Router {
	return &Router{Mux: http.NewServeMux(), Budgets: map[string]throttle.Quota{}, site: s}
}

// Handle registers a handler that is not a page. It panics if the method can change something and there is no budget. Only
// handlers that charge by themselves and those that write nothing are not pages.
func (r *Router) Handle(pattern string, h http.Handler, budget ...throttle.Quota) {
	method, _, _ := strings.Cut(pattern, " ")
	if len(budget) == 0 && !slices.Contains([]string{http.MethodGet, http.MethodOptions}, method) {
		panic("route without a budget: " + pattern)
	}
	for _, q := range budget {
		r.Budgets[pattern] = q
	}
	r.Patterns = append(r.Patterns, pattern)
	r.Mux.Handle(pattern, h)
}

// Page registers a page. If h returns an error, the browser gets a page that helps the user to continue. A form acts only
// for the user for whom its page was rendered.
func (r *Router) Page(pattern string, h Handler, budget ...throttle.Quota) {
	r.Handle(pattern, r.site.answer(r.site.forSubject(h), r.site.fail, budget), budget...)
}

// ForAnybody registers a page whose forms do not act for the user of a session or transaction.
func (r *Router) ForAnybody(pattern string, h Handler, budget ...throttle.Quota) {
	r.Handle(pattern, r.site.answer(h, r.site.fail, budget), budget...)
}

// Script registers the handler of a request that a script of a page sends. The answer is {"next": path} or
// {"problem": sentence}.
func (r *Router) Script(pattern string, h Handler, budget ...throttle.Quota) {
	r.Handle(pattern, r.site.answer(r.site.forSubject(h), r.site.failScript, budget), budget...)
}

// forSubject returns h with checkSubject before it.
func (s *Site) forSubject(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := s.checkSubject(r); err != nil {
			return err
		}
		return h(w, r)
	}
}

// answer returns a handler that reads the visitor, charges the budget, calls h, and passes its error to fail.
func (s *Site) answer(h Handler, fail func(http.ResponseWriter, *http.Request, error), budget []throttle.Quota) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := s.visit(r)
		for _, q := range budget {
			if err == nil {
				r, err = s.charge(r, q)
			}
		}
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			fail(w, r, err)
		}
	})
}

// charge charges the visitor of a request. It returns the request whose handler may write, or RateLimited.
func (s *Site) charge(r *http.Request, q throttle.Quota) (*http.Request, error) {
	if !q.Limits() {
		if q != throttle.ChargedByHandler {
			r = r.WithContext(throttle.WithCharge(r.Context()))
		}
		return r, nil
	}
	v, req := VisitorOf(r), RequestInfo(r)
	c := throttle.Caller{Address: req.Address, Transaction: v.transaction, Account: string(v.account)}
	switch {
	case v.SignedIn():
		c.Session, c.User = v.Info.ID, string(v.Info.User)
	case q.Source > 0:
		user, err := s.Sessions.BrowserUser(r.Context(), req.Browser)
		if err != nil {
			return r, err
		}
		if user != "" {
			c.KnownBrowser, c.BrowserUser = req.Browser.Key(), string(user)
		}
	}
	if wait := s.Accounts.Budgets.Charge(s.Now(), q, c); wait > 0 {
		return r, errcode.RateLimit(wait)
	}
	return r.WithContext(throttle.WithCharge(r.Context())), nil
}

// WrongStep is the error of a page that is not the next one. The browser is redirected to Path.
type WrongStep struct{ Path string }

func (m *WrongStep) Error() string { return "the next page is " + m.Path }

// fail answers an error with a redirect to the page that lets the user continue, or with an error page.
func (s *Site) fail(w http.ResponseWriter, r *http.Request, err error) {
	if path, ok := s.redirectFor(r, err); ok {
		_ = Redirect(w, path)
		return
	}
	if other, ok := errors.AsType[*OtherUser](err); ok {
		if err = s.renderOtherUser(w, r, other); err == nil {
			return
		}
	}
	s.RenderError(w, r, err)
}

// redirectFor returns the page that lets the user continue after an error; false if there is none.
func (s *Site) redirectFor(r *http.Request, err error) (string, bool) {
	if m, ok := errors.AsType[*WrongStep](err); ok {
		return m.Path, true
	}
	switch errcode.Of(err) {
	case errcode.NoSession:
		if r.Method != http.MethodGet {
			return WithNext("/login?again=session_gone", s.pageBefore(r)), true
		}
		return WithQuery("/login", "next", CurrentPath(r)), true
	case errcode.Expired:
		if strings.HasPrefix(r.URL.Path, "/enrol") { // a password alone begins no enrolment, and the link does
			return WithNext("/login?again=enrolment_gone", Next(r)), true
		}
		return WithNext("/login?again=session_gone", Next(r)), true
	case errcode.StepUpRequired:
		path := WithQuery("/account/prove", "next", pageForStepUp(r))
		if again := r.URL.Query().Get("again"); again != "" {
			path = WithQuery(path, "again", again)
		}
		return path, true
	}
	return "", false
}

// pageBefore returns the page of the service whose form or script sent a request; "" if it is not known.
func (s *Site) pageBefore(r *http.Request) string {
	page, ok := strings.CutPrefix(r.Referer(), s.PublicURL)
	if !ok {
		return ""
	}
	page, _ = LocalPath(page)
	return page
}

// PathBeginEnrolment is the route that begins an enrolment. As the page after a step-up, with the fields in its query, it
// is no request: the step-up then begins the enrolment.
const PathBeginEnrolment = "/enrol/begin"

// pageForStepUp returns the page to open after a step-up. Each operation that needs one has a page at its own path,
// except those of enrolment. The choice of a device is kept, and where the user was going, unless it is too long.
func pageForStepUp(r *http.Request) string {
	page := "/enrol"
	switch {
	case strings.HasPrefix(r.URL.Path, "/account/"):
		page = r.URL.EscapedPath()
	case strings.HasPrefix(r.URL.Path, "/console/"):
		page = pageOfAct(r)
	case r.URL.Path == PathBeginEnrolment:
		page = PathBeginEnrolment + "?" + url.Values{"kind": r.PostForm["kind"], "app": r.PostForm["app"]}.Encode()
	}
	if local, ok := LocalPath(WithNext(page, Next(r))); ok {
		return local
	}
	return page
}

// pageOfAct returns the page of an operation of the console. Its query has what was typed, so that nothing is lost.
func pageOfAct(r *http.Request) string {
	if r.Method != http.MethodPost {
		return CurrentPath(r)
	}
	typed := url.Values{}
	for name, values := range r.PostForm {
		if name != "subject" && name != "once" {
			typed[name] = values
		}
	}
	page := r.URL.EscapedPath()
	if full, ok := LocalPath(page + "?" + typed.Encode()); ok && len(typed) > 0 {
		return full
	}
	return page
}

// failScript is fail for the request of a script.
func (s *Site) failScript(w http.ResponseWriter, r *http.Request, err error) {
	if path, ok := s.redirectFor(r, err); ok {
		_ = WriteNext(w, path)
		return
	}
	reply.Report(r, err)
	status, retry := reply.Status(err)
	m := templates.Message{Key: templates.ProblemCeremonyGone}
	if _, ok := errors.AsType[*OtherUser](err); ok {
		status, m.Key = http.StatusConflict, templates.ProblemOtherUser
	}
	if p, ok := s.problemFor(err); ok {
		m = p.Message
	}
	if err := s.writeScriptError(w, r, status, retry, m, true); err != nil {
		reply.Report(r, err)
		http.Error(w, http.StatusText(status), status)
	}
}
