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
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/store"
)

// noSecret is what the secret of a client that has none, or of none at all, is compared with: the hash of nothing
// that anybody can send.
var noSecret = strings.Repeat("0", 64)

// VerifyClient finds out which client calls. Whatever is wrong, the answer is the same and so is the work, but for an
// assertion, whose sender names a client in public anyway.
func (s *server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	c, err := s.authenticated(ctx, r.Header, r.Data)
	if err != nil {
		return nil, s.fault(ctx, "authenticating a client", err)
	}
	return shown{c}, nil
}

func (p *Provider) authenticated(ctx context.Context, header http.Header, given *op.ClientCredentials) (*Client, error) {
	if given.ClientAssertion != "" {
		return p.asserted(ctx, given.ClientAssertion, ClientID(given.ClientID))
	}
	c, err := p.viewed(ctx, ClientID(given.ClientID))
	if err != nil {
		return nil, err
	}
	want, method := noSecret, authNone
	if given.ClientSecret != "" {
		method = authPost
	}
	if header.Get("Authorization") != "" {
		method = authBasic
	}
	if c != nil && c.Secret != "" {
		want = c.Secret
	}
	right := subtle.ConstantTimeCompare([]byte(authn.SecretOf(given.ClientSecret).Hash()), []byte(want)) == 1
	switch {
	case c == nil || c.Auth != method: // as it registered, and in no other way
		return nil, wrongClient()
	case method != authNone && !right:
		return nil, wrongClient()
	}
	return c, nil
}

// assertion is the claims of RFC 7523 section 3.
type assertion struct {
	Issuer   string            `json:"iss"`
	Subject  string            `json:"sub"`
	Audience protocol.Audience `json:"aud"`
	ID       string            `json:"jti"`
	Expires  int64             `json:"exp"`
	Before   int64             `json:"nbf"`
}

// longestAssertion is how far in the future an assertion may end: as long its id is remembered.
const longestAssertion = 10 * time.Minute

func assertionAlgs() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// asserted takes a signed assertion of a client, once.
func (p *Provider) asserted(ctx context.Context, token string, named ClientID) (*Client, error) {
	var allowed []jose.SignatureAlgorithm
	for _, alg := range assertionAlgs() {
		allowed = append(allowed, jose.SignatureAlgorithm(alg))
	}
	signed, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, wrongClient()
	}
	var said assertion
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &said) != nil || named != "" && string(named) != said.Issuer {
		return nil, wrongClient()
	}
	c, err := p.viewed(ctx, ClientID(said.Issuer))
	if err != nil {
		return nil, err
	}
	if c == nil || c.Auth != authJWT || !signedBy(signed, p.keysFor(ctx, c, signed.Signatures[0].Header.KeyID)) {
		return nil, wrongClient()
	}
	now := p.now()
	expires := time.Unix(said.Expires, 0)
	ours := func(aud string) bool { return aud == p.Issuer || aud == p.Issuer+PathToken || aud == p.Issuer+PathPush }
	switch {
	case said.Subject != said.Issuer || said.ID == "" || len(said.ID) > 256 || !all(said.Audience, ours),
		!now.Before(expires) || expires.After(now.Add(longestAssertion)), time.Unix(said.Before, 0).After(now.Add(time.Minute)):
		return nil, wrongClient()
	}
	// RFC 7523 section 3, point 7: an id is good once.
	key := "jti-" + authn.SecretOf(said.Issuer+" "+said.ID).Hash()
	fresh, err := store.Do(ctx, p.Store, func(tx store.Tx) (bool, error) {
		if _, err := p.asked.Get(tx, key); err == nil {
			return false, nil
		} else if _, err := found(err); err != nil {
			return false, err
		}
		return true, p.asked.Put(tx, key, Ask{Client: c.ID, Made: now, Expires: expires})
	})
	if err != nil {
		return nil, fmt.Errorf("remembering an assertion: %w", err)
	}
	if !fresh {
		return nil, wrongClient()
	}
	return c, nil
}

// all tells whether an assertion is for us and nobody else: another to whom it was sent as well could bring it here
// first.
func all(audience []string, ours func(string) bool) bool {
	return len(audience) > 0 && !slices.ContainsFunc(audience, func(aud string) bool { return !ours(aud) })
}

// measured tells whether a key is such as an assertion may be signed by: weak ones prove nothing, and huge ones cost
// us seconds for each call that anybody makes in the client's name.
func measured(k jose.JSONWebKey) bool {
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
		if head.KeyID != "" && k.KeyID != head.KeyID || k.Algorithm != "" && k.Algorithm != head.Algorithm || !measured(k) {
			continue
		}
		if _, err := signed.Verify(k); err == nil {
			return true
		}
	}
	return false
}
