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

// TransactionAt is a login under way that stands at one of the steps; at any other it is misplaced.
func (s *Site) TransactionAt(r *http.Request, login secret.Value, steps ...authn.Step) (authn.TransactionState, error) {
	st, err := s.Authn.Transaction(r.Context(), login)
	if err == nil && !slices.Contains(steps, st.Step) {
		err = &WrongStep{Path: StepPath(st.Step)}
	}
	return st, err
}

// BeginTransaction hands the browser a login under way; called again it lasts another ten minutes.
func (s *Site) BeginTransaction(w http.ResponseWriter, r *http.Request, login secret.Value) error {
	return s.cookies.put(w, r, s.cookies.transaction, login)
}

// Complete hands the browser what a second step ended in: a session, or the login that still asks for something.
func (s *Site) Complete(w http.ResponseWriter, r *http.Request, c authn.Completed) error {
	if c.Step != authn.StepDone {
		return s.BeginTransaction(w, r, c.Login)
	}
	return s.signIn(w, r, c.Issued)
}

// signIn hands the browser the end of a sign-in. The session that it had until now ends: a browser has one.
func (s *Site) signIn(w http.ResponseWriter, r *http.Request, issued session.Credentials) error {
	if v := VisitorOf(r); v.SignedIn() {
		if err := s.Sessions.SignOut(r.Context(), RequestInfo(r), v.Session); err != nil {
			reply.Report(r, err) // the new session stands; the old one ends by itself
		}
	}
	if err := s.cookies.put(w, r, s.cookies.transaction, secret.Value{}); err != nil {
		return err
	}
	return s.SetCookies(w, r, issued)
}

// SetCookies hands the browser the secrets that authn issued. A known browser's cookie is sent again, to last.
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

// SignOut ends the session of a browser, here and in the applications.
func (s *Site) SignOut(w http.ResponseWriter, r *http.Request) error {
	if v := VisitorOf(r); v.SignedIn() {
		if err := s.Sessions.SignOut(r.Context(), RequestInfo(r), v.Session); err != nil {
			return err
		}
		if s.OIDC != nil {
			if err := s.OIDC.Tokens.EndSession(r.Context(), v.Info.User, v.Info.ID); err != nil {
				reply.Report(r, err) // no token of it is good any more; EndRevokedGrants notifies the applications
			}
		}
	}
	for _, name := range []string{s.cookies.session, s.cookies.transaction} {
		if err := s.cookies.put(w, r, name, secret.Value{}); err != nil {
			return err
		}
	}
	return nil
}

// LoginContext is what the application that a sign-in leads to says to its page; empty when it leads to a page of ours.
func (s *Site) LoginContext(r *http.Request, next string) oidc.LoginContext {
	request, ok := strings.CutPrefix(next, oidc.PathContinue+"?request=")
	if !ok || s.OIDC == nil {
		return oidc.LoginContext{App: s.protectedHost(next)}
	}
	wanted, err := s.OIDC.LoginContext(r.Context(), request)
	if err != nil {
		reply.Report(r, err) // the sign-in works without it
	}
	return wanted
}

// protectedHost names the protected host that a path of ours leads on to; "" for another path. Only names of the configuration
// are told: what stands in a link is anybody's.
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
