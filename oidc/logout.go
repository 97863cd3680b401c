package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// LogoutAction is what follows a logout request (OIDC RP-Initiated Logout §2).
type LogoutAction struct {
	Ask      bool   // ask the user, because nothing proves that they want it
	SignOut  bool   // end the session of this browser
	Redirect string // a registered URI; "" means the page of the service
	App      string // name of the client
	Error    *RequestError

	user account.UserID // of the session that a valid hint names; "" without one
	sid  string         // public identifier of that session
}

// Logout answers a logout request. An ID token as a hint proves that the client knows the session. Without a hint, or
// with the hint of another session, the user is asked. The redirect URI must be registered.
func (p *Provider) Logout(ctx context.Context, ua UserAgent, form url.Values) (LogoutAction, error) {
	if wait := p.authorizeWait(ua); wait > 0 {
		return LogoutAction{Error: &RequestError{Code: "temporarily_unavailable", RetryAfter: wait}}, nil
	}
	f, ok := once(form, "id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
	if !ok {
		return LogoutAction{Error: &RequestError{Code: "invalid_request"}}, nil
	}
	hint, hinted, err := p.readHint(ctx, f.Get("id_token_hint"))
	if err != nil {
		return LogoutAction{}, err
	}
	id := client.ID(f.Get("client_id"))
	switch {
	case f.Has("id_token_hint") && !hinted, hinted && id != "" && string(id) != hint.Audience:
		return LogoutAction{Error: &RequestError{Code: "invalid_request"}}, nil
	case hinted:
		id = client.ID(hint.Audience)
	}
	out := LogoutAction{Ask: true}
	var bearer *session.Info
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = LogoutAction{Ask: true}
		c, err := p.Clients.Get(s, id)
		if err != nil {
			return err
		}
		if to := f.Get("post_logout_redirect_uri"); to != "" {
			if c == nil || !slices.Contains(c.PostLogoutRedirects, to) {
				out.Error = &RequestError{Code: "invalid_request"}
				return nil
			}
			out.Redirect = withState(to, f.Get("state"))
		}
		if c != nil {
			out.App = c.Name
		}
		if bearer, err = p.Tokens.Session(s, ua.Session); err != nil || !hinted || c == nil {
			return err
		}
		out.user, out.sid, err = p.hintedSession(s, c, bearer, hint)
		return err
	})
	if err != nil || out.Error != nil {
		return out, err
	}
	switch {
	case bearer == nil: // this browser is signed out already
		out.Ask = false
	case hinted && bearer.ID == out.sid && out.user == bearer.User:
		out.Ask, out.SignOut = false, true
	}
	return out, nil
}

// hintedSession returns the user and the session of a hint: those of this browser if they match, or those that a
// client with pairwise subjects knows by these names.
func (p *Provider) hintedSession(s store.Snapshot, c *client.Client, b *session.Info, hint hintToken) (user account.UserID, sid string, err error) {
	if b != nil {
		if p.Tokens.SessionID(c, b.ID) == hint.SID && p.Tokens.Subject(c, b.User) == hint.Subject {
			return b.User, b.ID, nil
		}
		return "", "", nil // of another session: the user is asked about their own
	}
	if !c.Pairwise {
		return account.UserID(hint.Subject), hint.SID, nil
	}
	return p.Tokens.FindSession(s, c, hint.Subject, hint.SID)
}

// EndHinted ends the grants of the session that a hint names, unless that session is active. An active session
// belongs to another browser, and a client that has its ID token must not end what others were granted.
func (p *Provider) EndHinted(ctx context.Context, l LogoutAction) error {
	if l.user == "" || !client.ID(l.user).Valid() {
		return nil
	}
	return p.Tokens.EndInactiveSession(ctx, l.user, l.sid)
}

// once returns the named parameters. It returns false if one is repeated, too long or not text.
func once(form url.Values, names ...string) (url.Values, bool) {
	out := url.Values{}
	for _, name := range names {
		values := form[name]
		if len(values) > 1 || len(values) == 1 && (len(values[0]) > maxParam || !utf8.ValidString(values[0])) {
			return nil, false
		}
		if len(values) == 1 && values[0] != "" {
			out.Set(name, values[0])
		}
	}
	return out, true
}

// withState adds state to a registered URI.
func withState(to, state string) string {
	if state == "" {
		return to
	}
	return withQuery(to, url.Values{"state": {state}})
}

// hintToken is an ID token in id_token_hint.
type hintToken struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	SID      string `json:"sid"`
	Issued   int64  `json:"iat"`
}

// readHint reads an ID token that this service signed. It may have expired: a hint is about the past.
func (p *Provider) readHint(ctx context.Context, token string) (hintToken, bool, error) {
	var t hintToken
	if token == "" {
		return t, false, nil
	}
	payload, ok, err := p.Keys.Verify(ctx, token, keys.TypeIDToken)
	if err != nil || !ok || json.Unmarshal(payload, &t) != nil || t.Issuer != p.Issuer || t.Subject == "" || t.SID == "" {
		return hintToken{}, false, err
	}
	return t, true, nil
}

// FormOf reads the parameters of a GET or POST request, which OpenID Connect treats alike.
func FormOf(r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return url.ParseQuery(r.URL.RawQuery)
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	if r.URL.RawQuery != "" {
		return nil, errors.New("parameters in both the URL and the body")
	}
	return r.PostForm, nil
}
