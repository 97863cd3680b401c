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
	"barillet/web/site"
)

// identify adds the reply.Request to the context of a request: its ID, the client, and the language.
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

// statusRecorder records the status and the size of an answer.
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

// Unwrap gives http.ResponseController access to the writer below.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logAccess logs one line for each request, also for one that is cut off: its status is 0 if no answer began. The line contains no query,
// header, body or token of a link (promise S4).
func (s *server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, out := s.Now(), &statusRecorder{ResponseWriter: w}
		defer func() { s.logRequest(r, out, s.Now().Sub(start)) }()
		next.ServeHTTP(out, r)
	})
}

func (s *server) logRequest(r *http.Request, out *statusRecorder, took time.Duration) {
	q := reply.RequestFrom(r.Context())
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", q.ID), slog.String("method", r.Method[:min(len(r.Method), 16)]),
		slog.String("path", loggedPath(r.URL.Path)), slog.String("route", r.Pattern), slog.Int("status", out.status), slog.Int("bytes", out.bytes),
		slog.Duration("took", took.Round(time.Microsecond)), slog.String("address", q.Address.String()))
	if s.Observe != nil {
		s.Observe(r.Pattern, out.status, took)
	}
}

// codeShape matches six-digit codes, tickets and recovery codes.
var codeShape = regexp.MustCompile(`^([0-9]{6,}|[0-9A-Za-z]{4}(-[0-9A-Za-z]{4})+)$`)

// plainSegment matches IDs, addresses and the names of pages, and few passwords.
var plainSegment = regexp.MustCompile(`^[0-9A-Za-z@._~-]*$`)

// loggedPath returns a path for the log, without the token of a link. Users paste secrets into the address bar, also
// behind paths that do not exist. So loggedPath replaces each segment that is longer than the ID of a user or looks
// like a code.
func loggedPath(path string) string {
	for _, p := range site.LinkPaths() {
		if strings.HasPrefix(path, p) && len(path) > len(p) {
			return p + "{token}"
		}
	}
	const maxSegment, maxSegments = 28, 8 // a TOTP secret has 32 characters
	parts, replaced := strings.SplitN(path, "/", maxSegments+1), false
	for i, part := range parts {
		if len(part) > maxSegment && !longWords[part] || i == maxSegments || codeShape.MatchString(part) || !plainSegment.MatchString(part) {
			parts[i], replaced = "{…}", true
		}
	}
	if !replaced {
		return path
	}
	return strings.Join(parts, "/")
}

// longWords lists the segments of routes that are longer than an ID.
var longWords = map[string]bool{"expire_password_with_temp_password": true}

// recoverOnce answers 500 if a handler panics, and logs it once. It aborts an answer that has begun, so that the
// client does not take it for complete.
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
			// The value of the panic may contain form data, so it is not logged.
			s.writeError(w, r, fmt.Errorf("a handler panicked with a %T: %s", p, debug.Stack()))
		}()
		next.ServeHTTP(w, r)
	})
}
