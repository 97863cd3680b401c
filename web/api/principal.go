package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/web/reply"
)

type principalKey struct{}

// WithPrincipal marks a request that came by the socket or the closed folder: it acts as op and needs no token.
func WithPrincipal(ctx context.Context, op admin.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, op)
}

// principal tells who calls. Cookies are not looked at: a person's session is worth nothing here.
func (a *API) principal(w http.ResponseWriter, r *http.Request) (admin.Principal, error) {
	if op, ok := r.Context().Value(principalKey{}).(admin.Principal); ok {
		return op, nil
	}
	refused := &reply.HTTPError{Status: http.StatusUnauthorized, Kind: reply.KindToken}
	secret, ok := tokenOf(r.Header)
	if !ok {
		return admin.Principal{}, refused
	}
	switch op, ok, err := a.clientPrincipal(r, secret); {
	case err != nil:
		return op, err
	case ok:
		return op, a.countCall(w, op, throttle.Registration)
	}
	// The token is looked up by its SHA-256, so that no comparison tells how much of a guess is right.
	op, err := a.directory.Admin.Authenticate(r.Context(), secret)
	if errcode.Of(err) == errcode.NoSession {
		return admin.Principal{}, refused
	}
	if err != nil {
		return admin.Principal{}, err
	}
	return op, a.countCall(w, op, throttle.APIToken)
}

// tokenOf reads the one Authorization header: Okta's scheme or that of RFC 6750 section 2.1.
func tokenOf(h http.Header) (secret.Value, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return secret.Value{}, false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	// RFC 9110 section 11.1: the name of a scheme is the same in any case.
	if !ok || !strings.EqualFold(scheme, "SSWS") && !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 256 {
		return secret.Value{}, false
	}
	return secret.From(token), true
}

// countCall takes one of the token's calls (BAR S8) and says in Okta's headers what is left.
func (a *API) countCall(w http.ResponseWriter, op admin.Principal, limit throttle.Limit) error {
	now := a.now()
	ok, retry, left := a.limiter.Take(now, limit, op.ID)
	full := now.Add(time.Duration(limit.Count-left) * (limit.Per / time.Duration(limit.Count)))
	if !ok {
		full = now.Add(retry)
	}
	h := w.Header()
	h.Set("X-Rate-Limit-Limit", strconv.Itoa(limit.Count))
	h.Set("X-Rate-Limit-Remaining", strconv.Itoa(left))
	h.Set("X-Rate-Limit-Reset", strconv.FormatInt(full.Add(time.Second-1).Unix(), 10))
	if !ok {
		return errcode.RateLimit(retry)
	}
	return nil
}
