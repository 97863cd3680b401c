package client

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

// Fetcher reads the JWK Set that a client publishes. It must check where the address leads, follow no redirect, and
// limit time and size (protocol rule 30).
type Fetcher func(ctx context.Context, url string) ([]byte, error)

const (
	publishedTTL         = time.Hour      // how long a JWK Set is used without reading it again
	publishedMinInterval = time.Minute    // between two attempts
	publishedMaxAge      = 24 * time.Hour // how long a JWK Set is used if it cannot be read again
	maxPublished         = 256            // number of JWK Sets in memory
)

// publishedKeys holds the JWK Sets that clients publish, by address. The zero value is empty.
type publishedKeys struct {
	mu   sync.Mutex
	sets map[string]*publishedSet
}

type publishedSet struct {
	mu        sync.Mutex // held during a read: other callers wait for its result
	keys      []jose.JSONWebKey
	fetched   time.Time // zero if never
	attempted time.Time
}

func (r *publishedKeys) at(url string) *publishedSet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets[url] == nil {
		if r.sets == nil || len(r.sets) >= maxPublished { // all are dropped; those in use are read again
			r.sets = map[string]*publishedSet{}
		}
		r.sets[url] = &publishedSet{}
	}
	return r.sets[url]
}

// assertionKeys returns the keys that may sign an assertion of the client. A published JWK Set is read again if it is
// old or lacks the key kid, at most once a minute: the sender of an assertion need not be the client.
func (s *Service) assertionKeys(ctx context.Context, c *Client, kid string) []jose.JSONWebKey {
	if c.KeysURI == "" {
		keys, _ := publicKeys(c.Keys) // they were checked at registration
		return keys
	}
	if s.Fetch == nil {
		return nil
	}
	set, now := s.remote.at(c.KeysURI), s.now()
	set.mu.Lock()
	defer set.mu.Unlock()
	age := now.Sub(set.fetched)
	old := set.fetched.IsZero() || age < 0 || age >= publishedTTL
	named := slices.ContainsFunc(set.keys, func(k jose.JSONWebKey) bool { return k.KeyID == kid })
	if (old || !named) && (set.attempted.IsZero() || now.Before(set.attempted) || now.Sub(set.attempted) >= publishedMinInterval) {
		set.attempted = now
		// A caller that cancels must neither prevent the attempt nor make another one possible.
		keys, err := s.fetchKeys(context.WithoutCancel(ctx), c.KeysURI)
		if err == nil {
			set.keys, set.fetched, age = keys, now, 0
		} else {
			s.Errors.LogAttrs(ctx, slog.LevelWarn, "an application's keys cannot be read", slog.String("client", string(c.ID)), slog.Any("error", err))
		}
	}
	if age >= publishedMaxAge {
		return nil
	}
	return set.keys
}

func (s *Service) fetchKeys(ctx context.Context, url string) ([]jose.JSONWebKey, error) {
	body, err := s.Fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	keys, ok := publicKeys(body)
	if !ok {
		return nil, fmt.Errorf("reading a JWK Set: invalid JSON")
	}
	return keys, nil
}

// publicKeys returns the acceptable keys of a JWK Set, at most maxKeys (RFC 7517 §5). It returns false for any other
// text.
func publicKeys(raw []byte) ([]jose.JSONWebKey, bool) {
	var loose struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &loose) != nil || loose.Keys == nil {
		return nil, false
	}
	var out []jose.JSONWebKey
	for _, one := range loose.Keys {
		var k jose.JSONWebKey
		if json.Unmarshal(one, &k) == nil && k.Valid() && k.IsPublic() && acceptableKey(k) && len(out) < maxKeys {
			out = append(out, k)
		}
	}
	return out, true
}
