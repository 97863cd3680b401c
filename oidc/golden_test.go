package oidc_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn"
	"barillet/internal/outbox"
	"barillet/oidc"
	"barillet/store"
	"barillet/store/storetest"
)

func TestEveryRecordEverWrittenDecodesForEver(t *testing.T) {
	then := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	age := int64(60)
	signed := oidc.AuthContext{User: "uabc", Login: "lea", Session: "5e55", SID: "5e", Epoch: 5, Since: then, Until: then.Add(24 * time.Hour), AuthTime: then,
		AMR: []string{"pwd", "otp", "mfa"}, ACR: "phr"}
	storetest.Golden(t, store.Clients, nil, oidc.Client{ID: "c1", Name: "Planning", URI: "https://app.example", Redirects: []string{"https://app.example/cb"},
		PostLogoutRedirects: []string{"https://app.example/bye"}, Backchannel: "https://app.example/logout", Native: true, Auth: "private_key_jwt", Secret: "ab",
		Keys: json.RawMessage(`{"keys":[]}`), KeysURI: "https://app.example/keys", Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, Alg: "ES256", NoPKCE: true, PushedOnly: true,
		Pairwise: true, TokenClaims: true, IntrospectsAll: true, Policy: oidc.Policy{Consent: true, PhishingResistant: true, MaxAge: time.Hour, Groups: []authn.GroupID{"g1"},
			Rules: []oidc.Rule{{Group: "g1", PhishingResistant: true, MaxAge: time.Minute}}, AccessTTL: time.Minute, RefreshTTL: time.Hour},
		RegistrationToken: "cd", RegisteredBy: "token:1", Created: then, Changed: then})
	storetest.Golden(t, store.AuthRequests, nil, oidc.AuthorizationRequest{Client: "c1", Redirect: "https://app.example/cb", State: "s", Nonce: "n", Scopes: []string{"openid"},
		Prompt: []string{"login"}, MaxAge: &age, ACRs: []string{"phr"}, Challenge: "x", Hint: "lea", Subject: "uabc", UserinfoClaims: []string{"name"}, IDTokenClaims: []string{"email"},
		ConsentSession: "5e55", Device: "de", Pushed: "a=b", User: "uabc", Created: then, Expires: then})
	storetest.Golden(t, store.Codes, nil, oidc.AuthorizationCode{Client: "c1", Redirect: "https://app.example/cb", Challenge: "x", Nonce: "n", Scopes: []string{"openid"},
		UserinfoClaims: []string{"name"}, IDTokenClaims: []string{"email"}, AuthContext: signed, Created: then, Expires: then, Used: then, Grant: "uabc/g"})
	storetest.Golden(t, store.Grants, nil, oidc.Grant{Client: "c1", AuthContext: signed, Scopes: []string{"openid"}, UserinfoClaims: []string{"name"}, IDTokenClaims: []string{"email"},
		Offline: true, OutlivesSession: true, Created: then, Expires: then})
	storetest.Golden(t, store.Accesses, nil, oidc.AccessToken{Grant: "uabc/g", Client: "c1", Scopes: []string{"openid"}, Created: then, Expires: then})
	storetest.Golden(t, store.Refreshes, nil, oidc.RefreshToken{Grant: "uabc/g", Client: "c1", Created: then, Expires: then, Used: then})
	storetest.Golden(t, store.Consents, nil, oidc.Consent{Scopes: []string{"openid"}, Created: then})
	storetest.Golden(t, store.UserCodes, nil, oidc.UserCode{Client: "c1", MAC: []byte{1, 2}, Scopes: []string{"openid"}, Created: then, Expires: then, Polled: then,
		Interval: 5 * time.Second, Denied: true, Approval: &signed})
	storetest.Golden(t, store.Logouts, nil, oidc.Logout{Client: "c1", User: "uabc", SID: "5e", ID: "j", State: outbox.Try{Queued: then, NotBefore: then,
		UselessAfter: then, Attempts: 2, Tried: then, LastError: "answered 503", Unreachable: true, Dead: true, Died: then}})
	storetest.Golden(t, store.SignKeys, nil, oidc.Set{Keys: []oidc.Key{{ID: "k1", Private: []byte{3, 4}, Created: then, NotBefore: then}}})
}
