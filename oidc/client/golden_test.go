package client_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_DecodeEveryVersion(t *testing.T) {
	then := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	storetest.Golden(t, store.Clients, nil, client.Client{ID: "c1", Name: "Planning", URI: "https://app.example", Redirects: []string{"https://app.example/cb"},
		PostLogoutRedirects: []string{"https://app.example/bye"}, Backchannel: "https://app.example/logout", Native: true, AuthMethod: "private_key_jwt", Secret: "ab",
		Keys: json.RawMessage(`{"keys":[]}`), KeysURI: "https://app.example/keys", Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, Alg: "ES256", NoPKCE: true, PushedOnly: true,
		Pairwise: true, TokenClaims: true, IntrospectsAll: true, Policy: client.Policy{Consent: true, PhishingResistant: true, MaxAge: time.Hour, Groups: []account.GroupID{"g1"},
			Rules: []client.Rule{{Group: "g1", PhishingResistant: true, MaxAge: time.Minute}}, AccessTTL: time.Minute, RefreshTTL: time.Hour},
		Role: account.RoleUserAdmin, Owner: "u1", RegistrationToken: "cd", RegisteredBy: "token:1", Created: then, Changed: then})
	storetest.Golden(t, store.Assertions, nil, client.Assertion{Client: "c1", Expires: then})
}
