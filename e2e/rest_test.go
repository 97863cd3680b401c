package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// API calls the REST API as a script would.
type API struct {
	Base  string // with /api/v1
	Token string // empty: none is sent

	tb     testing.TB
	client *http.Client
}

// API gives a caller with a token.
func (p *Program) API(token string) *API {
	return NewAPI(p.tb, p.URL+"/api/v1", token)
}

// NewAPI gives a caller for a base address. Redirects are answers to look at:
// it follows none.
func NewAPI(tb testing.TB, base, token string) *API {
	return &API{Base: base, Token: token, tb: tb, client: &http.Client{
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what the API said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	tb   testing.TB
	call string
}

// Call sends in as JSON, unless it is nil, or as it is when it is a string.
// The path is below Base, or a whole address, as Link headers give it.
func (a *API) Call(method, path string, in any) *Answer {
	a.tb.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = a.Base + path
	}
	var body io.Reader
	switch in := in.(type) {
	case nil:
	case string:
		body = strings.NewReader(in)
	default:
		text, err := json.Marshal(in)
		if err != nil {
			a.tb.Fatalf("writing the body of %s %s: %v", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(a.tb.Context(), method, target, body)
	if err != nil {
		a.tb.Fatalf("making %s %s: %v", method, path, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if a.Token != "" {
		request.Header.Set("Authorization", "SSWS "+a.Token)
	}
	response, err := a.client.Do(request)
	if err != nil {
		a.tb.Fatalf("calling %s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		a.tb.Fatalf("reading the answer of %s %s: %v", method, path, err)
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: text, tb: a.tb, call: method + " " + path}
}

// Want fails the test unless the status is this one.
func (w *Answer) Want(status int) *Answer {
	w.tb.Helper()
	if w.Status != status {
		w.tb.Fatalf("%s: got %d, want %d; it said:\n%s", w.call, w.Status, status, w.Body)
	}
	return w
}

// Into decodes the JSON of an answer.
func (w *Answer) Into(out any) *Answer {
	w.tb.Helper()
	if err := json.Unmarshal(w.Body, out); err != nil {
		w.tb.Fatalf("%s: reading the answer: %v; it said:\n%s", w.call, err, w.Body)
	}
	return w
}
