// Package inprocess is the transport of offline mode: it calls the handler of the API in this process, and streams its answers. It does
// not open the store, and trusts its caller to be the operator.
package inprocess

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// Transport is an http.RoundTripper that calls a handler.
type Transport struct {
	Handler http.Handler
	running sync.WaitGroup
}

// errCut is the error of a reader of an answer whose handler aborted it.
var errCut = errors.New("the answer was cut off")

// RoundTrip implements http.RoundTripper. It returns when the handler writes the header. The body waits for its reader.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := r.Clone(r.Context())
	asked.RequestURI, asked.Host = r.URL.RequestURI(), r.URL.Host
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	body, writer := io.Pipe()
	said := &answer{header: http.Header{}, body: writer, begun: make(chan struct{})}
	t.running.Go(func() {
		defer func() {
			met := recover()
			if met != nil && met != http.ErrAbortHandler {
				panic(met) // a fault of the program
			}
			if met != nil {
				writer.CloseWithError(errCut)
			}
			said.WriteHeader(http.StatusOK) // unless the handler wrote it
			writer.Close()
		}()
		t.Handler.ServeHTTP(said, asked)
	})
	<-said.begun
	return &http.Response{StatusCode: said.status, Status: http.StatusText(said.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: said.sent, Body: body, ContentLength: -1, Request: r}, nil
}

// Wait waits for the handlers. Each body must be read or closed before.
func (t *Transport) Wait() { t.running.Wait() }

// answer is an http.ResponseWriter that streams the response.
type answer struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	begun        chan struct{} // closed with the header
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status, a.sent = status, a.header.Clone()
		close(a.begun)
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}
