package client

import (
	"net/url"
	"slices"
)

// checkSelfUpdate checks an update that the client itself requests (RFC 7592 §2.2). It keeps what an administrator
// set. The client must not ask for more than it has, nor change what users consented to: its name, home page,
// subjects and hosts.
func (c *Client) checkSelfUpdate(before *Client) error {
	c.Policy, c.NoPKCE, c.TokenClaims, c.IntrospectsAll = before.Policy, before.NoPKCE, before.TokenClaims, before.IntrospectsAll
	wider := func(had []string) func(string) bool { return func(s string) bool { return !slices.Contains(had, s) } }
	switch {
	case slices.ContainsFunc(c.Scopes, wider(before.Scopes)):
		return invalidMember("scope", "must not be extended")
	case slices.ContainsFunc(c.Grants, wider(before.Grants)):
		return invalidMember("grant_types", "must not be extended")
	case slices.Index(authStrength, c.AuthMethod) < slices.Index(authStrength, before.AuthMethod) && !(c.usesSecret() && before.usesSecret()):
		return invalidMember("token_endpoint_auth_method", "must not become weaker")
	case before.PushedOnly && !c.PushedOnly:
		return invalidMember("require_pushed_authorization_requests", "must not become weaker")
	case c.Native && !before.Native:
		return invalidMember("application_type", "can only be changed by an administrator")
	case c.Pairwise != before.Pairwise:
		return invalidMember("subject_type", "can only be changed by an administrator")
	case c.Name != before.Name:
		return invalidMember("client_name", "can only be changed by an administrator")
	case c.URI != before.URI:
		return invalidMember("client_uri", "can only be changed by an administrator")
	case slices.ContainsFunc(origins(c.Redirects), wider(origins(before.Redirects))):
		return invalidMember("redirect_uris", "must keep their hosts: only an administrator can add one")
	case slices.ContainsFunc(origins(c.PostLogoutRedirects), wider(origins(slices.Concat(before.Redirects, before.PostLogoutRedirects)))):
		return invalidMember("post_logout_redirect_uris", "must keep their hosts: only an administrator can add one")
	}
	return nil
}

// authStrength orders the authentication methods by strength. Both kinds of a secret are equal.
var authStrength = []string{AuthNone, AuthPost, AuthBasic, AuthJWT}

// origins returns the scheme and host of each address.
func origins(uris []string) []string {
	var out []string
	for _, uri := range uris {
		if u, err := url.Parse(uri); err == nil {
			out = append(out, u.Scheme+"://"+u.Host)
		}
	}
	return out
}
