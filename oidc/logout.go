package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"

	"barillet/oidc/client"
	"barillet/oidc/keys"
	"barillet/store"
)

// LogoutAction is what follows a logout request (OIDC RP-Initiated Logout §2). Exactly one of Ask, SignOut, Nothing and Error is
// set.
type LogoutAction struct {
	Ask     bool // ask the user, because nothing proves that they want it
	SignOut bool // end the session of this browser
	Nothing bool // no user is signed in at this browser: nothing ends
	Error   *RequestError

	Redirect string // a registered URI; "" means the page of the service
	App      string // name of the client
}

// Logout answers a logout request. An ID token as a hint proves that the client knows the session. Without a hint, or
// with the hint of another session, the user is asked. The redirect URI must be registered. A hint never ends a session
// that is not of this browser, and the answer does not depend on whether it is active.
func (p *Provider) Logout(ctx context.Context, ua UserAgent, form url.Values) (LogoutAction, error) {
	if ua.Session == "" { // a sign-out is never refused
		if wait := p.authorizeWait(ua); wait > 0 {
			return LogoutAction{Error: tooMany(wait)}, nil
		}
	}
	f, ok := once(form, "id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")
	if !ok {
		return LogoutAction{Error: Malformed()}, nil
	}
	hint, hinted, err := p.readHint(ctx, f.Get("id_token_hint"))
	if err != nil {
		return LogoutAction{}, err
	}
	id := client.ID(f.Get("client_id"))
	switch {
	case f.Has("id_token_hint") && !hinted, hinted && id != "" && string(id) != hint.Audience:
		return p.refuseLogout(ctx, ua, FaultHint, f, nil)
	case hinted:
		id = client.ID(hint.Audience)
	}
	c, err := p.Clients.Find(ctx, id)
	if err != nil {
		return LogoutAction{}, err
	}
	to := f.Get("post_logout_redirect_uri")
	switch {
	case to != "" && c == nil:
		return p.refuseLogout(ctx, ua, FaultClient, f, nil)
	case to != "" && !slices.Contains(c.PostLogoutRedirects, to):
		return p.refuseLogout(ctx, ua, FaultLogoutRedirect, f, c)
	}
	var out LogoutAction
	err = p.Store.View(ctx, func(s store.Snapshot) error {
		out = LogoutAction{}
		if to != "" {
			out.Redirect = withState(to, f.Get("state"))
		}
		if c != nil {
			out.App = c.Name
		}
		b, err := p.Tokens.Session(s, ua.Session)
		switch {
		case err != nil:
			return err
		case b == nil:
			out.Nothing = true
		case hinted && c != nil && p.Tokens.SessionID(c, b.ID) == hint.SID && p.Tokens.Subject(c, b.User) == hint.Subject:
			out.SignOut = true
		default:
			out.Ask = true
		}
		return nil
	})
	return out, err
}

// refuseLogout answers a logout request with a page.
func (p *Provider) refuseLogout(ctx context.Context, ua UserAgent, fault Fault, f url.Values, c *client.Client) (LogoutAction, error) {
	id, uri := f.Get("client_id"), f.Get("post_logout_redirect_uri")
	if c != nil { // the hint names it
		id = string(c.ID)
	}
	e, err := p.refuse(ctx, ua, fault, id, c, uri)
	return LogoutAction{Error: e}, err
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
