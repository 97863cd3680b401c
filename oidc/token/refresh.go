package token

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
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
	Salt    string    `json:"salt,omitempty"` // of the successor of a used token
}

// refreshGrace is how long a used refresh token is not a sign of theft: requests cross and responses get lost (protocol rule 29).
const refreshGrace = 10 * time.Second

// successor returns the refresh token that follows a used one with the given value. It is computed from that value and the
// salt: a repeat gets the same one, and the store alone does not yield it.
func (t *RefreshToken) successor(value secret.Value) secret.Value {
	mac := hmac.New(sha256.New, []byte(t.Salt))
	mac.Write([]byte(value.Reveal()))
	return secret.From(refreshPrefix + secret.Dated(t.Used, [24]byte(mac.Sum(nil))).Reveal())
}

// GrantOf returns the key of the grant of a refresh token of a client, or an empty text.
func (s *Service) GrantOf(ctx context.Context, c *client.Client, value secret.Value) (grant string, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		t, err := s.refreshes.Get(snap, value.Key())
		if there, err := store.Found(err); !there || t.Client != c.ID {
			return err
		}
		grant = t.Grant
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("looking up a refresh token: %w", err)
	}
	return grant, nil
}

// Refresh exchanges a refresh token, once, for an access token and the next refresh token. Scopes narrow this access token
// only (RFC 6749 §6). A repeat within refreshGrace follows protocol rule 29; a later one revokes the grant. A refusal is a
// *GrantError or ErrScope.
func (s *Service) Refresh(ctx context.Context, req account.RequestInfo, c *client.Client, value secret.Value, scopes []string) (*Response, error) {
	hash := value.Key()
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) error {
		t, err := s.refreshes.Get(tx.Raw, hash)
		if there, err := store.Found(err); !there || t.Client != c.ID {
			return orRefuse(err, "the refresh token is unknown or expired")
		}
		g, err := s.activeGrant(tx.Raw, tx.Op.Now, t.Grant)
		if err != nil || g == nil {
			return orRefuse(err, "the refresh token is unknown or expired")
		}
		if !t.Used.IsZero() {
			if err := s.checkRepeat(tx, c, &t, value); err != nil {
				return err
			}
		}
		g.Scopes = c.AllowedScopes(g.Scopes) // the client may have fewer by now
		switch {
		case !slices.Contains(g.Scopes, client.ScopeOffline):
			return refuse("the client may not use offline_access")
		case slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(g.Scopes, scope) }):
			return ErrScope
		}
		if err := s.checkPolicy(tx.Raw, c, g); err != nil {
			return err
		}
		if t.Used.IsZero() {
			t.Used, t.Salt = tx.Op.Now, tx.Op.Secret("refresh salt").Reveal()
			if err := s.refreshes.Put(tx.Raw, hash, t); err != nil {
				return err
			}
		}
		i.grant, i.refresh = *g, t.successor(value)
		if err := s.storeTokens(tx, i, t.Grant); err != nil || len(scopes) == 0 {
			return err
		}
		i.token.Scopes = scopes
		return s.accesses.Put(tx.Raw, i.access.Key(), i.token)
	})
}

// checkRepeat refuses a used refresh token, unless a client with a credential repeats its request within refreshGrace and
// the successor is unused. A public client has no such credential: its repeat may come from a thief (RFC 9700 §4.14.2).
func (s *Service) checkRepeat(tx *account.Tx, c *client.Client, t *RefreshToken, value secret.Value) error {
	const reason = "the refresh token was used before"
	if !tx.Op.Now.Before(t.Used.Add(refreshGrace)) {
		return s.revokeStolen(tx, t.Grant, "refresh token used twice", reason)
	}
	if c.AuthMethod == client.AuthNone {
		return refuse(reason)
	}
	next, err := s.refreshes.Get(tx.Raw, t.successor(value).Key())
	if there, err := store.Found(err); !there || !next.Used.IsZero() {
		return orRefuse(err, reason)
	}
	return nil
}

// OwnScopes returns the scopes that are not about users.
func OwnScopes(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return slices.Contains(client.Scopes, scope) })
}

// IssueToClient issues an access token to a client for itself. It has no scope about users, no refresh token and no ID
// token.
func (s *Service) IssueToClient(ctx context.Context, req account.RequestInfo, c *client.Client, scopes []string) (*Response, error) {
	if c.IsService() {
		own, ok := c.RequestedScopes(scopes)
		if !ok {
			return nil, ErrScope
		}
		scopes = own
	}
	own := OwnScopes(c.AllowedScopes(scopes))
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) (err error) {
		i.token, err = s.storeAccess(tx.Raw, tx.Op.Now, i.access, c, "", own, time.Time{})
		return err
	})
}
