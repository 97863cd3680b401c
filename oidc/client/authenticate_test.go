package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"barillet/oidc/client"
)

// assertion returns a signed assertion of a client.
func assertion(t *testing.T, key ed25519.PrivateKey, claims string) client.Credentials {
	t.Helper()
	return signed(t, jose.EdDSA, key, claims)
}

func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, claims string) client.Credentials {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return client.Credentials{Assertion: compact}
}

func newKey(t *testing.T) (ed25519.PrivateKey, json.RawMessage) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k1", Algorithm: "EdDSA", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return private, set
}

// RFC 7519 §2 allows a NumericDate that is not an integer.
func TestAuthenticate_ReadsDatesOfAssertion(t *testing.T) {
	h, s := open(t)
	key, set := newKey(t)
	c, err := s.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, AuthMethod: client.AuthJWT, Keys: set})
	if err != nil {
		t.Fatal(err)
	}
	now := h.Clock.Now().Unix()
	for i, test := range []struct {
		dates string
		want  bool
	}{
		{fmt.Sprintf(`"exp":%d`, now+60), true},
		{fmt.Sprintf(`"exp":%d.5,"nbf":%d.25`, now+60, now), true},
		{fmt.Sprintf(`"exp":%d.5`, now-1), false},
		{fmt.Sprintf(`"exp":%d,"nbf":9223372036854775807`, now+60), false},
		{fmt.Sprintf(`"exp":"%d"`, now+60), false},
		{`"exp":9223372036854775807`, false},
		{`"exp":null`, false},
		{`"iat":0`, false},
	} {
		given := assertion(t, key, fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":"%d",%s}`, c.ID, i, test.dates))
		got, err := s.Authenticate(t.Context(), given)
		if (got != nil) != test.want || !test.want && !errors.Is(err, client.ErrAuthentication) {
			t.Errorf("%s: got %v, %v, want accepted %t", test.dates, got, err, test.want)
		}
	}
}

// A key that is registered for one algorithm signs no assertion by another.
func TestAuthenticate_KeepsTheAlgorithmOfAKey(t *testing.T) {
	h, s := open(t)
	key, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &key.PublicKey, KeyID: "k1", Algorithm: "PS256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, AuthMethod: client.AuthJWT, Keys: set})
	if err != nil {
		t.Fatal(err)
	}
	for alg, want := range map[jose.SignatureAlgorithm]bool{jose.PS256: true, jose.RS256: false} {
		claims := fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":%q,"exp":%d}`, c.ID, alg, h.Clock.Now().Unix()+60)
		if got, err := s.Authenticate(t.Context(), signed(t, alg, key, claims)); (got != nil) != want {
			t.Errorf("%s: got %v, %v, want accepted %t", alg, got, err, want)
		}
	}
}

// The sender of an assertion need not be the client. It must not cause more requests by giving up each time.
func TestAuthenticate_ReadsPublishedKeysOnceForCancelledRequests(t *testing.T) {
	h, s := open(t)
	key, set := newKey(t)
	fetched, cancel := 0, func() {}
	s.Fetch = func(ctx context.Context, _ string) ([]byte, error) {
		fetched++
		cancel()
		return set, ctx.Err()
	}
	c, err := s.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, AuthMethod: client.AuthJWT,
		KeysURI: "https://app.example/keys"})
	if err != nil {
		t.Fatal(err)
	}
	claims := fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":"1","exp":%d}`, c.ID, h.Clock.Now().Add(time.Minute).Unix())
	given := assertion(t, key, claims)
	for range 3 {
		var ctx context.Context
		ctx, cancel = context.WithCancel(t.Context())
		_, _ = s.Authenticate(ctx, given) // the result depends on the store, which may notice the end of ctx
		cancel()
	}
	if fetched != 1 {
		t.Errorf("got %d requests for the keys, want 1", fetched)
	}
}
