package oidc

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	jose "github.com/go-jose/go-jose/v4"
)

// MetadataError is a registration that cannot be taken (RFC 7591 section 3.2.2).
type MetadataError struct{ Code, Member, Why string }

func (e *MetadataError) Error() string { return e.Code + ": " + e.Member + ": " + e.Why }

func wrongMember(member, why string) error {
	return &MetadataError{"invalid_client_metadata", member, why}
}

const (
	mostURIs     = 16
	mostScopes   = 32
	mostGroups   = 32
	longestName  = 64
	longestURI   = 1 << 10
	longestKeys  = 16 << 10
	mostKeys     = 16
	leastAccess  = time.Minute
	mostAccess   = time.Hour
	leastRefresh = time.Hour
	mostRefresh  = 365 * 24 * time.Hour
)

// read makes a Client of what was said, whose addresses that we are to call are such as may be called.
func (p *Provider) read(r Registration, house string, now time.Time) (Client, error) {
	c, err := r.client(house, now)
	if err != nil {
		return c, err
	}
	if c.KeysURI != "" && p.Fetch == nil {
		return c, wrongMember("jwks_uri", "is not taken: send the keys as jwks")
	}
	for _, called := range c.called() {
		switch {
		case called.uri == "":
		case p.Check == nil:
			if !webURI(called.uri) {
				return c, wrongMember(called.member, "is an https URI")
			}
		default:
			if err := p.Check(called.uri); err != nil {
				return c, wrongMember(called.member, "may not be called: "+err.Error())
			}
		}
	}
	return c, nil
}

// client makes a Client of what was said, or says which member is wrong. What it does not say is as careful as can be:
// consent is asked for, and groups are not told (PROTOCOL 28).
func (r Registration) client(house string, now time.Time) (Client, error) {
	c := Client{Name: strings.TrimSpace(r.Name), URI: r.URI, Redirects: r.Redirects, LogoutTo: r.LogoutTo, Backchannel: r.Backchannel,
		Native: r.Kind == "native", Auth: r.Auth, Keys: r.Keys, KeysURI: r.KeysURI, Grants: r.Grants, Alg: r.Alg, NoPKCE: r.NoPKCE, PushedOnly: r.PushedOnly,
		Pairwise: r.SubjectType == "pairwise", TokenClaims: r.TokenClaims, Resource: r.Resource, Created: now, Changed: now}
	if string(c.Keys) == "null" {
		c.Keys = nil
	}
	if c.Auth == "" {
		c.Auth = authBasic
	}
	if c.Alg == "" {
		c.Alg = algRSA
	}
	if len(c.Grants) == 0 {
		c.Grants = []string{grantCode}
	}
	if c.Scopes = words(r.Scope); len(c.Scopes) == 0 {
		c.Scopes = []string{scopeOpenID, scopeProfile, scopeEmail}
	}
	c.Policy = Policy{Consent: r.Consent == nil || *r.Consent, Strong: r.Strong, MaxAge: seconds(r.MaxAge), Groups: r.Groups,
		AccessLife: seconds(r.AccessLife), RefreshLife: seconds(r.RefreshLife)}
	for _, rule := range r.Rules {
		c.Policy.Rules = append(c.Policy.Rules, Rule{rule.Group, rule.Strong, seconds(rule.MaxAge)})
	}
	for _, check := range []func() error{func() error { return r.said(&c) }, func() error { return c.checkName(house) }, c.checkGrants,
		c.checkURIs, c.checkKeys, c.checkPolicy} {
		if err := check(); err != nil {
			return Client{}, err
		}
	}
	return c, nil
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// said judges the members that have no place in a Client.
func (r Registration) said(c *Client) error {
	switch {
	case r.Kind != "" && r.Kind != "web" && r.Kind != "native":
		return wrongMember("application_type", "is web or native")
	case r.SubjectType != "" && r.SubjectType != "public" && r.SubjectType != "pairwise":
		return wrongMember("subject_type", "is public or pairwise")
	case slices.ContainsFunc(r.Responses, func(t string) bool { return t != "code" }):
		return wrongMember("response_types", "is code and nothing else")
	case c.NoPKCE && c.Auth == authNone:
		return wrongMember("barillet_pkce_exempt", "is not for a client without a secret")
	case c.Resource && c.Auth == authNone:
		return wrongMember("barillet_introspect_all", "is not for a client without a secret")
	}
	for _, n := range []int64{r.MaxAge, r.AccessLife, r.RefreshLife} {
		if n < 0 || n > int64(mostRefresh/time.Second) {
			return wrongMember("barillet_max_age", "is a number of seconds, a year at most")
		}
	}
	return nil
}

func (c *Client) checkName(house string) error {
	if c.Name == "" || !utf8.ValidString(c.Name) || utf8.RuneCountInString(c.Name) > longestName || strings.ContainsFunc(c.Name, unseen) {
		return wrongMember("client_name", "is 1 to 64 characters that can be seen")
	}
	if mixed(c.Name) {
		return wrongMember("client_name", "has a word of letters of two scripts")
	}
	for _, ours := range []string{house, "Barillet"} {
		if ours != "" && seen(c.Name) == seen(ours) { // PROTOCOL 28: a name unlike ours
			return wrongMember("client_name", "is the name of the house itself")
		}
	}
	return nil
}

func (c *Client) checkGrants() error {
	for _, g := range c.Grants {
		if !slices.Contains([]string{grantCode, grantRefresh, grantClient, grantDevice}, g) {
			return wrongMember("grant_types", "has one that there is not")
		}
	}
	own := c.may(grantClient)
	for _, s := range c.Scopes {
		custom := own && len(s) <= longestName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/._-") == ""
		if !slices.Contains(scopes, s) && !custom {
			return wrongMember("scope", "has one that there is not")
		}
	}
	switch {
	case len(c.Scopes) > mostScopes:
		return wrongMember("scope", "has too many")
	case !slices.Contains([]string{authNone, authBasic, authPost, authJWT}, c.Auth):
		return wrongMember("token_endpoint_auth_method", "is client_secret_basic, client_secret_post, private_key_jwt or none")
	case own && c.Auth == authNone:
		return wrongMember("grant_types", "client_credentials is not for a client without a secret")
	case !slices.Contains(algorithms, c.Alg):
		return wrongMember("id_token_signed_response_alg", "is RS256, ES256 or EdDSA")
	case c.may(grantCode) && len(c.Redirects) == 0:
		return &MetadataError{"invalid_redirect_uri", "redirect_uris", "is missing"}
	}
	return nil
}

func (c *Client) checkURIs() error {
	if len(c.Redirects) > mostURIs || len(c.LogoutTo) > mostURIs {
		return wrongMember("redirect_uris", "has too many")
	}
	hosts := map[string]bool{}
	for _, uri := range c.Redirects {
		if !c.mayReturnTo(uri) {
			return &MetadataError{"invalid_redirect_uri", "redirect_uris", "has one that is no https URI, no http URI of the machine itself, nor, for a native client, one of a scheme with a dot"}
		}
		if u, err := url.Parse(uri); err == nil {
			hosts[u.Hostname()] = true
		}
	}
	if c.Pairwise && len(hosts) > 1 {
		return wrongMember("redirect_uris", "must have one host for pairwise subjects")
	}
	for _, uri := range c.LogoutTo {
		if !c.mayReturnTo(uri) {
			return wrongMember("post_logout_redirect_uris", "has one that redirect_uris could not have")
		}
	}
	for _, called := range c.called() {
		if uri := called.uri; len(uri) > longestURI || strings.Contains(uri, "#") || strings.ContainsFunc(uri, unprintable) {
			return wrongMember(called.member, "is an https URI of at most 1024 bytes, without a fragment")
		}
	}
	if c.URI != "" && !webURI(c.URI) {
		return wrongMember("client_uri", "is an https URI")
	}
	return nil
}

type calledURI struct{ member, uri string }

// called returns the URIs of the client that the service calls, in the order in which faults are reported.
func (c *Client) called() []calledURI {
	return []calledURI{{"backchannel_logout_uri", c.Backchannel}, {"jwks_uri", c.KeysURI}}
}

// mayReturnTo tells whether a browser may be sent to a URI: https, http on the machine itself, or for a native client
// a scheme of its own that is a domain turned around (RFC 8252 section 7.1). No fragment (RFC 6749 section 3.1.2).
func (c *Client) mayReturnTo(uri string) bool {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > longestURI || strings.ContainsAny(uri, "#\\\"<>` ") || u.User != nil || strings.ContainsFunc(uri, unprintable):
		return false
	case u.Scheme == "https":
		return u.Host != "" && u.Hostname() != ""
	case u.Scheme == "http":
		_, loopback := withoutPort(uri)
		return loopback || u.Hostname() == "localhost"
	}
	return c.Native && strings.Contains(u.Scheme, ".")
}

func unprintable(r rune) bool { return r <= ' ' || r >= 0x7f }

func webURI(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || len(uri) > longestURI || u.Fragment != "" || u.User != nil || strings.ContainsFunc(uri, unprintable) {
		return false
	}
	_, loopback := withoutPort(uri)
	return u.Scheme == "https" && u.Hostname() != "" || loopback
}

// checkKeys judges the keys of private_key_jwt: public ones, of the algorithms that are taken.
func (c *Client) checkKeys() error {
	switch {
	case c.Auth != authJWT && len(c.Keys) > 0:
		return wrongMember("jwks", "is for private_key_jwt")
	case c.Auth != authJWT && c.KeysURI != "":
		return wrongMember("jwks_uri", "is for private_key_jwt")
	case len(c.Keys) > 0 && c.KeysURI != "": // RFC 7591 section 2
		return wrongMember("jwks_uri", "is not beside jwks")
	case c.Auth != authJWT || c.KeysURI != "":
		return nil
	}
	var set jose.JSONWebKeySet
	if len(c.Keys) > longestKeys || json.Unmarshal(c.Keys, &set) != nil || len(set.Keys) == 0 || len(set.Keys) > mostKeys {
		return wrongMember("jwks", "is a JWK Set with one to 16 keys")
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() {
			return wrongMember("jwks", "has a key that is not a public one")
		}
		if !measured(k) {
			return wrongMember("jwks", "has a key that is not RSA of 2048 to 4096 bits, P-256 or Ed25519, for signatures")
		}
	}
	return nil
}

func (c *Client) checkPolicy() error {
	y := c.Policy
	within := func(d, least, most time.Duration) bool { return d == 0 || least <= d && d <= most }
	switch {
	case !within(y.AccessLife, leastAccess, mostAccess):
		return wrongMember("barillet_access_token_lifetime", "is 60 to 3600 seconds")
	case !within(y.RefreshLife, leastRefresh, mostRefresh):
		return wrongMember("barillet_refresh_token_lifetime", "is an hour to a year, in seconds")
	case len(y.Groups) > mostGroups || len(y.Rules) > mostGroups:
		return wrongMember("barillet_groups", "has too many")
	}
	return nil
}
