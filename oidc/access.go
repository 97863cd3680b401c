package oidc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"barillet/authn"
	"barillet/store"
)

// userinfo is OpenID Connect Core section 5.3.2.
type userinfo struct {
	Subject string `json:"sub"`
	personClaims
}

// userinfo returns the claims about the user of an access token (OIDC Core §5.3).
func (p *Provider) userinfo(ctx context.Context, token string) (any, error) {
	var t *validToken
	var u authn.User
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		if t, err = p.Lookup(s, p.now(), token); err == nil && t != nil && t.grant != nil {
			u, err = p.People.Person(s, t.grant.User)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("looking up an access token: %w", err)
	case token == "":
		return nil, &Error{"invalid_request", "the access token is missing", http.StatusUnauthorized}
	case t == nil:
		return nil, &Error{"invalid_token", "the access token is not, or no longer, good", http.StatusUnauthorized}
	case t.grant == nil || !slices.Contains(t.Scopes, ScopeOpenID):
		return nil, &Error{"insufficient_scope", "the access token is not for openid", http.StatusForbidden}
	}
	return userinfo{p.subject(t.client, u.ID), claims(&u, t.client.ClaimNames(t.Scopes, t.grant.UserinfoClaims))}, nil
}

// introspection is RFC 7662 section 2.2.
type introspection struct {
	Active   bool     `json:"active"`
	Scope    string   `json:"scope,omitempty"`
	Client   ClientID `json:"client_id,omitempty"`
	Username string   `json:"username,omitempty"`
	Type     string   `json:"token_type,omitempty"`
	Expires  int64    `json:"exp,omitempty"`
	Issued   int64    `json:"iat,omitempty"`
	Subject  string   `json:"sub,omitempty"`
	Audience ClientID `json:"aud,omitempty"`
	Issuer   string   `json:"iss,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	SID      string   `json:"sid,omitempty"`
}

// introspect tells a client about a token: one of its own, or anybody's access token for a client that guards a resource.
// Of any other it says what it says of a token that does not exist.
func (p *Provider) introspect(ctx context.Context, c *Client, form url.Values) (any, error) {
	if c.Auth == AuthNone {
		return nil, invalidClient()
	}
	if err := require(form, "token"); err != nil {
		return nil, err
	}
	var out introspection
	now, token := p.now(), form.Get("token")
	err := p.Store.View(ctx, func(snap store.Snapshot) error {
		out = introspection{}
		t, err := p.Lookup(snap, now, token)
		if err != nil {
			return err
		}
		kind, guards := tokenType, c.IntrospectsAll
		if t == nil {
			if t, err = p.lookupRefresh(snap, token); err != nil || t == nil {
				return err
			}
			kind, guards = "", false // it opens no resource: whoever guards one would let its bearer in
		}
		if t.Client != c.ID && !guards {
			return nil
		}
		out = introspection{Active: true, Scope: strings.Join(t.Scopes, " "), Client: t.Client, Type: kind,
			Expires: t.Expires.Unix(), Issued: t.Created.Unix(), Audience: t.Client, Issuer: p.Issuer, Subject: string(t.Client)}
		if g := t.grant; g != nil {
			st, err := p.People.Stands(snap, g.User)
			if err != nil {
				return err
			}
			out.Subject, out.AuthTime = p.subject(t.client, g.User), g.AuthTime.Unix()
			out.ACR, out.AMR, out.SID = g.ACR, g.AMR, p.sid(t.client, g.SID)
			if t.client.ClaimNames(t.Scopes, g.UserinfoClaims)["preferred_username"] { // as userinfo would tell it
				out.Username = st.Login
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("introspecting a token: %w", err)
	}
	return out, nil
}

// lookupRefresh is a refresh token that is good, as introspection tells of it; nil when it is not.
func (p *Provider) lookupRefresh(r store.Reader, token string) (*validToken, error) {
	t, err := p.refreshes.Get(r, authn.SecretOf(token).Hash())
	if there, err := found(err); !there || !t.Used.IsZero() {
		return nil, err
	}
	g, err := p.grant(r, p.now(), t.Grant)
	if err != nil || g == nil {
		return nil, err
	}
	c, err := p.loadClient(r, t.Client)
	if err != nil || c == nil {
		return nil, err
	}
	return &validToken{AccessToken: AccessToken{Grant: t.Grant, Client: t.Client, Scopes: c.AllowedScopes(g.Scopes), Created: t.Created, Expires: t.Expires}, client: c, grant: g}, nil
}

// revoke ends a token of the client that asks: an access token alone, a refresh token with its whole grant (RFC 7009
// §2.1). A token that is none is as revoked as can be; another client's is refused.
func (p *Provider) revoke(ctx context.Context, c *Client, form url.Values) (any, error) {
	if err := require(form, "token"); err != nil {
		return nil, err
	}
	hash := authn.SecretOf(form.Get("token")).Hash()
	foreign, err := store.Do(ctx, p.Store, func(tx store.Tx) (bool, error) {
		t, err := p.accesses.Get(tx, hash)
		if there, err := found(err); err != nil {
			return false, err
		} else if there {
			if t.Client != c.ID {
				return true, nil
			}
			return false, p.accesses.Delete(tx, hash)
		}
		f, err := p.refreshes.Get(tx, hash)
		if there, err := found(err); !there {
			return false, err
		}
		if f.Client != c.ID {
			return true, nil
		}
		return false, p.grants.Delete(tx, f.Grant)
	})
	if err != nil {
		return nil, fmt.Errorf("storing a revocation: %w", err)
	}
	if foreign {
		return nil, invalidGrant("the token was issued to another client")
	}
	return struct{}{}, nil
}
