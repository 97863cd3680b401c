package site

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/authn/session"
	"barillet/internal/secret"
	"barillet/oidc"
	"barillet/web/forwardauth"
	"barillet/web/reply"
)

// TransactionAt returns the transaction of a sign-in. If it is not at one of the steps, the error is a WrongStep.
func (s *Site) TransactionAt(r *http.Request, login secret.Value, steps ...authn.Step) (authn.TransactionState, error) {
	st, err := s.Authn.Transaction(r.Context(), login)
	if err == nil && !slices.Contains(steps, st.Step) {
		err = &WrongStep{Path: StepPath(st.Step)}
	}
	return st, err
}

// BeginTransaction sets the cookie of a sign-in transaction, and extends its life.
func (s *Site) BeginTransaction(w http.ResponseWriter, r *http.Request, login secret.Value) error {
	return s.cookies.put(w, r, s.cookies.transaction, login)
}

// Complete sets the cookie that a second factor leads to: of the session, or of the transaction that needs another
// step.
func (s *Site) Complete(w http.ResponseWriter, r *http.Request, c authn.Completed) error {
	if c.Step != authn.StepDone {
		return s.BeginTransaction(w, r, c.Secret)
	}
	return s.signIn(w, r, c.Credentials)
}

// signIn sets the cookies of a new session. It ends the session that the browser had before.
func (s *Site) signIn(w http.ResponseWriter, r *http.Request, issued session.Credentials) error {
	if v := VisitorOf(r); v.SignedIn() {
		if err := s.Sessions.SignOut(r.Context(), RequestInfo(r), v.Session); err != nil {
			reply.Report(r, err) // the new session is valid, and the old one expires
		}
	}
	if err := s.cookies.put(w, r, s.cookies.transaction, secret.Value{}); err != nil {
		return err
	}
	return s.SetCookies(w, r, issued)
}

// SetCookies sets the cookies for new credentials. It does nothing without a session. It extends the cookie of a known
// browser.
func (s *Site) SetCookies(w http.ResponseWriter, r *http.Request, issued session.Credentials) error {
	if issued.Session.IsZero() {
		return nil
	}
	browser := issued.Browser
	if browser.IsZero() {
		browser = RequestInfo(r).Browser
	}
	if !browser.IsZero() {
		if err := s.cookies.put(w, r, s.cookies.browser, browser); err != nil {
			return err
		}
	}
	return s.cookies.put(w, r, s.cookies.session, issued.Session)
}

// SignOut ends the session of the browser, and the sessions of its applications. Nothing of the user stays in the cache,
// from which Back shows pages. The cookies of the browser stay: it remains known.
func (s *Site) SignOut(w http.ResponseWriter, r *http.Request) error {
	if v := VisitorOf(r); v.SignedIn() {
		if err := s.Sessions.SignOut(r.Context(), RequestInfo(r), v.Session); err != nil {
			return err
		}
		if s.OIDC != nil {
			if err := s.OIDC.Tokens.EndSession(r.Context(), v.Info.User, v.Info.ID); err != nil {
				reply.Report(r, err) // its tokens are invalid; EndRevokedGrants will notify the applications
			}
		}
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	for _, name := range []string{s.cookies.session, s.cookies.transaction} {
		if err := s.cookies.put(w, r, name, secret.Value{}); err != nil {
			return err
		}
	}
	return nil
}

// LoginContext describes the application that a sign-in leads to. It is empty if next is a page of the service.
func (s *Site) LoginContext(r *http.Request, next string) oidc.LoginContext {
	request, ok := strings.CutPrefix(next, oidc.PathContinue+"?request=")
	if !ok || s.OIDC == nil {
		return oidc.LoginContext{App: s.protectedHost(next)}
	}
	login, err := s.OIDC.LoginContext(r.Context(), request)
	if err != nil {
		reply.Report(r, err) // the sign-in works without it
	}
	return login
}

// protectedHost returns the protected host that a path leads to; "" if there is none. Only a host of the configuration
// is returned, because the path can come from any link.
func (s *Site) protectedHost(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Path != forwardauth.SignInPath || s.ForwardAuth == nil {
		return ""
	}
	rule := s.ForwardAuth.RuleFor(u.Query().Get("host"), u.Query().Get("path"))
	if rule == nil {
		return ""
	}
	return rule.Host
}
