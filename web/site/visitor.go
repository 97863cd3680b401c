package site

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// Visitor is what a page knows of its visitor. It is found once for a request and handed on: the cookies are not
// read again, since gorilla/sessions ties what it has read to one *http.Request (FACTS S5).
type Visitor struct {
	Session     secret.Value // of somebody signed in; empty: nobody is
	Transaction secret.Value // of a login under way, whatever became of it; empty: none
	Info        session.Info // with session
	Lang        string
}

func (v *Visitor) SignedIn() bool { return !v.Session.IsZero() }

type visitorKey struct{}

// VisitorOf is the visitor of a request; a stranger's before the cookies were read.
func VisitorOf(r *http.Request) *Visitor {
	if v, ok := r.Context().Value(visitorKey{}).(*Visitor); ok {
		return v
	}
	return &Visitor{Lang: reply.RequestFrom(r.Context()).Lang}
}

// visit reads the cookies and gives the request on which they were read: the one to go on with.
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
	if live, ok := ses.Values[infoKey{}].(session.Info); ok {
		v.Session, v.Info = secret.From(ses.ID), live
		if chosen := r.URL.Query().Get("lang"); live.Locale != "" && chosen != v.Lang {
			v.Lang, q.Lang = live.Locale, live.Locale
		}
	}
	ctx := reply.With(context.WithValue(r.Context(), visitorKey{}, v), &q)
	return r.WithContext(ctx), nil
}

// RequestInfo is where a request comes from, for authn.
func RequestInfo(r *http.Request) account.RequestInfo { return reply.RequestFrom(r.Context()).Origin() }

// maxLocalPath is the maximum length of a path that a form or a query names.
const maxLocalPath = 512

// LocalPath returns next if it is a path of the service that a browser can be sent to.
func LocalPath(next string) (string, bool) {
	if len(next) > maxLocalPath || !reply.IsLocalPath(next) {
		return "", false
	}
	return next, true
}
