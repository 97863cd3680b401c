package site

import (
	"errors"
	"net/http"
	"strings"

	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
)

// Handler answers a request once, or returns an error without an answer.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Router registers routes.
type Router struct {
	Mux      *http.ServeMux
	Patterns []string // in the order of registration
	site     *Site
}

// NewRouter returns a Router without routes.
func (s *Site) NewRouter() *Router { return &Router{Mux: http.NewServeMux(), site: s} }

// Handle registers a handler that is not a page.
func (r *Router) Handle(pattern string, h http.Handler) {
	r.Patterns = append(r.Patterns, pattern)
	r.Mux.Handle(pattern, h)
}

// Page registers a page. If h returns an error, the browser gets a page that helps the user to continue.
func (r *Router) Page(pattern string, h Handler) { r.Handle(pattern, r.site.answer(h, r.site.fail)) }

// Script registers the handler of a request that a script of a page sends. The answer is {"next": path} or
// {"problem": sentence}.
func (r *Router) Script(pattern string, h Handler) {
	r.Handle(pattern, r.site.answer(h, r.site.failScript))
}

// answer returns a handler that reads the visitor, calls h, and passes its error to fail.
func (s *Site) answer(h Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := s.visit(r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			fail(w, r, err)
		}
	})
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

// pageForStepUp returns the page to open after a step-up. Each operation that needs one has a page at its own path,
// except those of enrolment.
func pageForStepUp(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/account/") {
		return r.URL.EscapedPath()
	}
	return "/enrol"
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
	if p, ok := s.problemFor(err); ok {
		m = p.Message
	}
	if err := s.writeScriptError(w, r, status, retry, m, true); err != nil {
		reply.Report(r, err)
		http.Error(w, http.StatusText(status), status)
	}
}
