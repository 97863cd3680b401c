package token_test

import (
	"testing"
	"time"

	"barillet/internal/outbox"
	"barillet/oidc/token"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_DecodeEveryVersion(t *testing.T) {
	then := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	auth := token.AuthContext{User: "uabc", Login: "lea", Session: "5e55", SID: "5e", Epoch: 5, Since: then, Until: then.Add(24 * time.Hour), AuthTime: then,
		AMR: []string{"pwd", "otp", "mfa"}, ACR: "phr"}
	storetest.Golden(t, store.Codes, nil, token.UsedCode{Expires: then, Grant: "uabc/g", Refusal: "because"})
	storetest.Golden(t, store.Grants, nil, token.Grant{Client: "c1", AuthContext: auth, Scopes: []string{"openid"}, UserinfoClaims: []string{"name"}, IDTokenClaims: []string{"email"},
		Offline: true, OutlivesSession: true, Created: then, Expires: then})
	storetest.Golden(t, store.Accesses, nil, token.AccessToken{Grant: "uabc/g", Client: "c1", Scopes: []string{"openid"}, Created: then, Expires: then})
	storetest.Golden(t, store.Refreshes, nil, token.RefreshToken{Grant: "uabc/g", Client: "c1", Created: then, Expires: then, Used: then, Salt: "s"})
	storetest.Golden(t, store.Consents, nil, token.Consent{Scopes: []string{"openid"}, Created: then})
	storetest.Golden(t, store.Logouts, nil, token.Logout{Client: "c1", User: "uabc", SID: "5e", ID: "j", State: outbox.Attempts{Queued: then, NotBefore: then,
		ExpiresAt: then, Count: 2, Tried: then, LastError: "answered 503", Unreachable: true, Dead: true, Died: then}})
}
