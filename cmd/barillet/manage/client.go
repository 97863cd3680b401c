package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// client calls the REST API. What it speaks through is the transport's business: the calls are the same.
type client struct {
	base   string // with /api/v1
	token  string // "": the transport says who is acting
	http   *http.Client
	done   func()
	closed bool // the data folder was opened: no service runs, so nothing is sent now
	// guessed is what links begin with, where the folder was opened and no public URL is set.
	guessed string
}

func newClient(origin, token string, way http.RoundTripper, done func()) *client {
	return &client{base: origin + "/api/v1", token: token, done: done, http: &http.Client{Transport: way, Timeout: answerWait,
		// A redirect would carry the token elsewhere; the API makes none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// largestAnswer is the most that a command reads.
const largestAnswer = 16 << 20

// refusal is the problem document of an answer that is no success.
type refusal struct {
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Title   string `json:"title"`
	ErrorID string `json:"errorId"`
}

func (r *refusal) Error() string {
	said := r.Detail
	if said == "" {
		said = http.StatusText(r.Status)
	}
	if said != "" {
		said = strings.ToLower(said[:1]) + said[1:]
	}
	if r.Status >= 500 && r.ErrorID != "" {
		return fmt.Sprintf("%s (request %s in the log)", said, r.ErrorID)
	}
	return said
}

// call sends in as JSON (nil: nothing) and reads the answer into out (nil: it does not matter).
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "barillet/"+strings.ReplaceAll(version(), " ", "-"))
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "SSWS "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("speaking to the service: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		refused := &refusal{}
		if json.Unmarshal(text, refused) != nil || refused.Title == "" && refused.Detail == "" {
			return fmt.Errorf("the service answered %s, and not as this service does", response.Status)
		}
		refused.Status = response.StatusCode
		return refused
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// warnOfLinks is for commands that make links.
func (c *client) warnOfLinks(p *program) {
	if c.guessed != "" {
		p.note("warning: public_url is not set: the link begins with %s", c.guessed)
	}
}
