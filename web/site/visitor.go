package site

import (
	"context"
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// Visitor describes the user of a request. It is read once for a request: gorilla/sessions binds what it reads to one
// *http.Request.
type Visitor struct {
	Session     secret.Value // zero without a session
	Transaction secret.Value // of a sign-in, which may have ended; zero without one
	Info        session.Info // of Session
	Subject     Subject
	Lang        string

	transaction string         // hash of Transaction, if it is valid
	account     account.UserID // its user
}

// SignedIn reports whether the visitor has a session.
func (v *Visitor) SignedIn() bool { return !v.Session.IsZero() }

type visitorKey struct{}

// VisitorOf returns the visitor of a request. Before the cookies are read, the visitor has no session.
func VisitorOf(r *http.Request) *Visitor {
	if v, ok := r.Context().Value(visitorKey{}).(*Visitor); ok {
		return v
	}
	return &Visitor{Lang: reply.RequestFrom(r.Context()).Lang}
}

// visit reads the cookies. It returns the request that contains the visitor.
func (s *Site) visit(r *http.Request) (*http.Request, error) {
	ses, err := s.cookies.Get(r, s.cookies.session)
	if err != nil {
		return r, err
	}
	login, err := s.cookies.Get(r, s.cookies.transaction)
	if err != nil {
		return r, err
	}
	q := *reply.RequestFrom(r.Context())
	v := &Visitor{Lang: q.Lang, Transaction: secret.From(login.ID)}
	if info, ok := ses.Values[infoKey{}].(session.Info); ok {
		v.Session, v.Info = secret.From(ses.ID), info
		if info.Locale != "" {
			v.Lang, q.Lang = info.Locale, info.Locale
		}
	}
	if t, ok := r.Context().Value(typedKey{}).(typed); ok {
		v.Lang, q.Lang = t.lang, t.lang // the session was read before the switch
	}
	ctx := reply.With(context.WithValue(r.Context(), visitorKey{}, v), &q)
	if !v.Transaction.IsZero() {
		ctx = authn.WithRequest(ctx)
	}
	if err := s.findSubject(ctx, r, v); err != nil {
		return r, err
	}
	return r.WithContext(ctx), nil
}

// RequestInfo describes the client of a request.
func RequestInfo(r *http.Request) account.RequestInfo { return reply.RequestFrom(r.Context()).Origin() }

// maxLocalPath is the maximum length of a path that a form or a query names. The path of a sign-in for a protected host
// contains a sealed page, of at most forwardauth.MaxSealed bytes.
const maxLocalPath = 4 << 10

// LocalPath returns next if it is a path of the service that a browser can be sent to.
func LocalPath(next string) (string, bool) {
	if len(next) > maxLocalPath || !reply.IsLocalPath(next) {
		return "", false
	}
	return next, true
}
