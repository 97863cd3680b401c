package client

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// A service client has a Role: it calls the REST API for itself. It signs in with keys that are part of its record, so
// that only its keys and the operator decide who it is. It has no registration access token.

// APIScopes are the scopes of a service client, with the names of Okta. Each is for one area of the API. "manage"
// includes "read".
var APIScopes = []string{"okta.users.read", "okta.users.manage", "okta.groups.read", "okta.groups.manage", "okta.roles.read", "okta.roles.manage",
	"okta.clients.read", "okta.clients.manage", "okta.apiTokens.read", "okta.apiTokens.manage", "okta.eventHooks.read", "okta.eventHooks.manage",
	"okta.logs.read"}

// IsService reports whether the client calls the REST API for itself.
func (c *Client) IsService() bool { return c.Role != "" }

// checkService checks a client with a role, which has a single purpose.
func (c *Client) checkService() error {
	switch {
	case c.Role == "" && c.Owner == "":
		return nil
	case c.Role == "":
		return invalidMember("barillet_owner", "requires barillet_role")
	case c.Role.Rank() <= 0:
		return invalidMember("barillet_role", "is not a role")
	case c.AuthMethod != AuthJWT:
		return invalidMember("token_endpoint_auth_method", "must be private_key_jwt for a client with a role")
	case c.KeysURI != "":
		return invalidMember("jwks_uri", "must not be set for a client with a role: send jwks")
	case !slices.Equal(c.Grants, []string{GrantClientCredentials}):
		return invalidMember("grant_types", "must be client_credentials alone for a client with a role")
	case len(c.Redirects) > 0 || len(c.PostLogoutRedirects) > 0 || c.Backchannel != "":
		return invalidMember("redirect_uris", "must be empty for a client with a role: it signs no users in")
	case c.IntrospectsAll:
		return invalidMember("barillet_introspect_all", "must not be set for a client with a role")
	case slices.ContainsFunc(c.Scopes, func(s string) bool { return !slices.Contains(APIScopes, s) }):
		return invalidMember("scope", "must be scopes of the API for a client with a role")
	}
	return nil
}

// RequestedScopes returns the scopes for an access token of a service client: those that it requests, or all of its own
// if it requests none. It returns false if it may not have one of them.
func (c *Client) RequestedScopes(requested []string) ([]string, bool) {
	if len(requested) == 0 {
		return c.Scopes, true
	}
	allowed := c.AllowedScopes(requested)
	return allowed, !slices.ContainsFunc(requested, func(s string) bool { return !slices.Contains(allowed, s) })
}

// checkOperator returns Forbidden unless the operator gives or changes a role. The keys of a service client are its
// role, so no other principal can change any of its metadata.
func (by Registrar) checkOperator(r Registration, before *Client) error {
	if by.Operator || r.Role == "" && r.Owner == "" && (before == nil || !before.IsService()) {
		return nil
	}
	return errcode.ForbiddenFor(errcode.ReasonNeedsOperator)
}

// describeRole adds the role of a service client to the audit event of its registration or change. The owner receives a
// notification, as of an API token.
func (c *Client) describeRole(tx *account.Tx, by Registrar, before *Client, e *audit.Event) error {
	if !c.IsService() {
		return nil
	}
	e.Detail = map[string]string{"role": string(c.Role), "owner": c.Owner, "scopes": strings.Join(c.Scopes, " ")}
	if before != nil && before.Role == c.Role && before.Owner == c.Owner && bytes.Equal(before.Keys, c.Keys) {
		return nil
	}
	u, err := tx.User(account.UserID(c.Owner))
	switch {
	case errcode.Of(err) == errcode.NotFound: // the operator
		return nil
	case err != nil:
		return err
	}
	m := notice.TokenCreated{Context: notice.Context{Name: u.DisplayName(), At: tx.Op.Now}, By: by.ReservedName, TokenName: c.Name}
	return tx.Notify(&u, m, time.Time{})
}

const (
	maxServiceAssertionTTL = 5 * time.Minute
	clockTolerance         = time.Minute // between the clocks of a client and the service
)

// serviceFault returns the fault of an assertion of a service client whose signature is valid, or "".
func (s *Service) serviceFault(claims *assertionClaims, now time.Time) string {
	expires, issued := claims.Expires.Time(), claims.Issued.Time()
	switch {
	case len(claims.Audience) != 1 || !slices.Contains(s.ServiceAudiences, claims.Audience[0]):
		return "aud is not the token endpoint alone"
	case claims.ID == "":
		return "jti is missing"
	case expires.After(now.Add(maxServiceAssertionTTL + clockTolerance)), !issued.IsZero() && expires.Sub(issued) > maxServiceAssertionTTL:
		return "it is valid for more than five minutes"
	}
	return ""
}

// AssertionError refuses an assertion whose signature is valid. Why is for the developer of the client, who has the key.
type AssertionError struct{ Why string }

func (e *AssertionError) Error() string { return "client assertion: " + e.Why }

// Is makes an AssertionError a failed authentication.
func (e *AssertionError) Is(target error) bool { return target == ErrAuthentication }
