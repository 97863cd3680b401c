package web

import (
	"context"
	"net/http"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// visitor is what a page knows of its visitor. It is found once for a request and handed on: the cookies are not
// read again, since gorilla/sessions ties what it has read to one *http.Request (FACTS S5).
type visitor struct {
	session secret.Value // of somebody signed in; empty: nobody is
	login   secret.Value // of a login under way, whatever became of it; empty: none
	live    session.Info // with session
	lang    string
}

func (v *visitor) SignedIn() bool { return !v.session.IsZero() }

type visitKey struct{}

// visitOf is the visitor of a request; a stranger's before the cookies were read.
func visitOf(r *http.Request) *visitor {
	if v, ok := r.Context().Value(visitKey{}).(*visitor); ok {
		return v
	}
	return &visitor{lang: reply.RequestFrom(r.Context()).Lang}
}

// visit reads the cookies and gives the request on which they were read: the one to go on with.
func (s *server) visit(r *http.Request) (*http.Request, error) {
	ses, err := s.cookies.Get(r, s.cookies.session)
	if err != nil {
		return r, err
	}
	login, err := s.cookies.Get(r, s.cookies.login)
	if err != nil {
		return r, err
	}
	q := *reply.RequestFrom(r.Context())
	v := &visitor{lang: q.Lang, login: secret.From(login.ID)}
	if live, ok := ses.Values[liveKey{}].(session.Info); ok {
		v.session, v.live = secret.From(ses.ID), live
		if chosen := r.URL.Query().Get("lang"); live.Locale != "" && chosen != v.lang {
			v.lang, q.Lang = live.Locale, live.Locale
		}
	}
	ctx := reply.With(context.WithValue(r.Context(), visitKey{}, v), &q)
	return r.WithContext(ctx), nil
}

// answered runs a handler for a visitor and has its error answered.
func (s *server) answered(h handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := s.visit(r)
		if err == nil {
			err = h(w, r)
		}
		if err != nil {
			fail(w, r, err)
		}
	})
}

// origin is where a request comes from, for authn.
func origin(r *http.Request) account.RequestInfo { return reply.RequestFrom(r.Context()).Origin() }

// signIn hands the browser the end of a sign-in. The session that it had until now ends: a browser has one.
func (s *server) signIn(w http.ResponseWriter, r *http.Request, issued session.Credentials) error {
	if v := visitOf(r); v.SignedIn() {
		if err := s.Sessions.SignOut(r.Context(), origin(r), v.session); err != nil {
			reply.Report(r, err) // the new session stands; the old one ends by itself
		}
	}
	if err := s.cookies.put(w, r, s.cookies.login, secret.Value{}); err != nil {
		return err
	}
	return s.setCookies(w, r, issued)
}

// setCookies hands the browser the secrets that authn issued. A known browser's cookie is sent again, to last.
func (s *server) setCookies(w http.ResponseWriter, r *http.Request, issued session.Credentials) error {
	if issued.Session.IsZero() {
		return nil
	}
	browser := issued.Browser
	if browser.IsZero() {
		browser = origin(r).Browser
	}
	if !browser.IsZero() {
		if err := s.cookies.put(w, r, s.cookies.browser, browser); err != nil {
			return err
		}
	}
	return s.cookies.put(w, r, s.cookies.session, issued.Session)
}

// adoptThen is adopt, then on to a path.
func (s *server) adoptThen(w http.ResponseWriter, r *http.Request, issued session.Credentials, path string) error {
	if err := s.setCookies(w, r, issued); err != nil {
		return err
	}
	return redirect(w, path)
}

// beginThen hands the browser a login that has begun, then goes on to a path.
func (s *server) beginThen(w http.ResponseWriter, r *http.Request, login secret.Value, path string) error {
	if err := s.beginLogin(w, r, login); err != nil {
		return err
	}
	return redirect(w, path)
}

// beginLogin hands the browser a login under way; called again it lasts another ten minutes.
func (s *server) beginLogin(w http.ResponseWriter, r *http.Request, login secret.Value) error {
	return s.cookies.put(w, r, s.cookies.login, login)
}

// maxLocalPath is the maximum length of a path that a form or a query names.
const maxLocalPath = 512

// localPath returns next if it is a path of the service that a browser can be sent to.
func localPath(next string) (string, bool) {
	if len(next) > maxLocalPath || !reply.IsLocalPath(next) {
		return "", false
	}
	return next, true
}
