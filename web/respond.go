package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"barillet/internal/errcode"
	"barillet/templates"
	"barillet/web/reply"
)

// base is what every page begins with. A notice or problem that a redirect left in the query is told once more.
func (s *server) base(r *http.Request) templates.Base {
	b := s.baseAt(r, shownAt(r))
	q := r.URL.Query()
	if k, ok := notices[q.Get("done")]; ok {
		b.Notice = templates.NewNotice(k)
	}
	if k, ok := problems[q.Get("again")]; ok {
		b.Problem = templates.NewProblem(k)
	}
	return b
}

// baseAt is base for the answer to a POST whose page is at another path.
func (s *server) baseAt(r *http.Request, path string) templates.Base {
	v := visitOf(r)
	return templates.Base{Lang: v.lang, Path: path, SignedIn: v.SignedIn(), Name: v.live.Name}
}

// baseWithProblem is baseAt with what is to be corrected.
func (s *server) baseWithProblem(r *http.Request, path string, p *templates.Problem) templates.Base {
	b := s.baseAt(r, path)
	b.Problem = p
	return b
}

// shownAt is the path and query of the GET that shows this page again, without what is told but once.
func shownAt(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"done", "again", "lang"} {
		q.Del(name)
	}
	path := r.URL.EscapedPath()
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	if local, ok := localPath(path); ok {
		return local
	}
	return "/"
}

// render answers with a page.
func (s *server) render(w http.ResponseWriter, status int, p templates.Page) error {
	var b bytes.Buffer
	if err := s.Renderer.Page(&b, p); err != nil {
		return fmt.Errorf("showing a page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a browser that hung up needs no answer
	return nil
}

// showMade is show for a page that was made, if it could be.
func (s *server) showMade(w http.ResponseWriter, p templates.Page, err error) error {
	if err != nil {
		return err
	}
	return s.render(w, http.StatusOK, p)
}

// showLater is show with the time to come back at, if there is one.
func (s *server) showLater(w http.ResponseWriter, status int, retry time.Duration, p templates.Page) error {
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return s.render(w, status, p)
}

// still is the handler of a page that says the same to everybody.
func (s *server) still(page func(templates.Base) templates.Page) handler {
	return func(w http.ResponseWriter, r *http.Request) error { return s.render(w, http.StatusOK, page(s.base(r))) }
}

// redirect sends the browser on by GET (RFC 9110 section 15.4.4).
func redirect(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// withQuery adds one query parameter to a path of ours.
func withQuery(path, name, value string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + name + "=" + url.QueryEscape(value)
}

// fail answers an error with the page that helps: most often the one to begin again on.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if path, ok := s.instead(r, err); ok {
		_ = redirect(w, path)
		return
	}
	s.renderError(w, r, err)
}

// instead is where an error leads to rather than being told.
func (s *server) instead(r *http.Request, err error) (string, bool) {
	if m, ok := errors.AsType[*wrongStep](err); ok {
		return m.path, true
	}
	switch errcode.Of(err) {
	case errcode.NoSession:
		if r.Method != http.MethodGet {
			return "/login?again=session_gone", true
		}
		return withQuery("/login", "next", shownAt(r)), true
	case errcode.Expired:
		return "/login?again=session_gone", true
	case errcode.StepUpRequired:
		return withQuery("/account/prove", "next", proofFor(r)), true
	}
	return "", false
}

// proofFor is the page to come back to after a proof. Every act that asks for one has a page at its own path, but
// for those of the enrolment.
func proofFor(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/account/") {
		return r.URL.EscapedPath()
	}
	return "/enrol"
}

// renderError tells an error: as a problem document to programs, as a page to people.
func (s *server) renderError(w http.ResponseWriter, r *http.Request, err error) {
	if strings.HasPrefix(r.URL.Path, apiPrefix) && !strings.HasPrefix(r.URL.Path+"/", docsPath+"/") {
		reply.Problem(w, r, err)
		return
	}
	status, retry := reply.Status(err)
	if e, ok := errors.AsType[*reply.HTTPError](err); ok && e.Allow != "" {
		w.Header().Set("Allow", e.Allow)
	}
	if status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	if r.Context().Value(visitKey{}) == nil && status < http.StatusInternalServerError {
		if known, err := s.visit(r); err == nil {
			r = known // so that the page keeps its way to the account
		}
	}
	reply.Report(r, err)
	page := templates.Failure{Base: s.baseAt(r, "/"), Status: pageStatus(status), Wait: retry}
	if status >= http.StatusInternalServerError {
		page.ID = reply.RequestFrom(r.Context()).ID
	}
	if err := s.showLater(w, status, retry, page); err != nil {
		reply.Report(r, err)
		http.Error(w, http.StatusText(status), status)
	}
}

// pageStatus is the status in whose words a page tells one that has none of its own.
func pageStatus(status int) int {
	switch status {
	case http.StatusUnauthorized:
		return http.StatusForbidden
	case http.StatusGone:
		return http.StatusNotFound
	case http.StatusConflict, http.StatusUnprocessableEntity:
		return http.StatusBadRequest
	}
	return status
}

// writeNext and trouble are the two answers to a script of ours.
func writeNext(w http.ResponseWriter, path string) error {
	return reply.JSON(w, http.StatusOK, map[string]string{"next": path})
}

type scriptError struct {
	Problem string `json:"problem"`
	Reload  bool   `json:"reload,omitempty"` // the challenge is used up: load the page anew
}

func (s *server) writeScriptError(w http.ResponseWriter, r *http.Request, status int, retry time.Duration, m templates.Message, reload bool) error {
	sentence, err := s.Renderer.Sentence(visitOf(r).lang, m)
	if err != nil {
		return fmt.Errorf("wording a problem: %w", err)
	}
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return reply.JSON(w, status, scriptError{sentence, reload})
}

// failScript answers an error to a script.
func (s *server) failScript(w http.ResponseWriter, r *http.Request, err error) {
	if path, ok := s.instead(r, err); ok {
		_ = writeNext(w, path)
		return
	}
	reply.Report(r, err)
	status, retry := reply.Status(err)
	m := templates.Message{Key: templates.ProblemCeremonyGone}
	if p, ok := s.problemOf(err); ok {
		m = p.Message
	}
	if err := s.writeScriptError(w, r, status, retry, m, true); err != nil {
		reply.Report(r, err)
		http.Error(w, http.StatusText(status), status)
	}
}
