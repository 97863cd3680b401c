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

// Client calls the REST API through a transport.
type Client struct {
	base    string // with /api/v1
	token   string // "": the transport authenticates the operator
	http    *http.Client
	agent   string
	done    func()
	Offline bool // the service does not run, so no email is sent now
	// DefaultURL is the beginning of links in offline mode without public_url; else "".
	DefaultURL string
	// NoSupport reports offline mode without support.email.
	NoSupport bool

	answered time.Time // when the service sent the last page of a list, by its clock; zero if it did not say
}

// requestTimeout is the time limit of a call.
const requestTimeout = 30 * time.Second

// NewClient returns a client of the service at an origin. Done calls done, which releases the transport.
func NewClient(origin, token string, transport http.RoundTripper, done func()) *Client {
	return &Client{base: origin + "/api/v1", token: token, done: done, http: &http.Client{Transport: transport, Timeout: requestTimeout,
		// The API sends no redirects, and one could send the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Done releases the connection.
func (c *Client) Done() { c.done() }

// maxResponse is the maximum size of a response in bytes.
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

// call sends in as JSON, unless it is nil, and decodes the response into out, unless it is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	_, err := c.do(ctx, method, path, in, out)
	return err
}

// do is like call, and returns the header of the response.
func (c *Client) do(ctx context.Context, method, path string, in, out any) (http.Header, error) {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("calling the service: %w", err)
	}
	defer response.Body.Close()
	text, err := readResponse(response)
	if err != nil {
		return nil, err
	}
	if out == nil || response.StatusCode == http.StatusNoContent {
		return response.Header, nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return nil, fmt.Errorf("reading response: %w", err)
	}
	return response.Header, nil
}

// readResponse returns the body of a response. That of a refusal is its error.
func readResponse(response *http.Response) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	if err != nil {
		return nil, fmt.Errorf("reading response: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		refused := &refusal{}
		if json.Unmarshal(text, refused) != nil || refused.Title == "" && refused.Detail == "" && refused.Description == "" {
			return nil, fmt.Errorf("the server returned %s without an error document of Barillet", response.Status)
		}
		refused.Status = response.StatusCode
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			refused.retry = time.Duration(min(seconds, 3600)) * time.Second
		}
		return nil, refused
	}
	return text, nil
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encoding request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("creating request: %w", err)
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

// pages reads all pages of a list, or at least limit entries if limit is not 0.
func pages[T any](ctx context.Context, c *Client, path string, values url.Values, limit int) ([]T, error) {
	var all []T
	values = maps.Clone(values)
	if values == nil {
		values = url.Values{}
	}
	for {
		if limit > 0 {
			values.Set("limit", strconv.Itoa(min(limit-len(all), 200)))
		}
		var page []T
		header, err := c.do(ctx, http.MethodGet, path+"?"+values.Encode(), nil, &page)
		if err != nil {
			return nil, err
		}
		c.answered, _ = http.ParseTime(header.Get("Date"))
		all = append(all, page...)
		after := cursor(header)
		if after == "" || limit > 0 && len(all) >= limit {
			return all, nil
		}
		values.Set("after", after)
	}
}

// cursor returns the cursor of the next page of a list (RFC 8288), or "" on the last page. The link contains the public URL,
// at which the client may not reach the service, so only the cursor is used.
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

// warnDefaultURL prints a warning if links begin with http://localhost.
func (m *CLI) warnDefaultURL(s *Client) {
	if s.DefaultURL != "" {
		m.Note("warning: public_url is not set: links begin with %s", s.DefaultURL)
	}
}
