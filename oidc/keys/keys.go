package keys

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// The algorithms for ID tokens; a client chooses one (promise O2). none and HS256 are never used.
const (
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

var Algorithms = []string{RS256, ES256, EdDSA}

// How long keys live (promise O2).
const (
	rotateAfter   = 90 * 24 * time.Hour
	publishBefore = 24 * time.Hour     // a key is published this long before it signs
	publishAfter  = 7 * 24 * time.Hour // and this long after it is replaced: longer than its tokens are valid
)

// Config has the dependencies of a Service. All are required.
type Config struct {
	Store    store.Store
	Keyring  *store.Keyring
	Accounts *account.Service
	Now      func() time.Time
}

// Service signs and verifies tokens. It is safe for concurrent use.
type Service struct {
	Config
	sets  store.Table[Set]
	cache keyCache
}

// New returns a Service. It does not access the store.
func New(c Config) *Service {
	return &Service{Config: c, sets: store.NewTable[Set](c.Keyring, store.SignKeys)}
}

func (s *Service) now() time.Time { return s.Now().UTC() }

// Set is the keys of one algorithm, oldest first. The last key whose NotBefore has passed signs.
type Set struct {
	Keys []Key `json:"keys"`
}

// Key is a signing key. It is published from its creation until publishAfter past the NotBefore of its successor.
type Key struct {
	ID        string    `json:"id"` // kid
	Private   []byte    `json:"private"`
	Created   time.Time `json:"created"`
	NotBefore time.Time `json:"notBefore" since:"Created"`
}

// due reports whether a further key is due, and returns the time from which it signs.
func (r Set) due(now time.Time, early bool) (from time.Time, due bool) {
	if len(r.Keys) == 0 {
		return now, true // no client can have read the keys yet: the first key signs at once
	}
	last := r.Keys[len(r.Keys)-1]
	if from = last.NotBefore.Add(rotateAfter); from.Before(now.Add(publishBefore)) || early {
		from = now.Add(publishBefore)
	}
	waiting := last.NotBefore.After(now)
	return from, !waiting && (early || !now.Before(last.NotBefore.Add(rotateAfter-publishBefore)))
}

// pruned returns the set without the keys whose tokens have all expired.
func (r Set) pruned(now time.Time) Set {
	for len(r.Keys) > 1 && !now.Before(r.Keys[1].NotBefore.Add(publishAfter)) {
		r.Keys = r.Keys[1:]
	}
	return r
}

// current returns the key that signs now.
func (r Set) current(now time.Time) Key {
	for _, k := range slices.Backward(r.Keys) {
		if !k.NotBefore.After(now) {
			return k
		}
	}
	return r.Keys[0] // the clock was set back
}

// Maintain creates the keys that are due and deletes the keys that are no longer needed, for every algorithm. Call it
// at the start and every hour.
func (s *Service) Maintain(ctx context.Context) error {
	for _, alg := range Algorithms {
		if _, err := s.rotateIfDue(ctx, alg, nil); err != nil {
			return err
		}
	}
	return nil
}

// State describes a published key.
type State struct {
	ID        string // kid
	Alg       string
	Created   time.Time
	NotBefore time.Time // from when it signs
	Signs     bool      // it signs now
}

// List returns the published keys, by algorithm, oldest first.
func (s *Service) List(ctx context.Context) ([]State, error) {
	out, now := []State{}, s.now()
	for _, alg := range Algorithms {
		set, err := s.rotateIfDue(ctx, alg, nil)
		if err != nil {
			return nil, err
		}
		for _, k := range set.Keys {
			out = append(out, State{k.ID, alg, k.Created, k.NotBefore, k.ID == set.current(now).ID})
		}
	}
	return out, nil
}

// Rotate creates a further key for every algorithm that has none waiting. It signs after publishBefore.
func (s *Service) Rotate(ctx context.Context, req account.RequestInfo, actor audit.Actor) error {
	for _, alg := range Algorithms {
		if _, err := s.rotateIfDue(ctx, alg, &rotation{req, actor}); err != nil {
			return err
		}
	}
	return nil
}

// rotation is a request for a further key before it is due.
type rotation struct {
	req   account.RequestInfo
	actor audit.Actor
}

// rotateIfDue returns the current set of an algorithm, and stores it if it has changed. by requests a further key; it
// may be nil.
func (s *Service) rotateIfDue(ctx context.Context, alg string, by *rotation) (Set, error) {
	early := by != nil
	now := s.now()
	var set Set
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		set, err = s.loadSet(snap, alg)
		return err
	})
	if err != nil {
		return set, err
	}
	_, due := set.due(now, early)
	if !due && len(set.pruned(now).Keys) == len(set.Keys) {
		return set, nil
	}
	fresh, err := newKey(alg, now) // outside the Update: it takes up to a second
	if err != nil {
		return set, err
	}
	op := s.Accounts.NewOperation(account.RequestInfo{})
	if by != nil {
		op = s.Accounts.NewOperation(by.req)
	}
	_, err = account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) { // no private key is its outcome
		none := struct{}{}
		if set, err = s.loadSet(tx.Raw, alg); err != nil {
			return none, err
		}
		set = set.pruned(now)
		if from, due := set.due(now, early); due { // otherwise another Update has added it
			k := fresh
			k.NotBefore = from
			set.Keys = append(slices.Clone(set.Keys), k)
			if by != nil {
				e := audit.Event{Actor: by.actor, Action: audit.AppKeysRotated, Outcome: audit.Success, Detail: map[string]string{"alg": alg, "kid": k.ID}}
				if err := tx.Audit(e); err != nil {
					return none, err
				}
			}
		}
		return none, s.sets.Put(tx.Raw, alg, set)
	})
	return set, err
}

func (s *Service) loadSet(r store.Reader, alg string) (Set, error) {
	set, err := store.GetShared(s.sets, r, alg)
	if _, err = store.Found(err); err != nil {
		return Set{}, fmt.Errorf("loading the signing keys for %s: %w", alg, err)
	}
	return set, nil
}

func newKey(alg string, now time.Time) (Key, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case RS256:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = errors.New("unknown algorithm")
	}
	if err != nil {
		return Key{}, fmt.Errorf("generating a signing key for %s: %w", alg, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("encoding a signing key for %s: %w", alg, err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return Key{}, fmt.Errorf("encoding a signing key for %s: %w", alg, err)
	}
	sum := sha256.Sum256(public)
	return Key{ID: hex.EncodeToString(sum[:12]), Private: der, Created: now}, nil
}

// keyCache holds decoded keys.
type keyCache struct {
	mu     sync.Mutex
	opened map[string]*openKey // by kid
}

// openKey is a decoded key. An RSA key keeps what it has precomputed.
type openKey struct {
	private crypto.Signer
	signers map[string]jose.Signer // by type of token; each is used concurrently
}

func (c *keyCache) open(k Key) (crypto.Signer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, err := c.openLocked(k)
	if err != nil {
		return nil, err
	}
	return o.private, nil
}

func (c *keyCache) openLocked(k Key) (*openKey, error) {
	if o := c.opened[k.ID]; o != nil {
		return o, nil
	}
	// A key that cannot be read is an error. It is never replaced by a new one.
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("reading signing key %s: %w", k.ID, err)
	}
	s, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", k.ID)
	}
	if c.opened == nil || len(c.opened) > 64 { // deleted keys leave the cache together with the others
		c.opened = map[string]*openKey{}
	}
	o := &openKey{private: s, signers: map[string]jose.Signer{}}
	c.opened[k.ID] = o
	return o, nil
}

// signer returns the signer of a key for tokens of a type.
func (c *keyCache) signer(alg, typ string, k Key) (jose.Signer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, err := c.openLocked(k)
	if err != nil {
		return nil, err
	}
	if s := o.signers[typ]; s != nil {
		return s, nil
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: o.private, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return nil, fmt.Errorf("signing with key %s: %w", k.ID, err)
	}
	o.signers[typ] = s
	return s, nil
}

// Sign signs a payload with the current key of an algorithm. typ is the type in the header of the token.
func (s *Service) Sign(ctx context.Context, alg, typ string, payload []byte) (string, error) {
	var set Set
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		set, err = s.loadSet(snap, alg)
		return err
	})
	if err == nil && len(set.Keys) == 0 {
		set, err = s.rotateIfDue(ctx, alg, nil)
	}
	if err != nil {
		return "", err
	}
	key := set.current(s.now())
	signer, err := s.cache.signer(alg, typ, key)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with key %s: %w", key.ID, err)
	}
	return signed.CompactSerialize()
}

// Published returns every key that a valid token may be signed with, and the keys that will sign soon.
func (s *Service) Published(ctx context.Context) (jose.JSONWebKeySet, error) {
	published := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, alg := range Algorithms {
		set, err := s.rotateIfDue(ctx, alg, nil)
		if err != nil {
			return published, err
		}
		for _, k := range set.Keys {
			private, err := s.cache.open(k)
			if err != nil {
				return published, err
			}
			published.Keys = append(published.Keys, jose.JSONWebKey{Key: private.Public(), KeyID: k.ID, Algorithm: alg, Use: "sig"})
		}
	}
	return published, nil
}

// The types of tokens. They prevent that one token is accepted as another.
const (
	TypeIDToken     = "JWT"
	TypeLogoutToken = "logout+jwt" // OIDC Back-Channel Logout §2.4
)

// Verify returns the payload of a token of the given type that a published key signed. It returns false for any other
// text.
func (s *Service) Verify(ctx context.Context, token, typ string) ([]byte, bool, error) {
	var allowed []jose.SignatureAlgorithm
	for _, alg := range Algorithms {
		allowed = append(allowed, jose.SignatureAlgorithm(alg))
	}
	signed, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, false, nil
	}
	set, err := s.Published(ctx)
	if err != nil {
		return nil, false, err
	}
	head := signed.Signatures[0].Header
	for _, k := range set.Key(head.KeyID) {
		if k.Algorithm != head.Algorithm || head.ExtraHeaders[jose.HeaderType] != typ {
			continue
		}
		if payload, err := signed.Verify(k); err == nil {
			return payload, true, nil
		}
	}
	return nil, false, nil
}
