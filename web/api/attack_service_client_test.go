package api_test

import (
	"testing"

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
