package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"barillet/store"
)

// lastSeenCache holds when sessions were last used, so that a check never waits for a write.
type lastSeenCache struct {
	mu sync.Mutex
	at map[string]time.Time // by record hash; those that are newer than the record
}

func (t *lastSeenCache) set(hash string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil {
		t.at = map[string]time.Time{}
	}
	t.at[hash] = now
}

func (t *lastSeenCache) get(hash string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[hash]
}

func (t *lastSeenCache) snapshot() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.at)
}

// remove forgets what the records now say themselves; a use that came meanwhile stays.
func (t *lastSeenCache) remove(batch map[string]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for hash, at := range batch {
		if !t.at[hash].After(at) {
			delete(t.at, hash)
		}
	}
}

// FlushLastSeen writes down when sessions were last used; call it once a minute and at the end. What a crash
// loses is that minute.
func (s *Service) FlushLastSeen(ctx context.Context) error {
	batch := map[string]time.Time{}
	flush := func() error {
		err := s.Accounts.Store.Update(ctx, func(tx store.Tx) error {
			for hash, at := range batch {
				ses, err := s.sessions.Get(tx, hash)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if !at.After(ses.LastSeen) {
					continue
				}
				ses.LastSeen = at
				if err := s.sessions.Put(tx, hash, ses); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil { // kept in memory: a full disk signs nobody out (BAR D7)
			return fmt.Errorf("storing when sessions were used: %w", err)
		}
		s.lastSeen.remove(batch)
		clear(batch)
		return nil
	}
	for hash, at := range s.lastSeen.snapshot() {
		if batch[hash] = at; len(batch) == 32 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}
