package certificate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// maxAnswer is how much of an answer of the CA is searched for a reason.
const maxAnswer = 64 << 10

// reasons is a transport that remembers why the CA last refused. autocert keeps the reason of a failed challenge and of a failed renewal
// to itself.
type reasons struct {
	base http.RoundTripper

	mu  sync.Mutex
	why string
}

// RoundTrip implements http.RoundTripper.
func (t *reasons) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(r)
	if err != nil {
		t.remember(err.Error())
		return res, err
	}
	if !strings.Contains(res.Header.Get("Content-Type"), "json") {
		return res, nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), failing{err}, res.Body), res.Body}
	t.remember(refusal(res.StatusCode, body))
	return res, nil
}

// failing is a reader without content that returns err, or io.EOF if it is nil.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// refusal returns the reason in an answer: a problem document (RFC 8555 §6.7), or an authorization with a failed challenge
// (§7.1.4). It is empty if the CA refuses nothing. A client repeats a request after badNonce.
func refusal(status int, body []byte) string {
	type problem struct {
		Type   string `json:"type"`
		Detail string `json:"detail"`
	}
	var answer struct {
		problem
		Error      *problem `json:"error"`
		Challenges []struct {
			Type  string   `json:"type"`
			Error *problem `json:"error"`
		} `json:"challenges"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return ""
	}
	if status >= http.StatusBadRequest {
		if strings.HasSuffix(answer.Type, ":badNonce") {
			return ""
		}
		return fmt.Sprintf("%s (status %d)", answer.Detail, status)
	}
	for _, c := range answer.Challenges {
		if c.Error != nil {
			return c.Type + ": " + c.Error.Detail
		}
	}
	if answer.Error != nil {
		return answer.Error.Detail
	}
	return ""
}

func (t *reasons) remember(why string) {
	if why == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.why = why[:min(len(why), 500)]
}

// take returns the last reason and forgets it.
func (t *reasons) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	why := t.why
	t.why = ""
	return why
}
