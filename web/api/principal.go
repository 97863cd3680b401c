package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
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

// WithPrincipal returns a context for requests from the admin socket or in offline mode. They act as op and need no
// token.
func WithPrincipal(ctx context.Context, op admin.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, op)
}

// principal returns the caller of a request. It ignores cookies.
func (a *API) principal(w http.ResponseWriter, r *http.Request) (admin.Principal, error) {
	if op, ok := r.Context().Value(principalKey{}).(admin.Principal); ok {
		return op, nil // without a limit
	}
	refused := &reply.HTTPError{Status: http.StatusUnauthorized, Kind: reply.KindToken}
	// Each lookup is by SHA-256 of the token, so its time reveals nothing about a guess.
	secret, ok := tokenOf(r.Header)
	if !ok {
		return admin.Principal{}, refused
	}
	switch op, ok, err := a.clientPrincipal(r, secret); {
	case err != nil:
		return op, err
	case ok:
		return op, a.countCall(w, r, op, throttle.Registration)
	}
	op, scopes, limited, err := a.servicePrincipal(r, secret)
	if !limited {
		op, err = a.directory.Admin.Authenticate(r.Context(), secret)
	}
	if errcode.Of(err) == errcode.NoSession {
		return admin.Principal{}, refused
	}
	if err != nil {
		return admin.Principal{}, err
	}
	if err = a.countCall(w, r, op, throttle.APIToken); err == nil && limited && !coversCall(scopes, r) {
		err = errcode.ForbiddenFor(errcode.ReasonNeedsScope)
	}
	return op, err
}

// tokenOf returns the token in the one Authorization header, in Okta's scheme or that of RFC 6750 §2.1.
func tokenOf(h http.Header) (secret.Value, bool) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return secret.Value{}, false
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	// RFC 9110 §11.1: the scheme is case-insensitive.
	if !ok || !strings.EqualFold(scheme, "SSWS") && !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 256 {
		return secret.Value{}, false
	}
	return secret.From(token), true
}

// readsPerCall is the number of events and indexes that a call of the log reads for one call of the rate limit.
const readsPerCall = 1000

// countReads counts what a call read beyond the first part against the rate limit of the next calls, as far as it goes.
func (a *API) countReads(op admin.Principal, reads int) {
	for ; reads > readsPerCall && !op.Operator; reads -= readsPerCall {
		a.limiter.Take(a.now(), throttle.APIToken, op.ID)
	}
}

// ending lists the ends of the paths of calls that end access.
var ending = []string{"/lifecycle/freeze", "/lifecycle/freeze_factors", "/lifecycle/suspend", "/lifecycle/deactivate"}

// budgetOf returns the budget of a call: that of API sign-ins, or of calls that write; none if the call only reads. The first page of an
// export of the log writes its event.
func budgetOf(r *http.Request) throttle.Quota {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == logEntriesPath && r.URL.Query().Get("after") == "": // an export is audited
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return throttle.Quota{}
	case strings.HasPrefix(r.URL.Path, "/api/v1/authn"):
		return throttle.APISignIns
	case r.Method == http.MethodDelete, slices.ContainsFunc(ending, func(end string) bool { return strings.HasSuffix(r.URL.Path, end) }):
		return throttle.NeverRefused
	}
	return throttle.APIWrites
}

// countCall counts a call against the rate limit (promise S8) and sets Okta's headers. limit is that of calls that only read.
// Other calls have the budget of their route. A call that ends access is counted and never refused.
func (a *API) countCall(w http.ResponseWriter, r *http.Request, op admin.Principal, limit throttle.Limit) error {
	now := a.now()
	q := budgetOf(r)
	if q.Limits() && limit == throttle.APIToken {
		limit = throttle.Limit{Name: q.Name, Count: q.Minute, Per: time.Minute}
	}
	ok, retry, left := a.limiter.Take(now, limit, op.ID)
	if ok && q.Limits() {
		retry = a.directory.Admin.Accounts.Budgets.Charge(now, q, throttle.Caller{Token: op.ID, Owner: cmp.Or(op.Owner, op.ID)})
		ok = retry == 0
	}
	if q == throttle.NeverRefused && limit == throttle.APIToken {
		ok = true
	}
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
