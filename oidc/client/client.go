package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// ID is the identifier of a client.
type ID string

// The authentication methods of clients (RFC 7591 §2).
const (
	AuthNone  = "none"
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthJWT   = "private_key_jwt"
)

// The grants that a client may have.
const (
	GrantCode              = "authorization_code"
	GrantRefresh           = "refresh_token"
	GrantClientCredentials = "client_credentials"
	GrantDevice            = "urn:ietf:params:oauth:grant-type:device_code"
)

// The scopes. address and phone are accepted, but there are no such claims.
const (
	ScopeOpenID  = "openid"
	ScopeProfile = "profile"
	ScopeEmail   = "email"
	scopeAddress = "address"
	scopePhone   = "phone"
	ScopeOffline = "offline_access"
	ScopeGroups  = "groups"
)

var Scopes = []string{ScopeOpenID, ScopeProfile, ScopeEmail, scopeAddress, scopePhone, ScopeGroups, ScopeOffline}

// The lifetimes of tokens of clients that set none.
const (
	defaultAccessTTL  = 10 * time.Minute
	defaultRefreshTTL = 30 * 24 * time.Hour
)

// The prefixes of secrets, for scanners that search for leaks.
const (
	clientPrefix       = "bcs_" // client secrets
	registrationPrefix = "bcm_" // registration access tokens
)

// Client is an OAuth client, stored below its ID.
type Client struct {
	ID                  ID              `json:"id"`
	Name                string          `json:"name"`
	URI                 string          `json:"uri,omitempty"`                 // home page
	Redirects           []string        `json:"redirects,omitempty"`           // compared byte for byte
	PostLogoutRedirects []string        `json:"postLogoutRedirects,omitempty"` // registered targets after a sign-out
	Backchannel         string          `json:"backchannel,omitempty"`
	Native              bool            `json:"native,omitempty"` // runs on the user's device
	AuthMethod          string          `json:"authMethod"`
	Secret              string          `json:"secret,omitempty"`  // SHA-256 of 256 random bits
	Keys                json.RawMessage `json:"keys,omitempty"`    // JWK Set for private_key_jwt
	KeysURI             string          `json:"keysURI,omitempty"` // where the client publishes its JWK Set, instead of Keys
	Grants              []string        `json:"grants"`
	Scopes              []string        `json:"scopes"`
	Alg                 string          `json:"alg"`                      // of ID tokens
	NoPKCE              bool            `json:"noPKCE,omitempty"`         // PKCE is not required
	PushedOnly          bool            `json:"pushedOnly,omitempty"`     // requests must be pushed (RFC 9126 §6)
	Pairwise            bool            `json:"pairwise,omitempty"`       // users have another subject at this client
	TokenClaims         bool            `json:"tokenClaims,omitempty"`    // ID tokens contain the claims of the scopes
	IntrospectsAll      bool            `json:"introspectsAll,omitempty"` // may introspect the access tokens of other clients
	Policy              Policy          `json:"policy,omitzero"`
	Role                account.Role    `json:"role,omitempty"`              // of a service client at the REST API; Policy.Groups is its group scope
	Owner               string          `json:"owner,omitempty"`             // with Role: the user or operator as whom it acts
	RegistrationToken   string          `json:"registrationToken,omitempty"` // SHA-256 of the registration access token
	RegisteredBy        string          `json:"registeredBy,omitempty"`      // ID of the principal
	Created             time.Time       `json:"created"`
	Changed             time.Time       `json:"changed"`
}

// Policy is what an administrator requires of the users of a client.
type Policy struct {
	Consent           bool              `json:"consent,omitempty"`
	PhishingResistant bool              `json:"phishingResistant,omitempty"` // requires a phishing-resistant device
	MaxAge            time.Duration     `json:"maxAge,omitempty"`            // of the last proof; 0: no limit within the session
	Groups            []account.GroupID `json:"groups"`                      // the groups whose users may use the client; nil: all users; empty: none
	Rules             []Rule            `json:"rules,omitempty"`             // further requirements for groups: the strictest rule applies
	AccessTTL         time.Duration     `json:"accessTTL,omitempty"`
	RefreshTTL        time.Duration     `json:"refreshTTL,omitempty"`
}

// Rule is a further requirement for the users of a group.
type Rule struct {
	Group             account.GroupID `json:"group"`
	PhishingResistant bool            `json:"phishingResistant,omitempty"`
	MaxAge            time.Duration   `json:"maxAge,omitempty"`
}

// Allows reports whether a user of these groups may use the client.
func (y Policy) Allows(groups []account.GroupID) bool {
	return y.Groups == nil || slices.ContainsFunc(groups, func(g account.GroupID) bool { return slices.Contains(y.Groups, g) })
}

// Satisfied reports whether a user of these groups may use the client after an authentication at this level. Every
// use of a token checks it.
func (y Policy) Satisfied(groups []account.GroupID, level string) bool {
	strong, _ := y.Requirements(groups)
	return y.Allows(groups) && (!strong || Reaches(level, LevelPhishingResistant))
}

// Requirements returns what the policy requires of a user of these groups.
func (y Policy) Requirements(groups []account.GroupID) (strong bool, maxAge time.Duration) {
	strong, maxAge = y.PhishingResistant, y.MaxAge
	for _, r := range y.Rules {
		if slices.Contains(groups, r.Group) {
			strong = strong || r.PhishingResistant
			if r.MaxAge > 0 && (maxAge == 0 || r.MaxAge < maxAge) {
				maxAge = r.MaxAge
			}
		}
	}
	return strong, maxAge
}

func (y Policy) AccessTokenTTL() time.Duration {
	if y.AccessTTL > 0 {
		return y.AccessTTL
	}
	return defaultAccessTTL
}

func (y Policy) RefreshTokenTTL() time.Duration {
	if y.RefreshTTL > 0 {
		return y.RefreshTTL
	}
	return defaultRefreshTTL
}

// AuditEvent returns an event about a user and the client.
func (c *Client) AuditEvent(u account.UserID, login, action, outcome, reason string) audit.Event {
	return audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u), Name: login}, Subject: string(u), SubjectName: login,
		Targets: []audit.Actor{c.AuditTarget()}, Action: action, Outcome: outcome, Reason: reason}
}

// AuditTarget returns the client as a target of an event.
func (c *Client) AuditTarget() audit.Actor {
	return audit.Actor{Type: audit.TypeApplication, ID: string(c.ID), Name: c.Name}
}

func (c *Client) HasGrant(grant string) bool { return slices.Contains(c.Grants, grant) }

// AllowedScopes returns the requested scopes that the client may have, without duplicates, in the requested order.
// Other scopes are left out (RFC 6749 §3.3).
func (c *Client) AllowedScopes(asked []string) []string {
	out := []string{}
	for _, s := range asked {
		if slices.Contains(c.Scopes, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// HasRedirect reports whether a URI is a registered redirect URI. They must be equal byte for byte, except that a
// native client may use any port of a loopback address (RFC 8252 §7.3).
func (c *Client) HasRedirect(uri string) bool {
	if slices.Contains(c.Redirects, uri) {
		return true
	}
	if !c.Native {
		return false
	}
	plain, ok := withoutPort(uri)
	return ok && slices.ContainsFunc(c.Redirects, func(registered string) bool {
		r, loopback := withoutPort(registered)
		return loopback && r == plain
	})
}

// Home returns the URL at which a user opens the client: its home page, or the host of a redirect URI; "" if it has
// neither.
func (c *Client) Home() string {
	if c.URI != "" {
		return c.URI
	}
	for _, origin := range origins(c.Redirects) {
		if strings.HasPrefix(origin, "https://") {
			return origin + "/"
		}
	}
	return ""
}

// SpoofableRedirect reports whether another program on the user's machine could receive the response: the client has
// no credential, and the redirect URI has no owner. Such a request always needs consent (RFC 8252 §8.6).
func (c *Client) SpoofableRedirect(redirect string) bool {
	return c.AuthMethod == AuthNone && !strings.HasPrefix(redirect, "https://")
}

// withoutPort returns a loopback URI without its port, or false for any other URI. "localhost" counts, because many
// programs listen there (RFC 8252 §8.3 advises against it): a native client needs consent for each request anyway.
func withoutPort(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, "http://")
	if _, err := url.Parse(uri); err != nil || !ok {
		return "", false
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host := rest[:end]
	if h, port, err := net.SplitHostPort(host); err == nil {
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
			return "", false
		}
		host = h
	}
	host = strings.Trim(host, "[]")
	if host != "127.0.0.1" && host != "::1" && host != "localhost" {
		return "", false
	}
	return host + rest[end:], true
}

// Sector returns the host for which a pairwise subject is computed (OIDC Core §8.1).
func (c *Client) Sector() string {
	for _, uri := range c.Redirects {
		if u, err := url.Parse(uri); err == nil {
			return u.Hostname()
		}
	}
	return string(c.ID)
}

// Get loads a client; nil if it does not exist. Its slices are shared: the caller must not change them.
func (s *Service) Get(r store.Reader, id ID) (*Client, error) {
	if !id.Valid() {
		return nil, nil
	}
	c, err := store.GetShared(s.clients, r, string(id))
	if there, err := store.Found(err); !there {
		if err != nil {
			err = fmt.Errorf("loading client %q: %w", id, err)
		}
		return nil, err
	}
	return &c, nil
}

// Valid reports whether id can be part of a key of the store.
func (id ID) Valid() bool {
	return len(id) > 0 && len(id) <= 64 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// Find is Get in a snapshot of its own.
func (s *Service) Find(ctx context.Context, id ID) (c *Client, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		c, err = s.Get(snap, id)
		return err
	})
	return c, err
}
