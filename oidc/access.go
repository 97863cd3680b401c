package oidc

import (
	"context"
	"fmt"
	"slices"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/store"
)

// userinfo is OpenID Connect Core section 5.3.2.
type userinfo struct {
	Subject string `json:"sub"`
	personClaims
}

// UserInfo tells the bearer of an access token about its person.
func (s *server) UserInfo(ctx context.Context, r *op.Request[protocol.UserInfoRequest]) (*op.Response, error) {
	var t *held
	var u authn.User
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		if t, err = s.held(snap, s.now(), r.Data.AccessToken); err == nil && t != nil && t.grant != nil {
			u, err = s.People.User(snap, t.grant.User)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, s.fault(ctx, "looking up an access token", err)
	case t == nil:
		return nil, invalidToken()
	case t.grant == nil || !slices.Contains(t.Scopes, scopeOpenID):
		return nil, insufficientScope()
	}
	return op.NewResponse(userinfo{s.subject(t.client, u.ID), claims(&u, t.client.named(t.Scopes, t.grant.Named))}), nil
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

// Introspect tells a client about a token: one of its own, or anybody's access token for a client that guards a resource.
// Of any other it says what it says of a token that does not exist.
func (s *server) Introspect(ctx context.Context, r *op.Request[op.IntrospectionRequest]) (*op.Response, error) {
	c, err := s.authenticated(ctx, r.Header, r.Data.ClientCredentials)
	if err != nil {
		return nil, s.fault(ctx, "authenticating a client", err)
	}
	var out introspection
	now := s.now()
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		out = introspection{}
		t, err := s.held(snap, now, r.Data.Token)
		if err != nil {
			return err
		}
		kind, guards := protocol.BearerToken, c.Resource
		if t == nil {
			if t, err = s.refreshHeld(snap, r.Data.Token); err != nil || t == nil {
				return err
			}
			kind, guards = "", false // it opens no resource: whoever guards one would let its bearer in
		}
		if t.Client != c.ID && !guards {
			return nil
		}
		out = introspection{Active: true, Scope: protocol.SpaceDelimitedArray(t.Scopes).String(), Client: t.Client, Type: kind,
			Expires: t.Expires.Unix(), Issued: t.Made.Unix(), Audience: t.Client, Issuer: s.Issuer, Subject: string(t.Client)}
		if g := t.grant; g != nil {
			st, err := s.People.Summary(snap, g.User)
			if err != nil {
				return err
			}
			out.Subject, out.AuthTime = s.subject(t.client, g.User), g.AuthTime.Unix()
			out.ACR, out.AMR, out.SID = g.ACR, g.AMR, s.sid(t.client, g.SID)
			if t.client.named(t.Scopes, g.Named)["preferred_username"] { // as userinfo would tell it
				out.Username = st.Login
			}
		}
		return nil
	})
	if err != nil {
		return nil, s.fault(ctx, "introspecting a token", err)
	}
	return op.NewResponse(out), nil
}

// refreshHeld is a refresh token that is good, as introspection tells of it; nil when it is not.
func (p *Provider) refreshHeld(r store.Reader, token string) (*held, error) {
	t, err := p.refreshes.Get(r, authn.SecretOf(token).Hash())
	if there, err := found(err); !there || !t.Used.IsZero() {
		return nil, err
	}
	g, err := p.grant(r, p.now(), t.Grant)
	if err != nil || g == nil {
		return nil, err
	}
	c, err := p.client(r, t.Client)
	if err != nil || c == nil {
		return nil, err
	}
	return &held{Access: Access{Grant: t.Grant, Client: t.Client, Scopes: c.allowed(g.Scopes), Made: t.Made, Expires: t.Expires}, client: c, grant: g}, nil
}

// Revocation ends a token of the client that asks: an access token alone, a refresh token with its whole grant (RFC
// 7009 section 2.1). A token that is none is as revoked as can be; another client's is refused.
func (s *server) Revocation(ctx context.Context, r *op.ClientRequest[protocol.RevocationRequest]) (*op.Response, error) {
	c := r.Client.(shown).Client
	hash := authn.SecretOf(r.Data.Token).Hash()
	foreign, err := store.Do(ctx, s.Store, func(tx store.Tx) (bool, error) {
		t, err := s.accesses.Get(tx, hash)
		if there, err := found(err); err != nil {
			return false, err
		} else if there {
			if t.Client != c.ID {
				return true, nil
			}
			return false, s.accesses.Delete(tx, hash)
		}
		f, err := s.refreshes.Get(tx, hash)
		if there, err := found(err); !there {
			return false, err
		}
		if f.Client != c.ID {
			return true, nil
		}
		return false, s.grants.Delete(tx, f.Grant)
	})
	if err != nil {
		return nil, s.fault(ctx, "revoking a token", fmt.Errorf("storing a revocation: %w", err))
	}
	if foreign {
		return nil, invalidGrant("the token was issued to another client")
	}
	return op.NewResponse(struct{}{}), nil
}
