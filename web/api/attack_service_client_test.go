package api_test

import (
	"testing"
	"time"

	"barillet/authn/account"
)

// TestAttack_ServiceClientMintsATokenWithoutScopes has an access token for API tokens alone. An API token has no scopes: it
// would make administrators.
func TestAttack_ServiceClientMintsATokenWithoutScopes(t *testing.T) {
	d := open(t)
	d.boss("chef@garage.example", account.RoleSuperAdmin, 0)
	for _, more := range []string{"", `,"barillet_owner":"chef@garage.example"`} {
		s := d.service("SUPER_ADMIN", more)
		for _, scope := range []string{"okta.apiTokens.manage", ""} {
			problem(t, s.bearer("POST", "/api/v1/api-tokens", s.access(scope), `{"name":"x","role":"READ_ONLY_ADMIN"}`), 403)
		}
		read[[]tree](t, s.bearer("GET", "/api/v1/api-tokens", s.access("okta.apiTokens.manage"), ""), 200)
	}
}

// TestAttack_AccessTokenOfAReplacedKey has an access token that was got with a stolen key, and the operator replaces the key.
func TestAttack_AccessTokenOfAReplacedKey(t *testing.T) {
	d := open(t)
	s := d.service("USER_ADMIN", `,"barillet_access_token_lifetime":3600`)
	stolen := s.access("")
	read[[]tree](t, s.bearer("GET", "/api/v1/users", stolen, ""), 200)
	d.Clock.Advance(time.Minute)
	key, set := newKey(t)
	read[tree](t, d.local("PUT", "/oauth2/v1/clients/"+s.id, `{"client_name":"Terraform","barillet_role":"USER_ADMIN","jwks":`+set+`}`), 200)
	problem(t, s.bearer("GET", "/api/v1/users", stolen, ""), 401)
	s.key = key
	read[[]tree](t, s.bearer("GET", "/api/v1/users", s.access(""), ""), 200)
}
