package reply_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/web/reply"
)

func TestStatus_OfEveryError(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		retry  time.Duration
	}{
		{"nothing", nil, 200, 0},
		{"a failed sign-in", errcode.New(errcode.SignInFailed), 401, 0},
		{"too many tries", errcode.RateLimit(90 * time.Second), 429, 90 * time.Second},
		{"a full pool", fmt.Errorf("verifying: %w", errcode.New(errcode.Overloaded)), 503, time.Second},
		{"a wrong field", errcode.InvalidField("email", "address"), 422, 0},
		{"a missing thing", fmt.Errorf("loading: %w", errcode.New(errcode.NotFound)), 404, 0},
		{"a code that nobody gave a status", errcode.New("new"), 500, 0},
		{"a disk that is full", fmt.Errorf("storing: %w", store.ErrUnavailable), 503, 5 * time.Second},
		{"too many rivals", store.ErrConflict, 503, time.Second},
		{"a store that is closing", store.ErrClosed, 503, time.Second},
		{"a client that went away", context.Canceled, 503, time.Second},
		{"no time left", fmt.Errorf("reading: %w", context.DeadlineExceeded), 503, time.Second},
		{"a body over its limit", &http.MaxBytesError{Limit: 1}, 413, 0},
		{"a refusal of HTTP", &reply.HTTPError{Status: 405, Kind: reply.KindMethod}, 405, 0},
		{"something unforeseen", errors.New("boom"), 500, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, retry := reply.Status(c.err)
			if status != c.status || retry != c.retry {
				t.Errorf("got %d, %v, want %d, %v", status, retry, c.status, c.retry)
			}
		})
	}
}

func TestDescribe_KnowsEveryCode(t *testing.T) {
	for _, code := range []errcode.Code{errcode.SignInFailed, errcode.RateLimited, errcode.Overloaded, errcode.Expired, errcode.NoSession,
		errcode.StepUpRequired, errcode.Forbidden, errcode.NotFound, errcode.Invalid, errcode.Taken, errcode.LastDevice,
		errcode.TooMany, errcode.InvalidLink, errcode.InvalidTicket, errcode.TicketExpired, errcode.SameProvenance, errcode.QRLimit,
		errcode.CopiesDisabled, errcode.WrongState, errcode.Conflict} {
		if status, _ := reply.Status(errcode.New(code)); status == 500 {
			t.Errorf("code %s has no status", code)
		}
		d := reply.Describe(httptest.NewRequest("GET", "/", nil), errcode.New(code))
		if d.Type != "/problems/"+string(code) || d.Title == "" || !strings.HasPrefix(d.ErrorCode, "E00000") {
			t.Errorf("code %s: got %+v, want a problem of its own", code, d)
		}
	}
}

// TestDescribe_HasWordsForEveryReason compares the reasons of package errcode with the texts.
func TestDescribe_HasWordsForEveryReason(t *testing.T) {
	source, err := os.ReadFile("../../internal/errcode/reason.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Reason\w+\s*= "(\w+)"`).FindAllSubmatch(source, -1)
	if len(all) < 40 {
		t.Fatalf("got %d reasons", len(all))
	}
	for _, found := range all {
		if reason := string(found[1]); reply.Message("", reason) == reason {
			t.Errorf("reason %s has no text", reason)
		}
	}
}

// with gives a request an id and a log.
func with(log *bytes.Buffer) *http.Request {
	r := httptest.NewRequest("POST", "/api/v1/users/secret-in-path", nil)
	q := &reply.Request{ID: "r1", Log: slog.New(slog.NewTextHandler(log, nil))}
	return r.WithContext(reply.With(r.Context(), q))
}

func answer(t *testing.T, r *http.Request, err error) (*httptest.ResponseRecorder, reply.Document) {
	t.Helper()
	w := httptest.NewRecorder()
	reply.Problem(w, r, err)
	var d reply.Document
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return w, d
}

func TestProblem_HasMembersOfOktaAndRFC9457(t *testing.T) {
	var log bytes.Buffer
	w, d := answer(t, with(&log), errcode.InvalidField("email", "address"))
	if w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v, want a problem document with 400", w.Code, w.Header())
	}
	if d.Status != 400 || d.Type != "/problems/invalid" || d.ErrorCode != "E0000001" || d.ErrorID != "r1" || !strings.Contains(d.Instance, "r1") ||
		len(d.ErrorCauses) != 1 || d.ErrorCauses[0].ErrorSummary != "email: address" {
		t.Errorf("got %+v, want the field, the reason and the request id", d)
	}
	if log.Len() != 0 {
		t.Errorf("a refusal was logged: %s", &log)
	}
}

func TestProblem_InternalErrorIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	w, d := answer(t, with(&log), errors.New("opening /var/lib/barillet.db: page 17"))
	if w.Code != 500 || d.ErrorCode != "E0000009" || strings.Contains(w.Body.String(), "page 17") || strings.Contains(w.Body.String(), "/var") {
		t.Errorf("got %d %s, want no detail", w.Code, w.Body)
	}
	if got := strings.Count(log.String(), "page 17"); got != 1 || !strings.Contains(log.String(), "request=r1") {
		t.Errorf("got %d lines of log, want one with the request id:\n%s", got, &log)
	}
	if strings.Contains(log.String(), "secret-in-path") {
		t.Error("the path is in the log")
	}
}

func TestProblem_SetsRetryAfter(t *testing.T) {
	var log bytes.Buffer
	w, _ := answer(t, with(&log), errcode.RateLimit(1500*time.Millisecond))
	if got := w.Header().Get("Retry-After"); w.Code != 429 || got != "2" {
		t.Errorf("got %d after %q, want 429 after 2", w.Code, got)
	}
	w, d := answer(t, with(&log), fmt.Errorf("storing: %w", store.ErrUnavailable))
	if got := w.Header().Get("Retry-After"); w.Code != 503 || got != "5" || d.Type != "/problems/unavailable" {
		t.Errorf("got %d after %q as %s, want 503 after 5", w.Code, got, d.Type)
	}
	w, _ = answer(t, with(&log), &reply.HTTPError{Status: 405, Kind: reply.KindMethod, Allow: "GET, HEAD"})
	if got := w.Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow: got %q", got)
	}
}

func TestRequestFrom_ReturnsTheRequestOfTheContext(t *testing.T) {
	if q := reply.RequestFrom(t.Context()); q == nil || q.ID != "" {
		t.Errorf("got %+v, want the zero value", q)
	}
	q := &reply.Request{ID: "r", Agent: "a", Lang: "fr", Browser: secret.From("b")}
	o := reply.RequestFrom(reply.With(t.Context(), q)).Origin()
	if o.RequestID != "r" || o.Agent != "a" || o.Locale != "fr" || o.Browser.Reveal() != "b" {
		t.Errorf("got %+v, want what the request knows", o)
	}
}

func TestJSON_WritesNothingAfterAnEncodingError(t *testing.T) {
	w := httptest.NewRecorder()
	if err := reply.JSON(w, 200, func() {}); err == nil || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("got %v with %d bytes, want an error and nothing written", err, w.Body.Len())
	}
}
