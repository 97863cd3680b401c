package client

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// noSecret is compared with a secret if the client is unknown or has none. No secret has this hash.
var noSecret = strings.Repeat("0", 64)

// Credentials is the client authentication of a request (RFC 6749 §2.3): a secret, an assertion or neither.
type Credentials struct {
	ID        ID
	Secret    string // of the header or of the form
	Assertion string
}

// proof returns the kind of the credentials.
func (given Credentials) proof() proof {
	switch {
	case given.Assertion != "":
		return proofKey
	case given.Secret != "":
		return proofSecret
	}
	return proofNone
}

// proof is a kind of client authentication.
type proof int

const (
	proofNone proof = iota
	proofSecret
	proofKey
)

// proof returns how the client authenticates. A client with a secret sends it in the header or in the form, as it likes.
func (c *Client) proof() proof {
	switch c.AuthMethod {
	case AuthBasic, AuthPost:
		return proofSecret
	case AuthJWT:
		return proofKey
	}
	return proofNone
}

// ErrAuthentication is the result of a failed authentication, whether the client is unknown or the proof is wrong.
var ErrAuthentication = errors.New("client authentication failed")

// MethodError refuses a client that authenticates by another method than it is registered for. A method is no secret.
type MethodError struct{ Registered string }

func (e *MethodError) Error() string { return ErrAuthentication.Error() + ": " + e.Registered }

// wrongMethod returns the error that says how the client authenticates.
func (c *Client) wrongMethod() error {
	switch c.proof() {
	case proofSecret:
		return &MethodError{"this client is registered for " + AuthBasic + " or " + AuthPost}
	case proofKey:
		return &MethodError{"this client is registered for " + AuthJWT}
	}
	return &MethodError{"this client is registered without a secret, for the method " + AuthNone}
}

// ErrTooMany refuses a client that has sent too many assertions, from any number of networks.
var ErrTooMany = errors.New("too many assertions")

// Authenticate returns the client of credentials, a *MethodError, ErrAuthentication or ErrTooMany. A wrong
// secret costs the same work as an unknown client. An assertion names its client in clear.
func (s *Service) Authenticate(ctx context.Context, given Credentials) (*Client, error) {
	if given.proof() == proofKey {
		return s.asserted(ctx, given.Assertion, given.ID)
	}
	c, err := s.Find(ctx, given.ID)
	if err != nil {
		return nil, err
	}
	want := noSecret
	if c != nil && c.Secret != "" {
		want = c.Secret
	}
	right := subtle.ConstantTimeCompare([]byte(secret.From(given.Secret).Hash()), []byte(want)) == 1
	switch {
	case c == nil:
		return nil, ErrAuthentication
	case c.proof() != given.proof():
		return nil, c.wrongMethod()
	case c.proof() == proofNone:
		return c, nil
	case !right:
		return nil, ErrAuthentication
	}
	return c, nil
}

// assertionClaims are the claims of an assertion (RFC 7523 §3).
type assertionClaims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience jwt.Audience     `json:"aud"`
	ID       string           `json:"jti"`
	Issued   *jwt.NumericDate `json:"iat"`
	Expires  *jwt.NumericDate `json:"exp"`
	Before   *jwt.NumericDate `json:"nbf"`
}

// Assertion is an assertion that was used, stored below the SHA-256 of its issuer and jti until it expires.
type Assertion struct {
	Client  ID        `json:"client"`
	Expires time.Time `json:"expires" ahead:"any"` // an earlier end would allow a replay
}

// Sweep returns the sweep of assertions that have expired.
func (s *Service) Sweep() store.TableSweep {
	return store.NewSweep(s.assertions, func(a Assertion) bool { return !s.now().Before(a.Expires) })
}

// maxAssertionTTL limits how long the jti of an assertion is stored.
const maxAssertionTTL = 10 * time.Minute

// AssertionAlgs returns the algorithms that an assertion may be signed with.
func AssertionAlgs() []string { return []string{"RS256", "PS256", "ES256", "EdDSA"} }

// asserted returns the client of a signed assertion. An assertion is accepted once.
func (s *Service) asserted(ctx context.Context, token string, named ID) (*Client, error) {
	var allowed []jose.SignatureAlgorithm
	for _, alg := range AssertionAlgs() {
		allowed = append(allowed, jose.SignatureAlgorithm(alg))
	}
	signed, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, ErrAuthentication
	}
	var claims assertionClaims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &claims) != nil || named != "" && string(named) != claims.Issuer {
		return nil, ErrAuthentication
	}
	c, err := s.Find(ctx, ID(claims.Issuer))
	if err != nil {
		return nil, err
	}
	switch {
	case c == nil:
		return nil, ErrAuthentication
	case c.proof() != proofKey:
		return nil, c.wrongMethod()
	case !signedBy(signed, s.assertionKeys(ctx, c, signed.Signatures[0].Header.KeyID)):
		return nil, ErrAuthentication
	}
	now := s.now()
	if why := s.serviceFault(&claims, now); why != "" && c.IsService() {
		return nil, &AssertionError{why}
	}
	expires := claims.Expires.Time() // the zero time if it is missing
	accepted := func(aud string) bool { return slices.Contains(s.Audiences, aud) }
	switch {
	case claims.Subject != claims.Issuer || claims.ID == "" || len(claims.ID) > 256 || !all(claims.Audience, accepted),
		!now.Before(expires) || expires.After(now.Add(maxAssertionTTL)), claims.Before.Time().After(now.Add(clockTolerance)):
		return nil, ErrAuthentication
	}
	if err := s.acceptOnce(ctx, c, secret.From(claims.Issuer+" "+claims.ID).Hash(), now, expires); err != nil {
		return nil, err
	}
	return c, nil
}

// acceptOnce stores the key of an assertion, which is accepted once (RFC 7523 §3 point 7). One that was used does not count against the
// limit: an attacker repeats it.
func (s *Service) acceptOnce(ctx context.Context, c *Client, key string, now, expires time.Time) error {
	used := func(r store.Reader) (bool, error) {
		_, err := s.assertions.Get(r, key)
		return store.Found(err)
	}
	var known bool
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		known, err = used(snap)
		return err
	})
	if err == nil && !known {
		if ok, _, _ := s.limiter.Take(now, throttle.Assertions, string(c.ID)); !ok {
			return ErrTooMany
		}
		known, err = store.Do(ctx, s.Store, func(tx store.Tx) (bool, error) {
			if known, err := used(tx); known || err != nil {
				return known, err
			}
			return false, s.assertions.Put(tx, key, Assertion{Client: c.ID, Expires: expires})
		})
	}
	switch {
	case err != nil:
		return fmt.Errorf("storing an assertion: %w", err)
	case known:
		return ErrAuthentication
	}
	return nil
}

// all reports whether an assertion is for this service only. Another recipient could otherwise use it here first.
func all(audience []string, accepted func(string) bool) bool {
	return len(audience) > 0 && !slices.ContainsFunc(audience, func(aud string) bool { return !accepted(aud) })
}

// acceptableKey reports whether a key may sign assertions. A weak key proves nothing; a huge one costs seconds for
// each request in the name of its client.
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

// signedBy reports whether one of keys made the signature. Keys in the header are ignored.
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
