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

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// ID is the identifier of a client.
type ID string

// How a client proves that it is itself at the token endpoint (RFC 7591 section 2).
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

// The scopes. address and phone are taken and give nothing, for there is nothing to give.
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

// The lifetimes of tokens of clients that name none.
const (
	defaultAccessTTL  = 10 * time.Minute
	defaultRefreshTTL = 30 * 24 * time.Hour
)

// The prefixes of secrets, for scanners that search for leaks.
const (
	clientPrefix       = "bcs_" // client secrets
	registrationPrefix = "bcm_" // registration access tokens
)

// Client is an application.
type Client struct {
	ID                  ID              `json:"id"`
	Name                string          `json:"name"`
	URI                 string          `json:"uri,omitempty"`                 // its home page
	Redirects           []string        `json:"redirects,omitempty"`           // compared as they stand
	PostLogoutRedirects []string        `json:"postLogoutRedirects,omitempty"` // where a sign-out may return to
	Backchannel         string          `json:"backchannel,omitempty"`
	Native              bool            `json:"native,omitempty"` // runs on the person's own machine
	Auth                string          `json:"auth"`
	Secret              string          `json:"secret,omitempty"`  // SHA-256, of 256 random bits
	Keys                json.RawMessage `json:"keys,omitempty"`    // JWK Set, for private_key_jwt
	KeysURI             string          `json:"keysURI,omitempty"` // where it publishes them, instead
	Grants              []string        `json:"grants"`
	Scopes              []string        `json:"scopes"`
	Alg                 string          `json:"alg"`                      // of ID tokens
	NoPKCE              bool            `json:"noPKCE,omitempty"`         // excepted from PKCE
	PushedOnly          bool            `json:"pushedOnly,omitempty"`     // RFC 9126 section 6
	Pairwise            bool            `json:"pairwise,omitempty"`       // a subject of its own
	TokenClaims         bool            `json:"tokenClaims,omitempty"`    // claims of its scopes in ID tokens, too
	IntrospectsAll      bool            `json:"introspectsAll,omitempty"` // may introspect tokens of others
	Policy              Policy          `json:"policy,omitzero"`
	RegistrationToken   string          `json:"registrationToken,omitempty"` // SHA-256 of the registration access token
	RegisteredBy        string          `json:"registeredBy,omitempty"`      // id of the operator who made it
	Created             time.Time       `json:"created"`
	Changed             time.Time       `json:"changed"`
}

// Policy is what an administrator asks of whoever goes to an application.
type Policy struct {
	Consent           bool            `json:"consent,omitempty"`
	PhishingResistant bool            `json:"phishingResistant,omitempty"` // only what withstands phishing counts
	MaxAge            time.Duration   `json:"maxAge,omitempty"`            // since the last proof; 0: as long as the session lives
	Groups            []authn.GroupID `json:"groups"`                      // who may use it; null: everybody; []: nobody
	Rules             []Rule          `json:"rules,omitempty"`             // more for some groups: the strictest counts
	AccessTTL         time.Duration   `json:"accessTTL,omitempty"`
	RefreshTTL        time.Duration   `json:"refreshTTL,omitempty"`
}

// Rule is what is asked of the people of one group besides.
type Rule struct {
	Group             authn.GroupID `json:"group"`
	PhishingResistant bool          `json:"phishingResistant,omitempty"`
	MaxAge            time.Duration `json:"maxAge,omitempty"`
}

// Allows tells whether somebody of these groups may use the application.
func (y Policy) Allows(groups []authn.GroupID) bool {
	return y.Groups == nil || slices.ContainsFunc(groups, func(g authn.GroupID) bool { return slices.Contains(y.Groups, g) })
}

// Satisfied tells whether what somebody of these groups was given at a sign-in of this level may be used on. Whoever is
// taken out of the groups loses it at once, and so does everybody whose sign-in is less than is asked for by now.
func (y Policy) Satisfied(groups []authn.GroupID, level string) bool {
	strong, _ := y.Requirements(groups)
	return y.Allows(groups) && (!strong || Reaches(level, LevelPhishingResistant))
}

// Requirements is the policy for somebody of these groups.
func (y Policy) Requirements(groups []authn.GroupID) (strong bool, maxAge time.Duration) {
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

// AuditEvent is an event of a user and the client.
func (c *Client) AuditEvent(u authn.UserID, login, action, outcome, reason string) audit.Event {
	return audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u), Name: login}, Subject: string(u), SubjectName: login,
		Targets: []audit.Actor{c.auditTarget()}, Action: action, Outcome: outcome, Reason: reason}
}

func (c *Client) auditTarget() audit.Actor {
	return audit.Actor{Type: audit.TypeApplication, ID: string(c.ID), Name: c.Name}
}

func (c *Client) HasGrant(grant string) bool { return slices.Contains(c.Grants, grant) }

// AllowedScopes are those of the scopes asked for that the client may have, each once, in the order asked for (RFC 6749
// section 3.3: what is not granted is left out).
func (c *Client) AllowedScopes(asked []string) []string {
	out := []string{}
	for _, s := range asked {
		if slices.Contains(c.Scopes, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// HasRedirect tells whether a URI is one that the client registered: equal byte for byte, but for the port of an http
// address of the machine itself, where a native client gets whichever is free (RFC 8252 section 7.3).
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

// SpoofableRedirect tells whether any program on the person's machine could ask in the client's name and take the answer: it
// proves nothing at the token endpoint, and nobody owns the address. The person is then asked each time, whatever was
// agreed before (RFC 6749 section 10.2, RFC 8252 section 8.6).
func (c *Client) SpoofableRedirect(redirect string) bool {
	return c.Auth == AuthNone && !strings.HasPrefix(redirect, "https://")
}

// withoutPort is a loopback URI without its port; false for any other. "localhost" is none: what it means is up to
// the machine (RFC 8252 section 8.3).
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
	if host != "127.0.0.1" && host != "::1" {
		return "", false
	}
	return host + rest[end:], true
}

// Sector is the host that a pairwise subject is computed for (OpenID Connect Core section 8.1).
func (c *Client) Sector() string {
	for _, uri := range c.Redirects {
		if u, err := url.Parse(uri); err == nil {
			return u.Hostname()
		}
	}
	return string(c.ID)
}

// loadClient loads an application; nil where there is none.
func (s *Service) Get(r store.Reader, id ID) (*Client, error) {
	if !id.Valid() {
		return nil, nil
	}
	c, err := s.clients.Get(r, string(id))
	if there, err := store.Found(err); !there {
		if err != nil {
			err = fmt.Errorf("loading client %q: %w", id, err)
		}
		return nil, err
	}
	return &c, nil
}

// ValidID tells whether something can be the id of a client at all, and so part of a key.
func (id ID) Valid() bool {
	return len(id) > 0 && len(id) <= 64 && strings.Trim(string(id), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// findClient is client in a snapshot of its own.
func (s *Service) Find(ctx context.Context, id ID) (c *Client, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		c, err = s.Get(snap, id)
		return err
	})
	return c, err
}
