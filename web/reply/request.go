package reply

import (
	"context"
	"log/slog"
	"net/netip"

	"barillet/authn/account"
	"barillet/internal/secret"
)

// Request is what the outermost handlers know of a request. It is set once and not changed afterwards.
type Request struct {
	ID      string       // of the request in the log and in every error that is shown
	Address netip.Addr   // of the client, after trusted proxies; invalid: the machine itself
	Agent   string       // User-Agent, cut to 256 bytes
	Lang    string       // the page's language
	Browser secret.Value // the known-browser cookie, empty without one
	Log     *slog.Logger // where errors of this request go; nil: the default of log/slog
}

type requestKey struct{}

// With puts q into a context.
func With(ctx context.Context, q *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, q)
}

// RequestFrom is the Request of a context. It is never nil: without one it is the zero value, the house itself.
func RequestFrom(ctx context.Context) *Request {
	if q, ok := ctx.Value(requestKey{}).(*Request); ok && q != nil {
		return q
	}
	return &Request{}
}

// Origin is what authn wants to know of the request.
func (q *Request) Origin() account.RequestInfo {
	return account.RequestInfo{Address: q.Address, Agent: q.Agent, Browser: q.Browser, RequestID: q.ID, Locale: q.Lang}
}

func (q *Request) logger() *slog.Logger {
	if q.Log == nil {
		return slog.Default()
	}
	return q.Log
}
