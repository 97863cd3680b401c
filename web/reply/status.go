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

// storeRetryAfter is the Retry-After of a store that cannot write. lowSpaceRetryAfter is that of a disk that an operator must look
// after.
const (
	storeRetryAfter    = 5 * time.Second
	lowSpaceRetryAfter = time.Minute
)

// HTTPError is a refusal by HTTP, before the domain is called. It contains at most the name of a member.
type HTTPError struct {
	Status int
	Kind   string // the last part of the type of the problem
	Member string // the member of the body or query, or ""
	Allow  string // with 405: the methods of the path
}

func (e *HTTPError) Error() string {
	if e.Member != "" {
		return e.Kind + ": " + e.Member
	}
	return e.Kind
}

// statuses maps codes to HTTP statuses. Invalid is 422 for forms; the problem document uses 400, which Okta's clients
// expect for a validation error.
var statuses = map[errcode.Code]int{
	errcode.SignInFailed:     http.StatusUnauthorized,
	errcode.RateLimited:      http.StatusTooManyRequests,
	errcode.Overloaded:       http.StatusServiceUnavailable,
	errcode.LowSpace:         http.StatusServiceUnavailable,
	errcode.Expired:          http.StatusUnauthorized,
	errcode.NoSession:        http.StatusUnauthorized,
	errcode.StepUpRequired:   http.StatusForbidden,
	errcode.Forbidden:        http.StatusForbidden,
	errcode.ApprovalRequired: http.StatusForbidden,
	errcode.NotFound:         http.StatusNotFound,
	errcode.Invalid:          http.StatusUnprocessableEntity,
	errcode.Taken:            http.StatusConflict,
	errcode.LastDevice:       http.StatusConflict,
	errcode.TooMany:          http.StatusConflict,
	errcode.InvalidLink:      http.StatusNotFound,
	errcode.InvalidTicket:    http.StatusUnauthorized,
	errcode.TicketExpired:    http.StatusGone,
	errcode.SameProvenance:   http.StatusForbidden,
	errcode.QRLimit:          http.StatusTooManyRequests,
	errcode.CopiesDisabled:   http.StatusForbidden,
	errcode.WrongState:       http.StatusConflict,
	errcode.Conflict:         http.StatusConflict,
}

// Status returns the HTTP status of an error, and the Retry-After if it is positive. An unknown error is 500.
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
		if retry = e.RetryAfter; e.Code == errcode.LowSpace {
			retry = lowSpaceRetryAfter
		}
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

// Report writes an error to the log if it is internal or comes from the store. The audit log has refusals. The handler
// that writes an error calls Report once; Problem calls it itself.
func Report(r *http.Request, err error) {
	status, _ := Status(err)
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented || errcode.Of(err) != "" && status != http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	if errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // the client closed the connection
	}
	q := RequestFrom(r.Context())
	// The pattern, because the path can contain the token of a link.
	q.logger().LogAttrs(r.Context(), level, "request failed", slog.String("request", q.ID), slog.String("method", r.Method),
		slog.String("route", r.Pattern), slog.Int("status", status), slog.Any("error", err))
}
