package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"barillet/authn"
	"barillet/store"
)

// noSecret is what the secret of a client that has none, or of none at all, is compared with: the hash of nothing
// that anybody can send.
var noSecret = strings.Repeat("0", 64)

// credentials is the client authentication of a request (RFC 6749 §2.3).
type credentials struct {
	id        ClientID
	secret    string
	assertion string
	method    string
}

// readCredentials reads how a client authenticates. A request must not use more than one method.
func readCredentials(r *http.Request, form url.Values) (credentials, error) {
	c := credentials{id: ClientID(form.Get("client_id")), secret: form.Get("client_secret"), assertion: form.Get("client_assertion"), method: AuthNone}
	methods := 0
	if c.assertion != "" {
		c.method, methods = AuthJWT, methods+1
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			return c, invalidRequest("client_assertion_type is not supported")
		}
	}
	if c.secret != "" {
		c.method, methods = AuthPost, methods+1
	}
	if r.Header.Get("Authorization") != "" {
		c.method, methods = AuthBasic, methods+1
		id, secret, ok := r.BasicAuth()
		id, badID := url.QueryUnescape(id) // RFC 6749 §2.3.1
		secret, badSecret := url.QueryUnescape(secret)
		if !ok || badID != nil || badSecret != nil {
			return c, invalidClient()
		}
		c.id, c.secret = ClientID(id), secret
	}
	switch {
	case methods > 1:
		return c, invalidRequest("client authentication must not use more than one method")
	case methods == 0 && r.URL.Path == PathIntrospect: // RFC 7662 §2.1: the caller must authenticate
		return c, invalidClient()
	case c.id == "" && c.assertion == "":
		return c, invalidRequest("client_id is missing")
	}
	return c, nil
}

// authenticate returns the client of credentials. Every failure has the same answer and costs the same work, except for
// an assertion, which names its client in clear.
func (p *Provider) authenticate(ctx context.Context, given credentials) (*Client, error) {
	if given.method == AuthJWT {
		return p.asserted(ctx, given.assertion, given.id)
	}
	c, err := p.findClient(ctx, given.id)
	if err != nil {
		return nil, err
	}
	want := noSecret
	if c != nil && c.Secret != "" {
		want = c.Secret
	}
	right := subtle.ConstantTimeCompare([]byte(authn.SecretOf(given.secret).Hash()), []byte(want)) == 1
	switch {
	case c == nil || c.Auth != given.method: // only by the method that it registered
		return nil, invalidClient()
	case given.method != AuthNone && !right:
		return nil, invalidClient()
	}
	return c, nil
}

// assertion is the claims of RFC 7523 section 3.
type assertion struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
	ID       string       `json:"jti"`
	Expires  int64        `json:"exp"`
	Before   int64        `json:"nbf"`
}

// maxAssertionTTL is how far in the future an assertion may end: as long its id is remembered.
const maxAssertionTTL = 10 * time.Minute

func assertionAlgs() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// asserted takes a signed assertion of a client, once.
func (p *Provider) asserted(ctx context.Context, token string, named ClientID) (*Client, error) {
	var allowed []jose.SignatureAlgorithm
	for _, alg := range assertionAlgs() {
		allowed = append(allowed, jose.SignatureAlgorithm(alg))
	}
	signed, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, invalidClient()
	}
	var said assertion
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &said) != nil || named != "" && string(named) != said.Issuer {
		return nil, invalidClient()
	}
	c, err := p.findClient(ctx, ClientID(said.Issuer))
	if err != nil {
		return nil, err
	}
	if c == nil || c.Auth != AuthJWT || !signedBy(signed, p.AssertionKeys(ctx, c, signed.Signatures[0].Header.KeyID)) {
		return nil, invalidClient()
	}
	now := p.now()
	expires := time.Unix(said.Expires, 0)
	ours := func(aud string) bool { return aud == p.Issuer || aud == p.Issuer+PathToken || aud == p.Issuer+PathPush }
	switch {
	case said.Subject != said.Issuer || said.ID == "" || len(said.ID) > 256 || !all(said.Audience, ours),
		!now.Before(expires) || expires.After(now.Add(maxAssertionTTL)), time.Unix(said.Before, 0).After(now.Add(time.Minute)):
		return nil, invalidClient()
	}
	// RFC 7523 section 3, point 7: an id is good once.
	key := "jti-" + authn.SecretOf(said.Issuer+" "+said.ID).Hash()
	fresh, err := store.Do(ctx, p.Store, func(tx store.Tx) (bool, error) {
		if _, err := p.asked.Get(tx, key); err == nil {
			return false, nil
		} else if _, err := found(err); err != nil {
			return false, err
		}
		return true, p.asked.Put(tx, key, AuthorizationRequest{Client: c.ID, Created: now, Expires: expires})
	})
	if err != nil {
		return nil, fmt.Errorf("remembering an assertion: %w", err)
	}
	if !fresh {
		return nil, invalidClient()
	}
	return c, nil
}

// all tells whether an assertion is for us and nobody else: another to whom it was sent as well could bring it here
// first.
func all(audience []string, ours func(string) bool) bool {
	return len(audience) > 0 && !slices.ContainsFunc(audience, func(aud string) bool { return !ours(aud) })
}

// acceptableKey tells whether a key is such as an assertion may be signed by: weak ones prove nothing, and huge ones cost
// us seconds for each call that anybody makes in the client's name.
func acceptableKey(k jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= 2048 && key.N.BitLen() <= 4096 && key.E > 2 && key.E < 1<<31
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return true
	}
	return false
}

// signedBy verifies a signature by a client's keys; the header's own are never looked at.
func signedBy(signed *jose.JSONWebSignature, keys []jose.JSONWebKey) bool {
	head := signed.Signatures[0].Header
	for _, k := range keys {
		if head.KeyID != "" && k.KeyID != head.KeyID || k.Algorithm != "" && k.Algorithm != head.Algorithm || !acceptableKey(k) {
			continue
		}
		if _, err := signed.Verify(k); err == nil {
			return true
		}
	}
	return false
}
