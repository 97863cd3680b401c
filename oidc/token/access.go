package token

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
)

// AccessToken is stored below the SHA-256 of its value. The value is opaque: every use looks the record up.
type AccessToken struct {
	Grant   string    `json:"grant,omitempty"` // "" if it was issued to a client for itself
	Client  client.ID `json:"client"`
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires" since:"Created"`
}

// The prefixes of tokens, for scanners that search for leaked secrets.
const (
	AccessPrefix  = "bat_"
	refreshPrefix = "brt_"
)

// storeAccess stores a new access token. It expires at the given time at the latest, unless that is zero.
func (s *Service) storeAccess(tx store.Tx, now time.Time, secret secret.Value, c *client.Client, grant string, scopes []string, latest time.Time) (AccessToken, error) {
	t := AccessToken{Grant: grant, Client: c.ID, Scopes: scopes, Created: now, Expires: now.Add(c.Policy.AccessTokenTTL())}
	if !latest.IsZero() && t.Expires.After(latest) {
		t.Expires = latest
	}
	if err := s.accesses.Put(tx, secret.Key(), t); err != nil {
		return t, fmt.Errorf("storing an access token: %w", err)
	}
	return t, nil
}

// validToken is a valid token with its client and grant.
type validToken struct {
	AccessToken
	client *client.Client
	grant  *Grant // nil if the token was issued to a client for itself
}

// lookup returns the access token with the given value. It returns nil if the token is unknown, expired or revoked, or if
// the policy of its client refuses its user.
func (s *Service) lookup(r store.Reader, value string) (*validToken, error) {
	if len(value) > 256 || !strings.HasPrefix(value, AccessPrefix) {
		return nil, nil
	}
	now := s.now()
	t, err := s.accesses.Get(r, secret.From(value).Key())
	if there, err := store.Found(err); !there || !now.Before(t.Expires) {
		return nil, err
	}
	out := &validToken{AccessToken: t}
	if out.client, err = s.Clients.Get(r, t.Client); err != nil || out.client == nil {
		return nil, err
	}
	out.Scopes = out.client.AllowedScopes(t.Scopes) // the client may have fewer by now
	if t.Grant == "" {
		return out, nil
	}
	if out.grant, err = s.activeGrant(r, now, t.Grant); err != nil || out.grant == nil {
		return nil, err
	}
	if satisfied, err := s.satisfiesPolicy(r, out.client, out.grant); !satisfied {
		return nil, err
	}
	return out, nil
}

// lookupRefresh returns the refresh token with the given value. It returns nil if the token is unknown, used, expired or
// revoked, or if its client could not use it now.
func (s *Service) lookupRefresh(r store.Reader, value string) (*validToken, error) {
	t, err := s.refreshes.Get(r, secret.From(value).Key())
	if there, err := store.Found(err); !there || !t.Used.IsZero() {
		return nil, err
	}
	g, err := s.activeGrant(r, s.now(), t.Grant)
	if err != nil || g == nil {
		return nil, err
	}
	c, err := s.Clients.Get(r, t.Client)
	if err != nil || c == nil {
		return nil, err
	}
	scopes := c.AllowedScopes(g.Scopes)
	if satisfied, err := s.satisfiesPolicy(r, c, g); !satisfied || !slices.Contains(scopes, client.ScopeOffline) {
		return nil, err
	}
	return &validToken{AccessToken{Grant: t.Grant, Client: t.Client, Scopes: scopes, Created: t.Created, Expires: t.Expires}, c, g}, nil
}

// ServiceAccess is a valid access token of a service client.
type ServiceAccess struct {
	Client  *client.Client
	Scopes  []string
	Expires time.Time
}

// ServiceAccess returns the access token with the given value if it was issued to a service client for itself, else nil.
// A token that acts for a user never is one, nor is a token that is older than the last change of the client: the operator
// may have replaced a stolen key.
func (s *Service) ServiceAccess(r store.Reader, value string) (*ServiceAccess, error) {
	t, err := s.lookup(r, value)
	if err != nil || t == nil || t.grant != nil || !t.client.IsService() || t.Created.Before(t.client.Changed) {
		return nil, err
	}
	return &ServiceAccess{Client: t.client, Scopes: t.Scopes, Expires: t.Expires}, nil
}

// Userinfo is a userinfo response (OIDC Core §5.3.2).
type Userinfo struct {
	Subject string `json:"sub"`
	userClaims
}

// Userinfo returns the claims about the user of an access token. It returns ErrInvalid, or ErrInsufficient for a token
// without the scope openid.
func (s *Service) Userinfo(ctx context.Context, value string) (Userinfo, error) {
	var t *validToken
	var u account.User
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		if t, err = s.lookup(snap, value); err == nil && t != nil && t.grant != nil {
			u, err = s.Accounts.Reader(snap).User(t.grant.User)
		}
		return err
	})
	switch {
	case err != nil:
		return Userinfo{}, fmt.Errorf("looking up an access token: %w", err)
	case t == nil:
		return Userinfo{}, ErrInvalid
	case t.grant == nil || !slices.Contains(t.Scopes, client.ScopeOpenID):
		return Userinfo{}, ErrInsufficient
	}
	return Userinfo{s.Subject(t.client, u.ID), claimsOf(&u, claimNames(t.client, t.Scopes, t.grant.UserinfoClaims))}, nil
}

// Introspection is an introspection response (RFC 7662 §2.2).
type Introspection struct {
	Active   bool      `json:"active"`
	Scope    string    `json:"scope,omitempty"`
	Client   client.ID `json:"client_id,omitempty"`
	Username string    `json:"username,omitempty"`
	Type     string    `json:"token_type,omitempty"`
	Expires  int64     `json:"exp,omitempty"`
	Issued   int64     `json:"iat,omitempty"`
	Subject  string    `json:"sub,omitempty"`
	Audience client.ID `json:"aud,omitempty"`
	Issuer   string    `json:"iss,omitempty"`
	AuthTime int64     `json:"auth_time,omitempty"`
	ACR      string    `json:"acr,omitempty"`
	AMR      []string  `json:"amr,omitempty"`
	SID      string    `json:"sid,omitempty"`
}

// Introspect describes a token to a client: a token of its own, or any access token if the client may introspect all. Any
// other token is not active.
func (s *Service) Introspect(ctx context.Context, c *client.Client, value string) (out Introspection, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		out = Introspection{}
		t, err := s.lookup(snap, value)
		if err != nil {
			return err
		}
		typ, all := tokenType, c.IntrospectsAll
		if t == nil {
			if t, err = s.lookupRefresh(snap, value); err != nil || t == nil {
				return err
			}
			typ, all = "", false // a refresh token must not open a resource
		}
		if t.Client != c.ID && !all {
			return nil
		}
		out = Introspection{Active: true, Scope: strings.Join(t.Scopes, " "), Client: t.Client, Type: typ,
			Expires: t.Expires.Unix(), Issued: t.Created.Unix(), Audience: t.Client, Issuer: s.Issuer, Subject: string(t.Client)}
		if g := t.grant; g != nil {
			st, err := s.Accounts.Reader(snap).Summary(g.User)
			if err != nil {
				return err
			}
			out.Subject, out.AuthTime = s.Subject(t.client, g.User), g.AuthTime.Unix()
			out.ACR, out.AMR, out.SID = g.ACR, g.AMR, s.SessionID(t.client, g.SID)
			if claimNames(t.client, t.Scopes, g.UserinfoClaims)["preferred_username"] { // as in userinfo
				out.Username = st.Login
			}
		}
		return nil
	})
	if err != nil {
		return Introspection{}, fmt.Errorf("introspecting a token: %w", err)
	}
	return out, nil
}

// Revoke revokes a token of c: an access token alone, a refresh token with its grant (RFC 7009 §2.1). An unknown token is no
// error; the token of another client is a *GrantError.
func (s *Service) Revoke(ctx context.Context, c *client.Client, secret secret.Value) error {
	hash := secret.Key()
	foreign, err := store.Do(ctx, s.Store, func(tx store.Tx) (bool, error) {
		t, err := s.accesses.Get(tx, hash)
		if there, err := store.Found(err); err != nil {
			return false, err
		} else if there {
			if t.Client != c.ID {
				return true, nil
			}
			return false, s.accesses.Delete(tx, hash)
		}
		f, err := s.refreshes.Get(tx, hash)
		if there, err := store.Found(err); !there {
			return false, err
		}
		if f.Client != c.ID {
			return true, nil
		}
		return false, s.grants.Delete(tx, f.Grant)
	})
	if err != nil {
		return fmt.Errorf("revoking a token: %w", err)
	}
	if foreign {
		return refuse("the token was issued to another client")
	}
	return nil
}
