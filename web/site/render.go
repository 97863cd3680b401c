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

// Base is what every page begins with. A notice or problem that a redirect left in the query is told once more.
func (s *Site) Base(r *http.Request) templates.Base {
	b := s.BaseAt(r, CurrentPath(r))
	q := r.URL.Query()
	if k, ok := notices[q.Get("done")]; ok {
		b.Notice = templates.NewNotice(k)
	}
	if k, ok := problems[q.Get("again")]; ok {
		b.Problem = templates.NewProblem(k)
	}
	return b
}

// BaseAt is base for the answer to a POST whose page is at another path.
func (s *Site) BaseAt(r *http.Request, path string) templates.Base {
	v := VisitorOf(r)
	return templates.Base{Lang: v.Lang, Path: path, SignedIn: v.SignedIn(), Name: v.Info.Name}
}

// BaseWithProblem is BaseAt with what is to be corrected.
func (s *Site) BaseWithProblem(r *http.Request, path string, p *templates.Problem) templates.Base {
	b := s.BaseAt(r, path)
	b.Problem = p
	return b
}

// CurrentPath is the path and query of the GET that shows this page again, without what is told but once.
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
		return fmt.Errorf("showing a page: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // a browser that hung up needs no answer
	return nil
}

// RenderAfter is show with the time to come back at, if there is one.
func (s *Site) RenderAfter(w http.ResponseWriter, status int, retry time.Duration, p templates.Page) error {
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return s.Render(w, status, p)
}

// Redirect sends the browser on by GET (RFC 9110 section 15.4.4).
func Redirect(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// WithQuery adds one query parameter to a path of ours.
func WithQuery(path, name, value string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return path + sep + name + "=" + url.QueryEscape(value)
}

// RenderError tells an error: as a problem document to programs, as a page to people.
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
			r = known // so that the page keeps its way to the account
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

// WriteNext and trouble are the two answers to a script of ours.
func WriteNext(w http.ResponseWriter, path string) error {
	return reply.JSON(w, http.StatusOK, map[string]string{"next": path})
}

type scriptError struct {
	Problem string `json:"problem"`
	Reload  bool   `json:"reload,omitempty"` // the challenge is used up: load the page anew
}

func (s *Site) writeScriptError(w http.ResponseWriter, r *http.Request, status int, retry time.Duration, m templates.Message, reload bool) error {
	sentence, err := s.Renderer.Sentence(VisitorOf(r).Lang, m)
	if err != nil {
		return fmt.Errorf("wording a problem: %w", err)
	}
	if retry > 0 {
		reply.RetryAfter(w, retry)
	}
	return reply.JSON(w, status, scriptError{sentence, reload})
}
