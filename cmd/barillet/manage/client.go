package manage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"barillet/cmd/barillet/cli"
)

// Client calls the REST API. What it speaks through is the transport's business: the calls are the same.
type Client struct {
	base    string // with /api/v1
	token   string // "": the transport says who is acting
	http    *http.Client
	agent   string
	done    func()
	Offline bool // the data folder was opened: no service runs, so nothing is sent now
	// DefaultURL is what links begin with, where the folder was opened and no public URL is set.
	DefaultURL string
	// NoSupport says that the folder was opened and no support address is set.
	NoSupport bool
}

// requestTimeout is how long a command waits for an answer.
const requestTimeout = 30 * time.Second

// NewClient speaks to the service at an origin through a transport; done gives back what that holds.
func NewClient(origin, token string, way http.RoundTripper, done func()) *Client {
	return &Client{base: origin + "/api/v1", token: token, done: done, http: &http.Client{Transport: way, Timeout: requestTimeout,
		// A redirect would carry the token elsewhere; the API makes none.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Done ends the use of the service.
func (c *Client) Done() { c.done() }

// maxResponse is the most that a command reads.
const maxResponse = 16 << 20

// refusal is the problem document of a response that is not a success.
type refusal struct {
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Title   string `json:"title"`
	ErrorID string `json:"errorId"`
	Causes  []struct {
		Message string `json:"message"`
	} `json:"errorCauses"`
	// Description is the fault of client metadata, whose errors have another form (RFC 7591 §3.2.2).
	Description string `json:"error_description"`

	retry time.Duration // from the header Retry-After; 0 without it
}

func (r *refusal) Error() string {
	text := cmp.Or(r.Detail, r.Description, http.StatusText(r.Status))
	if text != "" {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	for _, cause := range r.Causes { // such as the assignee of a help request
		if message := cli.Plain(cause.Message); !strings.Contains(text, message) {
			text += "; " + message
		}
	}
	if r.Status >= 500 && r.ErrorID != "" {
		return fmt.Sprintf("%s (request %s in the log)", text, r.ErrorID)
	}
	return text
}

// call sends in as JSON (nil: nothing) and reads the answer into out (nil: it does not matter).
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.do(ctx, method, path, in, out)
	return err
}

// do is call, and gives the headers of the answer.
func (c *Client) do(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("speaking to the service: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		refused := &refusal{}
		if json.Unmarshal(text, refused) != nil || refused.Title == "" && refused.Detail == "" && refused.Description == "" {
			return nil, fmt.Errorf("the service answered %s, and not as this service does", response.Status)
		}
		refused.Status = response.StatusCode
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			refused.retry = time.Duration(min(seconds, 3600)) * time.Second
		}
		return nil, refused
	}
	if out == nil {
		return response.Header, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	return response.Header, nil
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("writing the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", strings.ReplaceAll(c.agent, " ", "-"))
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "SSWS "+c.token)
	}
	return request, nil
}

// pages reads a list from its beginning to its end, or until most entries were read (0: all).
func pages[T any](ctx context.Context, c *Client, path string, values url.Values, most int) ([]T, error) {
	var all []T
	values = maps.Clone(values)
	if values == nil {
		values = url.Values{}
	}
	for {
		if most > 0 {
			values.Set("limit", strconv.Itoa(min(most-len(all), 200)))
		}
		var page []T
		header, err := c.do(ctx, http.MethodGet, path+"?"+values.Encode(), nil, &page)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		after := cursor(header)
		if after == "" || most > 0 && len(all) >= most {
			return all, nil
		}
		values.Set("after", after)
	}
}

// cursor is where the next page of a list begins (RFC 8288); "" at the end. Its address is on the public URL, which
// may not be the one that is spoken to, so only the cursor is taken.
func cursor(header http.Header) string {
	for _, link := range header.Values("Link") {
		target, rel, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">;")
		at, err := url.Parse(target)
		if err == nil && strings.TrimSpace(rel) == `rel="next"` {
			return at.Query().Get("after")
		}
	}
	return ""
}

// warnDefaultURL is for commands that make links.
func (m *CLI) warnDefaultURL(s *Client) {
	if s.DefaultURL != "" {
		m.Note("warning: public_url is not set: the link begins with %s", s.DefaultURL)
	}
}
