package site

import (
	"errors"
	"net/http"
	"net/url"
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

// Page registers a page. If h returns an error, the browser gets a page that helps the user to continue. A form acts only
// for the user for whom its page was rendered.
func (r *Router) Page(pattern string, h Handler) {
	r.Handle(pattern, r.site.answer(r.site.forSubject(h), r.site.fail))
}

// ForAnybody registers a page whose forms do not act for the user of a session or transaction.
func (r *Router) ForAnybody(pattern string, h Handler) {
	r.Handle(pattern, r.site.answer(h, r.site.fail))
}

// Script registers the handler of a request that a script of a page sends. The answer is {"next": path} or
// {"problem": sentence}.
func (r *Router) Script(pattern string, h Handler) {
	r.Handle(pattern, r.site.answer(r.site.forSubject(h), r.site.failScript))
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
	case r.URL.Path == PathBeginEnrolment:
		page = PathBeginEnrolment + "?" + url.Values{"kind": r.PostForm["kind"], "app": r.PostForm["app"]}.Encode()
	}
	if local, ok := LocalPath(WithNext(page, Next(r))); ok {
		return local
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
