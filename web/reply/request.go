package reply

import (
	"context"
	"log/slog"
	"net/netip"

	"barillet/authn/account"
	"barillet/internal/secret"
)

// Request contains what the outermost handlers determine about a request. It is not changed afterwards.
type Request struct {
	ID      string       // in the log, and in every error that is shown
	Address netip.Addr   // of the client, without trusted proxies; invalid for the admin socket
	Agent   string       // User-Agent, cut to 256 bytes
	Lang    string       // the language of the page
	Browser secret.Value // the known-browser cookie, or empty
	Log     *slog.Logger // the logger for errors; nil: slog.Default
}

type requestKey struct{}

// With returns a context with q.
func With(ctx context.Context, q *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, q)
}

// RequestFrom returns the Request of a context. It is never nil. The zero value means the service itself.
func RequestFrom(ctx context.Context) *Request {
	if q, ok := ctx.Value(requestKey{}).(*Request); ok && q != nil {
		return q
	}
	return &Request{}
}

// Origin returns what the domain needs.
func (q *Request) Origin() account.RequestInfo {
	return account.RequestInfo{Address: q.Address, Agent: q.Agent, Browser: q.Browser, RequestID: q.ID, Locale: q.Lang}
}

func (q *Request) logger() *slog.Logger {
	if q.Log == nil {
		return slog.Default()
	}
	return q.Log
}
