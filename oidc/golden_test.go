package oidc_test

import (
	"testing"
	"time"

	"barillet/oidc"
	"barillet/oidc/token"
	"barillet/store"
	"barillet/store/storetest"
)

func TestRecords_DecodeEveryVersion(t *testing.T) {
	then := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	age := int64(60)
	auth := token.AuthContext{User: "uabc", Login: "lea", Session: "5e55", SID: "5e", Epoch: 5, Since: then, Until: then.Add(24 * time.Hour), AuthTime: then,
		AMR: []string{"pwd", "otp", "mfa"}, ACR: "phr"}
	storetest.Golden(t, store.AuthRequests, nil, oidc.AuthorizationRequest{Client: "c1", Redirect: "https://app.example/cb", State: "s", Nonce: "n", Scopes: []string{"openid"},
		Prompt: []string{"login"}, MaxAge: &age, ACRs: []string{"phr"}, Challenge: "x", Hint: "lea", Subject: "uabc", UserinfoClaims: []string{"name"}, IDTokenClaims: []string{"email"},
		ConsentSession: "5e55", Device: "de", Pushed: "a=b", User: "uabc", Created: then, Expires: then})
	storetest.Golden(t, store.UserCodes, nil, oidc.UserCode{Client: "c1", MAC: []byte{1, 2}, Scopes: []string{"openid"}, Created: then, Expires: then, Polled: then,
		Interval: 5 * time.Second, Denied: true, Approval: &auth})
}
