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
	signed := oidc.Signed{User: "uabc", Login: "lea", Session: "5e55", SID: "5e", Epoch: 5, Since: then, Until: then.Add(24 * time.Hour), AuthTime: then,
		AMR: []string{"pwd", "otp", "mfa"}, ACR: "phr"}
	storetest.Golden(t, store.Clients, nil, oidc.Client{ID: "c1", Name: "Planning", URI: "https://app.example", Redirects: []string{"https://app.example/cb"},
		LogoutTo: []string{"https://app.example/bye"}, Backchannel: "https://app.example/logout", Native: true, Auth: "private_key_jwt", Secret: "ab",
		Keys: json.RawMessage(`{"keys":[]}`), KeysURI: "https://app.example/keys", Grants: []string{"authorization_code"}, Scopes: []string{"openid"}, Alg: "ES256", NoPKCE: true, PushedOnly: true,
		Pairwise: true, TokenClaims: true, Resource: true, Policy: oidc.Policy{Consent: true, Strong: true, MaxAge: time.Hour, Groups: []authn.GroupID{"g1"},
			Rules: []oidc.Rule{{Group: "g1", Strong: true, MaxAge: time.Minute}}, AccessLife: time.Minute, RefreshLife: time.Hour},
		Manage: "cd", By: "token:1", Created: then, Changed: then})
	storetest.Golden(t, store.Asked, nil, oidc.Ask{Client: "c1", Redirect: "https://app.example/cb", State: "s", Nonce: "n", Scopes: []string{"openid"},
		Prompt: []string{"login"}, MaxAge: &age, ACRs: []string{"phr"}, Challenge: "x", Hint: "lea", Subject: "uabc", Named: []string{"name"}, TokenNamed: []string{"email"},
		Agreed: "5e55", Device: "de", Pushed: "a=b", For: "uabc", Made: then, Expires: then})
	storetest.Golden(t, store.Codes, nil, oidc.Code{Client: "c1", Redirect: "https://app.example/cb", Challenge: "x", Nonce: "n", Scopes: []string{"openid"},
		Named: []string{"name"}, TokenNamed: []string{"email"}, Signed: signed, Made: then, Expires: then, Used: then, Grant: "uabc/g"})
	storetest.Golden(t, store.Grants, nil, oidc.Grant{Client: "c1", Signed: signed, Scopes: []string{"openid"}, Named: []string{"name"}, TokenNamed: []string{"email"},
		Offline: true, Outlived: true, Made: then, Expires: then})
	storetest.Golden(t, store.Accesses, nil, oidc.Access{Grant: "uabc/g", Client: "c1", Scopes: []string{"openid"}, Made: then, Expires: then})
	storetest.Golden(t, store.Refreshes, nil, oidc.Refresh{Grant: "uabc/g", Client: "c1", Made: then, Expires: then, Used: then})
	storetest.Golden(t, store.Consents, nil, oidc.Consent{Scopes: []string{"openid"}, At: then})
	storetest.Golden(t, store.UserCodes, nil, oidc.UserCode{Client: "c1", MAC: []byte{1, 2}, Scopes: []string{"openid"}, Made: then, Expires: then, Polled: then,
		Every: 5 * time.Second, Denied: true, By: &signed})
	storetest.Golden(t, store.Logouts, nil, oidc.Logout{Client: "c1", User: "uabc", SID: "5e", ID: "j", State: outbox.Attempts{Queued: then, NotBefore: then,
		ExpiresAt: then, Count: 2, Tried: then, LastError: "answered 503", Unreachable: true, Dead: true, Died: then}})
	storetest.Golden(t, store.SignKeys, nil, oidc.Ring{Keys: []oidc.SignKey{{ID: "k1", Private: []byte{3, 4}, Made: then, From: then}}})
}
