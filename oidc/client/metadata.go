package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"barillet/internal/input"
	"barillet/oidc/keys"
)

// MetadataError rejects client metadata (RFC 7591 §3.2.2). It names the member that is wrong.
type MetadataError struct{ Code, Member, Why string }

func (e *MetadataError) Error() string { return e.Code + ": " + e.Member + ": " + e.Why }

func invalidMember(member, why string) error {
	return &MetadataError{"invalid_client_metadata", member, why}
}

const (
	maxURIs       = 16
	maxScopes     = 32
	maxGroups     = 32
	maxName       = 64
	maxURI        = 1 << 10
	maxKeysBytes  = 16 << 10
	maxKeys       = 16
	minAccessTTL  = time.Minute
	maxAccessTTL  = time.Hour
	minRefreshTTL = time.Hour
	maxRefreshTTL = 365 * 24 * time.Hour
)

// read returns the client of a registration. It checks the addresses that the service will call.
func (s *Service) read(r Registration, reserved string, now time.Time) (Client, error) {
	c, err := r.client(reserved, now)
	if err != nil {
		return c, err
	}
	if c.KeysURI != "" && s.Fetch == nil {
		return c, invalidMember("jwks_uri", "is not supported: send jwks instead")
	}
	for _, called := range c.calledURIs() {
		switch {
		case called.uri == "":
		case s.Check == nil:
			if !webURI(called.uri) {
				return c, invalidMember(called.member, "must be an https URI")
			}
		default:
			if err := s.Check(called.uri); err != nil {
				return c, invalidMember(called.member, "may not be called: "+err.Error())
			}
		}
	}
	return c, nil
}

// client returns the client of a registration, or a *MetadataError. By default a client requires consent and gets no
// groups (protocol rule 28).
func (r Registration) client(reserved string, now time.Time) (Client, error) {
	c := Client{Name: r.Name, URI: r.URI, Redirects: r.Redirects, PostLogoutRedirects: r.PostLogoutRedirects, Backchannel: r.Backchannel,
		Native: r.ApplicationType == "native", AuthMethod: r.AuthMethod, Keys: r.Keys, KeysURI: r.KeysURI, Grants: r.Grants, Alg: r.Alg, NoPKCE: r.NoPKCE, PushedOnly: r.PushedOnly,
		Pairwise: r.SubjectType == "pairwise", TokenClaims: r.TokenClaims, IntrospectsAll: r.IntrospectsAll, Role: r.Role, Owner: r.Owner, Created: now, Changed: now}
	if string(c.Keys) == "null" {
		c.Keys = nil
	}
	method, grant, scopes := AuthBasic, GrantCode, []string{ScopeOpenID, ScopeProfile, ScopeEmail}
	if c.IsService() {
		method, grant, scopes = AuthJWT, GrantClientCredentials, APIScopes
	}
	if c.AuthMethod == "" {
		c.AuthMethod = method
	}
	if c.Alg == "" {
		c.Alg = keys.RS256
	}
	if c.Grants == nil && !(c.IntrospectsAll && len(c.Redirects) == 0) {
		c.Grants = []string{grant}
	}
	c.Grants = append([]string{}, c.Grants...) // never nil: a resource server has none
	if c.Scopes = strings.Fields(r.Scope); len(c.Scopes) == 0 && (c.IsService() || c.HasGrant(GrantCode) || c.HasGrant(GrantDevice)) {
		c.Scopes = scopes
	}
	c.Policy = Policy{Consent: r.Consent == nil || *r.Consent, PhishingResistant: r.PhishingResistant, MaxAge: seconds(r.MaxAge), Groups: r.Groups,
		AccessTTL: seconds(r.AccessTTL), RefreshTTL: seconds(r.RefreshTTL)}
	for _, rule := range r.Rules {
		c.Policy.Rules = append(c.Policy.Rules, Rule{rule.Group, rule.PhishingResistant, seconds(rule.MaxAge)})
	}
	for _, check := range []func() error{func() error { return r.checkMembers(&c) }, func() error { return c.checkName(reserved) }, c.checkGrants,
		c.checkURIs, c.checkKeys, c.checkPolicy, c.checkService} {
		if err := check(); err != nil {
			return Client{}, err
		}
	}
	return c, nil
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// checkMembers checks the members that are not stored.
func (r Registration) checkMembers(c *Client) error {
	switch {
	case r.ApplicationType != "" && r.ApplicationType != "web" && r.ApplicationType != "native":
		return invalidMember("application_type", "must be web or native")
	case r.SubjectType != "" && r.SubjectType != "public" && r.SubjectType != "pairwise":
		return invalidMember("subject_type", "must be public or pairwise")
	case slices.ContainsFunc(r.Responses, func(t string) bool { return t != "code" }):
		return invalidMember("response_types", "must be code")
	case c.NoPKCE && c.AuthMethod == AuthNone:
		return invalidMember("barillet_pkce_exempt", "requires client authentication")
	case c.IntrospectsAll && c.AuthMethod == AuthNone:
		return invalidMember("barillet_introspect_all", "requires client authentication")
	}
	for _, n := range []int64{r.MaxAge, r.AccessTTL, r.RefreshTTL} {
		if n < 0 || n > int64(maxRefreshTTL/time.Second) {
			return invalidMember("barillet_max_age", "must be a number of seconds, at most a year")
		}
	}
	return nil
}

func (c *Client) checkName(reserved string) error {
	name, reason := input.Name(c.Name, maxName)
	if name == "" || reason != "" {
		return invalidMember("client_name", "must have 1 to 64 visible characters")
	}
	c.Name = name
	if input.MixesScripts(c.Name) {
		return invalidMember("client_name", "must not mix letters of two scripts in a word")
	}
	for _, taken := range []string{reserved, "Barillet"} {
		if taken != "" && skeleton(c.Name) == skeleton(taken) { // a client must not look like the service (protocol rule 28)
			return invalidMember("client_name", "must not be the name of the service")
		}
	}
	return nil
}

// grantTypes are the grants that a client may have.
var grantTypes = []string{GrantCode, GrantRefresh, GrantClientCredentials, GrantDevice}

func (c *Client) checkGrants() error {
	for _, g := range c.Grants {
		if !slices.Contains(grantTypes, g) {
			return invalidMember("grant_types", "must be of "+strings.Join(grantTypes, ", "))
		}
	}
	if len(c.Grants) == 0 && !c.IntrospectsAll {
		return invalidMember("grant_types", "must not be empty without barillet_introspect_all")
	}
	own := c.HasGrant(GrantClientCredentials)
	for _, s := range c.Scopes {
		custom := own && len(s) <= maxName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-") == ""
		if !slices.Contains(Scopes, s) && !custom {
			return invalidMember("scope", "must be of "+strings.Join(Scopes, ", ")+"; only client_credentials allows others, of letters, digits and :/._-")
		}
	}
	switch {
	case len(c.Scopes) > maxScopes:
		return invalidMember("scope", "contains too many scopes")
	case !slices.Contains([]string{AuthNone, AuthBasic, AuthPost, AuthJWT}, c.AuthMethod):
		return invalidMember("token_endpoint_auth_method", "must be client_secret_basic, client_secret_post, private_key_jwt or none")
	case own && c.AuthMethod == AuthNone:
		return invalidMember("grant_types", "client_credentials requires client authentication")
	case !slices.Contains(keys.Algorithms, c.Alg):
		return invalidMember("id_token_signed_response_alg", "must be RS256, ES256 or EdDSA")
	case c.HasGrant(GrantCode) && len(c.Redirects) == 0:
		return &MetadataError{"invalid_redirect_uri", "redirect_uris", "is required for authorization_code"}
	}
	return nil
}

func (c *Client) checkURIs() error {
	if len(c.Redirects) > maxURIs || len(c.PostLogoutRedirects) > maxURIs {
		return invalidMember("redirect_uris", "contains too many URIs")
	}
	hosts := map[string]bool{}
	for _, uri := range c.Redirects {
		if !c.validRedirect(uri) {
			return &MetadataError{"invalid_redirect_uri", "redirect_uris", orPunycode(uri, "must be https URIs, http URIs of the user's machine or, for a native client, URIs of a private scheme with a dot")}
		}
		if u, err := url.Parse(uri); err == nil {
			hosts[u.Hostname()] = true
		}
	}
	if c.Pairwise && len(hosts) > 1 {
		return invalidMember("redirect_uris", "must have one host for pairwise subjects")
	}
	for _, uri := range c.PostLogoutRedirects {
		if !c.validRedirect(uri) {
			return invalidMember("post_logout_redirect_uris", orPunycode(uri, "must be URIs that redirect_uris could contain"))
		}
	}
	for _, called := range c.calledURIs() {
		if uri := called.uri; len(uri) > maxURI || strings.Contains(uri, "#") || strings.ContainsFunc(uri, unprintable) {
			return invalidMember(called.member, orPunycode(uri, "must be an https URI of at most 1024 bytes, without a fragment"))
		}
	}
	if c.URI != "" && !webURI(c.URI) {
		return invalidMember("client_uri", orPunycode(c.URI, "must be an https URI"))
	}
	return nil
}

// orPunycode returns why a URI is invalid, or the host to write if its host is not ASCII.
func orPunycode(uri, why string) string {
	if host := input.PunycodeHost(uri); host != "" {
		return "must have its host in punycode: " + host
	}
	return why
}

type calledURI struct{ member, uri string }

// calledURIs returns the URIs of the client that the service calls, in the order in which faults are reported.
func (c *Client) calledURIs() []calledURI {
	return []calledURI{{"backchannel_logout_uri", c.Backchannel}, {"jwks_uri", c.KeysURI}}
}

// validRedirect reports whether a browser may be sent to a URI: https, http on the user's machine, or, for a native
// client, a private scheme with a dot (RFC 8252 §7.1). A fragment is not allowed (RFC 6749 §3.1.2).
func (c *Client) validRedirect(uri string) bool {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI || strings.ContainsAny(uri, "#\\\"<>` ") || u.User != nil || strings.ContainsFunc(uri, unprintable):
		return false
	case u.Scheme == "https":
		return u.Host != "" && u.Hostname() != ""
	case u.Scheme == "http":
		_, loopback := withoutPort(uri)
		return loopback
	}
	return c.Native && strings.Contains(u.Scheme, ".")
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

func webURI(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || len(uri) > maxURI || u.Fragment != "" || u.User != nil || strings.ContainsFunc(uri, unprintable) {
		return false
	}
	_, loopback := withoutPort(uri)
	return u.Scheme == "https" && u.Hostname() != "" || loopback
}

// checkKeys checks the keys of private_key_jwt.
func (c *Client) checkKeys() error {
	switch {
	case c.AuthMethod != AuthJWT && len(c.Keys) > 0:
		return invalidMember("jwks", "requires private_key_jwt")
	case c.AuthMethod != AuthJWT && c.KeysURI != "":
		return invalidMember("jwks_uri", "requires private_key_jwt")
	case len(c.Keys) > 0 && c.KeysURI != "": // RFC 7591 §2
		return invalidMember("jwks_uri", "must not be combined with jwks")
	case c.AuthMethod != AuthJWT || c.KeysURI != "":
		return nil
	}
	if len(c.Keys) == 0 {
		return invalidMember("jwks", "is required for private_key_jwt, or jwks_uri")
	}
	var set jose.JSONWebKeySet
	if len(c.Keys) > maxKeysBytes || json.Unmarshal(c.Keys, &set) != nil || len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		return invalidMember("jwks", "must be a JWK Set of 1 to 16 keys")
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() {
			return invalidMember("jwks", "must contain public keys only")
		}
		if !acceptableKey(k) {
			return invalidMember("jwks", "must contain signature keys of RSA with 2048 to 4096 bits, P-256 or Ed25519")
		}
	}
	return nil
}

func (c *Client) checkPolicy() error {
	y := c.Policy
	within := func(d, least, most time.Duration) bool { return d == 0 || least <= d && d <= most }
	switch {
	case !within(y.AccessTTL, minAccessTTL, maxAccessTTL):
		return invalidMember("barillet_access_token_lifetime", "must be 60 to 3600 seconds")
	case !within(y.RefreshTTL, minRefreshTTL, maxRefreshTTL):
		return invalidMember("barillet_refresh_token_lifetime", "must be an hour to a year, in seconds")
	case len(y.Groups) > maxGroups || len(y.Rules) > maxGroups:
		return invalidMember("barillet_groups", "contains too many groups")
	}
	return nil
}
