package token

import (
	"context"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
)

// RefreshToken is stored below the SHA-256 of its value. A used token is kept as long as its grant.
type RefreshToken struct {
	Grant   string    `json:"grant"`
	Client  client.ID `json:"client"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires" ahead:"8760h"` // that of the grant: rotation does not extend it
	Used    time.Time `json:"used,omitzero"`
}

// refreshGrace is how long a used refresh token is refused without further effect: responses get lost (protocol rule 29).
const refreshGrace = 10 * time.Second

// Refresh exchanges a refresh token, once, for an access token and the next refresh token. Scopes narrow this access token
// only (RFC 6749 §6). A token that is used again after refreshGrace revokes its grant. A refusal is a *GrantError or
// ErrScope.
func (s *Service) Refresh(ctx context.Context, req account.RequestInfo, c *client.Client, secret secret.Value, scopes []string) (*Response, error) {
	hash := secret.Hash()
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) error {
		t, err := s.refreshes.Get(tx.Raw, hash)
		if there, err := store.Found(err); !there || t.Client != c.ID {
			return orRefuse(err, "the refresh token is unknown or expired")
		}
		g, err := s.activeGrant(tx.Raw, tx.Op.Now, t.Grant)
		if err != nil || g == nil {
			return orRefuse(err, "the refresh token is unknown or expired")
		}
		g.Scopes = c.AllowedScopes(g.Scopes) // the client may have fewer by now
		switch {
		case !t.Used.IsZero() && tx.Op.Now.Before(t.Used.Add(refreshGrace)):
			return refuse("the refresh token was used before")
		case !t.Used.IsZero():
			return s.revokeStolen(tx, t.Grant, "refresh token used twice", "the refresh token was used before")
		case !slices.Contains(g.Scopes, client.ScopeOffline):
			return refuse("the client may not use offline_access")
		case slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(g.Scopes, scope) }):
			return ErrScope
		}
		if err := s.checkPolicy(tx.Raw, c, g); err != nil {
			return err
		}
		t.Used = tx.Op.Now
		if err := s.refreshes.Put(tx.Raw, hash, t); err != nil {
			return err
		}
		i.grant = *g
		if err := s.storeTokens(tx, i, t.Grant); err != nil || len(scopes) == 0 {
			return err
		}
		i.token.Scopes = scopes
		return s.accesses.Put(tx.Raw, i.access.Hash(), i.token)
	})
}

// IssueToClient issues an access token to a client for itself. It has no scope about users, no refresh token and no ID
// token.
func (s *Service) IssueToClient(ctx context.Context, req account.RequestInfo, c *client.Client, scopes []string) (*Response, error) {
	own := slices.DeleteFunc(c.AllowedScopes(scopes), func(scope string) bool { return slices.Contains(client.Scopes, scope) })
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) (err error) {
		i.token, err = s.storeAccess(tx.Raw, tx.Op.Now, i.access, c, "", own, time.Time{})
		return err
	})
}
