package reply

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"barillet/internal/errcode"
	"barillet/store"
)

// storeRetryAfter is when to try again what the store could not write: long enough for a disk to be freed or a
// quorum to come back, short enough for a person to wait for it.
const storeRetryAfter = 5 * time.Second

// HTTPError is what HTTP itself refuses, before anything of the domain is asked. Nothing that was submitted is in
// it but the name of a member.
type HTTPError struct {
	Status int
	Kind   string // one of problem.go: the last part of the problem's type
	Member string // which member of the body or query; "": none in particular
	Allow  string // with 405: the methods of the route
}

func (e *HTTPError) Error() string {
	if e.Member != "" {
		return e.Kind + ": " + e.Member
	}
	return e.Kind
}

// statuses are the codes of authn. A wrong field is 422 here, for forms; the problem document says 400, since
// that is how Okta's clients know a validation error.
var statuses = map[errcode.Code]int{
	errcode.SignInFailed:   http.StatusUnauthorized,
	errcode.RateLimited:    http.StatusTooManyRequests,
	errcode.Overloaded:     http.StatusServiceUnavailable,
	errcode.Expired:        http.StatusUnauthorized,
	errcode.NoSession:      http.StatusUnauthorized,
	errcode.StepUpRequired: http.StatusForbidden,
	errcode.Forbidden:      http.StatusForbidden,
	errcode.NotFound:       http.StatusNotFound,
	errcode.Invalid:        http.StatusUnprocessableEntity,
	errcode.Taken:          http.StatusConflict,
	errcode.LastDevice:     http.StatusConflict,
	errcode.TooMany:        http.StatusConflict,
	errcode.InvalidLink:    http.StatusNotFound,
	errcode.InvalidTicket:  http.StatusUnauthorized,
	errcode.TicketExpired:  http.StatusGone,
	errcode.SameProvenance: http.StatusForbidden,
	errcode.QRLimit:        http.StatusTooManyRequests,
	errcode.CopiesDisabled: http.StatusForbidden,
	errcode.WrongState:     http.StatusConflict,
	errcode.Conflict:       http.StatusConflict,
}

// Status is the one translation of an error to an HTTP status. retry, when above zero, goes into Retry-After.
// An error that nobody foresaw is 500, whatever it says.
func Status(err error) (status int, retry time.Duration) {
	if err == nil {
		return http.StatusOK, 0
	}
	if e, ok := errors.AsType[*HTTPError](err); ok {
		return e.Status, 0
	}
	if e, ok := errors.AsType[*errcode.Error](err); ok {
		status, known := statuses[e.Code]
		if !known {
			return http.StatusInternalServerError, 0
		}
		retry = e.RetryAfter
		if retry <= 0 && (e.Code == errcode.RateLimited || e.Code == errcode.Overloaded) {
			retry = time.Second
		}
		return status, retry
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, 0
	}
	switch {
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable, storeRetryAfter
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable, time.Second
	}
	return http.StatusInternalServerError, 0
}

// Report writes an error to the log if the log should have it: what is internal, and what the store could not
// do. Refusals are answers, and what matters of them is in the audit log. Whoever answers an error calls this
// once; Problem does so itself.
func Report(r *http.Request, err error) {
	status, _ := Status(err)
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented || errcode.Of(err) != "" && status != http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	if errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // the client went away
	}
	q := RequestFrom(r.Context())
	// The pattern, not the path: a path can hold the token of a link.
	q.logger().LogAttrs(r.Context(), level, "request failed", slog.String("request", q.ID), slog.String("method", r.Method),
		slog.String("route", r.Pattern), slog.Int("status", status), slog.Any("error", err))
}
