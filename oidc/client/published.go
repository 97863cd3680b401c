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

// Fetcher reads what an application publishes. The one way out checks where the address leads, follows no redirect, and
// limits time and size (PROTOCOL 30).
type Fetcher func(ctx context.Context, url string) ([]byte, error)

const (
	publishedTTL         = time.Hour      // how long published keys are taken as they are
	publishedMinInterval = time.Minute    // between two questions, whatever is asked of us meanwhile
	publishedMaxAge      = 24 * time.Hour // how long keys count that cannot be read anew: a key that was taken back ends then
	maxPublished         = 256            // addresses remembered
)

// publishedKeys are the keys that clients publish, by address. The zero value is empty.
type publishedKeys struct {
	mu   sync.Mutex
	sets map[string]*publishedSet
}

type publishedSet struct {
	mu        sync.Mutex // held while it is read: others wait for that answer rather than ask again
	keys      []jose.JSONWebKey
	fetched   time.Time // zero: never
	attempted time.Time
}

func (r *publishedKeys) at(url string) *publishedSet {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sets[url] == nil {
		if r.sets == nil || len(r.sets) >= maxPublished { // forgotten together: what is needed is read again
			r.sets = map[string]*publishedSet{}
		}
		r.sets[url] = &publishedSet{}
	}
	return r.sets[url]
}

// assertionKeys are the keys that an assertion of the client may be signed by: those that it registered, or those that it
// publishes. These are read anew when they are old, or when they have none of that name, as after a rotation: then at
// most once a minute, for whoever sends assertions need not be the client.
func (s *Service) assertionKeys(ctx context.Context, c *Client, kid string) []jose.JSONWebKey {
	if c.KeysURI == "" {
		keys, _ := publicKeys(c.Keys) // what was registered was judged then
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
		keys, err := s.fetchKeys(ctx, c.KeysURI)
		if err == nil {
			set.keys, set.fetched, age = keys, now, 0
		} else if ctx.Err() != nil { // the caller went away: nothing was learnt
			set.attempted = time.Time{}
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
		return nil, fmt.Errorf("reading a JWK Set: what was sent is none")
	}
	return keys, nil
}

// publicKeys reads a JWK Set, as many keys as a client may register; those that prove nothing here are left out (RFC
// 7517 section 5). false: it is none.
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
