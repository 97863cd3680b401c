package token

import (
	"context"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"barillet/authn/account"
	"barillet/oidc/client"
	"barillet/oidc/keys"
)

// userClaims are the claims about a user.
type userClaims struct {
	Name          string            `json:"name,omitempty"`
	GivenName     string            `json:"given_name,omitempty"`
	FamilyName    string            `json:"family_name,omitempty"`
	Username      string            `json:"preferred_username,omitempty"`
	Locale        string            `json:"locale,omitempty"`
	Updated       int64             `json:"updated_at,omitempty"`
	Email         string            `json:"email,omitempty"`
	EmailVerified *bool             `json:"email_verified,omitempty"`
	Groups        []account.GroupID `json:"groups,omitempty"`
}

// scopeClaims are the claims that a scope stands for (OIDC Core §5.4).
var scopeClaims = map[string][]string{
	client.ScopeProfile: {"name", "given_name", "family_name", "preferred_username", "locale", "updated_at"},
	client.ScopeEmail:   {"email", "email_verified"},
	client.ScopeGroups:  {"groups"},
}

// ClaimNames returns the names of all claims about users.
func ClaimNames() []string {
	return slices.Concat(scopeClaims[client.ScopeProfile], scopeClaims[client.ScopeEmail], scopeClaims[client.ScopeGroups])
}

// claimNames returns the claims of granted scopes and the claims requested by name. Both are limited to the scopes
// that the client may have now.
func claimNames(c *client.Client, granted, byName []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.AllowedScopes(granted) {
		for _, name := range scopeClaims[s] {
			out[name] = true
		}
	}
	for _, s := range c.Scopes {
		for _, name := range scopeClaims[s] {
			if slices.Contains(byName, name) {
				out[name] = true
			}
		}
	}
	return out
}

// claimsOf returns the named claims about a user. Groups are IDs, because names change (protocol rule 27).
func claimsOf(u *account.User, named map[string]bool) userClaims {
	var out userClaims
	verified := u.EmailVerified()
	for name, put := range map[string]func(){
		"name":               func() { out.Name = u.DisplayName() },
		"given_name":         func() { out.GivenName = u.FirstName },
		"family_name":        func() { out.FamilyName = u.LastName },
		"preferred_username": func() { out.Username = u.Login },
		"locale":             func() { out.Locale = u.Locale },
		"updated_at":         func() { out.Updated = u.StatusAt.Unix() },
		"email":              func() { out.Email = u.Email },
		"email_verified":     func() { out.EmailVerified = &verified },
		"groups":             func() { out.Groups = u.Groups },
	} {
		if named[name] {
			put()
		}
	}
	return out
}

var subjects = base32.StdEncoding.WithPadding(base32.NoPadding)

// Subject returns the identifier of a user at a client: the user ID, or a pairwise identifier that clients of other
// sectors cannot compare (OIDC Core §8.1).
func (s *Service) Subject(c *client.Client, id account.UserID) string {
	if !c.Pairwise {
		return string(id)
	}
	mac := s.Pepper.MAC("oidc pairwise subject", []byte(c.Sector()), []byte(id))
	return strings.ToLower(subjects.EncodeToString(mac))
}

// SessionID returns the identifier of a session at a client. Clients that cannot compare subjects cannot compare
// sessions either.
func (s *Service) SessionID(c *client.Client, session string) string {
	if !c.Pairwise {
		return session
	}
	mac := s.Pepper.MAC("oidc pairwise session", []byte(c.Sector()), []byte(session))
	return strings.ToLower(subjects.EncodeToString(mac))
}

// idTokenTTL is the lifetime of an ID token. No signed token is valid longer.
const idTokenTTL = time.Hour

// idToken is an ID token (OIDC Core §2).
type idToken struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   string   `json:"aud"`
	Expires    int64    `json:"exp"`
	Issued     int64    `json:"iat"`
	AuthTime   int64    `json:"auth_time"`
	Nonce      string   `json:"nonce,omitempty"`
	ACR        string   `json:"acr"`
	AMR        []string `json:"amr"`
	Party      string   `json:"azp"`
	SID        string   `json:"sid"`
	AccessHash string   `json:"at_hash,omitempty"`
	userClaims
}

// signIDToken returns the ID token of an issuance.
func (s *Service) signIDToken(ctx context.Context, now time.Time, i *issuance) (string, error) {
	c, g := i.client, &i.grant
	t := idToken{Issuer: s.Issuer, Subject: s.Subject(c, g.User), Audience: string(c.ID), Expires: now.Add(idTokenTTL).Unix(),
		Issued: now.Unix(), AuthTime: g.AuthTime.Unix(), Nonce: i.nonce, ACR: g.ACR, AMR: g.AMR, Party: string(c.ID), SID: s.SessionID(c, g.SID),
		AccessHash: accessHash(c.Alg, i.access.Reveal())}
	if c.TokenClaims {
		t.userClaims = claimsOf(&i.user, claimNames(c, g.Scopes, g.IDTokenClaims))
	} else if len(g.IDTokenClaims) > 0 {
		t.userClaims = claimsOf(&i.user, claimNames(c, nil, g.IDTokenClaims))
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encoding an ID token: %w", err)
	}
	return s.Keys.Sign(ctx, c.Alg, keys.TypeIDToken, payload)
}

// accessHash returns at_hash: the left half of the hash that the signature of the ID token uses (OIDC Core §3.1.3.6).
func accessHash(alg, access string) string {
	sum := sha256.Sum256([]byte(access))
	half := sum[:16]
	if alg == keys.EdDSA { // Ed25519 uses SHA-512
		sum := sha512.Sum512([]byte(access))
		half = sum[:32]
	}
	return base64.RawURLEncoding.EncodeToString(half)
}

// ScopeClaims returns the claims that a scope stands for (OIDC Core §5.4).
func ScopeClaims(scope string) []string { return scopeClaims[scope] }
