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

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// The algorithms that ID tokens are signed with, as a client chooses (BAR O2). none and HS256 never.
const (
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

var Algorithms = []string{RS256, ES256, EdDSA}

// How long keys live (promise O2).
const (
	rotateAfter   = 90 * 24 * time.Hour
	publishBefore = 24 * time.Hour     // how long a key is published before it signs
	publishAfter  = 7 * 24 * time.Hour // and after: longer than any token that it signed is valid
)

// Config has the dependencies of a Service. All are required.
type Config struct {
	Store    store.Store
	Keyring  *store.Keyring
	Accounts *authn.Service
	Now      func() time.Time
}

// Service signs and verifies tokens. It is safe for concurrent use.
type Service struct {
	Config
	rings store.Table[Set]
	cache keyCache
}

// New returns a Service. It does not access the store.
func New(c Config) *Service {
	return &Service{Config: c, rings: store.NewTable[Set](c.Keyring, store.SignKeys)}
}

func (s *Service) now() time.Time { return s.Now().UTC() }

// Set is the keys of one algorithm, oldest first. The last one whose From has come signs.
type Set struct {
	Keys []Key `json:"keys"`
}

// Key is one key. It is published from the moment it is made and until publishAfter past its successor's From.
type Key struct {
	ID        string    `json:"id"` // kid
	Private   []byte    `json:"private"`
	Created   time.Time `json:"created"`
	NotBefore time.Time `json:"notBefore"`
}

// due tells whether a further key is due, and from when it signs.
func (r Set) due(now time.Time, early bool) (from time.Time, due bool) {
	if len(r.Keys) == 0 {
		return now, true // nobody can have the keys yet: the first one signs at once
	}
	last := r.Keys[len(r.Keys)-1]
	if from = last.NotBefore.Add(rotateAfter); from.Before(now.Add(publishBefore)) || early {
		from = now.Add(publishBefore)
	}
	waiting := last.NotBefore.After(now)
	return from, !waiting && (early || !now.Before(last.NotBefore.Add(rotateAfter-publishBefore)))
}

// pruned is the ring without keys whose last token is long over.
func (r Set) pruned(now time.Time) Set {
	for len(r.Keys) > 1 && !now.Before(r.Keys[1].NotBefore.Add(publishAfter)) {
		r.Keys = r.Keys[1:]
	}
	return r
}

// current is the key that signs now.
func (r Set) current(now time.Time) Key {
	for _, k := range slices.Backward(r.Keys) {
		if !k.NotBefore.After(now) {
			return k
		}
	}
	return r.Keys[0] // a clock that was set back
}

// Maintain makes what is due and removes what is over, of every algorithm; call it at the start and each hour.
func (s *Service) Maintain(ctx context.Context) error {
	for _, alg := range Algorithms {
		if _, err := s.rotateIfDue(ctx, alg, nil); err != nil {
			return err
		}
	}
	return nil
}

// State is a signing key as operators see it.
type State struct {
	ID        string // kid
	Alg       string
	Created   time.Time
	NotBefore time.Time // when it signs
	Signs     bool      // now
}

// List lists what is published, by algorithm, the oldest first.
func (s *Service) List(ctx context.Context) ([]State, error) {
	out, now := []State{}, s.now()
	for _, alg := range Algorithms {
		ring, err := s.rotateIfDue(ctx, alg, nil)
		if err != nil {
			return nil, err
		}
		for _, k := range ring.Keys {
			out = append(out, State{k.ID, alg, k.Created, k.NotBefore, k.ID == ring.current(now).ID})
		}
	}
	return out, nil
}

// Rotate has a further key of every algorithm sign from a day from now on, whatever their age. One that waits
// already is enough.
func (s *Service) Rotate(ctx context.Context, from authn.Origin, actor audit.Actor) error {
	for _, alg := range Algorithms {
		if _, err := s.rotateIfDue(ctx, alg, &rotation{from, actor}); err != nil {
			return err
		}
	}
	return nil
}

// rotation is a request for a further key before its time.
type rotation struct {
	from  authn.Origin
	actor audit.Actor
}

// rotateIfDue gives the ring of an algorithm as it is to be now, and stores it if that is news. by is who wants a further key
// before its time; nil: nobody does.
func (s *Service) rotateIfDue(ctx context.Context, alg string, by *rotation) (Set, error) {
	early := by != nil
	now := s.now()
	var ring Set
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		ring, err = s.ring(snap, alg)
		return err
	})
	if err != nil {
		return ring, err
	}
	_, due := ring.due(now, early)
	if !due && len(ring.pruned(now).Keys) == len(ring.Keys) {
		return ring, nil
	}
	fresh, err := newKey(alg, now) // outside the Update: it takes up to a second
	if err != nil {
		return ring, err
	}
	act := s.Accounts.NewAct(authn.Origin{})
	if by != nil {
		act = s.Accounts.NewAct(by.from)
	}
	return authn.Do(ctx, s.Accounts, act, func(w *authn.Work) (Set, error) {
		ring, err := s.ring(w.Tx, alg)
		if err != nil {
			return ring, err
		}
		ring = ring.pruned(now)
		if from, due := ring.due(now, early); due { // else somebody else was faster
			k := fresh
			k.NotBefore = from
			ring.Keys = append(slices.Clone(ring.Keys), k)
			if by != nil {
				e := audit.Event{Actor: by.actor, Action: audit.AppKeysRotated, Outcome: audit.Success, Detail: map[string]string{"alg": alg, "kid": k.ID}}
				if err := w.Audit(e); err != nil {
					return ring, err
				}
			}
		}
		return ring, s.rings.Put(w.Tx, alg, ring)
	})
}

func (s *Service) ring(r store.Reader, alg string) (Set, error) {
	ring, err := s.cache.read(s.rings, r, alg)
	if _, err = store.Found(err); err != nil {
		return Set{}, fmt.Errorf("reading the signing keys of %s: %w", alg, err)
	}
	return ring, nil
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
		return Key{}, fmt.Errorf("making a signing key of %s: %w", alg, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("encoding a signing key of %s: %w", alg, err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return Key{}, fmt.Errorf("encoding a signing key of %s: %w", alg, err)
	}
	sum := sha256.Sum256(public)
	return Key{ID: hex.EncodeToString(sum[:12]), Private: der, Created: now}, nil
}

// keyCache keeps rings and keys opened: a ring is read anew only when other bytes stand in the store.
type keyCache struct {
	mu     sync.Mutex
	kept   map[string]*store.Kept[Set]
	opened map[string]crypto.Signer // by kid
}

func (c *keyCache) read(table store.Table[Set], r store.Reader, alg string) (Set, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]*store.Kept[Set]{}
	}
	if c.kept[alg] == nil {
		c.kept[alg] = &store.Kept[Set]{}
	}
	return table.GetKept(r, alg, c.kept[alg])
}

func (c *keyCache) open(k Key) (crypto.Signer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.opened[k.ID]; s != nil {
		return s, nil
	}
	// A key that cannot be read is a reason to stop, never to make a new one.
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, fmt.Errorf("reading signing key %s: %w", k.ID, err)
	}
	s, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("signing key %s cannot sign", k.ID)
	}
	if c.opened == nil || len(c.opened) > 64 { // pruned keys are forgotten together
		c.opened = map[string]crypto.Signer{}
	}
	c.opened[k.ID] = s
	return s, nil
}

// Sign signs a payload with the present key of an algorithm.
func (s *Service) Sign(ctx context.Context, alg, typ string, payload []byte) (string, error) {
	var ring Set
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		ring, err = s.ring(snap, alg)
		return err
	})
	if err == nil && len(ring.Keys) == 0 {
		ring, err = s.rotateIfDue(ctx, alg, nil)
	}
	if err != nil {
		return "", err
	}
	key := ring.current(s.now())
	private, err := s.cache.open(key)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg),
		Key: jose.JSONWebKey{Key: private, KeyID: key.ID}}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", fmt.Errorf("signing with key %s: %w", key.ID, err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing with key %s: %w", key.ID, err)
	}
	return signed.CompactSerialize()
}

// Published is every key that a token may be signed with now, before long, or not long ago.
func (s *Service) Published(ctx context.Context) (jose.JSONWebKeySet, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, alg := range Algorithms {
		ring, err := s.rotateIfDue(ctx, alg, nil)
		if err != nil {
			return set, err
		}
		for _, k := range ring.Keys {
			private, err := s.cache.open(k)
			if err != nil {
				return set, err
			}
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: private.Public(), KeyID: k.ID, Algorithm: alg, Use: "sig"})
		}
	}
	return set, nil
}

// The kinds of what we sign, so that none is taken for another.
const (
	TypeIDToken     = "JWT"
	TypeLogoutToken = "logout+jwt" // OpenID Connect Back-Channel Logout 1.0 section 2.4
)

// Verify is the payload of a token of this kind that we signed ourselves; false for anything else.
func (s *Service) Verify(ctx context.Context, token, kind string) ([]byte, bool, error) {
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
		if k.Algorithm != head.Algorithm || head.ExtraHeaders[jose.HeaderType] != kind {
			continue
		}
		if payload, err := signed.Verify(k); err == nil {
			return payload, true, nil
		}
	}
	return nil, false, nil
}
