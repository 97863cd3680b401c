package oidc

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/store"
)

// The refusals that the library has no name for. Descriptions are for developers, in the characters that RFC 6749
// section 4.1.2.1 allows, and never repeat what was sent.
func unsupportedResponseType() *protocol.Error {
	return &protocol.Error{ErrorType: "unsupported_response_type", Description: "only response_type=code is offered"}
}

func requestURINotSupported() *protocol.Error {
	return &protocol.Error{ErrorType: "request_uri_not_supported", Description: "only a request_uri of the pushed authorization request endpoint is taken"}
}

func registrationNotSupported() *protocol.Error {
	return &protocol.Error{ErrorType: "registration_not_supported"}
}

func consentRequired() *protocol.Error { return &protocol.Error{ErrorType: "consent_required"} }

func selectionRequired() *protocol.Error {
	return &protocol.Error{ErrorType: "account_selection_required", Description: "a browser has one account here"}
}

func notAdmitted() *protocol.Error {
	return protocol.ErrAccessDenied().WithDescription("this person may not use the application")
}

// unmet is OpenID Connect Core Unmet Authentication Requirements 1.0.
func unmet() *protocol.Error {
	return &protocol.Error{ErrorType: "unmet_authentication_requirements"}
}

func invalidToken() error {
	return op.NewStatusError(&protocol.Error{ErrorType: "invalid_token", Description: "the access token is not, or no longer, good"}, http.StatusUnauthorized)
}

func insufficientScope() error {
	return op.NewStatusError(&protocol.Error{ErrorType: "insufficient_scope", Description: "the access token is not for openid"}, http.StatusForbidden)
}

// wrongClient is the one answer to every failed authentication of a client, whatever failed.
func wrongClient() error {
	return op.NewStatusError(protocol.ErrInvalidClient().WithDescription("client authentication failed"), http.StatusUnauthorized)
}

func invalidGrant(why string) *protocol.Error {
	return protocol.ErrInvalidGrant().WithDescription("%s", why)
}

// fault makes of an error inside the house what a client is told, and writes the rest to the log: the library would
// put the text of an error that it does not know into the answer.
func (p *Provider) fault(ctx context.Context, doing string, err error) error {
	if _, ok := errors.AsType[*protocol.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[op.StatusError](err); ok {
		return err
	}
	status := http.StatusInternalServerError
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrClosed) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		status = http.StatusServiceUnavailable
	}
	p.Errors.LogAttrs(ctx, slog.LevelError, "OpenID Connect failed", slog.String("doing", doing), slog.Any("error", err))
	return op.NewStatusError(protocol.ErrServerError(), status)
}

// gone tells whether a session or person is not, or no longer, there.
func gone(err error) bool {
	code := authn.CodeOf(err)
	return code == authn.CodeNoSession || code == authn.CodeNotFound
}
