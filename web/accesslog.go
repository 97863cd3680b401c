package web

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"barillet/web/reply"
)

// identify gives a request its id, and finds out where it comes from and which language to answer in.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent := r.UserAgent()
		if len(agent) > 256 {
			agent = agent[:256]
		}
		id := rand.Text()[:16] // 80 bits
		q := &reply.Request{ID: id, Address: reply.ClientAddress(r, s.TrustedProxies), Agent: strings.ToValidUTF8(agent, ""),
			Lang: s.Language(r), Browser: s.KnownBrowser(r), Log: s.Log}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(reply.With(r.Context(), q)))
	})
}

// statusRecorder counts what an answer was.
type statusRecorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController find what is below.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logAccess writes one line for each request: never a query, a header, a body or what a link holds (BAR S4).
func (s *server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, out := s.Now(), &statusRecorder{ResponseWriter: w}
		next.ServeHTTP(out, r)
		q := reply.RequestFrom(r.Context())
		s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", q.ID), slog.String("method", r.Method[:min(len(r.Method), 16)]),
			slog.String("path", loggedPath(r.URL.Path)), slog.Int("status", out.status), slog.Int("bytes", out.bytes),
			slog.Duration("took", s.Now().Sub(start).Round(time.Microsecond)), slog.String("address", q.Address.String()))
	})
}

// secretPaths are those whose next segment is a bearer value.
var secretPaths = []string{"/invite/", "/ticket/", "/password/"}

// codeShape is what six-digit codes, tickets and recovery codes look like.
var codeShape = regexp.MustCompile(`^([0-9]{6,}|[0-9A-Za-z]{4}(-[0-9A-Za-z]{4})+)$`)

// plainSegment is what ids, addresses and the names of pages are made of, and few passwords.
var plainSegment = regexp.MustCompile(`^[0-9A-Za-z@._~-]*$`)

// loggedPath is a path as it may stand in the log. Links lose their token; any other segment that is longer than the id
// of a person, or looks like a code, is cut too, for somebody may have pasted a secret behind a path that does not exist
// or in the place of an id.
func loggedPath(path string) string {
	for _, p := range secretPaths {
		if strings.HasPrefix(path, p) && len(path) > len(p) {
			return p + "{token}"
		}
	}
	const longest, most = 28, 8 // a phone's secret has 32 characters
	parts := strings.SplitN(path, "/", most+1)
	for i, part := range parts {
		if len(part) > longest && !longWords[part] || i == most || codeShape.MatchString(part) || !plainSegment.MatchString(part) {
			parts[i] = "{…}"
		}
	}
	return strings.Join(parts, "/")
}

// longWords are longer than an id and part of a route.
var longWords = map[string]bool{"expire_password_with_temp_password": true}

// recoverOnce makes one 500 of a panic, and one line in the log; the process lives. An answer that has begun is
// cut off, so that nobody takes it for a whole one.
func (s *server) recoverOnce(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			out, counted := w.(*statusRecorder)
			if counted && out.status != 0 {
				s.Log.Error("panic after the answer began", "request", reply.RequestFrom(r.Context()).ID, "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
			// The value is left out: it may hold what was submitted.
			s.writeError(w, r, fmt.Errorf("a handler panicked with a %T: %s", p, debug.Stack()))
		}()
		next.ServeHTTP(w, r)
	})
}
