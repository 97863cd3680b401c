package sample

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"barillet/internal/outbound"
)

// outboundTransport is an http.RoundTripper that uses package outbound.
type outboundTransport struct{ client *outbound.Client }

// RoundTrip implements http.RoundTripper for GET and POST.
func (o outboundTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("reading request: %w", err)
		}
	}
	var answer outbound.Answer
	var err error
	switch r.Method {
	case http.MethodGet:
		answer, err = o.client.Get(r.Context(), r.URL.String(), r.Header)
	case http.MethodPost:
		answer, err = o.client.Post(r.Context(), r.URL.String(), r.Header, body)
	default:
		err = fmt.Errorf("unsupported method %s", r.Method)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{Status: http.StatusText(answer.Status), StatusCode: answer.Status, Header: answer.Header,
		Body: io.NopCloser(bytes.NewReader(answer.Body)), ContentLength: int64(len(answer.Body)), Request: r}, nil
}
