package site

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"barillet/templates"
	"barillet/web/reply"
)

// Base returns the part that all pages share. It includes the notice or problem that a redirect left in the query.
func (s *Site) Base(r *http.Request) templates.Base {
	b := s.BaseAt(r, CurrentPath(r))
	b.Typed = Typed(r)
	q := r.URL.Query()
	if k, ok := notices[q.Get("done")]; ok {
		b.Notice = templates.NewNotice(k)
	}
	if k, ok := problems[q.Get("again")]; ok {
		b.Problem = templates.NewProblem(k)
	}
	return b
}

// BaseAt returns Base for the answer to a POST, if the form is at path.
func (s *Site) BaseAt(r *http.Request, path string) templates.Base {
	v := VisitorOf(r)
	return templates.Base{Lang: v.Lang, Path: path, Next: Next(r), SignedIn: v.SignedIn(), HasRole: len(v.Info.Roles) > 0, Name: v.Subject.Name, SubjectToken: s.SubjectToken(v.Subject.User)}
}

// BaseWithProblem returns BaseAt with a problem.
func (s *Site) BaseWithProblem(r *http.Request, path string, p *templates.Problem) templates.Base {
	b := s.BaseAt(r, path)
	b.Problem = p
	return b
}

// CurrentPath returns the path and query of this request, without the parameters that are shown once.
func CurrentPath(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"done", "again", "lang"} {
		q.Del(name)
	}
	path := r.URL.EscapedPath()
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	if local, ok := LocalPath(path); ok {
		return local
	}
	return "/"
}

// Render answers with a page.
func (s *Site) Render(w http.ResponseWriter, status int, p templates.Page) error {
	var b bytes.Buffer
	if err := s.Renderer.Page(&b, p); err != nil {
		return fmt.Errorf("rendering a page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // fails only if the browser has disconnected
	return nil
}

// RenderAfter answers with a page and, if retry is positive, with Retry-After.
func (s *Site) RenderAfter(w http.ResponseWriter, status int, retry time.Duration, p templates.Page) error {
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return s.Render(w, status, p)
}

// Redirect answers 303: the browser fetches path with GET (RFC 9110 §15.4.4).
func Redirect(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// Next returns the local path that the address of a page of a sign-in or an enrolment contains; "" if there is none,
// or it is the account page, where both lead without it.
func Next(r *http.Request) string {
	next, _ := LocalPath(r.URL.Query().Get("next"))
	if next == "/account" {
		return ""
	}
	return next
}

// WithNext adds next to the path of a page of a sign-in or an enrolment, unless it is "".
func WithNext(path, next string) string { return templates.Base{Next: next}.WithNext(path) }

// WithQuery adds a parameter to a path of the service.
func WithQuery(path, name, value string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + name + "=" + url.QueryEscape(value)
}

// RenderError answers with a page that describes an error, and logs the error if it is internal.
func (s *Site) RenderError(w http.ResponseWriter, r *http.Request, err error) {
	status, retry := reply.Status(err)
	if e, ok := errors.AsType[*reply.HTTPError](err); ok && e.Allow != "" {
		w.Header().Set("Allow", e.Allow)
	}
	if status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // the rest of the body is not read
	}
	if r.Context().Value(visitorKey{}) == nil && status < http.StatusInternalServerError {
		if known, err := s.visit(r); err == nil {
			r = known // the page links to the account
		}
	}
	reply.Report(r, err)
	page := templates.Failure{Base: s.BaseAt(r, "/"), Status: pageStatus(status), Wait: retry}
	if status >= http.StatusInternalServerError {
		page.ID = reply.RequestFrom(r.Context()).ID
	}
	if err := s.RenderAfter(w, status, retry, page); err != nil {
		reply.Report(r, err)
		http.Error(w, http.StatusText(status), status)
	}
}

// pageStatus returns the status whose text the error page shows. Several statuses share a text.
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

// WriteNext answers a script: it must open path.
func WriteNext(w http.ResponseWriter, path string) error {
	return reply.JSON(w, http.StatusOK, map[string]string{"next": path})
}

// scriptError describes an error to a script.
type scriptError struct {
	Problem string `json:"problem"`
	Reload  bool   `json:"reload,omitempty"` // the script must reload the page for a new challenge
}

func (s *Site) writeScriptError(w http.ResponseWriter, r *http.Request, status int, retry time.Duration, m templates.Message, reload bool) error {
	sentence, err := s.Renderer.Sentence(VisitorOf(r).Lang, m)
	if err != nil {
		return fmt.Errorf("rendering a problem: %w", err)
	}
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return reply.JSON(w, status, scriptError{sentence, reload})
}
