package oidc

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

	"barillet/authn"
)

// The levels of assurance that acr names, weakest first. Every session of ours has a password and a second factor
// behind it, so there is none below the first. "phr" is of the OpenID Connect Extended Authentication Profile.
const (
	LevelTwoFactor         = "urn:barillet:acr:aal2" // NIST SP 800-63B AAL2
	LevelPhishingResistant = "phr"                   // AAL2 that withstands phishing: a security key
)

func Levels() []string { return []string{LevelTwoFactor, LevelPhishingResistant} }

// LevelOf is what was proven in a session.
func LevelOf(b *authn.Bearer) string {
	if b.PhishingResistant() {
		return LevelPhishingResistant
	}
	return LevelTwoFactor
}

// Reaches tells whether one level is at least another; no unknown one is reached.
func Reaches(have, want string) bool {
	return slices.Contains(Levels(), want) && slices.Index(Levels(), have) >= slices.Index(Levels(), want)
}

// personClaims is what an application may learn of somebody.
type personClaims struct {
	Name          string          `json:"name,omitempty"`
	GivenName     string          `json:"given_name,omitempty"`
	FamilyName    string          `json:"family_name,omitempty"`
	Username      string          `json:"preferred_username,omitempty"`
	Locale        string          `json:"locale,omitempty"`
	Updated       int64           `json:"updated_at,omitempty"`
	Email         string          `json:"email,omitempty"`
	EmailVerified *bool           `json:"email_verified,omitempty"`
	Groups        []authn.GroupID `json:"groups,omitempty"`
}

// ofScope are the claims that each scope stands for (OpenID Connect Core section 5.4).
var ofScope = map[string][]string{
	ScopeProfile: {"name", "given_name", "family_name", "preferred_username", "locale", "updated_at"},
	ScopeEmail:   {"email", "email_verified"},
	ScopeGroups:  {"groups"},
}

func claimNames() []string {
	return slices.Concat(ofScope[ScopeProfile], ofScope[ScopeEmail], ofScope[ScopeGroups])
}

// ClaimNames are the claims of granted scopes, and those asked for by name: both lie within what the client may have now.
func (c *Client) ClaimNames(granted, byName []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range c.AllowedScopes(granted) {
		for _, name := range ofScope[s] {
			out[name] = true
		}
	}
	for _, s := range c.Scopes {
		for _, name := range ofScope[s] {
			if slices.Contains(byName, name) {
				out[name] = true
			}
		}
	}
	return out
}

// claims tells of somebody what is named. Whether an address reads its mail is not known to the house, so it is
// never called verified. Groups go as ids, for names change and are not unique (PROTOCOL 27).
func claims(u *authn.User, named map[string]bool) personClaims {
	var out personClaims
	verified := false
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

// subject is the name that an application knows somebody by: the person's id, or one that no other application
// outside its sector can compare with its own (OpenID Connect Core section 8.1).
func (p *Provider) subject(c *Client, id authn.UserID) string {
	if !c.Pairwise {
		return string(id)
	}
	mac := p.Pepper.MAC("oidc pairwise subject", []byte(c.sector()), []byte(id))
	return strings.ToLower(subjects.EncodeToString(mac))
}

// sid is the name that an application knows a session by. Applications that may not compare their subjects may not find
// each other's by the session either.
func (p *Provider) sid(c *Client, session string) string {
	if !c.Pairwise {
		return session
	}
	mac := p.Pepper.MAC("oidc pairwise session", []byte(c.sector()), []byte(session))
	return strings.ToLower(subjects.EncodeToString(mac))
}

// idToken is OpenID Connect Core section 2.
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
	personClaims
}

// idTokenFor signs who somebody is, for one application.
func (p *Provider) idTokenFor(ctx context.Context, now time.Time, c *Client, g *Grant, u *authn.User, nonce, access string) (string, error) {
	t := idToken{Issuer: p.Issuer, Subject: p.subject(c, g.User), Audience: string(c.ID), Expires: now.Add(idTokenTTL).Unix(),
		Issued: now.Unix(), AuthTime: g.AuthTime.Unix(), Nonce: nonce, ACR: g.ACR, AMR: g.AMR, Party: string(c.ID), SID: p.sid(c, g.SID), AccessHash: accessHash(c.Alg, access)}
	if c.TokenClaims {
		t.personClaims = claims(u, c.ClaimNames(g.Scopes, g.IDTokenClaims))
	} else if len(g.IDTokenClaims) > 0 {
		t.personClaims = claims(u, c.ClaimNames(nil, g.IDTokenClaims))
	}
	payload, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("encoding an ID token: %w", err)
	}
	return p.Sign(ctx, signature{c.Alg, TypeIDToken}, payload)
}

// accessHash returns at_hash: the left half of the hash that the signature of the ID token uses (OIDC Core §3.1.3.6).
func accessHash(alg, access string) string {
	sum := sha256.Sum256([]byte(access))
	half := sum[:16]
	if alg == EdDSA { // Ed25519 uses SHA-512
		sum := sha512.Sum512([]byte(access))
		half = sum[:32]
	}
	return base64.RawURLEncoding.EncodeToString(half)
}

// wanted is the claims request parameter (OpenID Connect Core section 5.5), as far as it is understood.
type wanted struct {
	Userinfo map[string]*wantedClaim `json:"userinfo"`
	IDToken  map[string]*wantedClaim `json:"id_token"`
}

type wantedClaim struct {
	Essential bool     `json:"essential"`
	Value     any      `json:"value"`
	Values    []string `json:"values"`
}

// parseWanted reads the parameter; false for what is none.
func parseWanted(raw string) (wanted, bool) {
	var w wanted
	if raw == "" {
		return w, true
	}
	if !strings.HasPrefix(strings.TrimSpace(raw), "{") {
		return w, false
	}
	return w, json.Unmarshal([]byte(raw), &w) == nil
}

// names are the claims of ours that are asked for, in a fixed order.
func names(asked map[string]*wantedClaim) []string {
	var out []string
	for _, name := range claimNames() {
		if _, ok := asked[name]; ok {
			out = append(out, name)
		}
	}
	return out
}

// acrs are the values that would do, and whether one of them must be reached.
func (w wanted) acrs() (values []string, essential bool) {
	a := w.IDToken["acr"]
	if a == nil {
		return nil, false
	}
	values = slices.Clone(a.Values)
	if v, ok := a.Value.(string); ok {
		values = append(values, v)
	}
	return values, a.Essential
}

// subWanted is the subject that an answer must be about; "" for any.
func (w wanted) subWanted() string {
	if s := w.IDToken["sub"]; s != nil {
		v, _ := s.Value.(string)
		return v
	}
	return ""
}
