package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/admission"
	"barillet/web/console"
	"barillet/web/reply"
)

// The maximum sizes of a request, in bytes (promise S5).
const (
	maxBody    = 64 << 10
	maxAPIBody = 1 << 20 // of the API, and of a list of users
)

// A body is refused if less than minProgress bytes of it arrive in a bodyInterval.
const (
	bodyInterval = 5 * time.Second
	minProgress  = 16 << 10
	// drainTime is how long a refused request may still send. A client reads the answer only if the connection is not reset,
	// which happens if bytes are left unread.
	drainTime = 200 * time.Millisecond
)

// isProbe reports whether the request is for one of the probes.
func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// bodyLimit returns the maximum size of the body of a request.
func bodyLimit(r *http.Request) int64 {
	if strings.HasPrefix(r.URL.Path, apiPrefix) || r.URL.Path == console.ImportPath {
		return maxAPIBody
	}
	return maxBody
}

// admit limits the requests in flight by client, and refuses a request without a place before it reads its body (promise
// S10). The probes need no place.
func (s *server) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isProbe(r) {
			next.ServeHTTP(w, r)
			return
		}
		expected, limit := r.ContentLength, bodyLimit(r)
		if expected < 0 {
			expected = limit
		} else if expected > limit {
			expected = 0 // not read
		}
		place, err := s.places.Acquire(r.Context(), reply.RequestFrom(r.Context()).Address, expected, func() string { return s.userOf(r) })
		switch {
		case errors.Is(err, admission.ErrClient):
			s.refuse(w, r, errcode.RateLimit(time.Second))
		case err != nil:
			s.refuse(w, r, errcode.New(errcode.Overloaded))
		default:
			s.serveAdmitted(w, r, next, place)
		}
	})
}

// serveAdmitted serves a request in its place, and leaves the place also if the handler panics.
func (s *server) serveAdmitted(w http.ResponseWriter, r *http.Request, next http.Handler, place *admission.Place) {
	defer place.Release()
	next.ServeHTTP(w, r)
}

// userOf returns the user of the session, known browser or forward-auth session of a request; "" if there is none. Their cookies
// prove nothing else here.
func (s *server) userOf(r *http.Request) string {
	var forward secret.Value
	if s.ForwardAuth != nil {
		forward = s.ForwardAuth.Credential(r)
	}
	user, err := s.Sessions.Recognizes(r.Context(), s.SessionCookie(r), s.KnownBrowser(r), forward)
	if err != nil {
		return ""
	}
	return string(user)
}

// refuse answers a request whose body is not read, and closes its connection.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Connection", "close")
	s.writeError(w, r, err)
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).Flush()
		_ = receive(w, r, io.Discard, maxBody, drainTime)
	}
}

// readBody reads the body of a request before any handler, so that no handler waits for a client. It refuses a body that
// is too long or too slow (promise S5).
func (s *server) readBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
			next.ServeHTTP(w, r)
			return
		}
		limit := bodyLimit(r)
		if r.ContentLength > limit {
			s.refuse(w, r, &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge})
			return
		}
		var body bytes.Buffer
		body.Grow(bytes.MinRead + int(min(max(r.ContentLength, 0), 1<<10))) // most bodies are small
		err := receive(w, r, &body, limit, bodyInterval)
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		switch {
		case tooLarge:
			s.refuse(w, r, &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge})
		case errors.Is(err, errTooSlow):
			s.refuse(w, r, &reply.HTTPError{Status: http.StatusRequestTimeout, Kind: reply.KindTooSlow})
		case err != nil:
			s.refuse(w, r, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed})
		default:
			r.Body = io.NopCloser(&body)
			next.ServeHTTP(w, r)
		}
	})
}

var errTooSlow = errors.New("the body does not arrive in time")

// receive copies a body of at most limit bytes to a writer. It ends with errTooSlow after an interval with too little
// progress.
func receive(w http.ResponseWriter, r *http.Request, to io.Writer, limit int64, interval time.Duration) error {
	p := &progress{interval: interval, cut: func() {
		// A deadline in the past ends a Read that waits (net.Conn).
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
	}}
	p.begin()
	_, err := io.Copy(to, p.watch(http.MaxBytesReader(w, r.Body, limit)))
	if p.end() {
		return errTooSlow
	}
	return err
}

// progress counts the bytes of a body and calls cut once if too few arrive.
type progress struct {
	interval time.Duration
	cut      func()

	mu    sync.Mutex
	timer *time.Timer
	got   int  // since the last interval
	ended bool // no cut any more
	slow  bool // cut was called
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(p.interval, p.check)
}

func (p *progress) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.ended:
	case p.got < minProgress:
		p.slow = true
		p.cut()
	default:
		p.got = 0
		p.timer.Reset(p.interval)
	}
}

// end stops the count and reports whether the body was cut.
func (p *progress) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.timer.Stop()
	return p.slow
}

// watch returns a reader that counts what r reads.
func (p *progress) watch(r io.Reader) io.Reader { return &countedReader{r, p} }

type countedReader struct {
	io.Reader
	p *progress
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	c.p.got += n
	return n, err
}
