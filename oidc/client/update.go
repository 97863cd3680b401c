package client

import (
	"net/url"
	"slices"
)

// checkSelfUpdate takes over what an administrator said of a client that now speaks for itself, and refuses more than it had
// (RFC 7592 section 2.2: what a server does not let a client change is an error). What people were shown when they said
// yes, its name and home page, and whom it is known to them by are not its own to change; nor are they reached under
// another host, where the consent that they once gave, or that an administrator spares them, would go along.
func (c *Client) checkSelfUpdate(before *Client) error {
	c.Policy, c.NoPKCE, c.TokenClaims, c.IntrospectsAll = before.Policy, before.NoPKCE, before.TokenClaims, before.IntrospectsAll
	wider := func(had []string) func(string) bool { return func(s string) bool { return !slices.Contains(had, s) } }
	switch {
	case slices.ContainsFunc(c.Scopes, wider(before.Scopes)):
		return invalidMember("scope", "is wider than it was")
	case slices.ContainsFunc(c.Grants, wider(before.Grants)):
		return invalidMember("grant_types", "are more than they were")
	case slices.Index(authStrength, c.Auth) < slices.Index(authStrength, before.Auth) && !(c.usesSecret() && before.usesSecret()):
		return invalidMember("token_endpoint_auth_method", "is weaker than it was")
	case before.PushedOnly && !c.PushedOnly:
		return invalidMember("require_pushed_authorization_requests", "is weaker than it was")
	case c.Native && !before.Native:
		return invalidMember("application_type", "is an administrator's to change")
	case c.Pairwise != before.Pairwise:
		return invalidMember("subject_type", "is an administrator's to change")
	case c.Name != before.Name:
		return invalidMember("client_name", "is an administrator's to change")
	case c.URI != before.URI:
		return invalidMember("client_uri", "is an administrator's to change")
	case slices.ContainsFunc(origins(c.Redirects), wider(origins(before.Redirects))):
		return invalidMember("redirect_uris", "have a host that they had not: that is an administrator's to change")
	case slices.ContainsFunc(origins(c.PostLogoutRedirects), wider(origins(slices.Concat(before.Redirects, before.PostLogoutRedirects)))):
		return invalidMember("post_logout_redirect_uris", "have a host that they had not: that is an administrator's to change")
	}
	return nil
}

// authStrength is how clients prove themselves, weakest first; the two kinds of a secret are one.
var authStrength = []string{AuthNone, AuthPost, AuthBasic, AuthJWT}

// origins is the scheme and host of each address; a scheme of the client's own is one by itself.
func origins(uris []string) []string {
	var out []string
	for _, uri := range uris {
		if u, err := url.Parse(uri); err == nil {
			out = append(out, u.Scheme+"://"+u.Host)
		}
	}
	return out
}
