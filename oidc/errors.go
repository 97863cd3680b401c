package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

// Error is an OAuth error response (RFC 6749 §4.1.2.1 and §5.2). The description is for developers, in the characters
// that RFC 6749 allows. It never repeats input.
type Error struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`

	status int // at an endpoint of clients; 0 means 400
}

func (e *Error) Error() string { return e.Code + ": " + e.Description }

func invalidRequest(why string) *Error { return &Error{Code: "invalid_request", Description: why} }
func invalidScope(why string) *Error   { return &Error{Code: "invalid_scope", Description: why} }
func invalidGrant(why string) *Error   { return &Error{Code: "invalid_grant", Description: why} }
func unauthorizedClient(why string) *Error {
	return &Error{Code: "unauthorized_client", Description: why}
}
func accessDenied(why string) *Error  { return &Error{Code: "access_denied", Description: why} }
func loginRequired(why string) *Error { return &Error{Code: "login_required", Description: why} }

func unsupportedGrantType() *Error { return &Error{Code: "unsupported_grant_type"} }

func policyRefusal() *Error { return accessDenied("the user may not use the client") }

// unmetRequirements is the error of OpenID Connect Core Unmet Authentication Requirements §3.
func unmetRequirements() *Error { return &Error{Code: "unmet_authentication_requirements"} }

// invalidClient is the response to a failed authentication of a client.
func invalidClient() *Error {
	return &Error{"invalid_client", "client authentication failed", http.StatusUnauthorized}
}

// tooManyRequests is the response to a client or user beyond a limit.
func tooManyRequests() *Error {
	return &Error{"temporarily_unavailable", "too many requests", http.StatusTooManyRequests}
}

// authenticationRequired is the response of the introspection endpoint to a client that does not authenticate (RFC 7662 §2.1).
func authenticationRequired() *Error {
	return &Error{"invalid_client", "introspection requires a client with a secret or with keys", http.StatusUnauthorized}
}

// fault returns the error response for err. An unknown error is logged, and its text is not sent.
func (p *Provider) fault(ctx context.Context, doing string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*token.GrantError](err); ok {
		return invalidGrant(e.Reason)
	}
	if e, ok := errors.AsType[*client.MethodError](err); ok {
		return &Error{"invalid_client", e.Registered, http.StatusUnauthorized}
	}
	if e, ok := errors.AsType[*client.AssertionError](err); ok {
		return &Error{"invalid_client", e.Error(), http.StatusUnauthorized}
	}
	switch {
	case errors.Is(err, client.ErrTooMany):
		return tooManyRequests()
	case errors.Is(err, client.ErrAuthentication):
		return invalidClient()
	case errors.Is(err, token.ErrScope):
		return invalidScope(token.ErrScope.Error())
	case errors.Is(err, token.ErrInvalid):
		return &Error{"invalid_token", token.ErrInvalid.Error(), http.StatusUnauthorized}
	case errors.Is(err, token.ErrInsufficient):
		return &Error{"insufficient_scope", token.ErrInsufficient.Error(), http.StatusForbidden}
	}
	status := http.StatusInternalServerError
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusServiceUnavailable
	}
	p.Errors.LogAttrs(ctx, slog.LevelError, "OpenID Connect failed", slog.String("doing", doing), slog.Any("error", err))
	return &Error{Code: "server_error", status: status}
}
